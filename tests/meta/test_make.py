"""The Makefile's targets and the wheel."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_help_lists_every_target() -> None:
    # As from a shell: under `make test` the environment carries make's own flags.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=env)
    targets = {line.split()[0] for line in listed.stdout.splitlines()}
    assert targets == set("help setup build demo test lint format docs wheel bench clean".split())


@pytest.mark.slow
def test_wheel_is_self_contained(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith("pyflex-")
    assert "-py3-none-linux_" in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "pyflex").rglob("*.py")}
    assert names >= sources | {"pyflex/py.typed", "pyflex/_lib/libpyflex.so"}
    strays = {name for name in names if not name.startswith(("pyflex/", "pyflex-"))}
    assert strays == set()
    with zipfile.ZipFile(wheel) as archive:
        library = archive.extract("pyflex/_lib/libpyflex.so", tmp_path)
    listed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    needed = set(re.findall(r"\(NEEDED\).*\[(\w+)", listed.stdout))
    assert needed <= {"libc", "libm", "libstdc", "libgcc_s", "ld"}
