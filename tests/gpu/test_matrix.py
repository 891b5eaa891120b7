"""Kernels of the GPU against eager torch: every pair of features meets in some case.

Most of the time goes into compiling, so run it on several processes: `pytest -n 8 tests/gpu`.
"""

from __future__ import annotations

import pytest
import torch

from pyflex import OPTIMISATIONS, Options
from pyflex.errors import ScheduleError
from tests.cases import Case, check_case, features
from tests.covering import covering

FEATURES = features(
    dtype=[torch.bfloat16, torch.float16, torch.float32],
    heads=[(16, 1), (8, 2), (16, 16), (12, 2), (28, 4), (40, 8)],
    keys=[1, 65, 2045, 4096],
    dims=[(64, 64), (128, 128), (80, 96)],
)
CASES = [Case(**row) for row in covering(FEATURES)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pairs_of_features(case: Case, seed: int) -> None:
    check_case(case, "cuda", seed)


@pytest.mark.parametrize(
    "dims",
    [
        (16, 16), (16, 256), (24, 40), (72, 160), (144, 80), (192, 128), (256, 256), (100, 60),
        (17, 33),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_head_dimensions(dims: tuple[int, int], dtype: torch.dtype, seed: int) -> None:
    case = Case("alibi", "head", "causal", dtype, dims=dims, q_len=3, keys=333)
    check_case(case, "cuda", seed)


# Must give the same answer with all of the passes, with none, and without each one.
SETS = [(), OPTIMISATIONS, *((name,) for name in OPTIMISATIONS)]
PASS_CASES = [
    Case("alibi", "all", "causal", torch.bfloat16, heads=(40, 8), q_len=3, keys=2045),
    Case("softcap", "none", "documents", torch.float16, heads=(12, 2), keys=2045, block=64),
    Case("relative", "head", "head_window", heads=(8, 2), q_len=37, keys=501, block=(128, 64)),
]


@pytest.mark.parametrize("disabled", SETS, ids=lambda names: "+".join(names) or "all_run")
@pytest.mark.parametrize("case", PASS_CASES, ids=str)
def test_without_passes(case: Case, disabled: tuple[str, ...], seed: int) -> None:
    check_case(case, "cuda", seed, Options(disable_passes=disabled))


@pytest.mark.parametrize("splits", [1, 2, 7, 128])
@pytest.mark.parametrize("block", [None, 64], ids=str)
@pytest.mark.parametrize("value_dim", [64, 192])
def test_forced_splits(splits: int, block: int | None, value_dim: int, seed: int) -> None:
    case = Case(
        "alibi",
        "none",
        "window",
        torch.bfloat16,
        dims=(64, value_dim),
        q_len=5,
        keys=2045,
        block=block,
        kv_len="int32",
    )
    check_case(case, "cuda", seed, Options(splits=splits))


@pytest.mark.parametrize(
    "options",
    [
        Options(rows=8),
        Options(rows=8, keys=16, num_warps=1, num_stages=1),
        Options(rows=8, disable_passes=("flex-pad-products",)),
        Options(rows=16, keys=16, num_warps=1, num_stages=1),
        Options(rows=64, keys=32, num_warps=4, num_stages=2),
        Options(rows=128, keys=16, num_warps=8, num_stages=3),
        Options(rows=128, keys=64, num_warps=8, num_stages=3),
        Options(rows=32, keys=128, num_warps=4, num_stages=3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_schedules(options: Options, dtype: torch.dtype, seed: int) -> None:
    case = Case("softcap", "head", "causal", dtype, heads=(12, 2), q_len=11, keys=501)
    check_case(case, "cuda", seed, options)


@pytest.mark.parametrize("rows", [8, 16, 32, 64, 128])
@pytest.mark.parametrize("keys", [16, 64])
@pytest.mark.parametrize("num_warps", [1, 4, 8])
@pytest.mark.parametrize("dims", [(16, 16), (64, 40)], ids=str)
def test_float32_tiles(
    rows: int, keys: int, num_warps: int, dims: tuple[int, int], seed: int
) -> None:
    """Triton makes wrong kernels of some; pyflex refuses these, and no others may be wrong."""
    case = Case(mask="causal", heads=(8, 2), dims=dims, q_len=9, keys=501)
    options = Options(rows=rows, keys=keys, num_warps=num_warps, num_stages=2)
    if rows >= 64 and num_warps > rows // 16:
        with pytest.raises(ScheduleError, match="num_warps does not fit"):
            check_case(case, "cuda", seed, options)
    else:
        check_case(case, "cuda", seed, options)


@pytest.mark.parametrize("head_dim", [40, 128, 144, 192, 256])
@pytest.mark.parametrize("value_dim", [16, 40, 128, 144, 192, 256])
@pytest.mark.parametrize(
    ("dtype", "q_len"),
    [(torch.float32, 5), (torch.float32, 9), (torch.bfloat16, 20), (torch.float16, 40)],
    ids=str,
)
def test_tiles_of_many_rows(
    head_dim: int, value_dim: int, dtype: torch.dtype, q_len: int, seed: int
) -> None:
    """One tile of all rows, or two."""
    dims = (head_dim, value_dim)
    case = Case("softcap", "none", "causal", dtype, dims=dims, heads=(8, 2), q_len=q_len, keys=501)
    check_case(case, "cuda", seed)
