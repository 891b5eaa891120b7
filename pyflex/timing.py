"""Times on a GPU that can be trusted to a percent: graph replay with a clean L2.

A call is replayed from a CUDA graph, so that the host's work is not in the time. Before each
replay a large buffer is *read*: that leaves none of the call's inputs in the L2. A buffer that is
written would bill the write-back of its lines to the call that is timed. Calls that are to be
compared take turns, of one replay or a few in a row, so that a change of the clock meets all.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch

#: Several times the L2 of any GPU.
_FLUSH_BYTES = 512 * 1024 * 1024

#: Replays in a row, where code is to be as warm as it is from step to step.
TURN = 5


def capture(
    run: Callable[[], object], pool: Any = None, *, ready: bool = False
) -> torch.cuda.CUDAGraph:
    """`run` as a CUDA graph.

    Unless it is `ready`, it is called twice before, so that all it compiles or reads is there.
    Graphs that share a `pool` (torch.cuda.graph_pool_handle) overwrite each other's results.
    """
    if not ready:
        run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    # Not `torch.cuda.graph`: it empties the allocator's cache, which takes longer than the rest.
    with torch.cuda.stream(_stream(torch.cuda.current_device())):
        if not ready:
            run()
            torch.cuda.synchronize()
        graph.capture_begin(pool)
        try:
            run()
        finally:
            graph.capture_end()
    torch.cuda.synchronize()
    return graph


def replay(graphs: Sequence[torch.cuda.CUDAGraph], repeats: int, turn: int = 0) -> list[float]:
    """Median microseconds of each graph over `repeats` replays.

    The graphs take turns, of `turn` replays after one that does not count: a kernel's own code is
    then where its last run left it. With 0 each replay is a turn, and code comes from memory.
    """
    flush = torch.ones(_FLUSH_BYTES // 4, dtype=torch.int32, device="cuda")
    flush.sum()
    times: list[list[float]] = [[] for _ in graphs]
    for _ in range(-(-repeats // max(turn, 1))):
        for graph, own in zip(graphs, times, strict=True):
            if turn:
                _timed(graph, flush)
            own += [_timed(graph, flush) for _ in range(max(turn, 1))]
    return [statistics.median(own) for own in times]


def _timed(graph: torch.cuda.CUDAGraph, flush: torch.Tensor) -> float:
    """Microseconds of one replay."""
    start, end = _event(), _event()
    # While this reads, the host queues the rest: no gap is timed.
    flush.sum()
    start.record()
    graph.replay()
    end.record()
    # A replay that is queued behind others takes most of a microsecond longer.
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) * 1e3


@cache
def _stream(device: int) -> Any:
    """One for all captures: what is kept for each stream is kept once."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _event() -> Any:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
