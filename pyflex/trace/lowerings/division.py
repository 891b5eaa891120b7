"""Division, true, floored and truncated, and the remainders; by zero no integer op traps."""

from __future__ import annotations

import torch

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers


@lowers("div")
def div(low: Lowering, x: Operand, y: Operand, *, rounding_mode: str | None = None) -> Value:
    if rounding_mode == "floor":
        return floor_divide(low, x, y)
    if rounding_mode is None:
        return low.narrow(low.arith("div", *low.operands(x, y)))
    if not low.out.is_floating_point:
        return _int_divide(low, x, y)[0]
    return low.narrow(low.math("trunc", low.arith("div", *low.operands(x, y))))


@lowers("reciprocal")
def reciprocal(low: Lowering, x: Operand) -> Value:
    return low.narrow(low.arith("div", low.constant(1.0), low.operand(x)))


@lowers("floor_divide")
def floor_divide(low: Lowering, x: Operand, y: Operand) -> Value:
    low.refuse_bool()
    if low.out.is_floating_point:
        return low.narrow(_float_floor_divide(low, *low.operands(x, y)))
    if (shift := _power_of_two(low, y)) is not None:
        shift_op = "arith.shrsi" if low.out.is_signed else "arith.shrui"
        return low.build.op(shift_op, low.operand(x), low.constant(shift))
    quotient, remainder, divisor = _int_divide(low, x, y)
    if not low.out.is_signed:
        return quotient
    adjust = _signs_differ(low, remainder, divisor)
    return low.select(adjust, low.arith("sub", quotient, low.constant(1)), quotient)


@lowers("remainder")
def remainder(low: Lowering, x: Operand, y: Operand) -> Value:
    """The remainder with the divisor's sign, as Python's `%`."""
    low.refuse_bool()
    if not low.out.is_floating_point and _power_of_two(low, y) is not None:
        assert not isinstance(y, Value)
        return low.build.op("arith.andi", low.operand(x), low.constant(int(y) - 1))
    if low.out.is_floating_point:
        a, divisor = low.rounded(x), low.rounded(y)
        rest = low.build.op("arith.remf", a, divisor)
    else:
        _, rest, divisor = _int_divide(low, x, y)
        if not low.out.is_signed:
            return rest
    adjust = _signs_differ(low, rest, divisor)
    return low.narrow(low.select(adjust, low.arith("add", rest, divisor), rest))


@lowers("fmod")
def fmod(low: Lowering, x: Operand, y: Operand) -> Value:
    """The remainder with the dividend's sign, as C's fmod."""
    low.refuse_bool()
    if low.out.is_floating_point:
        return low.narrow(low.build.op("arith.remf", low.rounded(x), low.rounded(y)))
    return _int_divide(low, x, y)[1]


def _power_of_two(low: Lowering, y: Operand) -> int | None:
    """log2 of a Python integer divisor that is a power of two; shifts and masks then floor."""
    if isinstance(y, Value) or not 1 <= y <= torch.iinfo(low.out).max or int(y) & (int(y) - 1):
        return None
    return int(y).bit_length() - 1


def _signs_differ(low: Lowering, rest: Value, divisor: Value) -> Value:
    """Whether a remainder is not zero and has the other sign than the divisor."""
    zero = low.constant(0, rest.dtype)
    negative_rest = low.compare("lt", rest, zero)
    negative_divisor = low.compare("lt", divisor, zero)
    differ = low.build.op("arith.xori", negative_rest, negative_divisor)
    return low.both(low.compare("ne", rest, zero), differ)


def _int_divide(low: Lowering, x: Operand, y: Operand) -> tuple[Value, Value, Value]:
    """Quotient rounded to zero, remainder, and the divisor; by zero the first two are 0.

    The hardware divides by 1 wherever it would trap: by zero, and the least integer by -1.
    """
    a = low.operand(x)
    if not isinstance(y, Value):
        return _divide_by_constant(low, a, int(y))
    b = low.operand(y)
    signed = low.out.is_signed
    zero, one = low.constant(0), low.constant(1)
    by_zero = low.compare("eq", b, zero)
    traps = by_zero
    if signed:
        least = low.compare("eq", a, low.constant(torch.iinfo(low.out).min))
        by_minus_one = low.compare("eq", b, low.constant(-1))
        traps = low.either(by_zero, low.both(least, by_minus_one))
    safe = low.select(traps, one, b)
    # By 1 in place of 0 the remainder is 0 already; the least integer by 1 is what -1 wraps to.
    suffix = "si" if signed else "ui"
    quotient = low.select(by_zero, zero, low.build.op(f"arith.div{suffix}", a, safe))
    return quotient, low.build.op(f"arith.rem{suffix}", a, safe), b


def _divide_by_constant(low: Lowering, a: Value, divisor: int) -> tuple[Value, Value, Value]:
    """The divisor is never 0: torch refuses that constant."""
    b = low.constant(divisor)
    if divisor == -1 and low.out.is_signed:
        return low.arith("sub", low.constant(0), a), low.constant(0), b
    suffix = "si" if low.out.is_signed else "ui"
    return low.build.op(f"arith.div{suffix}", a, b), low.build.op(f"arith.rem{suffix}", a, b), b


def _float_floor_divide(low: Lowering, a: Value, b: Value) -> Value:
    """floor(a / b), exact where the rounded quotient would be off by one; torch's algorithm."""
    zero, one = low.constant(0.0), low.constant(1.0)
    quotient = low.arith("div", a, b)
    rest = low.build.op("arith.remf", a, b)
    exact = low.arith("div", low.arith("sub", a, rest), b)
    adjusted = low.arith("sub", exact, one)
    exact = low.select(_signs_differ(low, rest, b), adjusted, exact)
    floored = low.math("floor", exact)
    too_low = low.compare("gt", low.arith("sub", exact, floored), low.constant(0.5))
    floored = low.select(too_low, low.arith("add", floored, one), floored)
    signed_zero = low.math("copysign", zero, quotient)
    floored = low.select(low.compare("eq", exact, zero), signed_zero, floored)
    return low.select(low.compare("eq", b, zero), quotient, floored)
