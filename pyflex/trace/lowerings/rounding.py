"""Rounding to whole numbers, casts, and reinterpretation of bits."""

from __future__ import annotations

from typing import Any

import torch

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers


def _register_rounding(name: str, op: str) -> None:
    @lowers(name)
    def rounding(low: Lowering, x: Operand, *, decimals: int = 0) -> Value:
        low.refuse_bool()
        a = low.operand(x)
        if not a.dtype.is_floating_point:
            return a
        if decimals == 0:
            return low.narrow(low.math(op, a))
        scale = low.constant(10.0 ** abs(decimals))
        up, down = ("mul", "div") if decimals > 0 else ("div", "mul")
        return low.narrow(low.arith(down, low.math(op, low.arith(up, a, scale)), scale))


for _name, _op in (
    ("floor", "floor"),
    ("ceil", "ceil"),
    ("trunc", "trunc"),
    ("round", "roundeven"),
):
    _register_rounding(_name, _op)


@lowers("frac")
def frac(low: Lowering, x: Operand) -> Value:
    low.require_float()
    a = low.operand(x)
    return low.narrow(low.arith("sub", a, low.math("trunc", a)))


@lowers("_to_copy", "to", "prims::convert_element_type")
def to_copy(low: Lowering, x: Operand, *_: Any, **__: Any) -> Value:
    return low.to(x, low.out)


@lowers("view")
def view(low: Lowering, x: Value, shape_or_dtype: Any | None = None) -> Value:
    """`view(())`, or `view(dtype)` of the same width: the same bits."""
    if not isinstance(shape_or_dtype, torch.dtype) or low.out is x.dtype:
        return x
    if torch.bool in (x.dtype, low.out) or x.dtype.itemsize != low.out.itemsize:
        raise low.refuse("needs two dtypes of one width, not bool", f"{x.dtype} as {low.out}")
    if not x.dtype.is_floating_point and not low.out.is_floating_point:
        return low.to(x, low.out)
    return low.build.convert("arith.bitcast", x, low.out)
