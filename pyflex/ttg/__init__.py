"""Passes over Triton's IR for GPUs, between its own: what these leave to do.

Triton's bindings for Python parse and print a module but make no op of its GPU dialect, and our
MLIR does not know that dialect. So these passes rewrite text, line by line, and Triton's own parser
and verifier read the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyflex.ttg import reduce_once, skip_tiles, wait_for_keys

#: In the order in which they run: from one module's text to another's.
PASSES: dict[str, Callable[[str], str]] = {
    # First: it looks for the copies where the pipeliner has put them.
    "ttg-wait-for-keys": wait_for_keys.rewrite,
    "ttg-skip-tiles": skip_tiles.rewrite,
    "ttg-reduce-once": reduce_once.rewrite,
}


def run(text: str, names: Iterable[str]) -> dict[str, str]:
    """The module's text after each of these passes, one after the other."""
    after = {}
    for name in names:
        text = after[name] = PASSES[name](text)
    return after
