"""A compiler library that is missing or is another's is an error that says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CALL = """
import torch
import pyflex
key = torch.ones(1, 1, 4, 16)
try:
    pyflex.compile()(key, key, key)
except pyflex.errors.CompilerLibraryError as error:
    assert isinstance(error, ImportError)
    print(error)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the Python package that has no library beside it."""
    ignored = shutil.ignore_patterns("_lib", "__pycache__")
    shutil.copytree(ROOT / "pyflex", tmp_path / "pyflex", ignore=ignored)
    return tmp_path


def output(folder: Path, library: Path | None) -> str:
    """What CALL prints with the package in `folder` and PYFLEX_LIBRARY set."""
    env = {name: value for name, value in os.environ.items() if name != "PYFLEX_LIBRARY"}
    env["PYTHONPATH"] = str(folder)
    if library is not None:
        env["PYFLEX_LIBRARY"] = str(library)
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_missing(package: Path) -> None:
    message = output(package, None)
    assert "the compiler's library is missing" in message
    assert "make build" in message
    assert "libpyflex.so" in message


def test_named_but_not_there(package: Path) -> None:
    assert str(package / "nowhere.so") in output(package, package / "nowhere.so")


def test_no_library_at_all(package: Path) -> None:
    text = package / "text.so"
    text.write_text("this is no library")
    assert "cannot load" in output(package, text)
