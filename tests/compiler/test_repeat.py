"""The short way of a repeated call asks the same of the driver as the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_both_ways_ask_the_same(driver: Path, seed: int) -> None:
    env = {**os.environ, "LD_LIBRARY_PATH": str(driver), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, Path(__file__).parent / "repeat_cases.py", str(seed)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert counts["short"] >= 50
    assert counts["listed"] >= 5
    assert counts["clustered"] >= 5
