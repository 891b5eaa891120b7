"""A mask's blocks as a picture: text for the terminal, PNG for everything else."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import torch

#: Lines of a panel in the terminal, and columns where its width is not known.
_MOST_LINES, _USUAL_WIDTH = 40, 100
#: In pixels: the width to aim at, the sides of a block, the gap between panels.
_PIXELS, _MOST_SIDE, _LINED_SIDE, _GAP = 1024, 24, 4, 6


class BlockKind(IntEnum):
    """How many of a block's scores a mask lets through."""

    NONE = 0
    SOME = 1
    ALL = 2


_SIGNS = {BlockKind.NONE: "·", BlockKind.SOME: "▒", BlockKind.ALL: "█"}
#: Colours of the kinds, in order, of the lines between blocks, and of what is around panels.
_PALETTE = ((245, 245, 245), (255, 183, 77), (25, 103, 179), (255, 255, 255), (255, 255, 255))
_LINE, _AROUND = 3, 4


@dataclass(frozen=True)
class Panel:
    """One batch entry and query head of a picture.

    Attributes:
        b, h: which ones.
        q_offset, kv_len: position of the first query, and keys, of this batch entry.
        kinds: `BlockKind` of each block, int8 [q_blocks, kv_blocks] on the CPU.
        visible: scores that the mask lets through.
    """

    b: int
    h: int
    q_offset: int
    kv_len: int
    kinds: torch.Tensor
    visible: int


@dataclass(frozen=True)
class MaskPicture:
    """What `pyflex.visualize` found. It prints as text, and notebooks show it as an image.

    Attributes:
        panels: one for each batch entry and head.
        q_len, kv_len: queries, and keys of the longest sequence.
        q_block, kv_block: queries and keys of a block.
    """

    panels: tuple[Panel, ...]
    q_len: int
    kv_len: int
    q_block: int
    kv_block: int

    def count(self, kind: BlockKind) -> int:
        """The blocks of a kind, in all panels."""
        return sum(int((panel.kinds == kind).sum()) for panel in self.panels)

    @property
    def density(self) -> float:
        """Visible scores of those that exist."""
        present = sum(self.q_len * panel.kv_len for panel in self.panels)
        return sum(panel.visible for panel in self.panels) / max(present, 1)

    def text(self, width: int) -> str:
        """The picture in `width` columns; where blocks do not fit, several share a sign."""
        blocks = f"blocks of {self.q_block} x {self.kv_block}"
        lines = [f"{self.q_len} queries x {self.kv_len} keys, {blocks}"]
        single = self.q_len <= self.q_block  # a line for each panel
        margin = max(len(label) for panel in self.panels for label in self._labels(panel))
        for panel in self.panels:
            shown = _merged(panel.kinds, _MOST_LINES, max(width - margin - 1, 8))
            columns = 2 if 2 * shown.shape[1] < width - margin else 1
            if panel is self.panels[0] or not single:
                title = "" if single else f"b {panel.b}, h {panel.h}"
                ruler = f"0 {self.kv_len:>{max(columns * shown.shape[1] - 2, 1)}}"
                lines.append(f"{title:>{margin}} {ruler}")
            for label, row in zip(self._labels(panel), shown.tolist(), strict=True):
                signs = "".join(_SIGNS[BlockKind(kind)] * columns for kind in row)
                lines.append(f"{label:>{margin}} {signs}")
        counts = (f"{_SIGNS[kind]} {kind.name.lower()} {self.count(kind)}" for kind in BlockKind)
        lines.append(f"{'  '.join(counts)}  ({self.density:.1%} of the scores are visible)")
        return "\n".join(lines)

    def _labels(self, panel: Panel) -> list[str]:
        """One for each line of a panel: the position of its first query, or which panel it is."""
        name = f"b {panel.b}, h {panel.h}"
        if self.q_len <= self.q_block:
            return [name]
        rows = panel.kinds.shape[0]
        step = -(-rows // _MOST_LINES)
        labels = [f"{panel.q_offset + row * self.q_block}" for row in range(0, rows, step)]
        return [f"{label:>{len(name)}}" for label in labels]

    def __str__(self) -> str:
        return self.text(shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns)

    def png(self) -> bytes:
        """The picture as a PNG file: empty blocks grey, partial ones orange, full ones blue."""
        side = max(1, min(_PIXELS // self.panels[0].kinds.shape[1], _MOST_SIDE))
        strips = [_pixels(panel.kinds, side) for panel in self.panels]
        gap = torch.full((_GAP, strips[0].shape[1]), _AROUND, dtype=torch.uint8, device="cpu")
        return _png(torch.cat([part for strip in strips for part in (gap, strip)][1:]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `png()` to a file."""
        Path(path).write_bytes(self.png())

    def _repr_png_(self) -> bytes:
        return self.png()


def _merged(kinds: torch.Tensor, most_rows: int, most_columns: int) -> torch.Tensor:
    """At most so many rows and columns: blocks of different kinds make a partial one."""
    for dim, most in ((0, most_rows), (1, most_columns)):
        groups = torch.split(kinds, -(-kinds.shape[dim] // most), dim)
        least = torch.stack([group.amin(dim) for group in groups], dim)
        kinds = torch.stack([group.amax(dim) for group in groups], dim)
        kinds = torch.where(least == kinds, kinds, BlockKind.SOME)
    return kinds


def _pixels(kinds: torch.Tensor, side: int) -> torch.Tensor:
    """A square for each block, with lines between them where there is room."""
    pixels = kinds.to(torch.uint8).repeat_interleave(side, 0).repeat_interleave(side, 1)
    if side >= _LINED_SIDE:
        pixels[side - 1 :: side] = _LINE
        pixels[:, side - 1 :: side] = _LINE
    return pixels


def _png(pixels: torch.Tensor) -> bytes:
    """A PNG file of indices into `_PALETTE`: uint8 [rows, columns]."""
    rows, columns = pixels.shape
    no_filter = torch.zeros(rows, 1, dtype=torch.uint8, device="cpu")
    lines = bytes(torch.cat([no_filter, pixels], 1).flatten().tolist())

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", bytes(value for colour in _PALETTE for value in colour)),
            chunk(b"IDAT", zlib.compress(lines)),
            chunk(b"IEND", b""),
        )
    )
