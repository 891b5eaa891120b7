"""As tests/numeric/test_sparsity.py, on the GPU: no key that a mask lets through is left out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import pyflex
from tests.grammar import random_mask
from tests.masks import GYM
from tests.visible import check, drawn

RANDOM_MASKS = 40


@pytest.mark.parametrize("name", GYM)
def test_named_mask(name: str, seed: int) -> None:
    kernel, sizes = drawn(seed, "cuda")
    check(GYM[name](sizes), kernel, sizes)


@pytest.mark.parametrize("number", range(RANDOM_MASKS))
def test_random_mask(number: int, seed: int) -> None:
    kernel, sizes = drawn(seed + number, "cuda")
    check(random_mask(sizes, number), kernel, sizes)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64], ids=str)
def test_absolute_value_of_the_least_integer(dtype: torch.dtype) -> None:
    """It is negative, in torch on a CPU and on a GPU."""
    least = torch.tensor(torch.iinfo(dtype).min, dtype=dtype, device="cuda")

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (least + kv - 150).abs() < 0

    decode = pyflex.compile(mask_fn=mask)
    query, value = torch.randn(2, 1, 1, 200, 64, device="cuda")
    out = decode(query[:, :, :1], value, value)
    torch.testing.assert_close(out, value[:, :, 150:151])


def test_a_mask_that_reads_past_a_table_is_drawn_as_an_error() -> None:
    """Not by the GPU, which would be lost by it."""
    table = torch.ones(50, dtype=torch.bool, device="cuda")

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return table[(kv - q).abs()] & (kv <= q)

    with pytest.raises(pyflex.errors.CaptureIndexError, match="kv_idx 0 to 63"):
        pyflex.visualize(mask, 64, 64)
    assert pyflex.visualize(mask, 50, 50).density == pytest.approx(0.51)
    assert int(table.sum()) == 50
