"""How a lowering is written: a registry by op name, and the operand conversions they share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import torch

from pyflex.errors import UnsupportedOpError
from pyflex.trace.builder import Builder, Number, Operand, Value, compute_dtype
from pyflex.trace.casts import cast

LowerFn = Callable[..., Value]
LOWERINGS: Final[dict[str, LowerFn]] = {}


def lowers(*names: str) -> Callable[[LowerFn], LowerFn]:
    """Registers a lowering for all overloads of the ATen ops `names`."""

    def register(lower: LowerFn) -> LowerFn:
        for name in names:
            LOWERINGS[name if "::" in name else f"aten::{name}"] = lower
        return lower

    return register


class Lowering:
    """One op being lowered: where to build, and the result dtype that torch gives it."""

    def __init__(self, build: Builder, op: str, out: torch.dtype) -> None:
        self.build = build
        self.op = op
        self.out = out
        self.wide = compute_dtype(out)

    # Operands

    def operand(self, x: Operand) -> Value:
        """x as the op computes on it: rounded to the result dtype, then widened.

        A Python number keeps the wide precision, as it does in most of torch's kernels.
        """
        if not isinstance(x, Value):
            return self.build.constant(x, self.wide, wrap=True)
        return self.to(self.to(x, self.out), self.wide)

    def rounded(self, x: Operand) -> Value:
        """As `operand`, a Python number rounded too, as torch does in remainders and powers."""
        wide = self.operand(x)
        return wide if isinstance(x, Value) else self.to(self.to(wide, self.out), self.wide)

    def operands(self, *xs: Operand) -> list[Value]:
        return [self.operand(x) for x in xs]

    def common(self, *xs: Operand) -> list[Value]:
        """One operand or two in the dtype to which torch promotes them, widened."""
        dtype = _result_type(xs[0], xs[-1])
        return [self.to(self.to(x, dtype), compute_dtype(dtype)) for x in xs]

    def to(self, x: Operand, dtype: torch.dtype) -> Value:
        """x converted as torch converts."""
        return cast(self.build, x, dtype) if isinstance(x, Value) else self.constant(x, dtype)

    def truth(self, x: Operand) -> Value:
        return self.to(x, torch.bool)

    def constant(self, number: Number, dtype: torch.dtype | None = None) -> Value:
        return self.build.constant(number, dtype or self.wide)

    # Results

    def narrow(self, x: Value) -> Value:
        """A wide result rounded to the result dtype."""
        return self.to(x, self.out)

    def false(self) -> Value:
        return self.build.constant(False, torch.bool)

    # Shorthands

    def arith(self, name: str, x: Value, *ys: Value) -> Value:
        """`arith.<name>f` or `arith.<name>i`, by the operands' type."""
        suffix = "f" if x.dtype.is_floating_point else "i"
        return self.build.op(f"arith.{name}{suffix}", x, *ys)

    def math(self, name: str, *xs: Value) -> Value:
        return self.build.op(f"math.{name}", *xs)

    def compare(self, relation: str, x: Value, y: Value) -> Value:
        """x relation y, where relation is one of lt, le, gt, ge, eq, ne; false on NaN but ne."""
        if x.dtype.is_floating_point:
            predicate = "une" if relation == "ne" else f"o{relation}"
        elif relation in ("eq", "ne"):
            predicate = relation
        else:
            predicate = f"{'s' if x.dtype.is_signed else 'u'}{relation}"
        return self.build.compare(predicate, x, y)

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        return self.build.select(condition, x, y)

    def both(self, x: Value, y: Value) -> Value:
        return self.build.op("arith.andi", x, y)

    def either(self, x: Value, y: Value) -> Value:
        return self.build.op("arith.ori", x, y)

    def invert(self, x: Value) -> Value:
        return self.build.op("arith.xori", x, self.build.constant(-1, x.dtype, wrap=True))

    # Refusals

    def refuse(self, reason: str, got: object = None) -> UnsupportedOpError:
        return UnsupportedOpError(self.op, reason, got=got)

    def require_float(self) -> None:
        if not self.out.is_floating_point:
            raise self.refuse("is defined for floats only", self.out)

    def refuse_bool(self) -> None:
        if self.out is torch.bool:
            raise self.refuse("is not defined for bools")


def _result_type(x: Any, y: Any) -> torch.dtype:
    """torch's promotion of 0-d tensors and Python numbers."""
    x, y = (_sample(operand.dtype) if isinstance(operand, Value) else operand for operand in (x, y))
    return torch.result_type(x, y)


@cache
def _sample(dtype: torch.dtype) -> torch.Tensor:
    return torch.ones((), dtype=dtype)
