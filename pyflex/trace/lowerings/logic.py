"""Comparisons, logic, bit operations, shifts, and selection."""

from __future__ import annotations

import torch

from pyflex.trace.builder import Operand, Value, bits
from pyflex.trace.lowering import Lowering, lowers


def _register_comparison(name: str) -> None:
    @lowers(name)
    def comparison(low: Lowering, x: Operand, y: Operand) -> Value:
        return low.compare(name, *low.common(x, y))


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _register_comparison(_name)


@lowers("isnan")
def isnan(low: Lowering, x: Operand) -> Value:
    (a,) = low.common(x)
    if not a.dtype.is_floating_point:
        return low.false()
    return low.build.compare("uno", a, a)


@lowers("isinf")
def isinf(low: Lowering, x: Operand) -> Value:
    (a,) = low.common(x)
    if not a.dtype.is_floating_point:
        return low.false()
    return low.compare("eq", low.math("absf", a), low.constant(float("inf"), a.dtype))


@lowers("isposinf", "isneginf")
def is_signed_inf(low: Lowering, x: Operand) -> Value:
    (a,) = low.common(x)
    if not a.dtype.is_floating_point:
        return low.false()
    infinity = float("-inf") if "neginf" in low.op else float("inf")
    return low.compare("eq", a, low.constant(infinity, a.dtype))


@lowers("logical_and")
def logical_and(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.both(low.truth(x), low.truth(y))


@lowers("logical_or")
def logical_or(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.either(low.truth(x), low.truth(y))


@lowers("logical_xor")
def logical_xor(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.build.op("arith.xori", low.truth(x), low.truth(y))


@lowers("logical_not")
def logical_not(low: Lowering, x: Operand) -> Value:
    return low.invert(low.truth(x))


def _register_bitwise(op: str, name: str) -> None:
    @lowers(name)
    def bitwise(low: Lowering, x: Operand, y: Operand) -> Value:
        _refuse_float(low)
        return low.build.op(op, *low.operands(x, y))


_register_bitwise("arith.andi", "bitwise_and")
_register_bitwise("arith.ori", "bitwise_or")
_register_bitwise("arith.xori", "bitwise_xor")


@lowers("bitwise_not")
def bitwise_not(low: Lowering, x: Operand) -> Value:
    _refuse_float(low)
    return low.invert(low.operand(x))


@lowers("bitwise_left_shift", "__lshift__")
def left_shift(low: Lowering, x: Operand, count: Operand) -> Value:
    """A count outside the width gives 0."""
    _refuse_float(low)
    low.refuse_bool()
    a = low.operand(x)
    if _is_in_width(low, count):
        return low.build.op("arith.shli", a, low.operand(count))
    valid, safe = _shift_count(low, count, bits(low.out))
    return low.select(valid, low.build.op("arith.shli", a, safe), low.constant(0))


@lowers("bitwise_right_shift", "__rshift__")
def right_shift(low: Lowering, x: Operand, count: Operand) -> Value:
    """A count outside the width gives what is left of an infinite shift: 0, or -1 below zero."""
    _refuse_float(low)
    low.refuse_bool()
    a = low.operand(x)
    signed = low.out.is_signed
    op = "arith.shrsi" if signed else "arith.shrui"
    if _is_in_width(low, count):
        return low.build.op(op, a, low.operand(count))
    valid, safe = _shift_count(low, count, bits(low.out))
    rest = low.build.op(op, a, low.constant(bits(low.out) - 1)) if signed else low.constant(0)
    return low.select(valid, low.build.op(op, a, safe), rest)


def _is_in_width(low: Lowering, count: Operand) -> bool:
    """Whether a count is a Python number in [0, width): flex-derive-bounds knows a bare shift."""
    return not isinstance(count, Value) and 0 <= count < bits(low.out)


def _shift_count(low: Lowering, count: Operand, width: int) -> tuple[Value, Value]:
    """Whether a count is in [0, width), and a count that is."""
    n = low.operand(count)
    valid = low.build.compare("ult", n, low.constant(width))
    return valid, low.select(valid, n, low.constant(0))


def _refuse_float(low: Lowering) -> None:
    if low.out.is_floating_point:
        raise low.refuse("is defined for integers and bools only", low.out)


@lowers("where")
def where(low: Lowering, condition: Value, x: Operand, y: Operand) -> Value:
    if condition.dtype is not torch.bool:
        raise low.refuse("needs a bool condition", condition.dtype)
    return low.select(condition, low.to(x, low.out), low.to(y, low.out))


@lowers("masked_fill")
def masked_fill(low: Lowering, x: Operand, mask: Value, fill: Operand) -> Value:
    return where(low, mask, fill, x)
