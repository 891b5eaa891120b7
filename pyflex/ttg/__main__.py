"""Runs passes over a module's text: `python -m pyflex.ttg NAME... < before.ttgir > after.ttgir`."""

from __future__ import annotations

import sys

from pyflex.ttg import PASSES


def main(names: list[str]) -> None:
    """Reads the module from standard input and writes it, changed, to standard output."""
    unknown = [name for name in names if name not in PASSES]
    if unknown or not names:
        sys.exit(f"expected names of passes, out of {', '.join(PASSES)}; got {names}")
    text = sys.stdin.read()
    for name in names:
        text = PASSES[name](text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
