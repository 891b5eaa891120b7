"""Mods that read a table of less than 4 bytes a key, which begins anywhere in a word."""

from __future__ import annotations

from typing import Any

import torch

import pyflex
from tests.golden import Problem, attention

#: Of every width that a word holds several of.
DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.float16, torch.bfloat16)
_BATCH, _HEADS, _KV_HEADS, _KEYS, _DIM = 3, 8, 2, 301, 64


def check_table(dtype: torch.dtype, step: int, first: int, device: str, seed: int) -> None:
    """Holds the result to fp64, for a table whose values lie `step` apart from number `first` on.

    Rows of the table begin at other places of a word each.
    """
    numbers = torch.Generator().manual_seed(seed)
    line = step * _KEYS + 3
    drawn = torch.randint(0, 100, (_BATCH, line), generator=numbers)
    memory = (drawn % 2 == 0) if dtype is torch.bool else drawn.to(dtype)
    table = memory.to(device)[:, first : first + step * _KEYS : step]
    inputs = (
        torch.randn(_BATCH, heads, length, _DIM, generator=numbers, dtype=torch.float16)
        for heads, length in ((_HEADS, 1), (_KV_HEADS, _KEYS), (_KV_HEADS, _KEYS))
    )
    query, key, value = (tensor.to(device) for tensor in inputs)

    def masked(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return table[b, kv] | (kv == 0)

    def biased(score: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return score + table[b, kv] * 0.0625

    is_mask = dtype is torch.bool
    decode = pyflex.compile(None, masked) if is_mask else pyflex.compile(biased)
    out = decode(query, key, value)
    assert "tt.ptr_to_int" in decode.ir("flex-widen-loads")

    problem = Problem(query, key, value, *((None, masked) if is_mask else (biased, None)))
    expected, _ = attention(problem, torch.float64)
    torch.testing.assert_close(out.double(), expected, rtol=2e-3, atol=2e-3)
