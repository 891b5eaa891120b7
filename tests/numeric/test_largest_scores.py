"""Largest scores on the CPU."""

from __future__ import annotations

import pytest

from tests.cases import Case
from tests.largest_scores import CASES, SPLITS, check


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", SPLITS)
def test_answers(case: Case, splits: int, seed: int) -> None:
    check(case, "cpu", splits, seed)


@pytest.mark.parametrize("case", CASES[:3], ids=str)
def test_by_a_second_kernel(case: Case, seed: int) -> None:
    check(case, "cpu", 5, seed, ("flex-join-in-cluster",))
