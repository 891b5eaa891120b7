"""Subsets of the optimisation passes, and every split and tile, give the same answer."""

from __future__ import annotations

import itertools
import random

import pytest
import torch

import pyflex
from pyflex import schedule
from pyflex.lowered import Lowered
from pyflex.ttg import PASSES
from tests.cases import Case, Drawn, check_case, hold_to_rule

CASES = [
    Case("alibi", "all", "causal", heads=(8, 2), q_len=3, keys=130),
    Case("softcap", "none", "documents", heads=(12, 2), q_len=17, keys=201, block=64),
    Case("relative", "head", "head_window", heads=(8, 2), q_len=37, keys=201, block=(24, 40)),
    Case("every_entry", "none", "prefix", heads=(6, 1), q_len=1, keys=333, block=16),
    Case("none", "batch", "lengths", torch.bfloat16, heads=(4, 4), q_len=5, keys=97),
    Case("gelu", "position", "bool_table", torch.float16, heads=(8, 2), keys=150, block=(16, 128)),
    Case("alibi_table", mask="causal", heads=(6, 2), q_len=130, keys=260, block=(128, 64)),
    Case(dims=(80, 24), heads=(5, 1), q_len=9, keys=2045, layout="spread", kv_len="int64"),
]


# Passes that have little to do with most of the others: each is left out of half of the subsets,
# another half each. A CPU's kernels are ordered with or without flex-overlap-kernels, and are not
# those of Triton that the last ones change.
APART = (
    "flex-combine-in-cluster",
    "flex-overlap-kernels",
    "flex-mask-from-score",
    "flex-list-blocks",
    "flex-defer-sums",
    "flex-skip-padding",
    "flex-widen-loads",
    "flex-split-products",
    "flex-pad-products",
    *PASSES,
)
OTHERS = tuple(name for name in pyflex.OPTIMISATIONS if name not in APART)


@pytest.fixture(autouse=True)
def _list_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small K and V are."""
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)


def subsets() -> list[pyflex.Options]:
    """Options for each subset of the passes, with a split in three where one can be."""
    found, generator = [], random.Random(0)
    sizes = range(len(OTHERS) + 1)
    others = itertools.chain.from_iterable(itertools.combinations(OTHERS, size) for size in sizes)
    for chosen in others:
        apart = [name for name in APART if generator.random() < 0.5]
        disabled = (*chosen, *apart)
        splits = None if "flex-split-kv" in disabled else 3
        found.append(pyflex.Options(disable_passes=disabled, splits=splits))
    return found


def test_each_pass_is_left_out_with_and_without_others() -> None:
    for name in pyflex.OPTIMISATIONS:
        out = [options for options in subsets() if name in options.disable_passes]
        assert len(subsets()) / 4 < len(out) < 3 * len(subsets()) / 4


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_subset_of_passes(case: Case, seed: int) -> None:
    drawn = Drawn(case, "cpu", seed)
    problem = drawn.problem()
    reference = pyflex.compile(drawn.score, drawn.mask)
    hold_to_rule(drawn, reference)
    out, lse = problem.run(reference)
    for options in subsets():
        decode = pyflex.compile(drawn.score, drawn.mask, options=options)
        same_out, same_lse = problem.run(decode)
        # Sums in another order: a wrong answer is off by far more.
        tolerance = max(4 * torch.finfo(case.dtype).eps, 1e-5)
        for got, wanted, allowed in ((same_out, out, tolerance), (same_lse, lse, 1e-5)):
            assert torch.allclose(got, wanted, rtol=allowed, atol=allowed), options


@pytest.mark.parametrize("splits", [1, 2, 3, 7, 8, 64])
@pytest.mark.parametrize("block", [None, 16], ids=str)
def test_forced_splits(splits: int, block: int | None, seed: int) -> None:
    """More splits than there are tiles, too, in clusters and out of them."""
    case = Case("alibi", mask="window", q_len=5, keys=203, block=block, kv_len="int32")
    check_case(case, "cpu", seed, pyflex.Options(splits=splits, keys=16))


@pytest.mark.parametrize(
    ("rows", "keys"), [(8, 16), (8, 64), (16, 16), (16, 128), (64, 32), (128, 64)]
)
def test_tile_shapes(rows: int, keys: int, seed: int) -> None:
    case = Case("softcap", "head", "causal", heads=(12, 2), q_len=11, keys=203)
    check_case(case, "cpu", seed, pyflex.Options(rows=rows, keys=keys))


@pytest.fixture
def _as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what a CPU has no need for: products of float32 in three, and of eight rows padded."""

    def pipeline(lowered: Lowered, target: object) -> str:
        return lowered.spec.pipeline("cuda", sm_90=True, matrix_units=True)

    monkeypatch.setattr(Lowered, "_pipeline", pipeline)


@pytest.mark.usefixtures("_as_on_a_gpu")
@pytest.mark.parametrize("dims", [(64, 64), (80, 24), (16, 128), (200, 96)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("q_len", [1, 3])
def test_products_of_eight_rows(
    dims: tuple[int, int], dtype: torch.dtype, q_len: int, seed: int
) -> None:
    options = pyflex.Options(rows=8, keys=16, splits=2)
    case = Case("softcap", "head", "window", dtype, heads=(6, 1), q_len=q_len, dims=dims, keys=203)
    check_case(case, "cpu", seed, options)


@pytest.mark.usefixtures("_as_on_a_gpu")
@pytest.mark.parametrize("dims", [(64, 64), (80, 24), (16, 128), (200, 96)], ids=str)
def test_scores_in_three_products(dims: tuple[int, int], seed: int) -> None:
    options = pyflex.Options(keys=16, splits=2)
    case = Case("alibi", mask="window", heads=(12, 2), q_len=9, keys=203, dims=dims)
    check_case(case, "cpu", seed, options)
    decode = pyflex.compile(options=options)
    query, key, value = (torch.ones(1, 1, 70, columns) for columns in (dims[0], *dims))
    key[:, :, ::3, 0] = float("-inf")  # has no rest, but a product
    value[:, :, ::3] = 7.0
    assert torch.equal(decode(query, key, value), torch.ones(1, 1, 70, dims[1]))
    for bits in (0x7FFFFFFF, -1):  # no number stays none, whatever its bits
        value.view(torch.int32)[:, :, 5, -1] = bits
        assert decode(query, key, value)[..., -1].isnan().all()
    assert "inputPrecision = tf32 :" in decode.ir("flex-split-products")
