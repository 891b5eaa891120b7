"""On a GPU: compilations, CUDA graphs, streams, devices, and tensors past 2**31 elements."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import BlockMask

import pyflex
from pyflex.errors import CaptureDeviceError, DeviceError
from tests.cases import Case, Drawn, hold_to_rule
from tests.golden import Errors, Problem
from tests.mods import causal


def numbers(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(shape, device="cuda").to(dtype)


def qkv(batch: int, keys: int, q_len: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        numbers(batch, 8, q_len, 64),
        numbers(batch, 2, keys, 64),
        numbers(batch, 2, keys, 64),
    )


def check(problem: Problem, out: torch.Tensor, lse: torch.Tensor) -> None:
    """The rule, twice as wide: one call of few rows is noisy."""
    errors = Errors(problem.query.dtype)
    errors.add(problem, out, lse)
    assert errors.kernel[0] <= 2.2 * errors.eager[0] + 1e-6
    assert errors.kernel_lse[0] <= 10 * errors.eager_lse[0] + 1e-6


def test_a_generation_compiles_for_two_tiles_at_most(seed: int, compiled: list[str]) -> None:
    torch.manual_seed(seed)
    slopes = numbers(8, dtype=torch.float32)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + slopes[h] * (kv - q) * 0.015625

    decode = pyflex.compile(score, causal)
    for step in range(200):
        batch, keys = 1 + step % 3, 40 + 16 * step
        query, key, value = qkv(batch, keys)
        if step % 4 == 1:
            key = key.transpose(1, 2).contiguous().transpose(1, 2)
        if step % 4 == 2:
            value = value.new_empty(value.numel() + 1)[1:].view(value.shape).copy_(value)
        kv_len = keys - 1 - step % 7
        length: Any = kv_len
        if step % 5 == 0:
            length = torch.full((batch,), kv_len, dtype=torch.int32, device="cuda")
        problem = Problem(query, key, value, score, causal, q_offset=kv_len - 1, kv_len=length)
        out, lse = problem.run(decode)
        if step % 20 == 2:
            check(problem, out, lse)
    assert decode._mods.trace_count == 1
    assert sum('"decode"' in text for text in compiled) <= 2 * 3  # for three layouts of K and V
    assert len(set(compiled)) <= 2 * 3 + 1  # and one that combines a split's parts


def test_graph_replays_with_lengths_on_the_device(seed: int) -> None:
    torch.manual_seed(seed)
    batch, keys = 3, 2045
    query, key, value = qkv(batch, keys)
    table = numbers(8, dtype=torch.float32)
    offset = torch.zeros(batch, dtype=torch.int64, device="cuda")
    length = torch.ones(batch, dtype=torch.int32, device="cuda")

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * table[h] + (q - kv) * 0.001

    decode = pyflex.compile(score, causal)
    problem = Problem(query, key, value, score, causal, q_offset=offset, kv_len=length)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        problem.run(decode)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out, lse = problem.run(decode)
    for _ in range(5):
        query.normal_()
        table.normal_()
        length.copy_(torch.randint(0, keys + 1, (batch,)))
        offset.copy_(length - 1)
        graph.replay()
        check(problem, out, lse)


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_graph_follows_a_block_masks_lists(dtype: torch.dtype, warm: bool) -> None:
    """Lists that have to be copied are copied by the graph itself, which keeps the copies."""
    query, key, value = qkv(2, 4096)
    mask = BlockMask.from_kv_blocks(
        torch.full((1, 1, 1), 2, dtype=dtype, device="cuda"),
        torch.arange(32, dtype=dtype, device="cuda")[None, None, None],
        BLOCK_SIZE=128,
        seq_lengths=(1, 4096),
        compute_q_blocks=False,
    )
    decode = pyflex.compile()
    pyflex.compile()(query, key, value)  # what torch sets up at a first call is no part of a graph
    if warm:
        decode(query, key, value, block_mask=mask)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = decode(query, key, value, block_mask=mask)
    for start in (0, 7, 30):
        mask.kv_indices.copy_((torch.arange(32, device="cuda") + start) % 32)
        decode(query, key, value, block_mask=mask)  # lists of another copy
        graph.replay()
        keys = slice(128 * start, 128 * (start + 2))
        wanted = pyflex.compile()(query, key[:, :, keys], value[:, :, keys])
        torch.testing.assert_close(out, wanted, atol=2e-2, rtol=2e-2)


def test_runs_on_the_current_stream(seed: int) -> None:
    torch.manual_seed(seed)
    problem = Problem(*qkv(2, 4096))
    decode = pyflex.compile()
    wanted, _ = problem.run(decode)
    side = torch.cuda.Stream()
    torch.cuda.synchronize()
    with torch.cuda.stream(side):
        torch.cuda._sleep(50_000_000)
        problem.query.mul_(-1)
        out, lse = problem.run(decode)
        problem.query.mul_(-1)
    side.synchronize()
    assert not torch.equal(out, wanted)
    check(Problem(-problem.query, problem.key, problem.value), out, lse)


@pytest.mark.parametrize("dim", ["batch", "head", "length"])
def test_strides_past_2_to_the_31(dim: str, seed: int) -> None:
    torch.manual_seed(seed)
    sizes = {"batch": (3, 2, 4), "head": (1, 4, 4), "length": (1, 2, 4)}[dim]
    step = 3 << 29  # elements: the last entry lies past 2**31
    strides = {
        "batch": (step, 256, 64, 1), "head": (0, step, 64, 1), "length": (0, 64, step, 1)
    }[dim]  # fmt: skip
    last = sum((size - 1) * stride for size, stride in zip(sizes, strides[:3], strict=True))
    assert last > 1 << 31
    if torch.cuda.mem_get_info()[0] < 2 * (last + 64) + (2 << 30):
        pytest.skip("needs more free memory than this GPU has")
    buffer = torch.empty(last + 64, dtype=torch.bfloat16, device="cuda")
    key = torch.as_strided(buffer, (*sizes, 64), strides)
    key.copy_(numbers(*sizes, 64))
    decode = pyflex.compile()
    problem = Problem(numbers(sizes[0], 8, 2, 64), key, key)
    check(problem, *problem.run(decode))
    del problem, key, buffer
    torch.cuda.empty_cache()


def test_captured_table_past_2_to_the_31(seed: int) -> None:
    torch.manual_seed(seed)
    buffer = torch.empty((65 * 3 << 24) + 1, dtype=torch.int8, device="cuda")
    table = torch.as_strided(buffer, (65,), (3 << 24,))
    table.copy_(torch.randint(-3, 4, (65,)))

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + table[kv]

    problem = Problem(*qkv(2, 65), score)
    check(problem, *problem.run(pyflex.compile(score)))
    torch.cuda.empty_cache()


def test_another_gpu_than_the_current_one(seed: int) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    drawn = Drawn(Case("alibi", "all", "causal", torch.bfloat16, q_len=3, keys=333), "cuda:1", seed)
    decode = pyflex.compile(drawn.score, drawn.mask)
    assert torch.cuda.current_device() == 0
    hold_to_rule(drawn, decode)
    assert torch.cuda.current_device() == 0


def test_one_decode_serves_both_devices(seed: int) -> None:
    torch.manual_seed(seed)
    query, key, value = qkv(2, 65)
    decode = pyflex.compile(lambda s, b, h, q, kv: s * 0.5, causal)
    out = decode(query, key, value, q_offset=64)
    on_cpu = decode(query.cpu(), key.cpu(), value.cpu(), q_offset=64)
    torch.testing.assert_close(out.cpu(), on_cpu, rtol=0.02, atol=0.02)


def test_tensors_on_two_devices() -> None:
    query, key, value = qkv(2, 65)
    with pytest.raises(DeviceError, match="key"):
        pyflex.compile()(query, key.cpu(), value)
    with pytest.raises(DeviceError, match="kv_len"):
        pyflex.compile()(query, key, value, kv_len=torch.ones(2, dtype=torch.int32))
    table = torch.zeros(8)
    with pytest.raises(CaptureDeviceError, match="cuda"):
        pyflex.compile(lambda s, b, h, q, kv: s + table[h])(query, key, value)


def test_stages_of_this_gpu() -> None:
    decode = pyflex.compile(None, causal)
    decode(*qkv(1, 65))
    for stage in ("ttgir", "llir", "ptx", "sass"):
        assert decode.ir(stage)
