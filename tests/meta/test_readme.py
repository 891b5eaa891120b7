"""The README's programs run, and its folders exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_first_kernel_runs_as_printed() -> None:
    names: dict[str, object] = {}
    exec(PROGRAMS[0], names)
    out = names["out"]
    assert isinstance(out, torch.Tensor)
    assert out.shape == (2, 32, 1, 128)
    assert out.isfinite().all()


def test_stages_print_as_shown() -> None:
    names: dict[str, object] = {}
    exec(PROGRAMS[0] + PROGRAMS[1], names)


def test_picture_is_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    program = next(text for text in PROGRAMS if "visualize" in text)
    exec("import pyflex\n" + program, {})
    assert f"```\n{capsys.readouterr().out}```\n" in README


def test_the_tool_runs_as_shown() -> None:
    (command,) = re.findall(r"`(build/bin/pyflex-opt .*)`", README)
    done = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=True)
    ran = set(re.findall(r"IR Dump After (\w+)", done.stderr))
    assert "FlexPackGQA" in ran
    left_out = {"ListBlocks", "CombineInCluster", "OverlapKernels", "SplitProducts", "PadProducts"}
    assert ran.isdisjoint(f"Flex{name}" for name in left_out)


def test_named_paths_exist() -> None:
    folders = re.findall(r"^\| `([a-z/_]+)", README, re.MULTILINE)
    links = re.findall(r"\]\(((?!http)[^)]+)\)", README)
    assert folders
    for path in [*folders, *links]:
        assert (ROOT / path).exists(), path
