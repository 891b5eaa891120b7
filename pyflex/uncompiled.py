"""Calls that torch.compile leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

#: Whether torch.compile is looking at the code that asks.
is_compiling: Callable[[], bool] = torch.compiler.is_compiling


def uncompiled(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`call`, run as it is written.

    A graph ends here. Else it would end at each step inside that torch.compile cannot follow, and
    what lies between would be compiled.
    """
    import torch._dynamo  # not before: it takes a second

    alone = torch._dynamo.disable(call)  # type: ignore[no-untyped-call]
    return alone(*args, **kwargs)
