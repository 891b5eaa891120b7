"""Sums, products, signs, minima and maxima."""

from __future__ import annotations

import math

import torch

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers


def _is_one(x: Operand) -> bool:
    return not isinstance(x, Value) and x == 1


@lowers("add")
def add(low: Lowering, x: Operand, y: Operand, *, alpha: Operand = 1) -> Value:
    if low.out is torch.bool:
        return low.either(*_scaled_bools(low, x, y, alpha))
    a, b = low.operands(x, y)
    return low.narrow(low.arith("add", a, _scaled(low, b, alpha)))


@lowers("sub")
def sub(low: Lowering, x: Operand, y: Operand, *, alpha: Operand = 1) -> Value:
    low.refuse_bool()
    a, b = low.operands(x, y)
    return low.narrow(low.arith("sub", a, _scaled(low, b, alpha)))


@lowers("rsub")
def rsub(low: Lowering, x: Operand, y: Operand, alpha: Operand = 1) -> Value:
    return sub(low, y, x, alpha=alpha)


@lowers("mul")
def mul(low: Lowering, x: Operand, y: Operand) -> Value:
    if low.out is torch.bool:
        return low.both(low.truth(x), low.truth(y))
    return low.narrow(low.arith("mul", *low.operands(x, y)))


def _scaled(low: Lowering, x: Value, alpha: Operand) -> Value:
    return x if _is_one(alpha) else low.arith("mul", x, low.operand(alpha))


def _scaled_bools(low: Lowering, x: Operand, y: Operand, alpha: Operand) -> list[Value]:
    scaled = low.truth(y)
    if not _is_one(alpha):
        scaled = low.both(scaled, low.truth(alpha))
    return [low.truth(x), scaled]


@lowers("addcmul")
def addcmul(low: Lowering, x: Operand, y: Operand, z: Operand, *, value: Operand = 1) -> Value:
    a, b, c = low.operands(x, y, z)
    return low.narrow(low.arith("add", a, low.arith("mul", _scaled(low, b, value), c)))


@lowers("addcdiv")
def addcdiv(low: Lowering, x: Operand, y: Operand, z: Operand, *, value: Operand = 1) -> Value:
    low.require_float()
    a, b, c = low.operands(x, y, z)
    return low.narrow(low.arith("add", a, low.arith("div", _scaled(low, b, value), c)))


@lowers("lerp")
def lerp(low: Lowering, start: Operand, end: Operand, weight: Operand) -> Value:
    low.require_float()
    a, b, w = low.operands(start, end, weight)
    span = low.arith("sub", b, a)
    near_start = low.arith("add", a, low.arith("mul", w, span))
    rest = low.arith("sub", low.constant(1.0), w)
    near_end = low.arith("sub", b, low.arith("mul", span, rest))
    # torch computes from the nearer end, so that weight 1 gives `end` itself.
    is_small = low.compare("lt", low.math("absf", w), low.constant(0.5))
    return low.narrow(low.select(is_small, near_start, near_end))


@lowers("neg")
def neg(low: Lowering, x: Operand) -> Value:
    low.refuse_bool()
    a = low.operand(x)
    if a.dtype.is_floating_point:
        return low.narrow(low.build.op("arith.negf", a))
    return low.arith("sub", low.constant(0), a)


@lowers("abs")
def absolute(low: Lowering, x: Operand) -> Value:
    low.refuse_bool()
    a = low.operand(x)
    if a.dtype.is_floating_point:
        return low.narrow(low.math("absf", a))
    if not a.dtype.is_signed:
        return a
    is_negative = low.compare("lt", a, low.constant(0))
    return low.select(is_negative, low.arith("sub", low.constant(0), a), a)


@lowers("sign", "sgn")
def sign(low: Lowering, x: Operand) -> Value:
    if low.out is torch.bool:
        return low.truth(x)
    a = low.operand(x)
    zero, one = low.constant(0), low.constant(1)
    positive = low.select(low.compare("gt", a, zero), one, zero)
    if not a.dtype.is_signed:
        return positive
    return low.narrow(low.select(low.compare("lt", a, zero), low.constant(-1), positive))


@lowers("signbit")
def signbit(low: Lowering, x: Operand) -> Value:
    (a,) = low.common(x)
    if not a.dtype.is_floating_point:
        return low.compare("lt", a, low.constant(0, a.dtype))
    raw = torch.int64 if a.dtype is torch.float64 else torch.int32
    return low.compare("lt", low.build.convert("arith.bitcast", a, raw), low.constant(0, raw))


@lowers("copysign")
def copysign(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.narrow(low.math("copysign", *low.operands(x, y)))


def extremum(low: Lowering, name: str, a: Value, b: Value) -> Value:
    """`name` is max or min; a NaN on either side gives NaN."""
    if a.dtype.is_floating_point:
        return low.build.op(f"arith.{name}imumf", a, b)
    return low.build.op(f"arith.{name}{'si' if a.dtype.is_signed else 'ui'}", a, b)


@lowers("maximum")
def maximum(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.narrow(extremum(low, "max", *low.operands(x, y)))


@lowers("minimum")
def minimum(low: Lowering, x: Operand, y: Operand) -> Value:
    return low.narrow(extremum(low, "min", *low.operands(x, y)))


@lowers("fmax")
def fmax(low: Lowering, x: Operand, y: Operand) -> Value:
    return _number_extremum(low, "max", x, y)


@lowers("fmin")
def fmin(low: Lowering, x: Operand, y: Operand) -> Value:
    return _number_extremum(low, "min", x, y)


def _number_extremum(low: Lowering, name: str, x: Operand, y: Operand) -> Value:
    a, b = low.operands(x, y)
    if not a.dtype.is_floating_point:
        return extremum(low, name, a, b)
    return low.narrow(low.build.op(f"arith.{name}numf", a, b))


@lowers("clamp")
def clamp(
    low: Lowering, x: Operand, min: Operand | None = None, max: Operand | None = None
) -> Value:
    low.refuse_bool()
    a = low.operand(x)
    if min is not None:
        a = extremum(low, "max", a, _bound(low, min))
    if max is not None:
        a = extremum(low, "min", a, _bound(low, max))
    return low.narrow(a)


@lowers("clamp_min")
def clamp_min(low: Lowering, x: Operand, bound: Operand) -> Value:
    return clamp(low, x, min=bound)


@lowers("clamp_max")
def clamp_max(low: Lowering, x: Operand, bound: Operand) -> Value:
    return clamp(low, x, max=bound)


def _bound(low: Lowering, bound: Operand) -> Value:
    """A bound in the result's dtype; here a Python integer must fit, it would not mean itself."""
    return low.operand(bound) if isinstance(bound, Value) else low.constant(bound)


@lowers("deg2rad")
def deg2rad(low: Lowering, x: Operand) -> Value:
    return low.narrow(low.arith("mul", low.operand(x), low.constant(math.pi / 180)))


@lowers("rad2deg")
def rad2deg(low: Lowering, x: Operand) -> Value:
    return low.narrow(low.arith("mul", low.operand(x), low.constant(180 / math.pi)))
