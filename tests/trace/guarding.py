"""What tests of guards share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyflex.trace import Guards


def changes(
    fn: Callable[..., Any], change: Callable[[], object], undo: Callable[[], object] | None = None
) -> bool:
    """Whether the guards of fn notice the change, and hold before it and after it is undone."""
    guards = Guards.of(fn)
    assert guards.hold()
    assert guards.hold()
    change()
    noticed = not guards.hold()
    if undo is not None:
        undo()
        assert guards.hold()
    return noticed


def setting(names: dict[str, Any], name: str, value: Any) -> Callable[[], None]:
    """What gives a name a value, among the globals of a module."""
    return lambda: names.__setitem__(name, value)
