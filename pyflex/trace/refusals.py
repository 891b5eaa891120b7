"""What a mod asks of torch that no kernel can do, as the errors that say so."""

from __future__ import annotations

from typing import Any

import torch

from pyflex.errors import (
    DataDependentControlFlowError,
    MutationError,
    SourceLine,
    UnsupportedOpError,
    WholeTensorOpError,
)
from pyflex.trace.captures import describe
from pyflex.trace.values import TracedView


def no_lowering(op: str, part: str, at: SourceLine | None = None) -> UnsupportedOpError:
    """For an op that kernels do not have, because of a part of it that they do not have."""
    return UnsupportedOpError(
        op,
        expected="arithmetic, comparisons, torch.where, indexing, or another elementwise function; "
        "a reduction over a few entries of a table is a Python loop over them",
        got=part,
        at=at,
    )


def refuse_dimensions(func: Any, tensor: torch.Tensor) -> None:
    """Raises WholeTensorOpError for an operand that still has dimensions."""
    if tensor.ndim == 0:
        return
    if isinstance(tensor, TracedView):
        got = f"{describe(tensor)} (the dimensions left after indexing)"
    else:
        got = describe(tensor)
    raise WholeTensorOpError(
        f"{func} is called on a captured tensor that still has dimensions; index it first (a "
        "Python loop may take a few entries in turn), or compute the whole tensor outside the mod",
        expected="a 0-d tensor",
        got=got,
    )


def refused_by_torch(op: str, error: Exception) -> UnsupportedOpError:
    """For a call that torch itself does not take."""
    return UnsupportedOpError(
        op,
        "is refused by torch",
        expected="a call that torch takes for 0-d tensors",
        got=str(error),
    )


def data_dependent(what: str) -> DataDependentControlFlowError:
    """For a call, `what`, that reads a value; says what to use in its place."""
    if what in ("__array__", "__index__"):
        advice = (
            "make what is indexed a torch tensor, and use Python numbers where Python or numpy "
            "needs a number, and torch's functions in place of numpy's"
        )
    elif what in ("__bool__", "aten.is_nonzero", "aten.equal"):
        advice = "use torch.where in place of `if`, and & and | in place of `and` and `or`"
    else:
        advice = (
            "use torch's functions in place of Python's, torch.where in place of `if`, and tensors "
            "where some arguments of one function are tensors (both bounds of clamp)"
        )
    return DataDependentControlFlowError(
        f"Python asks for the value of a tensor, which a kernel only has when it runs; {advice}",
        expected="torch ops on tensors",
        got=what,
    )


def mutation(what: str) -> MutationError:
    """For an op or assignment, `what`, that changes a tensor."""
    return MutationError(
        "a mod must not change a tensor in place; write `x = x + y` in place of `x += y`",
        expected="ops that give a new tensor",
        got=what,
    )
