"""On a GPU: a whole generation with a sliding window, one compile and one CUDA graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

import pyflex
from pyflex.timing import capture
from tests.golden import Errors, Problem

STEPS = 4096
WINDOW = 1024
#: Steps that are launched by the host, before the others are replayed from a graph.
EAGER = 64


def window(b: Any, h: Any, q: Any, kv: Any) -> Any:
    return (kv <= q) & (q - kv < WINDOW)


class Generation:
    """Each step writes the keys and values of its position, then attends to those written."""

    def __init__(self) -> None:
        def numbers(heads: int) -> torch.Tensor:
            return torch.randn(1, heads, STEPS, 64, device="cuda").to(torch.bfloat16)

        self.queries, self.keys, self.values = numbers(8), numbers(2), numbers(2)
        self.key_cache = torch.full_like(self.keys, torch.nan)
        self.value_cache = torch.full_like(self.values, torch.nan)
        self.outputs = torch.empty_like(self.queries)
        self.lse = torch.empty(1, 8, STEPS, device="cuda")
        self.position = torch.zeros(1, dtype=torch.int64, device="cuda")
        self.length = torch.ones(1, dtype=torch.int32, device="cuda")
        self.decode = pyflex.compile(None, window)

    def step(self) -> None:
        at = self.position
        for cache, written in ((self.key_cache, self.keys), (self.value_cache, self.values)):
            cache.index_copy_(2, at, written.index_select(2, at))
        out, lse = self.decode(
            self.queries.index_select(2, at),
            self.key_cache,
            self.value_cache,
            q_offset=at,
            kv_len=self.length,
            return_lse=True,
        )
        self.outputs.index_copy_(2, at, out)
        self.lse.index_copy_(2, at, lse)
        self.position += 1
        self.length += 1

    def rewind(self) -> None:
        self.position.zero_()
        self.length.fill_(1)
        self.key_cache.fill_(torch.nan)
        self.value_cache.fill_(torch.nan)

    def run(self, graph: torch.cuda.CUDAGraph) -> None:
        for _ in range(EAGER):
            self.step()
        for _ in range(STEPS - EAGER):
            graph.replay()


def host_calls(trace: Path) -> list[str]:
    """The CUDA calls of the host from the first launch to the last, in order."""
    events = json.loads(trace.read_text())["traceEvents"]
    calls = sorted(
        (event["ts"], event["name"])
        for event in events
        if event.get("cat") in ("cuda_runtime", "cuda_driver")
    )
    launches = [place for place, (_, name) in enumerate(calls) if "Launch" in name]
    return [name for _, name in calls[launches[0] : launches[-1] + 1]]


def test_generation_in_one_graph(seed: int, tmp_path: Path, compiled: list[str]) -> None:
    torch.manual_seed(seed)
    generation = Generation()
    graph = capture(generation.step)
    generation.rewind()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        generation.run(graph)
        torch.cuda.synchronize()
    trace = tmp_path / "trace.json"
    profiled.export_chrome_trace(str(trace))
    calls = host_calls(trace)

    assert sum('"decode"' in text for text in compiled) <= 1, "more than one compile"
    assert calls.count("cudaGraphLaunch") == STEPS - EAGER
    waits = {name for name in calls if "Synchronize" in name or "Memcpy" in name}
    assert not waits, f"the host waited for the device: {waits}"

    problem = Problem(
        generation.queries, generation.keys, generation.values, None, window, q_offset=0
    )
    errors = Errors(torch.bfloat16)
    errors.add(problem, generation.outputs, generation.lse)
    errors.check()
