"""Timing on a GPU: graph replay with a clean L2, and the time to read bytes once.

A buffer is *read* between two measurements to fill the L2: a written one would bill the
write-back of its dirty lines to the kernel that is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache

import torch
import triton
import triton.language as tl

_FLUSH_BYTES = 512 * 1024 * 1024
_POOL_BYTES = (1 << 32) + (1 << 22)
#: (elements a step, steps) of the reading kernel; the best one counts.
_READ_GRIDS = ((1024, 1), (1024, 4), (2048, 2), (2048, 8), (4096, 8), (4096, 32), (8192, 16))


@cache
def _flush_buffer() -> torch.Tensor:
    return torch.ones(_FLUSH_BYTES // 4, dtype=torch.int32, device="cuda")


@cache
def _pool() -> torch.Tensor:
    return torch.randn(_POOL_BYTES // 4, device="cuda")


def graph_time(run: Callable[[], object], repeats: int = 20) -> float:
    """Median microseconds of one call, replayed from a CUDA graph with a clean L2."""
    run()
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    times = []
    for _ in range(repeats):
        _flush_buffer().sum()
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) * 1e3)
    return statistics.median(times)


def host_time(run: Callable[[], object], calls: int = 200) -> float:
    """Mean microseconds that one call keeps the host busy."""
    for _ in range(20):
        run()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        run()
    elapsed = time.perf_counter() - start
    torch.cuda.synchronize()
    return elapsed / calls * 1e6


@triton.jit
def _read(source, sums, BLOCK: tl.constexpr, STEPS: tl.constexpr):  # noqa: ANN001, ANN202, N803
    program = tl.program_id(0)
    total = tl.zeros([BLOCK], tl.float32)
    base = program.to(tl.int64) * BLOCK * STEPS
    for step in tl.range(STEPS, num_stages=4):
        total += tl.load(source + base + step * BLOCK + tl.arange(0, BLOCK))
    tl.store(sums + program, tl.sum(total, 0))


def read_floor(size: int) -> float:
    """Microseconds in which one plain kernel reads `size` bytes once; the best of several grids."""
    best = float("inf")
    for block, steps in _READ_GRIDS:
        programs = size // 4 // (block * steps)
        if programs < 1:
            continue
        sums = torch.empty(programs, device="cuda")

        def run(
            programs: int = programs,
            block: int = block,
            steps: int = steps,
            sums: torch.Tensor = sums,
        ) -> None:
            _read[(programs,)](_pool(), sums, block, steps, num_warps=8)

        covered = programs * block * steps * 4
        best = min(best, graph_time(run, repeats=11) * size / covered)
    return best
