"""Times pyflex on decode workloads, against the time to read K and V once.

python benchmarks/run.py [--mode MODE] [--json FILE] [--plot FILE] ...

  compare   pyflex beside torch's flex_attention (default, max-autotune) and SDPA
  host      the first call, cold and from the disk cache, and the host's part of later ones
  ablation  every optimisation pass switched off alone, and all of them
  sweep     dtypes, groups, queries and head dimensions, in search of cliffs
  regret    the schedule's model against an exhaustive sweep
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks import ablation, compare, host, plot, regret, report, sweep
from benchmarks.shapes import random_workloads
from benchmarks.systems import SYSTEMS
from benchmarks.workloads import BY_NAME, WORKLOADS
from pyflex import Options

MODES = ("compare", "host", "ablation", "sweep", "regret")
_SYSTEMS = {"compare": "pyflex,pyflex-blocks,flex,flex-max,sdpa", "host": "pyflex,flex"}
_SECONDS = {"compare": math.inf, "regret": 280.0, "sweep": 280.0}


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, with names checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s"
    )
    add = parser.add_argument
    add("--mode", choices=MODES, default="compare")
    add("--workloads", help="names, by comma; by default all 16 (host: a few)")
    add("--systems", help=f"compare and host: out of {', '.join(SYSTEMS)}")
    add("--shapes", type=int, help="random shapes (regret: 100) or stretches (sweep: 20)")
    add("--seed", type=int, default=1, help="of what is random")
    add("--dtype", choices=("bfloat16", "float16", "float32"), help="regret: of random shapes")
    add("--head-dim", type=int, help="regret: of random shapes")
    add("--tiles", help="regret: only these, as keys x warps x stages: 64x4x3,32x2x3")
    add("--seconds", type=float, help="compare, regret, sweep: start no row after that")
    add("--processes", type=int, help="that compile at once; by default one a core")
    add("--json", type=Path, help="write every figure there")
    add("--plot", type=Path, help="compare: draw the bars there, as SVG")
    arguments = parser.parse_args(given)
    wanted = list(host.DEFAULT_WORKLOADS)
    if arguments.workloads is not None:
        wanted = [name for name in arguments.workloads.split(",") if name]
    elif arguments.mode != "host":
        wanted = [w.name for w in WORKLOADS]
    systems = (arguments.systems or _SYSTEMS.get(arguments.mode, "pyflex")).split(",")
    for name in [
        *(n for n in wanted if n not in BY_NAME),
        *(s for s in systems if s not in SYSTEMS),
    ]:
        parser.error(f"unknown: {name}")
    if arguments.systems and arguments.mode not in _SYSTEMS:
        parser.error(f"mode {arguments.mode} times pyflex alone")
    if arguments.plot and arguments.mode != "compare":
        parser.error("only the mode compare can be drawn")
    if arguments.mode != "regret" and (arguments.tiles or arguments.dtype or arguments.head_dim):
        parser.error("tiles, dtype and head-dim are for the mode regret")
    try:
        arguments.tiles = [_tile(text) for text in (arguments.tiles or "").split(",") if text]
    except ValueError as error:
        parser.error(f"no tile: {error}")
    if arguments.seconds is None:
        arguments.seconds = _SECONDS.get(arguments.mode)
    elif arguments.mode not in _SECONDS:
        parser.error(f"mode {arguments.mode} runs to its end")
    arguments.workloads = [w for name, w in BY_NAME.items() if name in wanted]
    arguments.systems = systems
    return arguments


def _tile(text: str) -> Options:
    keys, num_warps, num_stages = map(int, text.split("x"))
    return Options(keys=keys, num_warps=num_warps, num_stages=num_stages)


def run(arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], str]:
    """The rows of one mode, and its table."""
    workloads, systems = arguments.workloads, arguments.systems
    processes, seconds = arguments.processes, arguments.seconds
    if arguments.mode == "compare":
        rows, left = compare.compare(workloads, systems, seconds=seconds)
        return rows, compare.table(rows, systems) + _left(left, seconds)
    if arguments.mode == "host":
        rows = host.host(workloads, systems)
        return rows, host.table(rows)
    if arguments.mode == "ablation":
        rows = ablation.ablate(workloads, processes)
        return rows, ablation.table(rows)
    if arguments.mode == "sweep":
        count = 20 if arguments.shapes is None else arguments.shapes
        series = sweep.all_series(count, arguments.seed)
        rows = sweep.sweep(series, processes=processes, seconds=seconds)
        return rows, sweep.table(rows)
    count = 100 if arguments.shapes is None else arguments.shapes
    kind = {"dtype": arguments.dtype, "head_dim": arguments.head_dim}
    shapes = [*workloads, *random_workloads(count, arguments.seed, **kind)]
    rows, left = regret.regret(shapes, arguments.tiles, processes=processes, seconds=seconds)
    return rows, regret.table(rows) + _left(left, seconds)


def _left(count: int, seconds: float) -> str:
    return f"\n{count} rows not measured: {seconds:.0f} s had passed" if count else ""


def main() -> int:
    arguments = parse()
    if not torch.cuda.is_available():
        print("benchmarks need a GPU that torch drives", file=sys.stderr)
        return 1
    rows, text = run(arguments)
    machine = report.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(text)
    if arguments.json:
        report.write_json(arguments.json, arguments.mode, rows, seed=arguments.seed)
    if arguments.plot:
        arguments.plot.write_text(plot.draw(rows, machine["device"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
