"""Tile and split of the KV loop for a problem, chosen without tuning.

The constants are a fit to sweeps over tiles and splits (`benchmarks/run.py --mode regret`) on
H200s, of 76 problems and 340 random shapes; docs/performance.md says how far the choice is from the
best.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pyflex.errors import ScheduleError
from pyflex.options import Options
from pyflex.tiles import (
    MOST_IN_CLUSTER,
    Device,
    Places,
    Schedule,
    Shape,
    expected_places,
    joined_width,
    power_of_two,
)

# All times in microseconds.
#: Launching a kernel until its first tile, and a program's own start and end.
_START, _PROGRAM = 6.3, 0.5
#: A program alone on a multiprocessor: a tile's latency, and its bytes a warp.
_TILE, _WARP_BYTES = 0.414, 0.283 / 8192
#: Multiply-adds a microsecond of a multiprocessor, and how much slower a program alone is.
_MATRIX_RATE, _FLOAT32_RATE, _ALONE = 4.3e6, 1.08e5, 1.4
#: Scores a microsecond that a multiprocessor turns into probabilities, and how much longer each
#: operation of a mod makes that.
_SCORE_RATE, _MOD = 1.76e4, 0.05
#: The part of the memory's nominal bandwidth that is reached, how much longer each further program
#: on a multiprocessor makes its reading, and how long the memory waits between two waves.
_REACHED, _CROWD, _NEXT = 0.965, 0.012, 2.0
#: How far a multiprocessor with one program more than the others holds up a wave.
_UNEVEN = 0.75
#: Smoothness of the greater of two times: neither hides the other wholly.
_BOTH = 11.0
#: Joining a split: the second kernel, a megabyte of partial results, a thousand rows, and each
#: further round of as many parts as the kernel reads at once.
_JOIN, _JOIN_MEGABYTE, _JOIN_ROWS, _JOIN_ROUND = 2.0, 0.76, 0.68, 0.6
#: Joining it in clusters, and each round of elements that a program joins at once.
_MEET, _MEET_ROUND = 0.5, 0.4
#: Elements that a program of a cluster loads at once, as LowerJoin.cpp has it.
_MEET_LOADS = 1024
#: Mean length over the longest, where lengths are a tensor's, and how much of the longest program
#: the GPU waits for at the end.
_MEAN, _LAST = 0.7, 0.5
#: Warps that a multiprocessor runs at the same time, one for each of its schedulers.
_SCHEDULERS = 4
#: Fewer parts are taken where the model sees no more than this between them.
_CLOSE = 1.015
#: With fewer programs than multiprocessors over this, only the first two tiles are worth a kernel.
_FEW = 3
#: Bytes of K and V from which on it pays to list the blocks that a mask shows first: as many as
#: the memory reads while a small kernel runs.
_LEAST_LISTED = 8 << 20
#: As many parts of one loop fill the largest GPU twice.
_MOST_PARTS = 256


@dataclass(frozen=True)
class Work:
    """The KV loop of a call.

    Attributes:
        shape: what the kernel is compiled for.
        programs: programs of the grid without a split.
        length: the most keys that one of them visits.
        rows: rows of the result: batch times heads times queries.
        varies: whether the sequences have lengths of their own.
    """

    shape: Shape
    programs: int
    length: int
    rows: int
    varies: bool


class Parts(NamedTuple):
    """How many programs share a KV loop, and whether they join what they find as a cluster."""

    number: int
    in_cluster: bool = False


def estimate_us(
    work: Work, schedule: Schedule, places: Places, device: Device, parts: Parts
) -> float:
    """Predicted time of a split into `parts` of a kernel for which a GPU has `places`.

    Programs run in waves of as many as fit the device. A wave takes as long as the memory needs
    for its bytes or the multiprocessors for its products, and no less than a program alone needs
    for its own tiles; the last wave leaves part of the device idle. Programs of many lengths form
    no waves: one starts where another ends.
    """
    shape, keys = work.shape, schedule.keys
    tiles = -(-work.length // keys)
    tiles = -(-tiles // parts.number)
    dims = shape.line // shape.itemsize
    tile_bytes = keys * (shape.head_dim + shape.value_dim) * shape.itemsize
    scores = schedule.rows * keys
    compute = scores * dims / (_FLOAT32_RATE if shape.itemsize == 4 else _MATRIX_RATE)
    compute += scores * (1 + _MOD * shape.mod_cost) / _SCORE_RATE
    alone = _TILE + tile_bytes / schedule.num_warps * _WARP_BYTES + _ALONE * compute
    alone = tiles * alone + _PROGRAM
    memory = tiles * tile_bytes / (device.bandwidth * _REACHED)

    def wave(programs: int) -> float:
        most = -(-programs // device.processors)
        even = (1 - _UNEVEN) * programs + _UNEVEN * most * device.processors
        # Where some schedulers have a warp more than others, these wait.
        warps = -(-most * schedule.num_warps // _SCHEDULERS) * _SCHEDULERS
        crowded = 1 + _CROWD * (min(most, places.resident) - 1)
        busy = max(even * memory * crowded, warps / schedule.num_warps * tiles * compute)
        return float((busy**_BOTH + alone**_BOTH) ** (1 / _BOTH))

    programs, at_once = work.programs * parts.number, device.processors * places.resident
    if work.varies:
        waves = max(programs / at_once, 1.0) * wave(min(programs, at_once))
        longest = wave(min(programs, device.processors))
        total = _START + max(longest, _MEAN * waves + _LAST * longest)
        # From one program to the next a place reads nothing; others of its multiprocessor do.
        total += _PROGRAM * max(programs / at_once - 1, 0) / places.resident
    else:
        full, rest = divmod(programs, at_once)
        total = _START + full * wave(at_once) + (wave(rest) if rest else 0.0)
        total += _NEXT * max(full - (rest == 0), 0)
    if parts.in_cluster:
        total += _MEET + _MEET_ROUND * _meeting_rounds(shape, schedule, parts.number)
    elif parts.number > 1:
        megabytes = parts.number * work.rows * shape.value_dim * 4e-6
        rounds = -(-parts.number // _parts_a_round(shape))
        total += _JOIN + _JOIN_MEGABYTE * megabytes + _JOIN_ROWS * work.rows / 1000
        total += _JOIN_ROUND * (rounds - 1)
    return total


def _meeting_rounds(shape: Shape, schedule: Schedule, parts: int) -> int:
    """Rounds in which a program of a cluster joins its share, as LowerJoin.cpp has it."""
    most = 2 if parts <= 2 else MOST_IN_CLUSTER
    rows = min(power_of_two(schedule.heads), schedule.rows)
    share = power_of_two(-(-shape.value_dim // (most // 2 + 1)))
    columns = min(max(share, 16), max(_MEET_LOADS // most // rows, 16))
    chunks = -(-shape.value_dim // columns)
    return -(-schedule.lines(shape.q_len) // rows) * -(-chunks // parts)


def _parts_a_round(shape: Shape) -> int:
    """Partial results that the joining kernel reads at once, as SplitKV.cpp has it."""
    return min(4096 // joined_width(shape.value_dim), 64)


def parts_for(
    options: Options, work: Work, schedule: Schedule, places: Places, device: Device
) -> Parts:
    """How many programs share one KV loop: the fewest with the shortest predicted time."""
    if not options.enabled("flex-join-in-cluster"):
        places = Places(places.resident)
    if options.splits is not None:
        return Parts(options.splits, places.holds(work.programs, options.splits))
    return _best_parts(work, schedule, places, device)


def parts_for_threads(
    options: Options, work: Work, schedule: Schedule, threads: int, *, joins_in_cluster: bool
) -> Parts:
    """As `parts_for`, for a CPU: no more programs than keep its threads busy.

    A CPU runs the programs of a cluster on one thread. So only those that were asked for form
    one, as they would on a GPU.
    """
    if options.splits is not None:
        return Parts(options.splits, joins_in_cluster and 1 < options.splits <= MOST_IN_CLUSTER)
    tiles = -(-work.length // schedule.keys)
    return Parts(max(1, min(threads // max(work.programs, 1), tiles)))


def best_schedule(
    options: Options, work: Work, schedules: tuple[Schedule, ...], device: Device
) -> int:
    """Which of `schedules` is the fastest for `work`."""

    def predicted(schedule: Schedule) -> float:
        places = expected_places(schedule, work.shape, device)
        parts = parts_for(options, work, schedule, places, device)
        return estimate_us(work, schedule, places, device, parts)

    if work.programs * _FEW < device.processors:
        schedules = schedules[:2]
    if len(schedules) == 1:
        return 0
    times = [predicted(schedule) for schedule in schedules]
    return times.index(min(times))


def lists_blocks(kv_bytes: int) -> bool:
    """Whether a first kernel lists the blocks of so many bytes of K and V."""
    return kv_bytes >= _LEAST_LISTED


def check_grid(options: Options, programs: int) -> None:
    """Raises ScheduleError when more splits are asked for than a grid can hold."""
    if options.splits is not None and options.splits * programs >= 1 << 31:
        raise ScheduleError(
            "too many programs", expected="fewer than 2**31", got=options.splits * programs
        )


@lru_cache(maxsize=4096)
def _best_parts(work: Work, schedule: Schedule, places: Places, device: Device) -> Parts:
    most = max(1, min(-(-work.length // schedule.keys), _MOST_PARTS))
    counts = _useful_parts(work.programs, places.resident * device.processors, most)
    ways = (Parts(count, way) for count in counts for way in (False, True))
    times = {
        parts: estimate_us(work, schedule, places, device, parts)
        for parts in ways
        if not parts.in_cluster or places.holds(work.programs, parts.number)
    }
    good = _CLOSE * min(times.values())
    return min(parts for parts, time in times.items() if time <= good)


def _useful_parts(programs: int, places: int, most: int) -> Iterable[int]:
    """Round numbers, and those that fill the device a whole number of times."""
    useful = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256}
    if programs:
        useful |= {places * waves // programs for waves in (1, 2, 3)}
    return {parts for parts in useful if 1 <= parts <= most}
