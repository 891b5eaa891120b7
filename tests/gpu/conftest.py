"""The seed of a test, printed with its failure; set PYFLEX_TEST_SEED to see it again."""

from __future__ import annotations

import pytest

from tests.cases import new_seed


@pytest.fixture
def seed() -> int:
    """Numbers nobody has seen before."""
    drawn = new_seed()
    print(f"PYFLEX_TEST_SEED={drawn}")
    return drawn
