"""Blocks that a first kernel finds visible: for which masks, and where they are listed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from pyflex.places import power_of_two
from pyflex.trace import TracedMod

#: ListBlocks.cpp: elements, keys and blocks for which a program evaluates a mask at once.
_TILE_ELEMENTS, _TILE_KEYS, _MOST_BLOCKS = 4096, 2048, 32
#: Programs that keep a GPU's memory busy with loads of captured tensors.
_PROGRAMS = 1024
#: A list has room for a multiple of this many blocks, so that its entries are aligned.
_ROOM = 16


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
class Listing:
    """Where what a call finds of its blocks lies, in one buffer; GpuCall.cpp computes the same.

    In order: words that the first kernel writes, with two bits for each block of a list; then
    entries, by which each program of the next kernel lists its own blocks from the words.

    Attributes:
        count: lists, programs of the first kernel along its grid's first axis.
        blocks: of the longest sequence.
        at_once: blocks of a word.
        programs: of the next kernel, along its grid's first axis.
    """

    count: int
    blocks: int
    at_once: int
    programs: int

    @property
    def segments(self) -> int:
        """Programs of the first kernel that share a list's keys, along its grid's second axis."""
        words = -(-self.blocks // self.at_once)
        return max(1, min(words, _PROGRAMS // max(self.count, 1)))

    @property
    def _row(self) -> int:
        """Blocks that a list has room for."""
        return -(-max(self.blocks, 1) // _ROOM) * _ROOM

    @property
    def _words(self) -> int:
        """Of one list."""
        return -(-self._row // self.at_once)

    @property
    def _entries(self) -> int:
        """Where the entries begin, in bytes."""
        return -(-self.count * self._words * 8 // 16) * 16

    @property
    def size(self) -> int:
        """Bytes of the whole, a multiple of 16."""
        return self._entries + self.programs * self._row * 4

    def read(self, memory: torch.Tensor) -> list[tuple[list[int], list[int]]]:
        """The partial and the full blocks of each list in `memory`, uint8.

        Words that no program writes, of keys past the end of a sequence, are 0 in it.
        """
        words = memory[: self.count * self._words * 8].cpu().view(torch.int64)
        block = torch.arange(self.blocks, device="cpu")
        of_block = words.view(self.count, self._words)[:, block // self.at_once]
        some, every = ((of_block >> (block % self.at_once + half)) & 1 for half in (0, 32))
        return [
            (block[partial].tolist(), block[full].tolist())
            for partial, full in zip(some > every, every == 1, strict=True)
        ]

    def arguments(self, at: int) -> tuple[int, int, int]:
        """What both kernels are given of a buffer at address `at`."""
        return at, at + self._entries, self._row
