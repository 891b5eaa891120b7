"""The code of docs/recipes.md runs, and its masks are what torch makes of them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_mask

import pyflex

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text()


@pytest.fixture(scope="module")
def recipes() -> dict[str, Any]:
    """What the blocks of code define."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(textwrap.dedent(block), names)
    return names


@pytest.mark.parametrize(
    ("name", "q_len", "keys", "q_offset"),
    [
        ("tree", 8, 308, 300),
        ("layer", 2, 1024, 900),
        ("ring", 1, 512, 700),
        ("document", 1, 1024, 700),
    ],
)
def test_masks(recipes: dict[str, Any], name: str, q_len: int, keys: int, q_offset: int) -> None:
    torch.manual_seed(0)
    query = torch.randn(1, 4, q_len, 32)
    key, value = torch.randn(1, 2, keys, 32), torch.randn(1, 2, keys, 32)
    mask = recipes[name]
    shown = create_mask(
        lambda b, h, q, kv: mask(b, h, q + q_offset, kv), 1, 1, q_len, keys, device="cpu"
    )
    wanted = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=shown, enable_gqa=True
    )
    out = pyflex.compile(mask_fn=mask)(query, key, value, q_offset=q_offset)
    torch.testing.assert_close(out, wanted)


def test_two_caches_and_a_slice(recipes: dict[str, Any]) -> None:
    query = torch.randn(1, 4, 1, 32)
    key, value = torch.randn(1, 2, 1024, 32), torch.randn(1, 2, 1024, 32)
    decode = pyflex.compile()
    parts = [
        decode(query, key[:, :, keys], value[:, :, keys], return_lse=True)
        for keys in (slice(0, 300), slice(300, None))
    ]
    whole = decode(query, key, value, return_lse=True)
    torch.testing.assert_close(recipes["merged"](*parts), whole)
    seen = decode(query, key[:, :, :201], value[:, :, :201])
    torch.testing.assert_close(decode(query, key, value, block_mask=recipes["step"]), seen)
