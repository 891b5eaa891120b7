"""What is an argument at run time and what makes a new kernel."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

import pyflex
from pyflex import compiler
from tests.cases import Case, Drawn, hold_to_rule
from tests.golden import Errors, Problem
from tests.mods import causal


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each kernel that is compiled for the CPU meanwhile."""
    texts: list[str] = []
    jit = compiler.jit

    def counting(ttir: str) -> Any:
        texts.append(ttir)
        return jit(ttir)

    monkeypatch.setattr(compiler, "jit", counting)
    return texts


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape).to(dtype)


def qkv(
    batch: int = 2, heads: tuple[int, int] = (8, 2), q_len: int = 1, keys: int = 65, dim: int = 16
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        numbers(batch, heads[0], q_len, dim),
        numbers(batch, heads[1], keys, dim),
        numbers(batch, heads[1], keys, dim),
    )


def check(problem: Problem, decode: pyflex.Decode) -> None:
    errors = Errors(problem.query.dtype)
    errors.add(problem, *problem.run(decode))
    errors.check()


def test_one_compile_serves_a_generation(seed: int, compiled: list[str]) -> None:
    torch.manual_seed(seed)
    slopes = numbers(8)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + slopes[h] * (kv - q)

    decode = pyflex.compile(score, causal)
    for step in range(200):
        batch, keys = 1 + step % 3, 40 + step
        query, key, value = qkv(batch, keys=keys, dim=32)
        if step % 4 == 1:
            key = key.transpose(1, 2).contiguous().transpose(1, 2)
        if step % 4 == 2:
            value = torch.empty(value.numel() + 1)[1:].view(value.shape).copy_(value)
        kv_len = keys - 1 - step % 7
        length: Any = torch.full((batch,), kv_len, dtype=torch.int32) if step % 5 == 0 else kv_len
        problem = Problem(query, key, value, score, causal, q_offset=kv_len - 1, kv_len=length)
        if step % 20 == 2:
            check(problem, decode)
        else:
            problem.run(decode)
    assert decode._mods.trace_count == 1
    assert sum("@decode(" in text or '"decode"' in text for text in compiled) <= 3
    assert len(compiled) <= 4  # one a layout of K and V, and one that combines a split's parts


def test_usual_distances_between_keys_are_compiled_in() -> None:
    decode, (query, key, value) = pyflex.compile(None, causal), qkv(dim=32)
    heads = key.shape[1]
    between = value.transpose(1, 2).contiguous().transpose(1, 2)
    apart = torch.cat([key, key[..., :8]], dim=-1)[..., :32]
    for keys, values, lines in (
        (key, value, (32, 32)),
        (key, between, (32, heads * 32)),
        (apart, value, (0, 32)),
        (key[:, :, :1], value[:, :, :1], (32, 32)),
        (key[:, :1].expand_as(key), value, (32, 32)),
        (key[:, :, :1].expand_as(key), value, (0, 32)),
    ):
        check(Problem(query, keys, values, None, causal), decode)
        assert decode._last is not None
        assert (decode._last.key_line, decode._last.value_line) == lines
        assert decode._last.one_query == (query.shape[2] == 1)


def test_tensors_of_lengths_and_offsets_are_no_compile_keys(compiled: list[str]) -> None:
    decode = pyflex.compile(None, causal)
    query, key, value = qkv()
    for given in (3, torch.tensor([3, 4], dtype=torch.int32), 0, 64, None):
        check(Problem(query, key, value, None, causal, q_offset=given), decode)
        check(Problem(query, key, value, None, causal, q_offset=64, kv_len=given), decode)
    assert sum("@decode(" in text or '"decode"' in text for text in compiled) == 1


def test_equal_mods_share_a_kernel(compiled: list[str]) -> None:
    for _ in range(3):
        pyflex.compile(lambda s, b, h, q, kv: s * 1.0625)(*qkv())
    assert len(compiled) <= 1


def test_captured_tensors_die_with_their_mod() -> None:
    def call() -> weakref.ref[torch.Tensor]:
        table = numbers(8)
        pyflex.compile(lambda s, b, h, q, kv: s + table[h])(*qkv())
        return weakref.ref(table)

    held = call()
    gc.collect()
    assert held() is None


def test_a_block_mask_for_each_call_is_not_kept() -> None:
    decode = pyflex.compile()

    def call() -> weakref.ref[torch.Tensor]:
        lengths = torch.tensor([3, 4])
        blocks = create_block_mask(
            lambda b, h, q, kv: kv < lengths[b], 2, None, 1, 65, device="cpu", BLOCK_SIZE=16
        )
        decode(*qkv(), block_mask=blocks)
        return weakref.ref(lengths)

    held = [call() for _ in range(80)]
    gc.collect()
    assert held[0]() is None
    assert sum(one() is not None for one in held) <= 64


