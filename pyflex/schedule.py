"""Tile and split of the KV loop for a problem, chosen without tuning.

The constants are a fit to sweeps over tiles and splits on H200s, of 15 workloads and 1,000 random
shapes; docs/schedule.md says how far the choice is from the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf
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
    expected_places,
    floor_power_of_two,
    joined_width,
    power_of_two,
)
from pyflex.tiles import MOST_WIDE

# All times in microseconds.
#: Launching a kernel until its first tile.
_START = 6.3
#: A program alone on a multiprocessor: a tile's latency; that of 64 rows, whose warps share none,
#: if a key and its value take more bytes than _NARROW_LINE; and a tile's bytes a warp.
_TILE, _TILE_64, _WARP_BYTES, _NARROW_LINE = 0.425, 0.29, 2.44e-5, 320
#: The part of a tile that goes by before the memory is busy, or after it was.
_ENDS = 0.6
#: Multiply-adds a microsecond of a multiprocessor, and how much slower a program alone is.
_MATRIX_RATE, _FLOAT32_RATE, _ALONE = 5.7e6, 1.5e5, 1.47
#: Scores a microsecond that a multiprocessor turns into probabilities, how much longer each
#: operation of a mod makes that, of eight rows and of more, and how much slower all arithmetic of
#: 32 rows of half types is.
_SCORE_RATE, _MOD_8, _MOD, _ROWS_32 = 3.85e4, 0.064, 0.183, 2.02
#: The part of the memory's nominal bandwidth that is reached, and the time from asking to having: a
#: multiprocessor reads no faster than what it has asked for divided by that (Little's law).
_REACHED, _LATENCY = 0.986, 1.03
#: Bytes that a multiprocessor asks for at best, and how much slower it is with as many more.
_AHEAD, _CROWD = 3 << 15, 0.029
#: How far the multiprocessors with the most programs, and programs with the most tiles, hold up a
#: wave.
_UNEVEN = 0.254
#: Smoothness of the greater of two times: neither hides the other wholly. Of a tile's time alone
#: and the memory's, and of the memory's latency and bandwidth.
_BOTH, _EITHER = 7.5, 5.0
#: Joining a split: the second kernel, of few parts or of many, and a thousand rows of those; a
#: megabyte of partial results, and each further round of as many parts as the kernel reads at once.
_JOIN_FEW, _JOIN_MANY, _ROWS_FEW, _ROWS_MANY = 1.3, 1.6, 0.72, 1.22
_JOIN_MEGABYTE, _JOIN_ROUND = 0.32, 0.84
#: Joining it in clusters, each element that a thread leaves, and each round of those that a program
#: joins at once.
_MEET, _MEET_ELEMENT, _MEET_ROUND = 0.6, 0.04, 0.28
#: What tiles from 32 rows on take in place of _JOIN_MEGABYTE and _MEET.
_MEGABYTE_32, _MEET_32 = 0.45, 1.2
#: Blocks that a program lists at a time, as LowerBlockLists.cpp has it, and what that takes where
#: most of them are hidden.
_LISTED, _LIST_ROUND = 512, 0.3
#: Elements that a program of a cluster loads at once, as LowerJoin.cpp has it.
_MEET_LOADS = 1024
#: Where lengths are a tensor's: how much counts of what all programs would take if they were as
#: long as the longest, of one such program on each multiprocessor, and of one alone; and how much
#: more of that where programs of 64 rows, of which few fit, wait for a place.
_MEAN, _LONGEST, _LAST, _LATE = 0.7, 0.15, 0.15, 0.1
#: Fewer parts are taken where the model sees no more than this between them; but not of loops of
#: many lengths, where more of them end more evenly.
_CLOSE = 1.015
#: With fewer programs than multiprocessors over this, loops are split often. A narrow tile of up to
#: 16 rows by so many keys, with so many bytes, is then faster than the model sees it, by up to
#: this; but not where each program has to list its blocks first.
_FEW, _FEW_KEYS, _FEW_BYTES, _FEW_GAIN = 3, 32, 1 << 14, 1.025
#: A tile of more keys than the wide one's is for loops of so many of its tiles: the model does not
#: see what it costs shorter ones.
_LONG_LOOP = 16
#: Bytes of K and V from which on it pays to list the blocks that a mask shows first: as many as
#: the memory reads while a small kernel runs.
_LEAST_LISTED = 8 << 20
#: As many parts of one loop fill the largest GPU twice.
_MOST_PARTS = 256

#: Calls have the same tile and the same split where their longest sequences take as many steps of
#: so many keys: the bits of a result do not depend on the calls before. (On a CPU they do where
#: torch's number of threads changes.)
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
        shifted: whether the first of the keys need not be the first of a tile.
        listed: whether each program lists the blocks that it visits.
    """

    shape: Shape
    programs: int
    length: int
    rows: int
    varies: bool
    shifted: bool = False
    listed: bool = False

    def tiles(self, keys: int) -> int:
        """The most tiles of so many keys that a program visits."""
        return -(-(self.length + (keys - 1) * self.shifted) // keys)


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
    tiles = -(-work.tiles(keys) // parts.number)
    dims = shape.line // shape.itemsize
    key_bytes = (shape.head_dim + shape.value_dim) * shape.itemsize
    tile_bytes = keys * key_bytes
    scores = schedule.padded * keys
    compute = scores * dims / (_FLOAT32_RATE if shape.itemsize == 4 else _MATRIX_RATE)
    mod = _MOD_8 if schedule.rows < UNIT_ROWS else _MOD
    compute += scores * (1 + mod * shape.mod_cost) / _SCORE_RATE
    compute *= _ROWS_32 if schedule.rows == 32 and shape.itemsize < 4 else 1
    tall = schedule.rows >= 64
    latency = _TILE_64 if tall and shape.line > _NARROW_LINE else _TILE
    alone = latency + tile_bytes / schedule.num_warps * _WARP_BYTES + _ALONE * compute
    # What a program reads, and what the one with the most does.
    mean_bytes = work.length / parts.number * key_bytes
    most_bytes = tiles * tile_bytes
    ahead = min(max(schedule.num_stages - 1, 1), max(tiles, 1)) * tile_bytes

    def wave(programs: int) -> float:
        most = -(-programs // device.processors)
        # Those that have a multiprocessor each share the memory alone.
        uneven = _UNEVEN if most > 1 else 0.0
        read = (1 - uneven) * programs * mean_bytes
        read += uneven * most * device.processors * most_bytes
        # Where some schedulers have a warp more than others, these wait.
        warps = -(-most * schedule.num_warps // SCHEDULERS) * SCHEDULERS
        asked = max(min(most, places.resident), 1) * ahead
        slower = _greater(1.0, _LATENCY * device.bandwidth / device.processors / asked, _EITHER)
        slower *= 1 + _CROWD * max(asked / _AHEAD - 1, 0)
        memory = read / (device.bandwidth * _REACHED) * slower
        busy = max(memory, warps / schedule.num_warps * tiles * compute)
        return _greater(busy, tiles * alone, _BOTH) + _ENDS * alone

    programs, at_once = work.programs * parts.number, device.processors * places.resident
    if work.varies:
        waves = max(programs / at_once, 1.0) * wave(min(programs, at_once))
        longest = wave(min(programs, device.processors))
        last = _LAST + (_LATE if tall and programs > at_once else 0.0)
        total = _START + _MEAN * waves + _LONGEST * longest + last * tiles * alone
    else:
        full, rest = divmod(programs, at_once)
        total = _START + (full * wave(at_once) if full else 0.0) + (wave(rest) if rest else 0.0)
    if work.listed:
        total += _LIST_ROUND * -(-work.tiles(keys) // _LISTED)
    return total + _joining(work, schedule, parts)


def _joining(work: Work, schedule: Schedule, parts: Parts) -> float:
    """What it takes to join the parts: nothing for one."""
    shape = work.shape
    if parts.in_cluster:
        meet = _MEET if schedule.rows <= UNIT_ROWS else _MEET_32
        left = schedule.lines(shape.q_len) * shape.value_dim / (32 * schedule.num_warps)
        rounds = _meeting_rounds(shape, schedule, parts.number)
        return meet + _MEET_ELEMENT * left + _MEET_ROUND * rounds
    if parts.number == 1:
        return 0.0
    megabytes = parts.number * work.rows * shape.value_dim * 4e-6
    a_megabyte = _JOIN_MEGABYTE if schedule.rows <= UNIT_ROWS else _MEGABYTE_32
    rounds = -(-parts.number // _parts_a_round(shape))
    few = parts.number <= FEW_PARTS
    kernel, of_rows = (_JOIN_FEW, _ROWS_FEW) if few else (_JOIN_MANY, _ROWS_MANY)
    total = kernel + a_megabyte * megabytes + of_rows * work.rows / 1000
    return total + _JOIN_ROUND * (rounds - 1)


def _greater(one: float, other: float, power: float) -> float:
    """The greater of two; somewhat more where they are close, with a high power less so."""
    return float((one**power + other**power) ** (1 / power))


def _meeting_rounds(shape: Shape, schedule: Schedule, parts: int) -> int:
    """Rounds in which a program of a cluster joins its share, as LowerJoin.cpp has it."""
    most = 2 if parts <= 2 else MOST_IN_CLUSTER
    rows = min(power_of_two(schedule.heads), schedule.rows)
    share = power_of_two(-(-shape.value_dim // (most // 2 + 1)))
    columns = min(max(share, 16), max(_MEET_LOADS // most // rows, 16))
    chunks = -(-shape.value_dim // columns)
    return -(-schedule.lines(shape.q_len) // rows) * -(-chunks // parts)


def _parts_a_round(shape: Shape) -> int:
    """Partial results that the joining kernel reads at once, as passes/flex/Width.h has it."""
    return min(2048 // joined_width(shape.value_dim, FEW_PARTS + 1), 64)


def parts_for(
    options: Options, work: Work, schedule: Schedule, places: Places, device: Device
) -> Parts:
    """How many programs share one KV loop, and how they join what they find.

    The fewest with the shortest predicted time; of a number that is asked for, the faster way.
    """
    if not options.enabled("flex-join-in-cluster"):
        places = Places(places.resident)
    return _best_parts(work, schedule, places, device, options.splits)


def parts_for_threads(
    options: Options, work: Work, schedule: Schedule, threads: int, *, joins_in_cluster: bool
) -> Parts:
    """As `parts_for`, for a CPU: no more programs than keep its threads busy.

    A CPU runs the programs of a cluster on one thread. So only those that were asked for form
    one, as they would on a GPU.
    """
    if options.splits is not None:
        return Parts(options.splits, joins_in_cluster and 1 < options.splits <= MOST_IN_CLUSTER)
    return Parts(max(1, min(threads // max(work.programs, 1), work.tiles(schedule.keys))))


def best_schedule(
    options: Options, work: Work, schedules: tuple[Schedule, ...], device: Device
) -> int:
    """Which of `schedules` is the fastest for `work`."""

    def predicted(schedule: Schedule) -> float:
        if schedule.keys > MOST_WIDE and work.tiles(schedule.keys) < _LONG_LOOP:
            return inf
        places = expected_places(schedule, work.shape, device)
        parts = parts_for(options, work, schedule, places, device)
        return estimate_us(work, schedule, places, device, parts)

    if len(schedules) == 1:
        return 0
    times = [predicted(schedule) for schedule in schedules]
    if work.programs * _FEW < device.processors and not work.listed:
        narrow = schedules[-1]
        fills = narrow.keys >= _FEW_KEYS and narrow.keys * work.shape.line >= _FEW_BYTES
        if narrow.rows <= UNIT_ROWS and fills and times[-1] <= _FEW_GAIN * min(times):
            return len(times) - 1
        times = times[:2]  # the usual tile and the wide one
    return times.index(min(times))


def lists_blocks(kv_bytes: int) -> bool:
    """Whether blocks are listed, where K and V have so many bytes."""
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
    at_once = places.resident * device.processors
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
