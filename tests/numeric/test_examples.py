"""The examples run as a reader would run them, and hold themselves to the rule."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def output(example: str) -> str:
    """What a program that ends well prints."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / example],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_demo() -> None:
    printed = output("demo.py")
    assert "TOO LARGE" not in printed
    for stage in ("traced", "flex-split-kv", "ttir", "ptx"):
        assert f"\n  {stage} " in printed


def test_generation() -> None:
    assert "20 steps on" in output("generate.py")
