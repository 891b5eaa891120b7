"""The example of PR 131559 on the GPU."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import pyflex

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAME = "flex_attention_pr131559"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location(NAME, EXAMPLES / f"{NAME}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, NAME, loaded)
    spec.loader.exec_module(loaded)
    return loaded


def test_error_is_within_the_rule(module: ModuleType) -> None:
    example = module.Example.on("cuda")
    out = pyflex.flex_attention(
        example.query,
        example.key,
        example.value,
        score_mod=module.alibi_by_group,
        block_mask=example.block_mask,
        enable_gqa=True,
    )
    ours, eager = example.errors(out)
    assert out.dtype == torch.float32
    assert ours <= module.ALLOWED * eager
