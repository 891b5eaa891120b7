"""As tests/numeric/test_narrow_tables.py, on the GPU."""

from __future__ import annotations

import pytest
import torch

from tests.narrow_tables import DTYPES, check_table


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_table_of_keys(dtype: torch.dtype, step: int, first: int, seed: int) -> None:
    check_table(dtype, step, first, "cuda", seed)
