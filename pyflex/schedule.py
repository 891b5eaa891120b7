"""Tile shape, warps, pipeline depth and split count for a problem, chosen without tuning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pyflex.errors import ScheduleError
from pyflex.options import Options

#: What a model of the run time needs beside the problem, in microseconds; measured on an H200.
#: Time from launch to the first tile, and from the last one to the end.
START_US = 5.0
#: Launching the kernel that joins partial results and reading the first of them.
COMBINE_US = 3.5
#: A program's own start: its row of the grid, its queries, an empty pipeline.
PROGRAM_US = 1.0
#: How long one program alone on a multiprocessor takes for a tile of 32 KB of K and V.
TILE_US, TILE_BYTES = 1.0, 32768
#: The part of the memory's nominal bandwidth that a kernel reaches.
REACHED = 0.93
#: More parts than this are joined slower than they save.
MOST_SPLITS = 64


@dataclass(frozen=True)
class Device:
    """What the choice of a split depends on.

    Attributes:
        processors: multiprocessors of a GPU, threads of a CPU.
        programs_per_processor: programs of this kernel that run on one at the same time.
        bandwidth: bytes a microsecond that the memory gives, nominally.
    """

    processors: int
    programs_per_processor: int
    bandwidth: float


@dataclass(frozen=True)
class Schedule:
    """The part of a schedule that is compiled into a kernel.

    `heads` query heads by `rows // heads` queries make the rows of a tile.
    """

    rows: int
    keys: int
    heads: int
    num_warps: int
    num_stages: int

    @property
    def queries(self) -> int:
        """Queries in a tile."""
        return self.rows // self.heads


def _power_of_two(value: int) -> int:
    return 1 << max(0, value - 1).bit_length()


def choose_schedule(
    options: Options,
    *,
    itemsize: int,
    head_dim: int,
    value_dim: int,
    group: int,
    q_len: int,
    packed: bool,
) -> Schedule:
    """The compiled part of the schedule.

    It depends on the length of the query only in powers of two, and neither on the batch nor on
    the KV length, so that one kernel serves a whole generation. `itemsize` is in bytes; `packed`
    says whether the `group` query heads of a KV head share a tile.
    """
    sharing = group if packed else 1
    rows = options.rows or min(max(_power_of_two(sharing * q_len), 16), 64)
    if options.rows is None and sharing > rows:
        rows = min(_power_of_two(sharing), 128)
    line = max(_power_of_two(head_dim), _power_of_two(value_dim)) * itemsize
    # A tile of K (or V) of 16 KB: several fit a multiprocessor's shared memory.
    keys = options.keys or min(max(16384 // line, 16), 64)
    return Schedule(
        rows=rows,
        keys=keys,
        heads=min(sharing, rows),
        num_warps=options.num_warps or (4 if rows <= 64 else 8),
        num_stages=options.num_stages or (3 if itemsize == 2 else 2),
    )


@dataclass(frozen=True)
class Loop:
    """The KV loop that is to be split.

    Attributes:
        programs: programs of the grid without a split.
        tiles: the most tiles that one program visits.
        tile_bytes: bytes of K and V in a tile.
        partial_bytes: bytes that one part of every row's result takes.
    """

    programs: int
    tiles: int
    tile_bytes: int
    partial_bytes: int


def estimate_us(loop: Loop, device: Device, splits: int) -> float:
    """Predicted time of a split.

    Programs run in waves of as many as fit the device. A wave takes as long as the memory needs
    for its bytes, and no less than a program alone needs for its own tiles; the last wave leaves
    part of the device idle.
    """
    tiles = -(-loop.tiles // splits)
    slots = device.processors * device.programs_per_processor
    full, rest = divmod(loop.programs * splits, slots)
    tile_us = loop.tile_bytes / (device.bandwidth * REACHED)
    alone = tiles * TILE_US * (0.35 + 0.65 * loop.tile_bytes / TILE_BYTES) + PROGRAM_US
    total = START_US + full * max(slots * tiles * tile_us, alone)
    if rest:
        # The busiest multiprocessor holds this many of the last wave's programs.
        busiest = -(-rest // device.processors) * device.processors
        total += max(busiest * tiles * tile_us, alone)
    if splits > 1:
        # Partial results are written once and read once.
        total += COMBINE_US + 2 * splits * loop.partial_bytes / device.bandwidth
    return total


def choose_splits(options: Options, loop: Loop, device: Device) -> int:
    """How many programs share one KV loop: the fewest with the shortest predicted time.

    Raises:
        ScheduleError: when more splits are asked for than a grid can hold.
    """
    if options.splits is not None:
        if options.splits * loop.programs >= 1 << 31:
            raise ScheduleError(
                "too many programs",
                expected="fewer than 2**31",
                got=options.splits * loop.programs,
            )
        return options.splits
    return _best_splits(loop, device)


@lru_cache(maxsize=4096)
def _best_splits(loop: Loop, device: Device) -> int:
    most = max(1, min(loop.tiles // 2, MOST_SPLITS))
    return min(range(1, most + 1), key=lambda splits: estimate_us(loop, device, splits))
