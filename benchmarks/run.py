"""Times pyflex beside torch on decode workloads, against the time to read K and V once.

python benchmarks/run.py [--workloads b1_8k,b16_8k] [--systems pyflex,flex,flex-max,sdpa]
                         [--host] [--json FILE] [--plot FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.systems import SYSTEMS, UnsupportedError
from benchmarks.timing import graph_time, host_time, read_floor
from benchmarks.workloads import WORKLOADS, Workload, make_problem

Row = dict[str, Any]


def measure(workload: Workload, systems: list[str], host: bool) -> Row:
    """One row: microseconds of each system, or why it gave none."""
    problem = make_problem(workload)
    row: Row = {
        "workload": workload.name,
        "megabytes": workload.kv_bytes / 1e6,
        "floor": read_floor(workload.kv_bytes),
    }
    for name in systems:
        try:
            start = time.perf_counter()
            run = SYSTEMS[name](problem)
            run()
            torch.cuda.synchronize()
            row[f"{name}.first_s"] = time.perf_counter() - start
            row[name] = graph_time(run)
            if host:
                row[f"{name}.host"] = host_time(run)
        except UnsupportedError as reason:
            row[f"{name}.error"] = str(reason)
        except Exception as error:  # a peer that fails must not end the run
            row[f"{name}.error"] = f"{type(error).__name__}: {error}"
    return row


def table(rows: list[Row], systems: list[str], host: bool) -> str:
    """The rows as text; a percentage is the floor over the time."""
    header = f"{'workload':18} {'MB':>7} {'floor us':>9}"
    header += "".join(f" {name + ' us':>16}" for name in systems)
    lines = [header]
    for row in rows:
        line = f"{row['workload']:18} {row['megabytes']:7.0f} {row['floor']:9.1f}"
        for name in systems:
            if name in row:
                line += f" {row[name]:9.1f} ({row['floor'] / row[name]:4.0%})"
            else:
                line += f" {'-':>16}"
        lines.append(line)
    for name in systems:
        both = [row for row in rows if name in row and "pyflex" in row]
        if name != "pyflex" and both:
            ratio = math.exp(sum(math.log(row[name] / row["pyflex"]) for row in both) / len(both))
            lines.append(f"pyflex is {ratio:.2f} x {name} (geometric mean of {len(both)} rows)")
    if host:
        lines.append("host time of a call, us:")
        for row in rows:
            times = (f"{n} {row[f'{n}.host']:.1f}" for n in systems if f"{n}.host" in row)
            lines.append(f"  {row['workload']:18} " + ", ".join(times))
    for row in rows:
        lines += [f"{row['workload']}: {k} {v[:200]}" for k, v in row.items() if "error" in k]
    return "\n".join(lines)


def plot(rows: list[Row], systems: list[str], path: Path) -> None:
    """Bars of time over floor, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(14, 5), layout="constrained")
    width = 0.8 / len(systems)
    for i, name in enumerate(systems):
        points = [(x, row["floor"] / row[name]) for x, row in enumerate(rows) if name in row]
        axes.bar([x + i * width for x, _ in points], [y for _, y in points], width, label=name)
    axes.set_yscale("log")
    axes.axhline(1.0, color="black", linewidth=1)
    axes.set_xticks([x + 0.4 for x in range(len(rows))])
    axes.set_xticklabels([row["workload"] for row in rows], rotation=40, ha="right")
    axes.set_ylabel("part of the read bandwidth that is reached")
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [w.name for w in WORKLOADS]
    parser.add_argument("--workloads", default=",".join(names))
    parser.add_argument("--systems", default="pyflex,flex,sdpa")
    parser.add_argument("--host", action="store_true", help="also time the host")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    wanted, systems = arguments.workloads.split(","), arguments.systems.split(",")
    for name in [*(n for n in wanted if n not in names), *(s for s in systems if s not in SYSTEMS)]:
        parser.error(f"unknown: {name}")
    if not torch.cuda.is_available():
        print("benchmarks need a GPU that torch drives", file=sys.stderr)
        return 1
    rows = []
    for done, workload in enumerate(w for w in WORKLOADS if w.name in wanted):
        bar = "#" * done + "." * (len(wanted) - done)
        print(f"[{bar}] {workload.name}", file=sys.stderr, flush=True)
        rows.append(measure(workload, systems, arguments.host))
        torch.cuda.empty_cache()
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    print(table(rows, systems, arguments.host))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    if arguments.plot:
        plot(rows, systems, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
