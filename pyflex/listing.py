"""Lists of visible blocks that a first kernel writes: for which masks, and where they lie."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from pyflex.tiles import power_of_two
from pyflex.trace import CaptureParameter, TracedMod

#: ListBlocks.cpp: elements, keys and blocks for which a program evaluates a mask at once.
_TILE_ELEMENTS, _TILE_KEYS, _MOST_BLOCKS = 4096, 2048, 32
#: Programs that keep a GPU's memory busy with loads of captured tensors.
_PROGRAMS = 1024
#: Entries of a list are a multiple of this many, so that rows are aligned.
_ROOM = 16


def capture_steps(mask: TracedMod) -> tuple[int, ...]:
    """For each capture parameter 16 if it is a multiple of 16, 0 for a stride of 1, 1 otherwise.

    With this known, keys next to each other are loaded together.
    """

    def step(parameter: CaptureParameter, value: int) -> int:
        if parameter.kind == "stride" and value == 1:
            return 0
        return 16 if parameter.kind != "size" and value % 16 == 0 else 1

    return tuple(map(step, mask.parameters, mask.arguments()))


def depends_on_head(mod: TracedMod) -> bool:
    """Whether a mod may differ between query heads."""
    return len(re.findall(r"%h\b", mod.key)) > 1  # once among the arguments


def blocks_at_once(keys: int, rows: int) -> int:
    """Blocks of so many keys for which a program evaluates a mask at once, for so many rows.

    The rows are those of a list that differ to the mask.
    """
    at_once = min(_TILE_KEYS, _TILE_ELEMENTS // power_of_two(rows)) // keys
    return min(max(at_once, 1), _MOST_BLOCKS)


@dataclass(frozen=True)
class Lists:
    """Where a call's lists lie, in one buffer, and the grid of the kernel that writes them.

    In order: how many blocks each list holds; which, each twice its number plus one if it is full;
    and words for the kernel's own use.

    Attributes:
        count: lists, programs along the grid's first axis.
        row: entries that each has room for.
        segments: programs that share a list's keys, along the grid's second axis.
    """

    count: int
    row: int
    segments: int

    @staticmethod
    def of(count: int, blocks: int, at_once: int) -> Lists:
        """`count` lists out of so many blocks; GpuCall.cpp computes the same."""
        words = -(-blocks // at_once)
        row = -(-max(blocks, 1) // _ROOM) * _ROOM
        return Lists(count, row, max(1, min(words, _PROGRAMS // max(count, 1))))

    @property
    def _counts(self) -> int:
        return -(-self.count * 4 // 16) * 16

    @property
    def _indices(self) -> int:
        return self.count * self.row * 4

    @property
    def words(self) -> int:
        """Where the words begin, in bytes."""
        return self._counts + self._indices

    @property
    def size(self) -> int:
        """Bytes of the whole, a multiple of 16."""
        return self.words + 2 * self._indices

    def read(self, memory: torch.Tensor) -> list[tuple[list[int], list[int]]]:
        """The partial and the full blocks of each list in `memory`, uint8."""
        numbers = memory[: self.words].cpu().view(torch.int32)
        held = numbers[: self.count].tolist()
        rows = numbers[self._counts // 4 :].view(self.count, self.row)
        lists = [row[:size].tolist() for row, size in zip(rows, held, strict=True)]
        return [
            ([one // 2 for one in found if not one % 2], [one // 2 for one in found if one % 2])
            for found in lists
        ]

    def arguments(self, at: int) -> tuple[int, int, int]:
        """What both kernels are given of a buffer at address `at`."""
        return at, at + self._counts, self.row
