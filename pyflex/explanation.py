"""What `Decode.explain` says, as numbers and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pyflex.places import Schedule

#: Row tiles that are printed.
_MOST_LINES = 16


@dataclass(frozen=True)
class RowTile:
    """The rows that share a KV loop, and what that loop visits.

    Attributes:
        batch: the batch entry.
        first_head, heads: its query heads, all of one KV head.
        first_query, queries: its queries, counted from 0 whatever `q_offset` is.
        length: keys that exist for this batch entry.
        begin, end: the interval of keys in which the loop's blocks lie.
        sure_begin, sure_end: an interval in which every key is visible, so that no mask is asked;
            empty where none is known. Lists say it block by block instead.
        some, all: blocks that are visited with the mask, and without.
        keys: keys that are read.
    """

    batch: int
    first_head: int
    heads: int
    first_query: int
    queries: int
    length: int
    begin: int
    end: int
    sure_begin: int
    sure_end: int
    some: int
    all: int
    keys: int

    @property
    def visited(self) -> tuple[int, ...]:
        """What the loop visits, whoever it is for."""
        interval = (self.length, self.begin, self.end, self.sure_begin, self.sure_end)
        return (*interval, self.some, self.all, self.keys)


@dataclass(frozen=True)
class Estimate:
    """A tile that a call could run with: the best split of its KV loop, and the time predicted."""

    schedule: Schedule
    splits: int
    us: float


@dataclass(frozen=True)
class Explanation:
    """What a call reads and how it is scheduled; made by `Decode.explain`, and prints as text.

    Attributes:
        problem: the shapes in words.
        sparsity: where the tiles' intervals come from, in words.
        tiles: one for each program of the grid's first axis.
        block: keys of a block, as the blocks are counted: a BlockMask's, or the tile's own.
        key_bytes: bytes of a key and its value.
        schedule: the tile.
        splits: programs that share one KV loop.
        combined: how these combine what they find, in words; empty for one.
        reason: why this tile and split, in words.
        estimates: the tiles that were compared; none on a CPU, for which there is no model.
    """

    problem: str
    sparsity: str
    tiles: tuple[RowTile, ...]
    block: int
    key_bytes: int
    schedule: Schedule
    splits: int
    combined: str
    reason: str
    estimates: tuple[Estimate, ...]

    @property
    def blocks_present(self) -> int:
        """Blocks of the keys that exist, once for each row tile."""
        return sum(-(-tile.length // self.block) for tile in self.tiles)

    @property
    def blocks_read(self) -> int:
        """Blocks that are visited."""
        return sum(tile.some + tile.all for tile in self.tiles)

    @property
    def bytes_present(self) -> int:
        """Bytes of K and V that exist, once for each row tile: tiles of one KV head share them."""
        return self.key_bytes * sum(tile.length for tile in self.tiles)

    @property
    def bytes_read(self) -> int:
        """Bytes of K and V that the programs ask the memory for."""
        return self.key_bytes * sum(tile.keys for tile in self.tiles)

    def __str__(self) -> str:
        masked, free = (sum(getattr(tile, name) for tile in self.tiles) for name in ("some", "all"))
        tile = self.schedule
        rows = f"{count(tile.heads, 'head')} x {count(tile.queries, 'query', 'queries')}"
        return "\n".join(
            (
                self.problem,
                f"sparsity  {self.sparsity}",
                f"rows      {count(len(self.tiles), 'tile')} of up to {rows}",
                *self._tile_lines(),
                f"blocks    of {self.block} keys: {self.blocks_read} of {self.blocks_present} read,"
                f" {masked} with the mask, {free} without",
                f"K and V   {_bytes(self.bytes_read)} of {_bytes(self.bytes_present)} read",
                f"schedule  {_tile(tile)}; {count(self.splits, 'split')} a loop,"
                f"{f' combined {self.combined},' if self.combined else ''}"
                f" {count(len(self.tiles) * self.splits, 'program')}",
                f"why       {self.reason}",
                *(
                    f"          {_tile(each.schedule)}; {count(each.splits, 'split')}:"
                    f" {each.us:.1f} us"
                    for each in self.estimates
                ),
            )
        )

    def _tile_lines(self) -> Iterator[str]:
        """A line for neighbours that visit the same: heads of a batch entry, then batch entries."""
        order = sorted(self.tiles, key=lambda t: (t.batch, t.first_query, t.first_head))
        by_heads = groupby(order, lambda t: (t.batch, t.first_query, t.queries, t.visited))
        lines: list[tuple[int, int, str]] = []  # batch entries, and the rest of the line
        last: dict[str, int] = {}  # the last line with the same rest
        for _, same in by_heads:
            tile, *rest = same
            last_head = max(t.first_head + t.heads for t in (tile, *rest))
            text = f"h {_span(tile.first_head, last_head)}, {_line(tile)}"
            at = last.get(text)
            if at is not None and lines[at][1] == tile.batch:
                lines[at] = (lines[at][0], tile.batch + 1, text)
            else:
                last[text] = len(lines)
                lines.append((tile.batch, tile.batch + 1, text))
        for first, end, text in lines[:_MOST_LINES]:
            yield f"          b {_span(first, end)}, {text}"
        if len(lines) > _MOST_LINES:
            yield f"          and {len(lines) - _MOST_LINES} more"


def _line(tile: RowTile) -> str:
    queries = _span(tile.first_query, tile.first_query + tile.queries)
    sure = ""
    if tile.some and tile.sure_begin < tile.sure_end:
        sure = f", all visible in [{tile.sure_begin}, {tile.sure_end})"
    return (
        f"query {queries}: {tile.keys} of {tile.length} keys, in [{tile.begin}, {tile.end}){sure};"
        f" {count(tile.some, 'block')} with the mask, {tile.all} without"
    )


def _tile(schedule: Schedule) -> str:
    return (
        f"tile of {schedule.rows} rows x {schedule.keys} keys,"
        f" {count(schedule.num_warps, 'warp')}, {count(schedule.num_stages, 'stage')}"
    )


def count(number: int, name: str, names: str = "") -> str:
    """A number with what it counts; `names` where the plural takes more than an s."""
    return f"{number} {name if number == 1 else names or f'{name}s'}"


def _span(start: int, end: int) -> str:
    return f"{start}" if end - start == 1 else f"{start}-{end - 1}"


def _bytes(number: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if number < 10240:
            return f"{number:.4g} {unit}"
        number = number / 1024  # type: ignore[assignment]
    return f"{number:.4g} GiB"
