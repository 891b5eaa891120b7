"""What the parts of a split leave to one another, on the CPU."""

from __future__ import annotations

import pytest

from tests.cases import Case
from tests.splits import APART, CASES, SPLITS, check_equal_scores, check_largest_scores


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", SPLITS)
def test_largest_scores(case: Case, splits: int, seed: int) -> None:
    check_largest_scores(case, "cpu", splits, seed, lse=splits % 2 == 0)


@pytest.mark.parametrize("case", CASES[:3], ids=str)
@pytest.mark.parametrize("lse", [False, True])
def test_largest_scores_by_a_second_kernel(case: Case, lse: bool, seed: int) -> None:
    check_largest_scores(case, "cpu", 5, seed, APART, lse=lse)


@pytest.mark.parametrize("splits", [1, 5, 9, 70])
@pytest.mark.parametrize("off", [(), APART], ids=["", "by-a-second-kernel"])
def test_equal_scores(splits: int, off: tuple[str, ...]) -> None:
    check_equal_scores("cpu", splits, off)
