"""What each optimisation pass buys: every pass switched off alone, and all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.report import geomean, progress, text_table
from benchmarks.systems import run_pyflex
from benchmarks.timing import replay_with_floor
from benchmarks.warm import Job, warm
from benchmarks.workloads import Workload, make_problem
from pyflex import OPTIMISATIONS, Options
from pyflex.timing import capture

Row = dict[str, Any]

_REPEATS = 20
#: What is compared: a name and the passes that are left out.
VARIANTS: dict[str, tuple[str, ...]] = {
    "all on": (),
    **{f"no {name.removeprefix('flex-')}": (name,) for name in OPTIMISATIONS},
    "all off": OPTIMISATIONS,
}


def ablate(workloads: Sequence[Workload], processes: int | None) -> list[Row]:
    """One row for each workload: microseconds with each set of passes left out."""
    options = {name: Options(disable_passes=passes) for name, passes in VARIANTS.items()}
    warm([Job(workload, tuple(options.values())) for workload in workloads], processes)
    rows = []
    for workload in progress(workloads, lambda w: w.name):
        problem = make_problem(workload)
        row: Row = {"workload": workload.name, "errors": {}}
        graphs = {}
        for name, given in options.items():
            try:
                graphs[name] = capture(run_pyflex(problem, given))
            except Exception as error:  # a variant that fails is a line of the table
                row["errors"][name] = f"{type(error).__name__}: {error}"[:300]
        row["floor"], times = replay_with_floor(workload.kv_bytes, list(graphs.values()), _REPEATS)
        row["us"] = dict(zip(graphs, times, strict=True))
        rows.append(row)
        del problem, graphs
        torch.cuda.empty_cache()
    return rows


def table(rows: Sequence[Row]) -> str:
    """Microseconds with every pass, and how many times that each ablation takes."""
    names = [name for name in VARIANTS if name != "all on"]
    lines = []
    for row in rows:
        us = row["us"]
        base = us.get("all on")
        line = [row["workload"], f"{row['floor']:.1f}", "-" if base is None else f"{base:.1f}"]
        line += [f"{us[n] / base:.2f} x" if base and n in us else "-" for n in names]
        lines.append(line)
    whole = [row["us"] for row in rows if "all on" in row["us"]]
    means = [geomean(us[n] / us["all on"] for us in whole if n in us) for n in names]
    lines.append(["geometric mean", "", "", *(f"{mean:.2f} x" for mean in means)])
    errors = [
        f"{row['workload']}, {name}: {reason}"
        for row in rows
        for name, reason in row["errors"].items()
    ]
    return "\n".join([text_table(["workload", "floor us", "all on us", *names], lines), *errors])
