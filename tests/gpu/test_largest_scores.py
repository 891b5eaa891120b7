"""Largest scores on a GPU."""

from __future__ import annotations

import pytest

from tests.cases import Case
from tests.largest_scores import CASES, SPLITS, check


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("off", [(), ("flex-join-in-cluster",)], ids=["", "by-a-second-kernel"])
def test_answers(case: Case, splits: int, off: tuple[str, ...], seed: int) -> None:
    check(case, "cuda", splits, seed, off)
