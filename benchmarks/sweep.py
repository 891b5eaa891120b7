"""Looks for cliffs: dtypes, groups, queries and head dimensions, one at a time and at random.

Every point reads about the same bytes. Its figure is its time over the read floor of its own
bytes; a cliff is a point whose figure is more than `LIMIT` times off the line of its neighbours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.report import progress, text_table
from benchmarks.systems import run_pyflex
from benchmarks.timing import replay_with_floor
from benchmarks.warm import Job, warm
from benchmarks.workloads import Workload, make_problem
from pyflex import Options
from pyflex.timing import capture

Row = dict[str, Any]

LIMIT = 1.3
AXES: dict[str, tuple[int, ...]] = {
    "group": tuple(range(1, 17)),
    "q_len": tuple(range(1, 17)),
    "head_dim": (64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 256),
}
_BASE = {"group": 4, "q_len": 1, "head_dim": 128}
_DTYPES = {"bfloat16": 2, "float16": 2, "float32": 4}
_BATCH, _KV_HEADS, _MEGABYTES = 8, 8, 256


@dataclass(frozen=True)
class Series:
    """Workloads along one axis, in order."""

    name: str
    axis: str
    values: tuple[int, ...]
    workloads: tuple[Workload, ...]


def workload(dtype: str, group: int, q_len: int, head_dim: int) -> Workload:
    """A point: its KV length is chosen for the bytes."""
    line = _BATCH * _KV_HEADS * head_dim * 2 * _DTYPES[dtype]
    length = round(_MEGABYTES * 1e6 / line / 128) * 128
    name = f"{dtype} g{group} q{q_len} d{head_dim}"
    heads = _KV_HEADS * group
    return Workload(
        name, _BATCH, heads, _KV_HEADS, q_len, length, head_dim, mods="none", dtype=dtype
    )


def all_series(random_count: int, seed: int) -> list[Series]:
    """One factor at a time around the base in each dtype, then stretches of three at random."""
    found = [_series(dtype, axis, _BASE, AXES[axis]) for dtype in _DTYPES for axis in AXES]
    source = random.Random(seed)
    for _ in range(random_count):
        dtype, axis = source.choice(list(_DTYPES)), source.choice(list(AXES))
        point = {name: source.choice(values) for name, values in AXES.items()}
        first = source.randrange(len(AXES[axis]) - 2)
        found.append(_series(dtype, axis, point, AXES[axis][first : first + 3]))
    return found


def _series(dtype: str, axis: str, point: dict[str, int], values: tuple[int, ...]) -> Series:
    fixed = " ".join(f"{name} {value}" for name, value in point.items() if name != axis)
    workloads = tuple(workload(dtype, **{**point, axis: value}) for value in values)
    return Series(f"{dtype}, {fixed}", axis, values, workloads)


def sweep(series: Sequence[Series], *, processes: int | None, seconds: float) -> list[Row]:
    """A row for each series; those that `seconds` leave no time for say so."""
    until = time.perf_counter() + seconds
    points = list(dict.fromkeys(w for one in series for w in one.workloads))
    warm([Job(point, (Options(),)) for point in points], processes)
    figures: dict[Workload, float] = {}
    errors = dict.fromkeys(points, f"not measured: {seconds:.0f} s had passed")
    for point in progress(points, lambda w: w.name, until):
        del errors[point]
        try:
            run = run_pyflex(make_problem(point))  # which holds what the graph reads
            floor, (us,) = replay_with_floor(point.kv_bytes, [capture(run)], 15)
            figures[point] = us / floor
        except Exception as error:  # a point that fails is a finding
            errors[point] = f"{type(error).__name__}: {error}"[:300]
    torch.cuda.empty_cache()
    return [_row(one, figures, errors) for one in series]


def _row(series: Series, figures: dict[Workload, float], errors: dict[Workload, str]) -> Row:
    own = [figures.get(point) for point in series.workloads]
    return {
        "series": series.name,
        "axis": series.axis,
        "values": list(series.values),
        "figures": own,
        "off": off_line(own),
        "errors": {point.name: errors[point] for point in series.workloads if point in errors},
    }


def off_line(figures: Sequence[float | None]) -> list[float | None]:
    """Each figure over the line of its neighbours: their mean, or at an end the one there is."""
    found: list[float | None] = []
    for i, figure in enumerate(figures):
        near = (figures[j] for j in (i - 1, i + 1) if 0 <= j < len(figures))
        known = [value for value in near if value is not None]
        found.append(figure * len(known) / sum(known) if figure and known else None)
    return found


def cliffs(off: Sequence[float | None]) -> list[bool]:
    """Which points lie too far off their neighbours' line.

    A slow point pulls its neighbours' lines up: beside one, a fast point is none.
    """
    slow = [value is not None and value > LIMIT for value in off]
    return [
        slow[i]
        or (value is not None and value < 1 / LIMIT and not any(slow[max(i - 1, 0) : i + 2]))
        for i, value in enumerate(off)
    ]


def table(rows: Sequence[Row]) -> str:
    """Each series in one line, "!" after a cliff, then every cliff and error."""
    lines, findings = [], []
    for row in rows:
        cells = []
        found = zip(row["values"], row["figures"], row["off"], cliffs(row["off"]), strict=True)
        for value, figure, off, cliff in found:
            mark = "!" if cliff else ""
            cells.append(f"{value}: -" if figure is None else f"{value}: {figure:.2f}{mark}")
            if cliff:
                findings.append(
                    f"cliff: {row['series']}, {row['axis']} {value}: {off:.2f} x its neighbours"
                )
        findings += [f"{name}: {reason}" for name, reason in row["errors"].items()]
        lines.append([row["series"], row["axis"], "  ".join(cells)])
    count = sum(sum(cliffs(row["off"])) for row in rows)
    points = sum(figure is not None for row in rows for figure in row["figures"])
    total = f"{points} points, {count} more than {LIMIT} x off their neighbours' line"
    header = ["series", "along", "time over the floor of its bytes"]
    return "\n".join([text_table(header, lines), *findings, total])
