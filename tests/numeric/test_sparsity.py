"""Nothing that a mask lets through is left out, whatever a kernel derives from the mask.

PYFLEX_TEST_MASKS sets the number of random masks.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

import pyflex
from tests.grammar import random_mask
from tests.masks import GYM
from tests.visible import Call, check, check_keys, drawn

MASKS = int(os.environ.get("PYFLEX_TEST_MASKS", "200"))
GYM_DRAWS = 3


@pytest.mark.parametrize("name", GYM)
@pytest.mark.parametrize("draw", range(GYM_DRAWS))
def test_named_mask(name: str, draw: int, seed: int) -> None:
    kernel, sizes = drawn(seed + draw, "cpu")
    check(GYM[name](sizes), kernel, sizes)


@pytest.mark.parametrize("number", range(MASKS))
def test_random_mask(number: int, seed: int) -> None:
    kernel, sizes = drawn(seed + number, "cpu")
    check(random_mask(sizes, number), kernel, sizes)


@pytest.mark.parametrize("add", [False, True])
def test_one_wrong_key_is_noticed_and_named(add: bool, seed: int) -> None:
    kernel, sizes = drawn(seed, "cpu")
    call = Call(batch=2, q_len=3, keys=400, q_offset=None, kv_len=None)

    def right(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return kv % 7 != 3

    def wrong(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return right(b, h, q, kv) ^ ((kv == (199 if add else 200)) & (q == 1) & (b == 1))

    decode = pyflex.compile(None, wrong, options=kernel.options)
    check_keys(wrong, decode, kernel, call, sizes)
    with pytest.raises(AssertionError) as raised:
        check_keys(right, decode, kernel, call, sizes)
    said = "key 199 is counted" if add else "key 200 is skipped"
    assert f"{kernel.heads[0]} of" in str(raised.value)
    assert said in str(raised.value)


def test_index_out_of_a_table_makes_the_row_nan_where_the_mask_is_false(seed: int) -> None:
    """A row of which some existing key indexes past a table is NaN, whatever else is derived."""
    kernel, sizes = drawn(seed, "cpu")
    table = sizes.integers(0, 2, 100).bool()
    keys, shift = 150, 20

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (kv <= q) & table[kv + shift]

    decode = pyflex.compile(None, mask, options=kernel.options)
    key, value = (sizes.normal(2, kernel.heads[1], keys, 16) for _ in range(2))
    query = sizes.normal(2, kernel.heads[0], 4, 16)
    for length, outside in ((80, False), (81, True), (keys, True)):
        out = decode(query, key, value, q_offset=10, kv_len=length)
        assert bool(out.isnan().all()) is outside
        assert bool(out.isnan().any()) is outside
