"""What the parts of a split leave to one another, on a GPU."""

from __future__ import annotations

import pytest

from tests.cases import Case
from tests.splits import (
    APART,
    CASES,
    SPLITS,
    check_equal_scores,
    check_largest_scores,
    in_clusters,
)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("off", [(), APART], ids=["", "by-a-second-kernel"])
def test_largest_scores(
    case: Case, splits: int, off: tuple[str, ...], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not off:
        monkeypatch.setattr("pyflex.plan.parts_for", in_clusters)
    check_largest_scores(case, "cuda", splits, seed, off, lse=splits % 2 == 0)


@pytest.mark.parametrize("splits", [1, 5, 9, 70])
@pytest.mark.parametrize("off", [(), APART], ids=["", "by-a-second-kernel"])
def test_equal_scores(splits: int, off: tuple[str, ...]) -> None:
    check_equal_scores("cuda", splits, off)
