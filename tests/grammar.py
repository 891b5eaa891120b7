"""Random masks: expressions of b, h, q, kv and captured tensors, written as Python source.

The grammar holds what masks are made of (comparisons, sums, products with and divisions by
constants, remainders, minimum, maximum, absolute value, selection, logic, captured numbers of a
batch entry or head, tables over keys) in shapes that masks have, such as `q - kv < size`, and in
shapes that nobody would write. Constants near the ends of int32 make sums wrap around.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import torch

from tests.masks import Mask, spread, whole
from tests.mods import Mod, Sizes

_INT32_MAX = 2**31 - 1
#: The most operations nested in one another, of conditions and of numbers.
_CONDITIONS, _NUMBERS = 3, 2


def random_mask(sizes: Sizes, number: int) -> Mask:
    """A mask at random; `number` tells its source file from others.

    Its tables cover kv_idx in [0, positions); q_idx may be anything.
    """
    draft = _Draft(sizes)
    source = draft.condition(_CONDITIONS)
    function = _function(source, draft.tensors, number)
    return Mask(f"random_{number}", function, f"{draft}{source}", any_query=True)


def _function(source: str, tensors: dict[str, torch.Tensor], number: int) -> Mod:
    """The mask of an expression; its text is where tracebacks and diagnostics look for it."""
    file = f"<random mask {number}>"
    text = f"mask = lambda b, h, q, kv: {source}\n"
    linecache.cache[file] = (len(text), None, [text], file)
    names: dict[str, Any] = {"torch": torch, **tensors}
    exec(compile(text, file, "exec"), names)
    function: Mod = names["mask"]
    return function


class _Draft:
    """An expression in the making, with the tensors that it captures."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.tensors: dict[str, torch.Tensor] = {}

    def __str__(self) -> str:
        return "".join(
            f"{name} = {tensor.tolist() if tensor.numel() < 25 else _summary(tensor)}; "
            for name, tensor in self.tensors.items()
        )

    def _one_of(self, *parts: Callable[[], str]) -> str:
        return parts[whole(self.sizes, 0, len(parts) - 1)]()

    def _chance(self, percent: int) -> bool:
        return whole(self.sizes, 1, 100) <= percent

    # Conditions

    def condition(self, depth: int) -> str:
        """A boolean expression."""
        if depth == 0 or self._chance(35):
            return self._usual() if self._chance(75) else self._comparison(_NUMBERS)
        return self._one_of(
            lambda: f"({self.condition(depth - 1)} & {self.condition(depth - 1)})",
            lambda: f"({self.condition(depth - 1)} & {self.condition(depth - 1)})",
            lambda: f"({self.condition(depth - 1)} | {self.condition(depth - 1)})",
            lambda: f"({self.condition(depth - 1)} | {self.condition(depth - 1)})",
            lambda: f"~{self.condition(depth - 1)}",
            lambda: f"({self.condition(depth - 1)} ^ {self.condition(depth - 1)})",
            lambda: (
                f"torch.where({self.condition(depth - 1)}, {self.condition(depth - 1)},"
                f" {self.condition(depth - 1)})"
            ),
        )

    def _usual(self) -> str:
        """A comparison as masks have it."""
        divisor = self._divisor()
        return self._one_of(
            lambda: f"(kv <= q{self._plus()})",
            lambda: f"(q{self._plus()} >= kv)",
            lambda: f"(q - kv{self._plus()} {self._order()} {self._size()})",
            lambda: f"(kv - q {self._order()} {self._plus('0')})",
            lambda: f"(kv {self._order()} {self._size()})",
            lambda: f"({self._size()} {self._order()} kv{self._plus()})",
            lambda: f"(q {self._order()} {self._size()})",
            lambda: f"((q - kv).abs() {self._order()} {self._size()})",
            lambda: f"((q - kv) % {divisor} {self._relation()} {whole(self.sizes, 0, 3)})",
            lambda: f"(kv % {divisor} {self._relation()} {self._divisor()})",
            lambda: f"(kv // {divisor} {self._relation()} q // {divisor})",
            lambda: f"(kv // {divisor} {self._relation()} {self._size()} // {self._divisor()})",
            lambda: f"((kv{self._plus()}) * {self._divisor()} {self._order()} q)",
            lambda: f"(kv >> {self._bits()} {self._relation()} q >> {self._bits()})",
            lambda: f"(kv << {self._bits()} {self._order()} q{self._plus()})",
            lambda: f"(torch.minimum(q, {self._invariant()}) {self._order()} kv)",
            lambda: f"(torch.maximum(kv, q{self._plus()}) {self._order()} {self._size()})",
            lambda: self._same_document(),
            lambda: f"({self._documents()}[kv] {self._order()} {whole(self.sizes, 0, 5)})",
            lambda: self._seen(),
            lambda: f"((q - kv).float() {self._order()} {whole(self.sizes, -9, 99)}.5)",
        )

    def _comparison(self, depth: int) -> str:
        return f"({self.number(depth)} {self._relation()} {self.number(depth)})"

    def _bits(self) -> int:
        return (0, 1, 2, 4, 5, 31)[whole(self.sizes, 0, 5)]

    def _order(self) -> str:
        return ("<", "<=", ">", ">=")[whole(self.sizes, 0, 3)]

    def _relation(self) -> str:
        return ("<", "<=", ">", ">=", "==", "!=")[whole(self.sizes, 0, 5)]

    def _seen(self) -> str:
        """A boolean table over keys."""
        shape, index = (
            ((self.sizes.positions,), "kv"),
            ((self.sizes.batch, self.sizes.positions), "b, kv"),
            ((self.sizes.heads, self.sizes.positions), "h, kv"),
        )[whole(self.sizes, 0, 2)]
        # One run of keys in most tables, so that whole blocks are alike.
        start, end = (whole(self.sizes, 0, self.sizes.positions) for _ in range(2))
        table = torch.zeros(shape, dtype=torch.bool)
        table[..., min(start, end) : max(start, end)] = True
        if self._chance(40):
            table ^= torch.rand(shape, generator=self.sizes.generator) < 0.05
        return f"{self._capture('seen', table)}[{index}]"

    # Numbers

    def number(self, depth: int) -> str:
        """An expression of int32 or int64."""
        if depth == 0 or self._chance(20):
            return self._one_of(
                lambda: "kv", lambda: "kv", lambda: "q", lambda: "h", lambda: self._invariant()
            )

        def inner() -> str:
            return self.number(depth - 1)

        def constant() -> str:
            return str(self._constant())

        return self._one_of(
            lambda: f"({inner()} + {inner()})",
            lambda: f"({inner()} - {inner()})",
            lambda: f"({inner()} + {constant()})",
            lambda: f"({constant()} - {inner()})",
            lambda: f"({inner()} * {constant()})",
            lambda: f"(-{inner()})",
            lambda: f"({inner()} // {self._divisor()})",
            lambda: f"({inner()} % {self._divisor()})",
            lambda: f"{inner()}.abs()",
            lambda: f"{inner()}.clamp({whole(self.sizes, -9, 9)}, {whole(self.sizes, 9, 200)})",
            lambda: f"torch.minimum({inner()}, {inner()})",
            lambda: f"torch.maximum({inner()}, {inner()})",
            lambda: f"torch.where({self.condition(0)}, {inner()}, {inner()})",
            lambda: f"{self._documents()}[{inner()} % {self.sizes.positions}]",
        )

    def _constant(self) -> int:
        """A small number, one of the size of positions, or one at which int32 wraps around."""
        if self._chance(8):
            near = spread(self.sizes, 0, 2 * self.sizes.positions)
            return _INT32_MAX - near if self._chance(50) else near - _INT32_MAX
        size = spread(self.sizes, 0, self.sizes.positions)
        return size if self._chance(75) else -size

    def _divisor(self) -> int:
        return spread(self.sizes, 1, 70)

    def _size(self) -> str:
        """Something to compare a position with."""
        return str(self._constant()) if self._chance(60) else self._invariant()

    def _plus(self, alone: str = "") -> str:
        """A term to add; nothing, or `alone`, in many cases."""
        if self._chance(50):
            return alone
        constant = self._constant()
        if alone:
            return str(constant)
        return f" + {constant}" if constant >= 0 else f" - {-constant}"

    def _invariant(self) -> str:
        """A captured number of the batch entry, the head, or both."""
        sizes = self.sizes
        shape, index = (
            ((sizes.batch,), "b"),
            ((sizes.heads,), "h"),
            ((sizes.batch, sizes.heads), "b, h"),
        )[whole(sizes, 0, 2)]
        numbers = sizes.integers(-3, sizes.positions + 3, *shape)
        name = self._capture("offset", numbers)
        return f"{name}[{index}]"

    def _documents(self) -> str:
        """A captured table of a number for each position: documents, which lie in a row."""
        steps = self.sizes.integers(0, 40, self.sizes.positions) == 0
        return self._capture("documents", (steps.cumsum(0) % 7).to(torch.int32))

    def _same_document(self) -> str:
        table = self._documents()
        return f"({table}[kv] == {table}[q % {self.sizes.positions}])"

    def _capture(self, kind: str, tensor: torch.Tensor) -> str:
        """The name of a captured tensor; of two of a kind, one may serve twice."""
        alike = [name for name in self.tensors if name.startswith(f"{kind}_{tensor.dim()}")]
        alike = [name for name in alike if self.tensors[name].shape == tensor.shape]
        if alike and self._chance(60):
            return alike[-1]
        if tensor.dtype != torch.bool and self._chance(40):
            tensor = tensor.to(torch.int64)
        name = f"{kind}_{tensor.dim()}_{len(self.tensors)}"
        self.tensors[name] = tensor.to(self.sizes.device)
        return name


def _summary(tensor: torch.Tensor) -> str:
    """A long table by the runs of its first row: where each starts, and its number."""
    row = tensor.reshape(-1, tensor.shape[-1])[0]
    starts = [0, *(torch.nonzero(row[1:] != row[:-1]).flatten() + 1).tolist()]
    runs = ", ".join(f"{start}: {int(row[start])}" for start in starts[:12])
    return f"{tuple(tensor.shape)} of {{{runs}{', ...' if len(starts) > 12 else ''}}}"
