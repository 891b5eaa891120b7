"""As tests/numeric/test_sparsity.py, on the GPU: no key that a mask lets through is left out."""

from __future__ import annotations

import pytest

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
