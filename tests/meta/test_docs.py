"""The generated documentation says what the .td files say."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, str]:
    """The text of each Markdown file of a folder, by name."""
    return {path.name: path.read_text() for path in folder.glob("*.md")}


def test_dialect_docs_are_current(tmp_path: Path) -> None:
    subprocess.run([ROOT / "tools" / "docs.sh", tmp_path], check=True)
    generated = contents(tmp_path)
    assert generated
    assert contents(ROOT / "docs" / "dialects") == generated, "run `make docs`"
