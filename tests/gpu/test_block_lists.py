"""On a GPU: the lists of the kernel ahead are those of the CPU, and used, at once and in graphs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch

import pyflex
from pyflex import Options, schedule
from tests.cases import Case, check_case
from tests.mods import Mod

Blocks = list[tuple[list[int], list[int]]]


@pytest.fixture(autouse=True)
def _list_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small K and V are."""
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)


def documents(ids: torch.Tensor) -> Mod:
    return lambda b, h, q, kv: ids[b, q] == ids[b, kv]


def by_head(width: torch.Tensor) -> Mod:
    return lambda b, h, q, kv: ((q - kv < width[h]) & (q >= kv)) | (kv < 3)


def shown(seen: torch.Tensor) -> Mod:
    return lambda b, h, q, kv: seen[b, h, kv]


def tables(batch: int, heads: int, keys: int) -> dict[str, tuple[Callable[..., Mod], torch.Tensor]]:
    """Masks by name: how to make them, of which table."""
    generator = torch.Generator().manual_seed(keys)
    jumps = torch.randint(0, max(keys // 8, 2), (batch, keys), generator=generator) == 0
    return {
        "documents": (documents, jumps.cumsum(1).int()),
        "by_head": (by_head, torch.randint(0, keys + 1, (heads,), generator=generator).int()),
        "shown": (
            shown,
            torch.randint(0, 300, (batch, heads, keys), generator=generator) == 0,
        ),
    }


def tensors(
    batch: int, q_len: int, keys: int, heads: tuple[int, int] = (8, 2)
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    shapes = (
        (batch, heads[0], q_len, 64),
        (batch, heads[1], keys, 64),
        (batch, heads[1], keys, 64),
    )
    query, key, value = (torch.randn(s, device="cuda", dtype=torch.bfloat16) for s in shapes)
    return query, key, value


def listed(decode: pyflex.Decode, inputs: Any, offset: Any, length: Any) -> Blocks:
    plan, layout = decode._planned(*inputs, None, offset, length, False, False)
    assert plan.spec.listed
    return plan.list_blocks(layout, offset, length)


@pytest.mark.parametrize("name", ["documents", "by_head", "shown"])
@pytest.mark.parametrize("q_len", [1, 7])
@pytest.mark.parametrize(("batch", "keys"), [(1, 1000), (3, 8192), (64, 4096), (2, 200_000)])
def test_lists_are_those_of_the_cpu(name: str, q_len: int, batch: int, keys: int) -> None:
    make, table = tables(batch, 8, keys)[name]
    inputs, options = tensors(batch, q_len, keys), Options(keys=64)
    lengths = torch.randint(0, keys + 1, (batch,), dtype=torch.int32)
    on_gpu = pyflex.compile(mask_fn=make(table.cuda()), options=options)
    on_cpu = pyflex.compile(mask_fn=make(table), options=options)
    for length in (None, lengths):
        there = listed(on_gpu, inputs, keys - q_len, None if length is None else length.cuda())
        here = listed(on_cpu, [one.cpu() for one in inputs], keys - q_len, length)
        assert there == here


@pytest.mark.parametrize("mask", ["prefix", "dilated", "documents", "sinks", "bool_table"])
@pytest.mark.parametrize("q_len", [1, 3, 17])
@pytest.mark.parametrize("splits", [None, 1, 5])
def test_answers(mask: str, q_len: int, splits: int | None, seed: int) -> None:
    case = Case(
        mask=mask, dtype=torch.bfloat16, heads=(16, 4), q_len=q_len, keys=4093, kv_len="int32"
    )
    check_case(case, "cuda", seed, Options(splits=splits))


def test_a_million_keys() -> None:
    keys = 1 << 20
    make, table = tables(1, 8, keys)["documents"]
    query, key, value = tensors(1, 1, keys)
    decode = pyflex.compile(mask_fn=make(table.cuda()))
    out = decode(query, key, value, q_offset=keys - 1)
    seen = table[0] == table[0, -1]
    few = key[:, :, seen.cuda()], value[:, :, seen.cuda()]
    torch.testing.assert_close(out, pyflex.compile()(query, *few), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("splits", [1, 4])
def test_graph_follows_its_tables(splits: int) -> None:
    """Replayed with other documents, positions and lengths, beside calls that use the workspace."""
    batch, keys = 8, 8192
    make, table = tables(batch, 8, keys)["documents"]
    ids, offset = table.cuda(), torch.full((batch,), keys - 1, device="cuda", dtype=torch.int32)
    length = torch.full((batch,), keys, device="cuda", dtype=torch.int32)
    inputs = tensors(batch, 1, keys)
    options = Options(splits=splits)
    decode = pyflex.compile(mask_fn=make(ids), options=options)
    decode(*inputs, q_offset=offset, kv_len=length)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outs = [decode(*inputs, q_offset=offset, kv_len=length) for _ in range(3)]
    for step in range(4):
        ids.copy_(ids.roll(100 * step, 1))
        length.fill_(keys - 300 * step)
        offset.fill_(keys - 300 * step - 1)
        wanted = decode(*inputs, q_offset=offset, kv_len=length)
        for out in outs:
            out.zero_()
        graph.replay()
        decode(*tensors(batch, 1, 4096), q_offset=4095)
        assert all(torch.equal(out, wanted) for out in outs)


def test_threads_on_one_stream() -> None:
    """Which share the memory of the lists."""
    problems = []
    for n in range(4):
        make, table = tables(2 + n, 8, 2048 * (n + 1))["documents"]
        decode = pyflex.compile(mask_fn=make(table.cuda()), options=Options(splits=3))
        problems.append((decode, tensors(2 + n, 1, 2048 * (n + 1)), 2048 * (n + 1) - 1))
    wanted = [decode(*inputs, q_offset=at).clone() for decode, inputs, at in problems]
    torch.cuda.synchronize()
    wrong: list[int] = []

    def work(index: int) -> None:
        decode, inputs, at = problems[index]
        outs = [decode(*inputs, q_offset=at) for _ in range(200)]
        torch.cuda.synchronize()
        if not all(torch.equal(out, wanted[index]) for out in outs):
            wrong.append(index)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
