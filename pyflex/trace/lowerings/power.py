"""Powers: small whole exponents by squaring, square roots as such, the rest by powf."""

from __future__ import annotations

from typing import Final

import torch

from pyflex.trace.builder import Number, Operand, Value, bits
from pyflex.trace.lowering import Lowering, lowers

#: The largest power of a float by squaring. A product of n factors is off by at most n / 2 units
#: in the last place; powf is off by one, for forty times the instructions.
_MOST_BY_SQUARING: Final = 8
#: Of a power of two that is a normal float, as is its inverse.
_MOST_EXPONENT: Final = {torch.float32: 126.0, torch.float64: 1022.0}


@lowers("pow")
def power(low: Lowering, base: Operand, exponent: Operand) -> Value:
    low.refuse_bool()
    if not low.out.is_floating_point:
        return _int_power(low, base, exponent)
    if not isinstance(exponent, Value):
        return low.narrow(_constant_exponent(low, low.operand(base), exponent))
    if not isinstance(base, Value) and base == 1:
        return low.narrow(low.constant(1.0))
    if not isinstance(base, Value) and base == 2:
        return low.narrow(low.math("exp2", low.operand(exponent)))
    return low.narrow(low.math("powf", low.rounded(base), low.rounded(exponent)))


@lowers("ldexp")
def ldexp(low: Lowering, x: Operand, exponent: Operand) -> Value:
    a, n = low.operands(x, exponent)
    # 2 ** n alone may be infinite or zero where the product is neither: three factors that are no
    # such thing take the exponent in turn, the later ones what the first has left. (Of an infinite
    # exponent that is a float, zero stays zero and infinity infinite.)
    most = low.constant(_MOST_EXPONENT[low.wide])
    least = low.constant(-_MOST_EXPONENT[low.wide])
    for _ in range(3):
        part = low.build.op("arith.maximumf", low.build.op("arith.minimumf", n, most), least)
        a, n = low.arith("mul", a, low.math("exp2", part)), low.arith("sub", n, part)
    return low.narrow(a)


def _constant_exponent(low: Lowering, a: Value, exponent: Number) -> Value:
    one = low.constant(1.0)
    if exponent == 0:
        return one
    if exponent == 1:
        return a
    if exponent == 0.5:
        return low.math("sqrt", a)
    if exponent == -0.5:
        return low.math("rsqrt", a)
    if exponent in range(-_MOST_BY_SQUARING, _MOST_BY_SQUARING + 1):
        product = _by_squaring(low, a, abs(int(exponent)))
        return product if exponent > 0 else low.arith("div", one, product)
    return low.math("powf", a, low.rounded(exponent))


def _by_squaring(low: Lowering, a: Value, exponent: int) -> Value:
    """a ** exponent for exponent >= 1."""
    result: Value | None = None
    while True:
        if exponent & 1:
            result = a if result is None else low.arith("mul", result, a)
        exponent >>= 1
        if exponent == 0:
            assert result is not None
            return result
        a = low.arith("mul", a, a)


def _int_power(low: Lowering, base: Operand, exponent: Operand) -> Value:
    if not isinstance(exponent, Value):
        whole = int(exponent)  # never negative: torch refuses that
        return low.constant(1) if whole == 0 else _by_squaring(low, low.operand(base), whole)
    n = low.operand(exponent)
    if not isinstance(base, Value) and base == 2:
        return _two_to_the(low, n)
    a = low.operand(base)
    if not low.out.is_signed:
        return _bitwise_power(low, a, n, bits(low.out))
    magnitude = _bitwise_power(low, a, n, bits(low.out) - 1)
    negative = low.compare("lt", n, low.constant(0))
    return low.select(negative, _negative_power(low, a, n), magnitude)


def _two_to_the(low: Lowering, n: Value) -> Value:
    zero, one = low.constant(0), low.constant(1)
    # Unsigned, so that a negative exponent counts as too large: 2 ** -1 is 0 among integers.
    fits = low.build.compare("ult", n, low.constant(bits(low.out)))
    shifted = low.build.op("arith.shli", one, low.select(fits, n, zero))
    return low.select(fits, shifted, zero)


def _bitwise_power(low: Lowering, a: Value, n: Value, width: int) -> Value:
    """By squaring, one step for each of the exponent's bits, without a loop."""
    zero, one = low.constant(0), low.constant(1)
    result = one
    for bit in range(width):
        mask = low.build.constant(1 << bit, low.out, wrap=True)
        is_set = low.compare("ne", low.build.op("arith.andi", n, mask), zero)
        result = low.arith("mul", result, low.select(is_set, a, one))
        a = low.arith("mul", a, a)
    return result


def _negative_power(low: Lowering, a: Value, n: Value) -> Value:
    """1 to any power is 1, -1 alternates, and every other base rounds to 0."""
    zero, one, minus_one = low.constant(0), low.constant(1), low.constant(-1)
    is_odd = low.compare("ne", low.build.op("arith.andi", n, one), zero)
    alternating = low.select(is_odd, minus_one, one)
    of_minus_one = low.select(low.compare("eq", a, minus_one), alternating, zero)
    return low.select(low.compare("eq", a, one), one, of_minus_one)
