"""The example of PR 131559 on the GPU."""

from __future__ import annotations

import runpy
from pathlib import Path

import torch

import pyflex

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flex_attention_pr131559.py"


def test_error_is_within_the_rule() -> None:
    names = runpy.run_path(str(EXAMPLE))
    example = names["Example"].on("cuda")
    out = pyflex.flex_attention(
        example.query,
        example.key,
        example.value,
        score_mod=names["alibi_by_group"],
        block_mask=example.block_mask,
        enable_gqa=True,
    )
    ours, eager = example.errors(out)
    assert out.dtype == torch.float32
    assert ours <= names["ALLOWED"] * eager
