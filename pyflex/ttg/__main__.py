"""Runs passes over a module's text: `python -m pyflex.ttg NAME... < before.ttgir > after.ttgir`."""

from __future__ import annotations

import sys

from pyflex.ttg import PASSES, run


def main(names: list[str]) -> None:
    """Reads the module from standard input and writes it, changed, to standard output."""
    unknown = [name for name in names if name not in PASSES]
    if unknown or not names:
        sys.exit(f"expected names of passes, out of {', '.join(PASSES)}; got {names}")
    sys.stdout.write(run(sys.stdin.read(), names)[names[-1]])


if __name__ == "__main__":
    main(sys.argv[1:])
