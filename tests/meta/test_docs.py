"""The generated documentation says what the .td files say, and the guide's programs run."""

import re
import subprocess
from pathlib import Path

import pytest

from pyflex.trace.lowerings import LOWERINGS

ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, str]:
    """The text of each Markdown file of a folder, by name."""
    return {path.name: path.read_text() for path in folder.glob("*.md")}


def test_dialect_docs_are_current(tmp_path: Path) -> None:
    subprocess.run([ROOT / "tools" / "docs.sh", tmp_path], check=True)
    generated = contents(tmp_path)
    assert generated
    assert contents(ROOT / "docs" / "dialects") == generated, "run `make docs`"


def test_the_guide_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (ROOT / "docs" / "compiler.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    for command in commands.splitlines():
        command = command.replace("build/bin", str(ROOT / "build" / "bin"))
        shown = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
        assert "flex" in shown.stdout + shown.stderr


def test_the_functions_that_mods_may_use_are_in_the_table() -> None:
    listed = (ROOT / "docs" / "math.md").read_text().partition("Any other op")[0]
    names = re.findall(r"`([a-z_0-9]+)`", listed)
    known = {name.partition("::")[2] for name in map(str, LOWERINGS)}
    known |= {"logsigmoid"}  # aten::log_sigmoid_forward
    assert len(names) > 50
    assert not set(names) - known
