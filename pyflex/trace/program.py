"""What a trace gives: the scalar function, what to pass it, and what to check before a launch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import torch

from pyflex.errors import SourceLine

ModKind = Literal["score_mod", "mask_mod"]
ParameterKind = Literal["pointer", "stride", "size"]
Variable = Literal["b", "h", "kv"]

# Each line of a function names one value.
_ASSIGNED, _USED = re.compile(r"^ *(%\w+) = (.*)$", re.MULTILINE), re.compile(r"%\w+")
# Ops that take about ten instructions each.
_LONG = re.compile(r"math\.|arith\.(div|rem)|tt\.load")


@dataclass(frozen=True)
class CaptureParameter:
    """One argument after the index arguments: a captured tensor's pointer, a stride or a size.

    `dim` is -1 for a pointer; `type` is the MLIR type (`!tt.ptr<...>` or `i64`). Strides count
    elements.
    """

    name: str
    kind: ParameterKind
    capture: int
    dim: int
    type: str

    def value(self, captures: tuple[torch.Tensor, ...]) -> int:
        """The argument's present value: an address, a stride or a size."""
        tensor = captures[self.capture]
        if self.kind == "pointer":
            return tensor.data_ptr()
        return tensor.stride(self.dim) if self.kind == "stride" else tensor.size(self.dim)


@dataclass(frozen=True)
class HostCheck:
    """`captures[capture].size(dim)` must be at least the extent of `variable` in a call.

    `at` is the user's line that first indexes so.
    """

    capture: int
    dim: int
    variable: Variable
    at: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class TracedMod:
    """A mod as one private `tt.func`.

    `text` has source locations; `key` is the same function without them, equal for equal code, so
    it can serve as a compile key. A score_mod has one f32 result, already NaN where an index was
    out of range. A mask_mod has an i1, and a second i1 when `result_count` is 2: whether every
    index was in range. `origins` are the user's lines behind the ops, in order.
    """

    kind: ModKind
    text: str
    key: str
    parameters: tuple[CaptureParameter, ...]
    captures: tuple[torch.Tensor, ...]
    host_checks: tuple[HostCheck, ...]
    result_count: int
    origins: tuple[SourceLine | None, ...]

    def differs_from(self, key: str) -> SourceLine | None:
        """The user's line behind the first op that another mod's `key` has not; None if none."""
        ops = zip(self.key.split("\n")[1:], key.split("\n")[1:], self.origins, strict=False)
        return next((origin for op, others, origin in ops if op != others), None)

    @property
    def cost(self) -> int:
        """About how many instructions it takes for each score.

        What depends on its row alone, or on its key, is computed for a whole row or column.
        """
        depends: dict[str, set[str]] = {}
        instructions = 0
        for name, text in _ASSIGNED.findall(self.key):
            found = set[str]().union(*(depends.get(used, {used}) for used in _USED.findall(text)))
            depends[name] = found
            if "%score" in found or ("%kv" in found and found & {"%h", "%q"}):
                instructions += 10 if _LONG.search(text) else text.startswith("arith.")
        return instructions

    @property
    def captured(self) -> int:
        """Bytes of one element of each captured tensor; single values, read once, do not count."""
        return sum(tensor.element_size() for tensor in self.captures if tensor.dim())

    def arguments(self) -> tuple[int, ...]:
        """The present value of each capture parameter, in order."""
        return tuple(parameter.value(self.captures) for parameter in self.parameters)

    def divisibility(self) -> tuple[int, ...]:
        """For each capture parameter 16 if it is a multiple of 16, 0 for a stride of 1, else 1.

        With this known, values of adjacent keys are loaded together. A single value has no
        neighbours: 1.
        """

        def divisor(parameter: CaptureParameter, value: int) -> int:
            if parameter.kind == "size" or not self.captures[parameter.capture].dim():
                return 1
            if parameter.kind == "stride" and value == 1:
                return 0
            return 16 if value % 16 == 0 else 1

        return tuple(map(divisor, self.parameters, self.arguments()))
