"""Typed SSA values, and a builder that prints each op as it is called."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import torch

from pyflex.errors import ConstantRangeError, ModSizeError, SourceLine

MLIR_TYPES: Final[dict[torch.dtype, str]] = {
    torch.bool: "i1",
    torch.uint8: "i8",
    torch.int8: "i8",
    torch.int16: "i16",
    torch.int32: "i32",
    torch.int64: "i64",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
    torch.float64: "f64",
}

_NON_FINITE: Final[dict[tuple[torch.dtype, str], str]] = {
    (torch.float32, "inf"): "0x7F800000",
    (torch.float32, "-inf"): "0xFF800000",
    (torch.float32, "nan"): "0x7FC00000",
    (torch.float64, "inf"): "0x7FF0000000000000",
    (torch.float64, "-inf"): "0xFFF0000000000000",
    (torch.float64, "nan"): "0x7FF8000000000000",
}


#: LLVM takes 10 to 100 s for a chain of so many, and four times as long for one twice as long.
MOST_OPS: Final = 4096


@dataclass(frozen=True)
class Value:
    """An SSA value. MLIR integers have no sign, so the torch dtype travels with the name.

    `variable` says that the value is still exactly one of the mod's index arguments.
    """

    name: str
    dtype: torch.dtype
    variable: str | None = None

    @property
    def type(self) -> str:
        return MLIR_TYPES[self.dtype]


Number: TypeAlias = bool | int | float
Operand: TypeAlias = Value | Number


def bits(dtype: torch.dtype) -> int:
    """The width of an integer dtype, 1 for bool."""
    return 1 if dtype is torch.bool else torch.iinfo(dtype).bits


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype that torch computes in for results of `dtype`: half types go through f32."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


class Builder:
    """Collects a function's body. An op that was already built is not built again."""

    def __init__(self, locate: Callable[[], SourceLine | None]) -> None:
        #: The user's line that runs now.
        self.locate = locate
        self._known: dict[str, Value] = {}
        self.body: list[tuple[str, SourceLine | None]] = []

    def emit(self, text: str, dtype: torch.dtype) -> Value:
        """Appends the op `text`, whose one result has `dtype`.

        Raises ModSizeError behind the last one that there is room for.
        """
        if (known := self._known.get(text)) is not None and known.dtype is dtype:
            return known
        if len(self.body) >= MOST_OPS:
            raise ModSizeError(
                "the mod has too many operations; what Python loops over can be a tensor that "
                "the mod reads at an index",
                expected=f"at most {MOST_OPS}",
                got=f"{MOST_OPS + 1} or more",
            )
        value = Value(f"%{len(self.body)}", dtype)
        self.body.append((f"{value.name} = {text}", self.locate()))
        self._known[text] = value
        return value

    def op(self, name: str, *operands: Value) -> Value:
        """An op whose operands and result share one type."""
        names = ", ".join(operand.name for operand in operands)
        return self.emit(f"{name} {names} : {operands[0].type}", operands[0].dtype)

    def convert(self, name: str, value: Value, dtype: torch.dtype) -> Value:
        """A conversion op such as `arith.extf`."""
        return self.emit(f"{name} {value.name} : {value.type} to {MLIR_TYPES[dtype]}", dtype)

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        """`arith.cmpf` or `arith.cmpi`, by the operands' type; gives a bool."""
        op = "arith.cmpf" if x.dtype.is_floating_point else "arith.cmpi"
        return self.emit(f"{op} {predicate}, {x.name}, {y.name} : {x.type}", torch.bool)

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        """x where the condition holds, else y."""
        text = f"arith.select {condition.name}, {x.name}, {y.name} : {x.type}"
        return self.emit(text, x.dtype)

    def constant(self, number: Number, dtype: torch.dtype, *, wrap: bool = False) -> Value:
        """A Python number as torch would convert it.

        An integer outside `dtype` raises ConstantRangeError, or with `wrap` is taken modulo.
        """
        if dtype is torch.bool:
            return self.emit(f"arith.constant {'true' if number else 'false'}", dtype)
        if dtype.is_floating_point:
            return self._float_constant(_as_float(number), dtype)
        if isinstance(number, float) and not math.isfinite(number):
            raise ConstantRangeError("a number does not fit", expected=dtype, got=number)
        limits, whole = torch.iinfo(dtype), int(number)
        if not limits.min <= whole <= limits.max:
            if not wrap:
                raise ConstantRangeError(
                    "an integer does not fit the dtype it would take",
                    expected=f"{limits.min} to {limits.max} ({dtype})",
                    got=whole,
                )
            whole %= 1 << limits.bits
        if whole >= 1 << (limits.bits - 1):
            whole -= 1 << limits.bits
        return self.emit(f"arith.constant {whole} : {MLIR_TYPES[dtype]}", dtype)

    def _float_constant(self, number: float, dtype: torch.dtype) -> Value:
        wide = compute_dtype(dtype)
        if wide is torch.float32:
            number = _round_to_f32(number)
        literal = _NON_FINITE.get((wide, str(number))) or _decimal(number)
        value = self.emit(f"arith.constant {literal} : {MLIR_TYPES[wide]}", wide)
        return value if wide is dtype else self.convert("arith.truncf", value, dtype)


def _as_float(number: Number) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ConstantRangeError("an integer does not fit a float", got=number) from None


def _round_to_f32(number: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    # The shorter decimal when it names the same float: 0.1, not 0.10000000149011612.
    return number if number == rounded else _shortest_f32(rounded)


def _shortest_f32(rounded: float) -> float:
    for digits in range(6, 10):
        short = float(f"{rounded:.{digits}g}")
        if struct.unpack("<f", struct.pack("<f", short))[0] == rounded:
            return short
    return rounded


def _decimal(number: float) -> str:
    """The shortest decimal that reads back exactly; MLIR wants a point before the exponent."""
    text = repr(number)
    mantissa, mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + mark + exponent
