"""Layouts of two-dimensional tensors in the text of Triton's GPU IR: the bases of linear maps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Vector = tuple[int, ...]

_ALIAS = re.compile(r"(#\w+) = (#ttg\.(?:linear|nvidia_mma)<.*>)$")
_PRODUCT = re.compile(r"versionMajor = 2,.* warpsPerCTA = \[1, (\d+)\], instrShape = \[16, 8\]")
_VECTOR = re.compile(r"\[(\d+), (\d+)\]")


@dataclass(frozen=True)
class Layout:
    """Where an element is: the sum of a vector for each set bit of register, lane and warp."""

    register: Sequence[Vector]
    lane: Sequence[Vector]
    warp: Sequence[Vector]

    def __str__(self) -> str:
        parts = (("register", self.register), ("lane", self.lane), ("warp", self.warp))
        bases = ", ".join(f"{name} = {[list(vector) for vector in part]}" for name, part in parts)
        return f"#ttg.linear<{{{bases}, block = []}}>"


def aliases(lines: Iterable[str]) -> dict[str, str]:
    """The layouts that the module names, by their names."""
    return {found[1]: found[2] for found in map(_ALIAS.match, lines) if found}


def layout_of(text: str, rows: int, columns: int) -> Layout | None:
    """A layout of tensors of this shape; None where it is of another kind than these.

    Linear ones, and results of products whose warps divide the columns (PTX ISA, mma.m16n8k16).
    """
    if text.startswith("#ttg.linear"):
        return Layout(*(_bases(text, name) for name in ("register", "lane", "warp")))
    product = _PRODUCT.search(text)
    if product is None:
        return None
    warps, width = [], 8
    while width < 8 * int(product[1]):
        warps.append((0, width % columns))
        width *= 2
    # Of eight rows a thread has each twice; of few columns several warps have the same.
    registers = [(0, 1), (8 % rows, 0)]
    while width < columns:
        registers.append((0, width))
        width *= 2
    # Further rows come last.
    registers += [(16 << bit, 0) for bit in range((rows // 16).bit_length() - 1)]
    return Layout(registers, [(0, 2), (0, 4), (1, 0), (2, 0), (4, 0)], warps)


def _bases(text: str, name: str) -> list[Vector]:
    found = re.search(rf"{name} = \[((?:\[\d+, \d+\](?:, )?)*)\]", text)
    return [(int(row), int(column)) for row, column in _VECTOR.findall(found[1])] if found else []
