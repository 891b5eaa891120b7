"""What belongs to a time beside `pyflex.timing`: the host's share, and the time to read bytes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import torch
import triton
import triton.language as tl

from pyflex.timing import TURN, capture, replay

_POOL_BYTES = (1 << 32) + (1 << 22)
#: (elements a step, steps) of the reading kernel; the best one counts.
_READ_GRIDS = ((1024, 1), (1024, 4), (2048, 2), (2048, 8), (4096, 8), (4096, 32), (8192, 16))


@cache
def _pool() -> torch.Tensor:
    return torch.randn(_POOL_BYTES // 4, device="cuda")


def host_time(run: Callable[[], object], calls: int = 200, rounds: int = 7) -> float:
    """Microseconds that one call keeps the host busy: the median of rounds of calls in a row."""
    for _ in range(20):
        run()
    means = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            run()
        means.append((time.perf_counter() - start) / calls * 1e6)
    torch.cuda.synchronize()
    return statistics.median(means)


@triton.jit
def _read(source, sums, BLOCK: tl.constexpr, STEPS: tl.constexpr):  # noqa: ANN001, ANN202, N803
    program = tl.program_id(0)
    total = tl.zeros([BLOCK], tl.float32)
    base = program.to(tl.int64) * BLOCK * STEPS
    for step in tl.range(STEPS, num_stages=4):
        total += tl.load(source + base + step * BLOCK + tl.arange(0, BLOCK))
    tl.store(sums + program, tl.sum(total, 0))


class _Reading(NamedTuple):
    """The plain kernel on one grid. It reads a whole number of blocks, and writes to `sums`."""

    graph: torch.cuda.CUDAGraph
    scale: float
    sums: torch.Tensor


@cache
def _fastest_reading(size: int) -> _Reading:
    """Of about `size` bytes, on the best of several grids; times `scale` it is for all of them."""
    assert size <= _POOL_BYTES
    readings: list[_Reading] = []
    for block, steps in _READ_GRIDS:
        programs = size // 4 // (block * steps)
        if programs:
            sums = torch.empty(programs, device="cuda")
            grid = _read[(programs,)]
            graph = capture(partial(grid, _pool(), sums, block, steps, num_warps=8))
            readings.append(_Reading(graph, size / (programs * block * steps * 4), sums))
    times = replay([reading.graph for reading in readings], 15, TURN)
    scaled = [us * reading.scale for us, reading in zip(times, readings, strict=True)]
    return readings[scaled.index(min(scaled))]


def replay_with_floor(
    size: int, graphs: Sequence[torch.cuda.CUDAGraph], repeats: int
) -> tuple[float, list[float]]:
    """Microseconds in which one plain kernel reads `size` bytes once, and those of each graph.

    The kernel takes its turns with the graphs: a GPU that has worked for a while reads more slowly.
    """
    reading = _fastest_reading(size)
    floor, *times = replay([reading.graph, *graphs], repeats, TURN)
    return floor * reading.scale, times
