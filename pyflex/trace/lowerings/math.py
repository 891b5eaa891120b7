"""Exponentials, logarithms, trigonometry and the error function: one `math` op each."""

from __future__ import annotations

from typing import Final

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers

_UNARY: Final = (
    "acos acosh asin asinh atan atanh cos cosh erf erfc exp exp2 expm1 log log10 log1p log2 "
    "rsqrt sin sinh sqrt tan tanh"
).split()


def _register_unary(name: str) -> None:
    @lowers(name)
    def unary(low: Lowering, x: Operand) -> Value:
        low.require_float()
        return low.narrow(low.math(name, low.operand(x)))


for _name in _UNARY:
    _register_unary(_name)


@lowers("atan2")
def atan2(low: Lowering, y: Operand, x: Operand) -> Value:
    low.require_float()
    return low.narrow(low.math("atan2", *low.operands(y, x)))


@lowers("hypot")
def hypot(low: Lowering, x: Operand, y: Operand) -> Value:
    """The larger side is factored out, so that no square overflows."""
    low.require_float()
    a, b = (low.math("absf", side) for side in low.operands(x, y))
    large = low.build.op("arith.maximumf", a, b)
    small = low.build.op("arith.minimumf", a, b)
    zero, one = low.constant(0.0), low.constant(1.0)
    infinity = low.constant(float("inf"))
    ratio = low.arith("div", small, low.select(low.compare("eq", large, zero), one, large))
    root = low.math("sqrt", low.arith("add", one, low.arith("mul", ratio, ratio)))
    length = low.arith("mul", large, root)
    # An infinite side wins over NaN, and inf / inf has no ratio.
    is_infinite = low.either(low.compare("eq", a, infinity), low.compare("eq", b, infinity))
    return low.narrow(low.select(is_infinite, infinity, length))


@lowers("logaddexp")
def logaddexp(low: Lowering, x: Operand, y: Operand) -> Value:
    low.require_float()
    a, b = low.operands(x, y)
    large = low.build.op("arith.maximumf", a, b)
    distance = low.math("absf", low.arith("sub", a, b))
    tail = low.math("log1p", low.math("exp", low.build.op("arith.negf", distance)))
    same_infinity = low.both(
        low.compare("eq", a, b),
        low.compare("eq", low.math("absf", a), low.constant(float("inf"))),
    )
    return low.narrow(low.select(same_infinity, a, low.arith("add", large, tail)))


@lowers("logit")
def logit(low: Lowering, x: Operand, eps: float | None = None) -> Value:
    low.require_float()
    a = low.operand(x)
    one = low.constant(1.0)
    if eps is not None:
        a = low.build.op("arith.maximumf", a, low.constant(eps))
        a = low.build.op("arith.minimumf", a, low.constant(1.0 - eps))
    return low.narrow(low.math("log", low.arith("div", a, low.arith("sub", one, a))))
