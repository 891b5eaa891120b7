"""Every op that a mod may use gives on the CPU what it gives in torch, and compiles for GPUs."""

from __future__ import annotations

import pytest
import torch

from pyflex import Options
from tests.op_kernels import GROUP_NAMES, GROUPS, compile_ops, failures
from tests.trace.op_cases import OpCase


@pytest.mark.parametrize("group", GROUPS, ids=GROUP_NAMES)
def test_ops(group: list[OpCase]) -> None:
    wrong = failures(group, "cpu", 5e-7)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("group", GROUPS, ids=GROUP_NAMES)
def test_ops_compile_for_gpus(group: list[OpCase]) -> None:
    key = torch.zeros(1, 1, 16, 16)
    decode = compile_ops(group, torch.zeros(1), torch.zeros(1, dtype=torch.int32), Options(keys=16))
    decode(key[:, :, :1], key, key)
    assert ".target sm_80" in decode.ir("ptx", target="cuda:80")
    assert "gfx942" in decode.ir("amdgcn", target="hip:gfx942")
