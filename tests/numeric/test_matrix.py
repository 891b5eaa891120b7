"""Kernels of the CPU against eager torch: every pair of features meets in some case."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pyflex import Options
from tests.cases import Case, check_case, features
from tests.covering import covering

FEATURES = features(
    dtype=[torch.float32, torch.bfloat16, torch.float16],
    heads=[(4, 1), (8, 2), (3, 3), (12, 2), (7, 1), (10, 2)],
    keys=[1, 65, 301],
    dims=[(16, 16), (32, 24), (40, 64)],
)
CASES = [Case(**row) for row in covering(FEATURES)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pairs_of_features(case: Case, seed: int) -> None:
    check_case(case, "cpu", seed)


@pytest.mark.parametrize(
    "dims",
    [
        (16, 256), (24, 40), (40, 24), (64, 80), (80, 64), (96, 128), (128, 96), (192, 128),
        (256, 16), (17, 33), (100, 60),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_head_dimensions(dims: tuple[int, int], dtype: torch.dtype, seed: int) -> None:
    check_case(Case("alibi", "head", "causal", dtype, dims=dims, q_len=3, keys=99), "cpu", seed)


# A tile of these is one tensor or two; D and Dv differ, and each meets each of the other features.
DIMS = [16, 24, 40, 72, 80, 88, 96, 112, 144, 160, 192, 224]
WIDTHS = {
    "d": DIMS,
    "dv": DIMS,
    "dtype": [torch.float32, torch.bfloat16, torch.float16],
    "layout": ["contiguous", "spread", "unaligned"],
    "splits": [1, 3, 9, 70],  # 3 form a cluster
    "block": [None, 16, 64],
    "q_len": [1, 17],
}


@pytest.mark.parametrize("row", covering(WIDTHS), ids=lambda row: ",".join(map(str, row.values())))
def test_tile_widths(row: dict[str, Any], seed: int) -> None:
    rest = dict(row)
    dims, splits = (rest.pop("d"), rest.pop("dv")), rest.pop("splits")
    case = Case("alibi", "head", "causal", dims=dims, keys=99, **rest)
    check_case(case, "cpu", seed, Options(splits=splits))


@pytest.mark.parametrize("heads", [(8, 2), (8, 1), (6, 1), (12, 1)], ids=str)
@pytest.mark.parametrize("q_len", [1, 3])
@pytest.mark.parametrize("splits", [1, 3, 9])
def test_tiles_of_eight_rows(heads: tuple[int, int], q_len: int, splits: int, seed: int) -> None:
    case = Case("alibi", "head", "causal", heads=heads, q_len=q_len, keys=203)
    check_case(case, "cpu", seed, Options(rows=8, splits=splits))


@pytest.mark.parametrize("keys", [0, 1, 63, 64, 65, 2045])
@pytest.mark.parametrize("q_len", [1, 130])
def test_lengths(keys: int, q_len: int, seed: int) -> None:
    case = Case("relative", "position", "documents", q_len=q_len, keys=keys, dims=(32, 32))
    check_case(case, "cpu", seed)


@pytest.mark.parametrize("kv_len", ["zero", "int", "int32", "int64"])
@pytest.mark.parametrize("block", [None, 16, (24, 40)], ids=str)
@pytest.mark.parametrize("heads", [(8, 2), (6, 1)], ids=str)
def test_key_lengths(kv_len: str, block: object, heads: tuple[int, int], seed: int) -> None:
    case = Case(
        "alibi", "none", "sinks", heads=heads, q_len=5, keys=203, kv_len=kv_len, block=block
    )
    check_case(case, "cpu", seed)


@pytest.mark.parametrize("block", [16, 48, 64, 128, (128, 64), (24, 40), (1, 16)], ids=str)
@pytest.mark.parametrize("mask", ["head_window", "bool_table", "prefix"])
@pytest.mark.parametrize("heads", [(8, 2), (12, 2)], ids=str)
def test_block_sizes(block: object, mask: str, heads: tuple[int, int], seed: int) -> None:
    case = Case("alibi_table", mask=mask, heads=heads, q_len=37, keys=333, block=block)
    check_case(case, "cpu", seed)
