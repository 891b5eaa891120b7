"""Ops that leave a 0-d value as it is, and ops that make one from a Python number."""

from __future__ import annotations

from typing import Any

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers


@lowers(
    "_reshape_alias",
    "_unsafe_view",
    "alias",
    "clone",
    "detach",
    "expand",
    "lift",
    "lift_fresh",
    "lift_fresh_copy",
    "permute",
    "prims::view_of",
    "squeeze",
)
def identity(low: Lowering, x: Operand, *_: Any, **__: Any) -> Value:
    """The result has no dimensions either, which was checked: so it is the same value."""
    return low.to(x, low.out)


@lowers("scalar_tensor")
def scalar_tensor(low: Lowering, number: Operand, **_: Any) -> Value:
    return low.to(number, low.out)


@lowers("full")
def full(low: Lowering, size: Any, number: Operand, **_: Any) -> Value:
    return low.to(number, low.out)


@lowers("new_full", "full_like", "fill")
def full_like(low: Lowering, x: Operand, *size_and_number: Any, **_: Any) -> Value:
    return low.to(size_and_number[-1], low.out)


@lowers("zeros", "zeros_like", "new_zeros")
def zeros(low: Lowering, *_: Any, **__: Any) -> Value:
    return low.to(0, low.out)


@lowers("ones", "ones_like", "new_ones")
def ones(low: Lowering, *_: Any, **__: Any) -> Value:
    return low.to(1, low.out)