def test_empty_query_and_batch() -> None:
    decode = pyflex.compile(None, causal)
    for batch, q_len in ((0, 1), (2, 0), (0, 0)):
        out, lse = decode(*qkv(batch, q_len=q_len), return_lse=True)
        assert out.shape == (batch, 8, q_len, 16)
        assert lse.shape == (batch, 8, q_len)


def test_no_keys() -> None:
    out, lse = pyflex.compile(None, causal)(*qkv(keys=0), return_lse=True)
    assert not out.any()
    assert bool((lse == -torch.inf).all())


def test_captured_table_changed_in_place_is_seen(seed: int) -> None:
    torch.manual_seed(seed)
    table = numbers(8)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * table[h]

    decode = pyflex.compile(score)
    tensors = qkv()
    for _ in range(3):
        check(Problem(*tensors, score), decode)
        table.copy_(numbers(8))
    assert decode._mods.trace_count == 1


def test_python_value_changed_in_a_closure_is_noticed(seed: int) -> None:
    torch.manual_seed(seed)
    size = 5

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (q - kv < size) & (q >= kv)

    decode = pyflex.compile(None, mask)
    problem = Problem(*qkv(), None, mask, q_offset=64)
    for traces, new_size in enumerate((5, 40, 40, 5), start=1):
        size = new_size
        check(problem, decode)
        assert decode._mods.trace_count <= traces
    assert decode._mods.trace_count in (2, 3)  # the first size may be known again


def test_captured_tensor_replaced_in_a_closure_is_noticed(seed: int) -> None:
    torch.manual_seed(seed)
    table = numbers(8)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * table[h]

    decode = pyflex.compile(score)
    tensors = qkv()
    check(Problem(*tensors, score), decode)
    table = numbers(16)[::2]
    check(Problem(*tensors, score), decode)
    table = numbers(8).half()
    check(Problem(*tensors, score), decode)


def test_traced_index_out_of_a_table_is_nan() -> None:
    table = torch.zeros(10)
    visible = torch.ones(10, dtype=torch.bool)
    query, key, value = qkv(q_len=1)
    biased = pyflex.compile(lambda s, b, h, q, kv: s + table[q])
    assert bool(torch.isfinite(biased(query, key, value, q_offset=9)).all())
    assert bool(torch.isnan(biased(query, key, value, q_offset=10)).all())
    masked = pyflex.compile(None, lambda b, h, q, kv: visible[q])
    assert bool(masked(query, key, value, q_offset=9).any())
    assert bool(masked(query, key, value, q_offset=10).isnan().all())


def test_a_mask_hides_what_the_score_reads_out_of_range() -> None:
    """With a BlockMask, in whose full blocks nothing but the score is asked, as without."""
    bias = numbers(10)
    decode = pyflex.compile(
        lambda s, b, h, q, kv: s + bias[q - kv], lambda b, h, q, kv: (kv <= q) & (q - kv < 10)
    )
    query, key, value = qkv(q_len=1, keys=200)
    every = create_block_mask(lambda b, h, q, kv: kv >= 0, None, None, 1, 200, device="cpu")
    expected = decode(query, key, value, q_offset=100)
    assert bool(expected.isfinite().all())
    found = decode(query, key, value, block_mask=every, q_offset=100)
    assert torch.allclose(found, expected, atol=1e-6)
    seen = torch.ones(90, dtype=torch.bool)
    lost = pyflex.compile(None, lambda b, h, q, kv: seen[q])
    assert bool(lost(query, key, value, block_mask=every, q_offset=100).isnan().all())


def test_garbage_past_the_length_does_not_leak(seed: int) -> None:
    torch.manual_seed(seed)
    query, key, value = qkv(3, q_len=3, keys=130)
    lengths = torch.tensor([0, 1, 77])
    for entry, length in enumerate(lengths.tolist()):
        key[entry, :, length:] = torch.nan
        value[entry, :, length:] = torch.inf
    for mask in (None, causal):
        decode = pyflex.compile(None, mask)
        check(Problem(query, key, value, None, mask, q_offset=80, kv_len=lengths), decode)


