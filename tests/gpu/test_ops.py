"""Every op that a mod may use gives on the GPU what it gives in torch on a CPU."""

from __future__ import annotations

import pytest

from tests.op_kernels import GROUP_NAMES, GROUPS, failures
from tests.trace.op_cases import OpCase


@pytest.mark.parametrize("group", GROUPS, ids=GROUP_NAMES)
def test_ops(group: list[OpCase]) -> None:
    wrong = failures(group, "cuda", 2e-6, denormals=False)
    assert not wrong, "\n".join(wrong)
