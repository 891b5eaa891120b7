"""As tests/numeric/test_key_vectors.py, on the GPU."""

from __future__ import annotations

import pytest
import torch

from tests.key_vectors import DTYPES, check_table


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("first", "line"), [(0, 304), (0, 301), (16, 320), (3, 304), (8, 312)])
@pytest.mark.parametrize("q_len", [1, 3])
def test_table_of_heads(dtype: torch.dtype, first: int, line: int, q_len: int, seed: int) -> None:
    check_table(dtype, first, line, q_len, "cuda", seed)
