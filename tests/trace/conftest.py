"""Finds the compiler's command-line tool and parses text with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def pyflex_opt() -> Path:
    """pyflex-opt from PYFLEX_OPT, or from the build folder."""
    path = Path(os.environ.get("PYFLEX_OPT", ROOT / "build" / "bin" / "pyflex-opt"))
    assert path.exists(), f"{path} is not built; build it, or set PYFLEX_OPT"
    return path


@pytest.fixture(scope="session")
def parse(pyflex_opt: Path) -> Callable[..., str]:
    """Parses and verifies a module's text, and gives it back as MLIR prints it."""

    def run(text: str, *flags: str) -> str:
        result = subprocess.run(
            [str(pyflex_opt), "-", *flags], input=text, capture_output=True, text=True, timeout=120
        )
        assert result.returncode == 0, f"{result.stderr[:4000]}\n{text[:4000]}"
        return result.stdout

    return run
