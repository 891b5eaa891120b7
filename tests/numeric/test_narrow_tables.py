"""Tables of bools and of 8 and 16 bits a key, wherever they begin."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import pyflex
from tests.narrow_tables import DTYPES, check_table


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_table_of_keys(dtype: torch.dtype, step: int, first: int, seed: int) -> None:
    check_table(dtype, step, first, "cpu", seed)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_table_in_a_buffer_of_bytes(offset: int, seed: int) -> None:
    """Its numbers may be less aligned than they are long."""
    drawn = torch.randint(-99, 99, (300,), generator=torch.Generator().manual_seed(seed))
    table = torch.frombuffer(bytearray(604), dtype=torch.int16, offset=offset, count=300)
    table.copy_(drawn)

    def biased(score: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return score + table[kv]

    def plain(score: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return score + drawn[kv]

    query, key = torch.randn(1, 4, 1, 64), torch.randn(1, 2, 300, 64)
    outs = [pyflex.compile(mod)(query, key, key) for mod in (biased, plain)]
    torch.testing.assert_close(*outs)
