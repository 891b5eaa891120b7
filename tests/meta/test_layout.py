"""Rules that the repository keeps about its own files."""

import re
import subprocess
from pathlib import Path

import pytest

from pyflex.ttg import PASSES

ROOT = Path(__file__).resolve().parents[2]
PASS_DEFINITION = re.compile(r'^def \w+ *: *(?:Pass|InterfacePass)<\s*"([\w-]+)"', re.MULTILINE)


def tracked_files() -> list[Path]:
    """Every file that git tracks and that is still there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def pass_names() -> list[str]:
    """The name of every pass, of those that a Passes.td defines and of those in Python."""
    definitions = sorted((ROOT / "passes").rglob("Passes.td"))
    defined = [name for td in definitions for name in PASS_DEFINITION.findall(td.read_text())]
    return [*defined, *PASSES]


def lines_matching(pattern: str) -> list[str]:
    """`file:line: text` for each line of a tracked file that matches, this file aside."""
    expression = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked_files()
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if expression.search(line)
    ]


def test_no_work_is_left_for_later() -> None:
    assert lines_matching(r"\b(TODO|FIXME|XXX|HACK)\b") == []


def test_no_path_of_one_machine() -> None:
    assert lines_matching(r"""(^|[\s"'`=(:])/(work|root|tmp|home)/""") == []


def test_top_level_folders() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}
    known = {"passes", "dialect_tests", "pyflex", "tools", "tests", "benchmarks", "examples"}
    assert folders <= known | {"docs", ".ci"}


@pytest.mark.parametrize("file", ["ops.mlir", "invalid.mlir"])
def test_every_op_of_flex_is_written_down(file: str) -> None:
    """What it looks like, and what its verifier refuses if it has one."""
    text = (ROOT / "dialect_tests/flex" / file).read_text()
    definitions = (ROOT / "passes/flex/FlexOps.td").read_text().split("\ndef ")
    for definition in definitions:
        named = re.match(r'\w+ : Flex_\w+<"(\w+)"', definition)
        if named and (file == "ops.mlir" or "let hasVerifier" in definition):
            assert f"flex.{named[1]}" in text


def test_some_passes_are_defined() -> None:
    assert len(pass_names()) == len(set(pass_names())) > 0


@pytest.mark.parametrize("name", pass_names())
def test_pass_has_its_pair_of_lit_files(name: str) -> None:
    wanted = {f"{name}.mlir", f"{name}-errors.mlir"}
    found = {path.name for path in (ROOT / "dialect_tests").rglob("*.mlir")}
    assert wanted - found == set()
