"""Dictionaries that keep the entries that came last."""

from __future__ import annotations

from typing import Any


def keep_recent(known: dict[Any, Any], most: int) -> None:
    """Drops the oldest entries over `most`; other threads may add and drop some meanwhile."""
    while len(known) > most:
        try:
            known.pop(next(iter(known)), None)
        except (RuntimeError, StopIteration):  # changed between the two
            continue
