"""Tile shape, warps, pipeline depth and split count for a problem, chosen without tuning."""

from __future__ import annotations

from dataclasses import dataclass

from pyflex.errors import ScheduleError
from pyflex.options import Options

#: Programs wanted for each multiprocessor: enough loads in flight to fill the memory's latency.
PROGRAMS_PER_SM = 2
#: A program should read at least this many tiles, or writing partial results costs more.
TILES_PER_SPLIT = 2


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


def choose_splits(options: Options, *, programs: int, tiles: int, processors: int) -> int:
    """How many programs share one KV loop.

    `programs` is the grid without a split, `tiles` the most tiles that one of them visits,
    `processors` the device's multiprocessors (or threads).

    Raises:
        ScheduleError: when more splits are asked for than a grid can hold.
    """
    if options.splits is not None:
        if options.splits * programs >= 1 << 31:
            raise ScheduleError(
                "too many programs", expected="fewer than 2**31", got=options.splits * programs
            )
        return options.splits
    wanted = -(-processors * PROGRAMS_PER_SM // max(programs, 1))
    return max(1, min(wanted, tiles // TILES_PER_SPLIT, 128))