def test_lengths_out_of_range_in_a_tensor_are_clamped() -> None:
    query, key, value = qkv()
    decode = pyflex.compile()
    lengths = torch.tensor([-5, 1000], dtype=torch.int32)
    out, lse = decode(query, key, value, kv_len=lengths, return_lse=True)
    same, same_lse = decode(query, key, value, kv_len=torch.tensor([0, 65]), return_lse=True)
    assert torch.equal(out, same)
    assert torch.equal(lse, same_lse)


def test_block_lists_without_a_mask(seed: int) -> None:
    """Lists that no mask_mod made: holes, no order, a row of nothing."""
    torch.manual_seed(seed)
    counts = torch.tensor([[[2, 0, 3]]], dtype=torch.int32)
    indices = torch.tensor([[[[3, 0, 9, 9, 9], [0, 1, 2, 3, 4], [4, 2, 1, 0, 0]]]])
    blocks = BlockMask.from_kv_blocks(
        counts, indices.to(torch.int32).clamp(max=4), BLOCK_SIZE=(16, 16), seq_lengths=(40, 77)
    )
    check(Problem(*qkv(q_len=40, keys=77), block_mask=blocks), pyflex.compile())


def test_both_lists_without_a_mask(seed: int) -> None:
    torch.manual_seed(seed)
    counts = torch.tensor([[[1, 2]]], dtype=torch.int32)
    indices = torch.tensor([[[[1, 0, 2], [2, 0, 1]]]], dtype=torch.int32)
    full_counts = torch.tensor([[[2, 0]]], dtype=torch.int32)
    full_indices = torch.tensor([[[[2, 0, 1], [0, 1, 2]]]], dtype=torch.int32)
    blocks = BlockMask.from_kv_blocks(
        counts,
        indices,
        full_counts,
        full_indices,
        BLOCK_SIZE=(32, 32),
        mask_mod=lambda b, h, q, kv: (q + kv) % 3 == 0,
        seq_lengths=(50, 90),
    )
    check(Problem(*qkv(q_len=50, keys=90), block_mask=blocks), pyflex.compile())


def test_block_mask_and_mask_fn_are_anded(seed: int) -> None:
    torch.manual_seed(seed)

    def odd(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (kv + h) % 2 == 1

    blocks = create_block_mask(causal, None, None, 40, 77, device="cpu", BLOCK_SIZE=16)
    check(Problem(*qkv(q_len=40, keys=77), None, odd, blocks), pyflex.compile(None, odd))


def test_block_mask_longer_than_the_call(seed: int) -> None:
    torch.manual_seed(seed)
    blocks = create_block_mask(causal, None, None, 128, 256, device="cpu", BLOCK_SIZE=32)
    decode = pyflex.compile()
    for q_len, keys in ((128, 256), (40, 77), (1, 1)):
        check(Problem(*qkv(q_len=q_len, keys=keys), block_mask=blocks), decode)
    # Its first rows are not those of queries that are moved.
    for warm in (False, True):
        for offset in (5, torch.tensor([5, 6])):
            decode(*qkv(q_len=128, keys=77), block_mask=blocks, q_offset=offset)
            with pytest.raises(pyflex.errors.BlockMaskError, match="q_offset moves the queries"):
                decode(*qkv(q_len=40, keys=77), block_mask=blocks, q_offset=offset)
        if not warm:
            decode(*qkv(q_len=40, keys=77), block_mask=blocks, q_offset=0)


def test_scale_is_an_argument(compiled: list[str]) -> None:
    decode = pyflex.compile()
    tensors = qkv()
    for scale in (None, 1.0, 0.125, 0.0, -0.5):
        check(Problem(*tensors, scale=scale), decode)
    assert len(compiled) <= 2


def test_large_scores_do_not_overflow() -> None:
    query, key, value = qkv()
    problem = Problem(query * 100, key * 100, value)
    out, lse = problem.run(pyflex.compile())
    assert bool(torch.isfinite(out).all())
    assert bool(torch.isfinite(lse).all())


def test_score_of_minus_infinity_everywhere_is_a_masked_row() -> None:
    decode = pyflex.compile(lambda s, b, h, q, kv: torch.where(h == 3, -torch.inf, s))
    out, lse = decode(*qkv(), return_lse=True)
    assert not out[:, 3].any()
    assert bool((lse[:, 3] == -torch.inf).all())
    assert bool(torch.isfinite(lse[:, :3]).all())


def test_many_batches_share_one_cache_entry(seed: int) -> None:
    drawn = Drawn(Case("alibi", "batch", "causal", batch=5, layout="one_batch"), "cpu", seed)
    hold_to_rule(drawn, pyflex.compile(drawn.score, drawn.mask))
