"""The model of a call's time by its tile and split, and the split that it finds best.

The constants are a fit to sweeps over tiles and splits on H200s; docs/schedule.md says which, and
how far the choice is from the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pyflex.errors import ScheduleError
from pyflex.options import Options
from pyflex.places import (
    FEW_PARTS,
    MOST_IN_CLUSTER,
    SCHEDULERS,
    UNIT_ROWS,
    Device,
    Places,
    Schedule,
    Shape,
    combined_width,
    floor_power_of_two,
    power_of_two,
)

# All times in microseconds.
#: Launching a kernel until its first tile.
_START = 6.3
#: A tile's latency in a program alone on a multiprocessor.
_TILE = 0.425
#: That of 64 rows, where each warp has rows of its own, if a key and its value take more bytes.
_TILE_64, _NARROW_LINE = 0.29, 320
#: What each byte of a tile adds to its latency, of the bytes that one warp has.
_WARP_BYTES = 2.44e-5
#: The part of a tile that goes by before the memory is busy, or after it was.
_ENDS = 0.6
#: From the end of a program to the first keys of the next one in its place, which others on the
#: multiprocessor hide.
_RESTART = 0.4
#: Multiply-adds a microsecond of a multiprocessor, of half types and of float32.
_MATRIX_RATE, _FLOAT32_RATE = 5.7e6, 1.65e5
#: How much slower a program alone computes, of half types.
_ALONE = 1.47
#: Scores a microsecond that a multiprocessor turns into probabilities.
_SCORE_RATE = 3.85e4
#: How much longer each operation of a mod makes that, of eight rows and of more.
_MOD_8, _MOD = 0.064, 0.183
#: How much slower all arithmetic of 32 rows of half types is.
_ROWS_32 = 1.7
#: The part of the memory's nominal bandwidth that is reached.
_REACHED = 0.986
#: The time from asking to having: a multiprocessor reads no faster than what it has asked for
#: divided by that (Little's law).
_LATENCY = 1.03
#: Bytes on their way at which a multiprocessor reads fastest; how much slower it is with twice as
#: many.
_AHEAD, _CROWD = 3 << 15, 0.029
#: How far the multiprocessors with the most programs, and programs with the most tiles, hold up a
#: wave.
_UNEVEN = 0.254
#: Smoothness of the greater of two times, as neither hides the other wholly: of a tile's time alone
#: and the memory's, and of the memory's latency and bandwidth.
_BOTH, _EITHER = 7.5, 5.0
#: Combining a split by the second kernel, of few parts and of many, and a thousand rows of those.
_COMBINE_FEW, _COMBINE_MANY, _ROWS_FEW, _ROWS_MANY = 1.3, 1.6, 0.72, 1.22
#: A megabyte of partial results, of tiles of up to 16 rows and of more.
_COMBINE_MEGABYTE, _MEGABYTE_32 = 0.32, 0.45
#: Each further round of as many parts as the second kernel reads at once.
_COMBINE_ROUND = 0.84
#: Combining it in a cluster, of tiles of up to 16 rows and of more; and what more than two programs
#: add.
_MEET, _MEET_32, _MEET_MORE = 0.6, 1.2, 0.18
#: Each element that a thread leaves for that, and each round of those that a program takes at once.
_MEET_ELEMENT, _MEET_ROUND = 0.04, 0.28
#: Elements that a program of a cluster loads at once, as LowerCombineInCluster.cpp has it.
_MEET_LOADS = 1024
#: Blocks that a program lists at a time, as LowerBlockLists.cpp has it, and what that takes where
#: most of them are hidden.
_LISTED, _LIST_ROUND = 512, 0.3
#: Where lengths are a tensor's: how much counts of what all programs would take if they were as
#: long as the longest, of one such program on each multiprocessor, and of one alone.
_MEAN, _LONGEST, _LAST = 0.7, 0.15, 0.15
#: What is added to `_LAST` where tiles have 64 rows or more, and not all programs fit at once.
_LATE = 0.1
#: Fewer parts are taken where the model sees no more than this between them; but not of loops of
#: many lengths, where more of them end more evenly.
_CLOSE = 1.015
#: Bytes of K and V from which on it pays to list the blocks that a mask shows first: as many as
#: the memory reads while a small kernel runs.
_LEAST_LISTED = 8 << 20
#: As many parts of one loop fill the largest GPU twice.
_MOST_PARTS = 256

#: Calls whose longest sequences round up to the same multiple of this have the same tile and split:
#: the bits of a result do not depend on the calls before. (On a CPU they do where torch's number of
#: threads changes.)
LENGTH_STEP = 64
#: Lengths for which a tile is chosen anew, from one power of two to the next. A choice takes a
#: third of a millisecond.
_CHOICES = 16


def length_steps(kv_limit: int) -> int:
    """Steps that sequences of up to `kv_limit` keys take."""
    return -(-kv_limit // LENGTH_STEP)


def tile_length(kv_limit: int) -> int:
    """The most keys of sequences that have the same tile as those of up to `kv_limit` keys."""
    steps = length_steps(kv_limit)
    unit = max(floor_power_of_two(max(steps, 1)) // _CHOICES, 1)
    return -(-steps // unit) * unit * LENGTH_STEP


@dataclass(frozen=True)
class Work:
    """The KV loop of a call.

    Attributes:
        shape: what the kernel is compiled for.
        programs: programs of the grid without a split.
        length: the most keys that one of them visits.
        rows: rows of the result: batch times heads times queries.
        varies: whether the sequences have lengths of their own.
        listed: whether each program lists the blocks that it visits.
    """

    shape: Shape
    programs: int
    length: int
    rows: int
    varies: bool
    listed: bool = False

    def tiles(self, keys: int) -> int:
        """The most tiles of so many keys that a program visits."""
        return -(-self.length // keys)


class Parts(NamedTuple):
    """How many programs share a KV loop, and whether they combine what they find as a cluster."""

    number: int
    in_cluster: bool = False


def estimate_us(
    work: Work, schedule: Schedule, places: Places, device: Device, parts: Parts
) -> float:
    """Predicted time of a split into `parts` of a kernel for which a GPU has `places`.

    Programs run in waves of as many as fit the device. A wave takes as long as the memory needs
    for its bytes or the multiprocessors for its products, and no less than a program alone needs
    for its own tiles; the last wave leaves part of the device idle, and each but the first starts
    anew. Programs of many lengths form no waves: one starts where another ends.
    """
    shape, keys = work.shape, schedule.keys
    tiles = -(-work.tiles(keys) // parts.number)
    dims = shape.line // shape.itemsize
    key_bytes = (shape.head_dim + shape.value_dim) * shape.itemsize
    tile_bytes = keys * key_bytes
    scores = schedule.padded * keys
    float32 = shape.itemsize == 4
    compute = scores * dims / (_FLOAT32_RATE if float32 else _MATRIX_RATE)
    mod = _MOD_8 if schedule.rows < UNIT_ROWS else _MOD
    compute += scores * (1 + mod * shape.mod_cost) / _SCORE_RATE
    compute *= _ROWS_32 if schedule.rows == 32 and not float32 else 1
    tall = schedule.rows >= 64
    latency = _TILE_64 if tall and shape.line > _NARROW_LINE else _TILE
    alone = latency + tile_bytes / schedule.num_warps * _WARP_BYTES
    alone += compute * (1 if float32 else _ALONE)
    # What a program reads, and what the one with the most does.
    mean_bytes = work.length / parts.number * key_bytes
    most_bytes = tiles * tile_bytes
    ahead = min(max(schedule.num_stages - 1, 1), max(tiles, 1)) * tile_bytes

    def wave(programs: int) -> float:
        most = -(-programs // device.multiprocessors)
        # Those that have a multiprocessor each share the memory alone.
        uneven = _UNEVEN if most > 1 else 0.0
        read = (1 - uneven) * programs * mean_bytes
        read += uneven * most * device.multiprocessors * most_bytes
        # Where some schedulers have a warp more than others, these wait.
        warps = -(-most * schedule.num_warps // SCHEDULERS) * SCHEDULERS
        asked = max(min(most, places.resident), 1) * ahead
        slower = _greater(
            1.0, _LATENCY * device.bandwidth / device.multiprocessors / asked, _EITHER
        )
        slower *= 1 + _CROWD * max(asked / _AHEAD - 1, 0)
        memory = read / (device.bandwidth * _REACHED) * slower
        busy = max(memory, warps / schedule.num_warps * tiles * compute)
        return _greater(busy, tiles * alone, _BOTH) + _ENDS * alone

    programs, at_once = work.programs * parts.number, device.multiprocessors * places.resident
    if work.varies:
        waves = max(programs / at_once, 1.0) * wave(min(programs, at_once))
        longest = wave(min(programs, device.multiprocessors))
        last = _LAST + (_LATE if tall and programs > at_once else 0.0)
        total = _START + _MEAN * waves + _LONGEST * longest + last * tiles * alone
    else:
        full, rest = divmod(programs, at_once)
        total = _START + (full * wave(at_once) if full else 0.0) + (wave(rest) if rest else 0.0)
        total += _RESTART / places.resident * max(full + (rest > 0) - 1, 0)
    if work.listed:
        total += _LIST_ROUND * -(-work.tiles(keys) // _LISTED)
    return total + _combining(work, schedule, parts)


def _combining(work: Work, schedule: Schedule, parts: Parts) -> float:
    """What it takes to combine the parts: nothing for one."""
    shape = work.shape
    if parts.in_cluster:
        meet = _MEET if schedule.rows <= UNIT_ROWS else _MEET_32
        meet += _MEET_MORE if parts.number > 2 else 0.0
        left = schedule.lines(shape.q_len) * shape.value_dim / (32 * schedule.num_warps)
        rounds = _meeting_rounds(shape, schedule, parts.number)
        return meet + _MEET_ELEMENT * left + _MEET_ROUND * rounds
    if parts.number == 1:
        return 0.0
    megabytes = parts.number * work.rows * shape.value_dim * 4e-6
    a_megabyte = _COMBINE_MEGABYTE if schedule.rows <= UNIT_ROWS else _MEGABYTE_32
    rounds = -(-parts.number // _parts_a_round(shape))
    few = parts.number <= FEW_PARTS
    kernel, of_rows = (_COMBINE_FEW, _ROWS_FEW) if few else (_COMBINE_MANY, _ROWS_MANY)
    total = kernel + a_megabyte * megabytes + of_rows * work.rows / 1000
    return total + _COMBINE_ROUND * (rounds - 1)


def _greater(one: float, other: float, power: float) -> float:
    """The greater of two; somewhat more where they are close, with a high power less so."""
    return float((one**power + other**power) ** (1 / power))


def _meeting_rounds(shape: Shape, schedule: Schedule, parts: int) -> int:
    """Rounds in which a cluster's program combines its share, as in LowerCombineInCluster.cpp."""
    most = 2 if parts <= 2 else MOST_IN_CLUSTER
    rows = min(power_of_two(schedule.heads), schedule.rows)
    share = power_of_two(-(-shape.value_dim // (most // 2 + 1)))
    columns = min(max(share, 16), max(_MEET_LOADS // most // rows, 16))
    chunks = -(-shape.value_dim // columns)
    return -(-schedule.lines(shape.q_len) // rows) * -(-chunks // parts)


def _parts_a_round(shape: Shape) -> int:
    """Partial results that the combine kernel reads at once, as passes/flex/Width.h has it."""
    return min(2048 // combined_width(shape.value_dim, FEW_PARTS + 1), 64)


def parts_for(
    options: Options, work: Work, schedule: Schedule, places: Places, device: Device
) -> Parts:
    """How many programs share one KV loop, and how they combine what they find.

    The fewest within 1.5% of the shortest predicted time, or the fastest where lengths vary; of a
    number that is asked for, the faster way.
    """
    if not options.enabled("flex-combine-in-cluster"):
        places = Places(places.resident)
    return _best_parts(work, schedule, places, device, options.splits)


def parts_for_threads(
    options: Options, work: Work, schedule: Schedule, threads: int, *, combines_in_cluster: bool
) -> Parts:
    """As `parts_for`, for a CPU: no more programs than keep its threads busy.

    A CPU runs the programs of a cluster on one thread. So only those that were asked for form
    one, as they would on a GPU.
    """
    if options.splits is not None:
        return Parts(options.splits, combines_in_cluster and 1 < options.splits <= MOST_IN_CLUSTER)
    return Parts(max(1, min(threads // max(work.programs, 1), work.tiles(schedule.keys))))


def worth_listing(kv_bytes: int) -> bool:
    """Whether it pays to list blocks, where K and V have so many bytes."""
    return kv_bytes >= _LEAST_LISTED


def check_grid(options: Options, programs: int) -> None:
    """Raises ScheduleError when more splits are asked for than a grid can hold."""
    if options.splits is not None and options.splits * programs >= 1 << 31:
        raise ScheduleError(
            "too many programs", expected="fewer than 2**31", got=options.splits * programs
        )


@lru_cache(maxsize=4096)
def _best_parts(
    work: Work, schedule: Schedule, places: Places, device: Device, asked: int | None
) -> Parts:
    most = max(1, min(work.tiles(schedule.keys), _MOST_PARTS))
    at_once = places.resident * device.multiprocessors
    counts = _useful_parts(work.programs, at_once, most) if asked is None else (asked,)
    ways = (Parts(count, way) for count in counts for way in (False, True))
    times = {
        parts: estimate_us(work, schedule, places, device, parts)
        for parts in ways
        if not parts.in_cluster or places.holds(work.programs, parts.number)
    }
    good = (1.0 if work.varies else _CLOSE) * min(times.values())
    close = (parts for parts, time in times.items() if time <= good)
    return min(close, key=lambda parts: (parts.number, times[parts]))


def _useful_parts(programs: int, places: int, most: int) -> Iterable[int]:
    """Round numbers, and those that fill the device a whole number of times."""
    useful = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256}
    if programs:
        useful |= {places * waves // programs for waves in (1, 2, 3)}
    return {parts for parts in useful if 1 <= parts <= most}
