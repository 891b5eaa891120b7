"""Compiles kernels in many processes at once, so that the measuring process finds them on disk.

A worker does what a user does: it calls pyflex, on inputs that it leaves unfilled. Errors are not
reported here: the measuring process meets the same ones.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace

import torch

from benchmarks.report import progress
from benchmarks.systems import run_pyflex
from benchmarks.workloads import Workload, make_problem
from pyflex import Options

#: Options of one job: long enough to be worth the inputs, short enough to share the work out.
_CHUNK = 9


@dataclass(frozen=True)
class Job:
    """Kernels to compile: a workload under several options."""

    workload: Workload
    options: tuple[Options, ...]


def warm(jobs: Sequence[Job], processes: int | None = None) -> None:
    """Fills the disk caches; one process a core, each with the GPU to itself for moments."""
    chunks = [
        Job(job.workload, job.options[i : i + _CHUNK])
        for job in jobs
        for i in range(0, len(job.options), _CHUNK)
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes or os.cpu_count(), context) as pool:
        done = as_completed([pool.submit(_compile, chunk) for chunk in chunks])
        for _ in progress(range(len(chunks)), lambda i: "compiling"):
            next(done).result()


def kernel_options(candidates: Sequence[Options]) -> tuple[Options, ...]:
    """One of each kernel among `candidates`, split so that the combine kernel is made too."""
    splits = {o: None if "flex-split-kv" in o.disable_passes else 2 for o in candidates}
    return tuple(dict.fromkeys(replace(o, splits=splits[o]) for o in candidates))


def _compile(job: Job) -> None:
    torch.set_num_threads(1)
    problem = make_problem(job.workload, filled=False)
    for options in job.options:
        try:
            run_pyflex(problem, options)()
            torch.cuda.synchronize()
        except Exception:  # the measuring process says what it is
            continue
    del problem
    torch.cuda.empty_cache()
