"""What Triton makes of the loop: no load that it waits for at every tile.

Nor do the scores leave the layout of their product, which a load in the loop would make them do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

import pyflex
from pyflex.places import tile_width

Mod = Callable[..., Any]
Mods = tuple[Mod | None, Mod | None]
_KEYS = 256


def loop_of(text: str) -> str:
    """The one loop of TTGIR that forms products."""
    bodies = re.findall(r"^( *)%\S+ = scf\.for .*\n((?:\1 +.*\n)+)", text, re.MULTILINE)
    (found,) = (body for _, body in bodies if "tt.dot " in body)
    return str(found)


def of_keys(dtype: torch.dtype) -> Mods:
    if dtype is torch.bool:
        visible = torch.rand(2, _KEYS) < 0.5
        return None, lambda b, h, q, kv: visible[b, kv]
    bias = torch.ones(2, _KEYS, dtype=dtype)
    return lambda s, b, h, q, kv: s + bias[b, kv], None


def of_heads(dtype: torch.dtype) -> Mods:
    if dtype is torch.bool:
        visible = torch.rand(8, _KEYS) < 0.5
        return None, lambda b, h, q, kv: visible[h, kv]
    bias = torch.ones(2, 8, 1, _KEYS, dtype=dtype)
    return lambda s, b, h, q, kv: s + bias[b, h, q, kv], None


def by_an_index(dtype: torch.dtype) -> Mods:
    table, index = torch.ones(_KEYS).to(dtype), torch.arange(_KEYS)
    if dtype is torch.bool:
        return None, lambda b, h, q, kv: table[index[kv]]
    return lambda s, b, h, q, kv: s + table[index[kv]], None


@pytest.mark.parametrize("make", [of_keys, of_heads, by_an_index])
@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize(
    ("rows", "keys", "num_warps"), [(16, 128, 4), (16, 32, 2), (8, 128, 4), (8, 32, 2)]
)
def test_a_table_of_keys_is_loaded_ahead(
    make: Callable[[torch.dtype], Mods], dtype: torch.dtype, rows: int, keys: int, num_warps: int
) -> None:
    options = pyflex.Options(rows=rows, keys=keys, num_warps=num_warps, num_stages=3)
    decode = pyflex.compile(*make(dtype), options=options)
    key = torch.randn(2, 2, _KEYS, 128, dtype=torch.bfloat16)
    decode(torch.randn(2, 8, 1, 128, dtype=torch.bfloat16), key, key)
    loop = loop_of(decode.ir("ttgir", target="cuda:90"))
    assert not re.findall(r"= tt\.load ", loop)
    # Of eight rows their own factors move to the result's layout: the same threads have them there.
    moved = r"16x\d+xf32" if rows == 16 else r"(?:16|8|2x8)x(?!1x)\d+"
    assert not re.findall(rf"convert_layout .*: tensor<{moved}", loop)
    assert len(re.findall(r'"tt.reduce"', loop)) == 1  # of their maximum


@pytest.mark.parametrize("head_dim", [72, 80, 96, 144, 160, 192])
@pytest.mark.parametrize("rows", [8, 16])
def test_both_pieces_of_a_tile_are_pipelined(head_dim: int, rows: int) -> None:
    decode = pyflex.compile(options=pyflex.Options(rows=rows))
    key = torch.randn(1, 1, 200, head_dim, dtype=torch.bfloat16)
    decode(torch.randn(1, 4, 1, head_dim, dtype=torch.bfloat16), key, key)
    text = decode.ir("ttgir", target="cuda:90")
    assert loop_of(text).count("ttg.async_copy_global_to_local") == 4
    # The warps divide the columns of every product, of which all rows are one warp's.
    warps = 2 if rows == 16 and tile_width(head_dim) % 32 else 4
    assert re.findall(r"warpsPerCTA = (\[.*?\]), instrShape", text) == [f"[1, {warps}]"]
