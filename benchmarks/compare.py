"""Systems side by side: each workload's time in every system, against the read floor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.recorded import recorded_share
from benchmarks.report import geomean, progress, text_table
from benchmarks.systems import SYSTEMS, UnsupportedError, takes_blocks
from benchmarks.timing import replay_with_floor
from benchmarks.workloads import Workload, make_problem
from pyflex.timing import capture

Row = dict[str, Any]

_REPEATS = 20


def compare(
    workloads: Sequence[Workload], systems: Sequence[str], *, seconds: float
) -> tuple[list[Row], int]:
    """A row for each workload, and how many were left out because `seconds` had passed."""
    rows: list[Row] = []
    for workload in progress(workloads, lambda w: w.name, time.perf_counter() + seconds):
        rows.append(summarise(measure(workload, systems)))
        torch.cuda.empty_cache()
    return rows, len(workloads) - len(rows)


def measure(workload: Workload, systems: Sequence[str]) -> Row:
    """Microseconds of each system, replayed in turn, or why it gave none."""
    problem = make_problem(workload, blocks=takes_blocks(systems))
    row: Row = {"workload": workload.name, "megabytes": workload.kv_bytes / 1e6}
    runs, graphs = {}, {}
    row["first_s"], row["errors"] = {}, {}
    for name in systems:
        try:
            start = time.perf_counter()
            runs[name] = SYSTEMS[name].call(problem)
            runs[name]()
            torch.cuda.synchronize()
            row["first_s"][name] = time.perf_counter() - start
            graphs[name] = capture(runs[name])
        except UnsupportedError as reason:
            row["errors"][name] = str(reason)
        except Exception as error:  # a peer that fails must not end the run
            row["errors"][name] = f"{type(error).__name__}: {error}"[:300]
    row["floor"], times = replay_with_floor(workload.kv_bytes, list(graphs.values()), _REPEATS)
    row["us"] = dict(zip(graphs, times, strict=True))
    return row


def summarise(row: Row) -> Row:
    """The row with what follows from its times.

    `lead` is the best peer's time over pyflex's: above 1, pyflex is ahead; pyflex given a
    BlockMask is no peer. `recorded_lead` is pyflex's share of the floor over the best recorded
    peer's share of its own floor.
    """
    ours = row["us"].get("pyflex")
    peers = {name: us for name, us in row["us"].items() if not name.startswith("pyflex")}
    row["share"] = {name: row["floor"] / us for name, us in row["us"].items()}
    if peers:
        row["best_peer"] = min(peers, key=lambda name: peers[name])
        if ours is not None:
            row["lead"] = peers[row["best_peer"]] / ours
    recorded = recorded_share(row["workload"])
    if ours is not None and recorded is not None:
        row["recorded_lead"] = row["share"]["pyflex"] / recorded
    return row


def table(rows: Sequence[Row], systems: Sequence[str]) -> str:
    """The rows as text; a percentage is the floor over the time."""
    header = ["workload", "MB", "floor us"]
    for name in systems:
        header += [f"{name} us", "of floor"]
    header += ["best peer", "lead", "lead on recorded"]
    lines = []
    for row in rows:
        line = [row["workload"], f"{row['megabytes']:.0f}", f"{row['floor']:.1f}"]
        for name in systems:
            us = row["us"].get(name)
            line += ["-", ""] if us is None else [f"{us:.1f}", f"{row['share'][name]:.1%}"]
        line.append(row.get("best_peer", "-"))
        line += [f"{row[k]:.3f}" if k in row else "-" for k in ("lead", "recorded_lead")]
        lines.append(line)
    return "\n".join([text_table(header, lines), *_means(rows, systems), *_errors(rows)])


def _means(rows: Sequence[Row], systems: Sequence[str]) -> list[str]:
    ours = [row for row in rows if "pyflex" in row["us"]]
    lines = []
    for name in systems:
        both = [row for row in ours if name in row["us"]]
        if name != "pyflex" and both:
            ratio = geomean(row["us"][name] / row["us"]["pyflex"] for row in both)
            lines.append(f"pyflex is {ratio:.2f} x {name} (geometric mean of {len(both)} rows)")
    for key, what in (("lead", "in this run"), ("recorded_lead", "as recorded")):
        behind = [row["workload"] for row in rows if row.get(key, 1.0) < 0.99]
        if any(key in row for row in rows):
            listed = ", ".join(behind) or "none"
            lines.append(f"more than 1% behind the best peer {what}: {listed}")
    return lines


def _errors(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row['workload']}: no {name}: {reason}"
        for row in rows
        for name, reason in row["errors"].items()
    ]
