"""The schedule's model against an exhaustive sweep, on the workloads and on random shapes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from benchmarks.report import geomean, progress, text_table
from benchmarks.systems import pyflex_call
from benchmarks.warm import Job, kernel_options, warm
from benchmarks.workloads import Workload, make_problem
from pyflex import Options, Trial, tune
from pyflex.tune import candidates_for

Row = dict[str, Any]


def regret(
    workloads: Sequence[Workload],
    tiles: Sequence[Options] = (),
    *,
    processes: int | None,
    seconds: float,
) -> tuple[list[Row], int]:
    """A row for each workload, and how many were left out because `seconds` had passed.

    Every schedule is timed, or those of `tiles`, which fix keys, warps and stages.
    """
    start = time.perf_counter()
    warm(jobs(workloads, tiles), processes)
    compiled = time.perf_counter()
    rows: list[Row] = []
    for workload in progress(workloads, lambda w: w.name, start + seconds):
        rows.append(measure(workload, tiles))
        torch.cuda.empty_cache()
    print(f"compiled in {compiled - start:.0f} s, timed in {time.perf_counter() - compiled:.0f} s")
    return rows, len(workloads) - len(rows)


def jobs(workloads: Sequence[Workload], tiles: Sequence[Options] = ()) -> list[Job]:
    """What to compile: the candidates of each kernel once, and the model's choice for each shape.

    Workloads that differ in what no kernel depends on share their candidates.
    """
    candidates: dict[Workload, dict[Options, None]] = {}
    smallest: dict[Workload, Workload] = {}
    for workload in workloads:
        kernel = replace(
            workload,
            name="",
            batch=1,
            kv_len=1,
            touched=float(workload.touched == 1),
            ragged=False,
        )
        found = candidates.setdefault(kernel, {})
        # Splits belong to no kernel: the grid plays no part here.
        whole = [replace(tile, splits=1) for tile in tiles or [Options()]]
        found.update(dict.fromkeys(kernel_options(_candidates(workload, whole, 1))))
        known = smallest.setdefault(kernel, workload)
        if workload.kv_bytes / workload.touched < known.kv_bytes / known.touched:
            smallest[kernel] = workload
    return [
        *(Job(smallest[kernel], tuple(found)) for kernel, found in candidates.items()),
        *(Job(workload, (Options(),)) for workload in workloads),
    ]


def _candidates(
    workload: Workload, tiles: Sequence[Options], multiprocessors: int
) -> list[Options]:
    itemsize = torch.finfo(getattr(torch, workload.dtype)).bits // 8
    length = max(1, int(max(workload.lengths) * workload.touched))
    grid = {"programs": workload.batch * workload.kv_heads, "multiprocessors": multiprocessors}
    line = 2 * workload.head_dim * itemsize
    found = (candidates_for(tile, line_bytes=line, length=length, **grid) for tile in tiles)
    return [options for each in found for options in each]


def measure(workload: Workload, tiles: Sequence[Options] = ()) -> Row:
    """The sweep of one workload, with the time of every candidate."""
    problem = make_problem(workload)
    decode, arguments = pyflex_call(problem)
    if tiles:
        multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
        arguments["candidates"] = _candidates(workload, tiles, multiprocessors)
    row: Row = {"workload": workload.name, "shape": asdict(workload), "bytes": workload.kv_bytes}
    try:
        tuned = tune(decode, problem.query, problem.key, problem.value, **arguments)
    except Exception as error:  # the other rows still count
        return {**row, "error": f"{type(error).__name__}: {error}"[:300]}
    return {
        **row,
        "default_us": tuned.default_us,
        "best_us": tuned.best_us,
        "regret": tuned.regret,
        "default": asdict(tuned.schedule),
        "best": _given(tuned.options),
        "candidates": [_trial(trial) for trial in tuned.table],
    }


def _trial(trial: Trial) -> Row:
    return {**_given(trial.options), **{k: v for k, v in vars(trial).items() if k != "options"}}


def _given(options: Options) -> Row:
    return {k: v for k, v in asdict(options).items() if v != getattr(Options, k)}


def _short(schedule: Row) -> str:
    """A tile, such as "64 keys, 4 warps, 3 stages, 2 splits"."""
    names = {"keys": "keys", "num_warps": "warps", "num_stages": "stages", "splits": "splits"}
    parts = [f"{schedule[key]} {name}" for key, name in names.items() if key in schedule]
    return ", ".join(parts) or "the model's"


def table(rows: Sequence[Row]) -> str:
    """Each row's regret, then the worst and the mean of the workloads and of the random shapes."""
    lines, errors = [], []
    for row in rows:
        if "error" in row:
            errors.append(f"{row['workload']}: {row['error']}")
            continue
        line = [row["workload"], f"{row['bytes'] / 1e6:.0f}", f"{row['default_us']:.1f}"]
        line += [f"{row['best_us']:.1f}", f"{row['regret']:.1%}", _short(row["default"])]
        line.append(_short(row["best"]))
        lines.append(line)
    header = ["workload", "MB", "model us", "best us", "regret", "model's choice", "best"]
    return "\n".join([text_table(header, lines), *summary(rows), *errors])


def summary(rows: Sequence[Row]) -> list[str]:
    """Worst and mean regret, of named workloads and of random shapes apart."""
    lines = []
    for what, random in (("workloads", False), ("random shapes", True)):
        own = [r for r in rows if "regret" in r and r["workload"].startswith("random") == random]
        if not own:
            continue
        worst = max(own, key=lambda row: row["regret"])
        mean = geomean(1 + row["regret"] for row in own) - 1
        over = sum(row["regret"] > (0.05 if random else 0.03) for row in own)
        lines.append(
            f"{len(own)} {what}: mean regret {mean:.1%}, worst {worst['regret']:.1%} "
            f"({worst['workload']}), {over} above {'5%' if random else '3%'}"
        )
    return lines
