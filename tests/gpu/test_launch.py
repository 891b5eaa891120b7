"""On a GPU: the launcher under graphs, streams and threads, and the memory between two kernels."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

import pyflex
from pyflex import Options, cache, steps, workspace

#: Combined by a second kernel, so that there is memory between the two.
SPLIT = Options(splits=8, disable_passes=("flex-combine-in-cluster",))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFLEX_CACHE_DIR", str(tmp_path))


def tensors(
    batch: int, keys: int, *, heads: int = 8
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    shapes = ((batch, heads, 1, 64), (batch, 2, keys, 64), (batch, 2, keys, 64))
    query, key, value = (torch.randn(s, device="cuda", dtype=torch.bfloat16) for s in shapes)
    return query, key, value


def test_figures_come_from_the_driver() -> None:
    decode = pyflex.compile(options=SPLIT)
    decode(*tensors(2, 512))
    (choice,) = decode._choices.values()
    (plan,) = choice._plans.values()
    kernel = plan._runner.kernels[0]
    assert 16 <= kernel.registers <= 255
    assert 1 <= kernel.programs <= 32


@pytest.mark.parametrize("warm", [True, False])
def test_graph_keeps_its_memory_when_the_workspace_grows(warm: bool) -> None:
    decode = pyflex.compile(lambda s, b, h, q, kv: s * (1.0 if warm else 0.5), options=SPLIT)
    query, key, value = tensors(4, 2048)
    wanted = pyflex.compile(
        lambda s, b, h, q, kv: s * (1.0 if warm else 0.5), options=Options(splits=1)
    )(query, key, value)
    if warm:
        decode(query, key, value)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = decode(query, key, value)
    many = tensors(64, 2048, heads=16)
    for _ in range(3):
        decode(*many)  # grows the workspace, and writes all over it
        out.zero_()
        graph.replay()
        decode(*many)
        torch.testing.assert_close(out, wanted, rtol=0.02, atol=0.02)


def test_two_graphs_on_two_streams() -> None:
    decode = pyflex.compile(options=SPLIT)
    problems = [tensors(8, 4096) for _ in range(2)]
    wanted = [decode(*problem).clone() for problem in problems]
    graphs, outs = [], []
    for problem in problems:
        graphs.append(torch.cuda.CUDAGraph())
        with torch.cuda.graph(graphs[-1]):
            outs.append([decode(*problem) for _ in range(20)])
    sides = [torch.cuda.Stream() for _ in graphs]
    torch.cuda.synchronize()
    for side, graph in zip(sides, graphs, strict=True):
        with torch.cuda.stream(side):
            graph.replay()
    torch.cuda.synchronize()
    for one, many in zip(wanted, outs, strict=True):
        assert all(torch.equal(one, out) for out in many)


def test_two_streams_at_once() -> None:
    decode = pyflex.compile(options=SPLIT)
    problems = [tensors(8, 4096) for _ in range(2)]
    wanted = [decode(*problem).clone() for problem in problems]
    torch.cuda.synchronize()
    sides = [torch.cuda.Stream() for _ in problems]
    outs: list[list[torch.Tensor]] = [[], []]
    for _ in range(50):
        for side, problem, out in zip(sides, problems, outs, strict=True):
            with torch.cuda.stream(side):
                out.append(decode(*problem))
    torch.cuda.synchronize()
    for one, many in zip(wanted, outs, strict=True):
        assert all(torch.equal(one, out) for out in many)
    assert len({key for key in workspace.BLOCKS if key[0] == 0}) >= 3


@pytest.mark.parametrize("own_stream", [True, False])
def test_threads(own_stream: bool) -> None:
    decode = pyflex.compile(options=SPLIT)
    problems = [tensors(2 + n, 512 * (n + 1)) for n in range(4)]
    wanted = [decode(*problem).clone() for problem in problems]
    torch.cuda.synchronize()
    wrong: list[int] = []

    def work(index: int) -> None:
        stream = torch.cuda.Stream() if own_stream else torch.cuda.default_stream()
        with torch.cuda.stream(stream):
            outs = [decode(*problems[index]) for _ in range(200)]
        torch.cuda.synchronize()
        if not all(torch.equal(out, wanted[index]) for out in outs):
            wrong.append(index)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_growing_cache_and_changing_strides() -> None:
    decode = pyflex.compile(options=SPLIT)
    plain = pyflex.compile(options=Options(splits=1))
    query, key, value = tensors(2, 1024)
    for keys in range(500, 540):
        short = key[:, :, :keys], value[:, :, :keys]
        cat = short[0].contiguous(), short[1].contiguous()
        out = decode(query, *short)
        assert torch.equal(out, decode(query, *cat))
        torch.testing.assert_close(out, plain(query, *short), rtol=0.02, atol=0.02)


def test_another_current_device() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    decode = pyflex.compile(options=SPLIT)
    on_first = tensors(2, 512)
    on_second = [tensor.to("cuda:1") for tensor in on_first]
    wanted = decode(*on_first)
    with torch.cuda.device(1):
        assert torch.equal(decode(*on_first), wanted)
    for _ in range(2):
        out = decode(*on_second)
        assert out.device == torch.device("cuda:1")
        assert torch.cuda.current_device() == 0
        torch.testing.assert_close(out.cpu(), wanted.cpu(), rtol=0.02, atol=0.02)


def test_second_call_of_a_kind_comes_from_disk() -> None:
    seconds = []
    for _ in range(2):
        decode = pyflex.compile(lambda s, b, h, q, kv: s * 0.75)
        pyflex.lowered._LOWERED.clear()
        pyflex.run._RUNNERS.clear()
        with steps.collect() as taken:
            decode(*tensors(1, 64))
        seconds.append(taken)
    assert {"triton", "passes"} <= seconds[0].keys()
    assert not {"triton", "passes"} & seconds[1].keys()
    assert cache.folder() is not None


def test_tiles_that_do_not_fit() -> None:
    decode = pyflex.compile(options=Options(keys=256, num_stages=8))
    query, key, value = tensors(1, 512)
    with pytest.raises(pyflex.errors.ScheduleError, match="shared memory"):
        decode(query, key, value)
