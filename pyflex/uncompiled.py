"""Calls that torch.compile leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from pyflex.memory import recorded_by

#: Whether torch.compile is looking at the code that asks.
is_compiling: Callable[[], bool] = torch.compiler.is_compiling


def uncompiled(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`call`, run as it is written.

    A graph ends here. Else it would end at each step inside that torch.compile cannot follow, and
    what lies between would be compiled.

    Raises:
        LayoutError: for torch.export, whose graph has no place to end at; with strict=True torch
            itself says so.
    """
    if torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling():
        raise recorded_by("torch.export")
    import torch._dynamo as dynamo  # not before: it takes a second

    # The error of fullgraph=True shows these words, if they stand here.
    dynamo.graph_break(msg="pyflex launches a kernel of its own: leave fullgraph=True out")
    alone = dynamo.disable(call)  # type: ignore[no-untyped-call]
    return alone(*args, **kwargs)
