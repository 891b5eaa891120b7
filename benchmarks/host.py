"""The host's side: the first call of a new mod, cold and from the disk cache, and later calls.

Each figure is from a fresh process. The cold one starts with empty cache folders, the warm one
with the folders that the cold one left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.report import progress, text_table
from benchmarks.workloads import Workload

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
_CACHES = ("PYFLEX_CACHE_DIR", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
#: One kernel and two; no mod, a BlockMask, a costly score_mod. Small caches start faster.
DEFAULT_WORKLOADS = ("b1_512", "b1_8k", "b64_512", "b16_32k_window1k", "b16_32k_softcap")


def host(workloads: Sequence[Workload], systems: Sequence[str]) -> list[Row]:
    """A row for each workload and system, from two processes each."""
    rows = []
    pairs = list(product(workloads, systems))
    for workload, system in progress(pairs, lambda pair: f"{pair[0].name} {pair[1]}"):
        row: Row = {"workload": workload.name, "system": system}
        with tempfile.TemporaryDirectory(prefix="pyflex-bench-") as folder:
            env = cache_environment(Path(folder))
            for state in ("cold", "warm"):
                measured = _process(system, workload.name, env)
                row.update({f"{state}.{key}": value for key, value in measured.items()})
        rows.append(row)
    return rows


def cache_environment(folder: Path) -> dict[str, str]:
    """This process's environment with every compiler's cache inside `folder`."""
    caches = {name: str(folder / name.lower()) for name in _CACHES}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **caches, "PYTHONPATH": path}


def _process(system: str, workload: str, env: dict[str, str]) -> Row:
    command = [sys.executable, "-m", "benchmarks.first_call", system, workload]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"error": last[:300]}
    result: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def table(rows: Sequence[Row]) -> str:
    """Milliseconds of the first call, microseconds of a later one's host work."""
    header = ["workload", "system", "first call cold ms", "from disk ms", "later call us"]
    lines = []
    for row in rows:
        first = [
            f"{row[f'{state}.first_s'] * 1e3:.0f}" if f"{state}.first_s" in row else "-"
            for state in ("cold", "warm")
        ]
        # Both processes have measured it; a machine can only make it slower.
        later = [row[f"{s}.host_us"] for s in ("cold", "warm") if f"{s}.host_us" in row]
        shown = f"{min(later):.1f}" if later else "-"
        lines.append([row["workload"], row["system"], *first, shown])
    errors = [
        f"{row['workload']} {row['system']} {state}: {row[f'{state}.error']}"
        for row in rows
        for state in ("cold", "warm")
        if f"{state}.error" in row
    ]
    steps = [
        f"{row['workload']} {row['system']} {state}: {_steps(row[f'{state}.steps'])}"
        for row in rows
        for state in ("cold", "warm")
        if row.get(f"{state}.steps")
    ]
    return "\n".join([text_table(header, lines), *steps, *errors])


def _steps(seconds: dict[str, float]) -> str:
    """Where a first call's time goes; kernels that compile at the same time count both."""
    return ", ".join(f"{name} {value * 1e3:.1f} ms" for name, value in seconds.items())
