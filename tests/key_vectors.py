"""Mods that read a table with a value for each head and key, whose lines begin anywhere."""

from __future__ import annotations

from typing import Any

import torch

import pyflex
from tests.golden import Problem, attention

DTYPES = (torch.bool, torch.int8, torch.float16, torch.bfloat16, torch.float32, torch.int64)
_BATCH, _HEADS, _KV_HEADS, _KEYS, _DIM = 3, 8, 2, 301, 64


def check_table(
    dtype: torch.dtype, first: int, line: int, q_len: int, device: str, seed: int
) -> None:
    """Holds the result to fp64, for lines of a table that lie `line` apart, from `first` on.

    Behind the last key of a sequence its lines hold what no result may see.
    """
    numbers = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 100, (_BATCH, _HEADS, q_len, _KEYS), generator=numbers)
    lengths = torch.randint(1, _KEYS + 1, (_BATCH,), generator=numbers)
    exists = torch.arange(_KEYS) < lengths[:, None, None, None]
    is_mask = dtype is torch.bool
    values = drawn % 2 == 0 if is_mask else drawn.to(dtype)
    beyond = torch.nan if dtype.is_floating_point else 1
    rows = _BATCH * _HEADS * q_len
    memory = torch.full((first + rows * line,), beyond).to(dtype)
    apart = (_HEADS * q_len * line, q_len * line, line, 1)
    memory.as_strided(values.shape, apart, first).copy_(values.where(exists, beyond).to(dtype))
    table = memory.to(device).as_strided(values.shape, apart, first)

    inputs = (
        torch.randn(_BATCH, heads, length, _DIM, generator=numbers, dtype=torch.float16)
        for heads, length in ((_HEADS, q_len), (_KV_HEADS, _KEYS), (_KV_HEADS, _KEYS))
    )
    query, key, value = (tensor.to(device) for tensor in inputs)

    def masked(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return table[b, h, q, kv] | (kv == 0)

    def biased(score: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return score + table[b, h, q, kv] * 0.0625

    decode = pyflex.compile(None, masked) if is_mask else pyflex.compile(biased)
    out = decode(query, key, value, kv_len=lengths.to(device))
    is_aligned = first * dtype.itemsize % 16 == 0 and line % 16 == 0
    before, after = (decode.ir(stage) for stage in ("flex-defer-sums", "flex-widen-loads"))
    assert (before != after) == is_aligned

    mods = (None, masked) if is_mask else (biased, None)
    problem = Problem(query, key, value, *mods, kv_len=lengths.to(device))
    expected, _ = attention(problem, torch.float64)
    torch.testing.assert_close(out.double(), expected, rtol=2e-3, atol=2e-3)
