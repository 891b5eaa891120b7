"""The tiles of a call compared by the model: which one is taken, and why."""

from __future__ import annotations

from math import inf
from typing import Literal, NamedTuple

from pyflex.options import Options
from pyflex.places import UNIT_ROWS, Device, Schedule, expected_places
from pyflex.schedule import Parts, Work, estimate_us, parts_for
from pyflex.tiles import MOST_WIDE

#: With fewer programs than multiprocessors over this, loops are split often.
_FEW = 3
#: A narrow tile of up to 16 rows by so many keys, with so many bytes, is then faster than the model
#: sees it, by up to this; a smaller one is left out. Not so where each program has to list its
#: blocks first.
_FEW_KEYS, _FEW_BYTES, _FEW_GAIN = 32, 1 << 14, 1.025
#: Of more programs a narrow tile of up to 16 rows has to be ahead by this: in few large programs
#: long loops are a little faster than the model sees them.
_NARROW_AHEAD = 1.003
#: A tile of more keys than the wide one's is for loops of so many of its tiles, of more programs:
#: the model does not see what it costs shorter ones.
_LONG_LOOP = 16


class Comparison(NamedTuple):
    """Tiles for one call, each with its best split and the time predicted, and the one to take.

    `reason` says why it is that one.
    """

    parts: tuple[Parts, ...]
    times: tuple[float, ...]
    taken: int
    reason: Literal[
        "shortest",
        "wider where close",
        "others are for long loops",
        "narrow for few",
        "wider for few",
    ]


def compare(
    options: Options, work: Work, schedules: tuple[Schedule, ...], device: Device
) -> Comparison:
    """The tiles of `schedules` for `work`, of which the narrow one is the last."""
    parts, times = [], []
    for schedule in schedules:
        places = expected_places(schedule, work.shape, device)
        parts.append(parts_for(options, work, schedule, places, device))
        times.append(estimate_us(work, schedule, places, device, parts[-1]))
    compared = tuple(parts), tuple(times)

    few = work.programs * _FEW < device.multiprocessors and not work.listed
    for index, schedule in enumerate(schedules):
        is_long = work.tiles(schedule.keys) >= _LONG_LOOP
        if schedule.keys > MOST_WIDE and (few or not is_long):
            times[index] = inf
    index = times.index(min(times))
    narrow, last = schedules[-1], len(schedules) - 1
    if last > 0 and narrow.rows <= UNIT_ROWS:
        wider = times.index(min(times[:-1]))
        fills = narrow.keys >= _FEW_KEYS and narrow.keys * work.shape.line >= _FEW_BYTES
        if not few:
            if index == last and times[wider] <= _NARROW_AHEAD * times[last]:
                return Comparison(*compared, wider, "wider where close")
        elif fills and index != last and times[last] <= _FEW_GAIN * times[index]:
            return Comparison(*compared, last, "narrow for few")
        elif not fills and index == last:
            return Comparison(*compared, wider, "wider for few")
    if times[index] > min(compared[1]):
        return Comparison(*compared, index, "others are for long loops")
    return Comparison(*compared, index, "shortest")


def best_schedule(
    options: Options, work: Work, schedules: tuple[Schedule, ...], device: Device
) -> int:
    """Which of `schedules` is the fastest for `work`."""
    return compare(options, work, schedules, device).taken if len(schedules) > 1 else 0
