"""What the compiler derived from a mask: the keys that each program of a kernel visits."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pyflex.layout import Layout
from pyflex.plan import Plan


@dataclass(frozen=True)
class Bounds:
    """Intervals of keys by tile of rows, int32 tensors [B, Hkv, P, T] on the call's device.

    Tile (b, g, p, t) holds `queries` queries from t * queries on, of `heads` query heads from
    p * heads on of the group of KV head g; those that do not exist left out.

    Attributes:
        begin, end: the keys that are read; the mask is false for every row at all others.
        sure_begin, sure_end: keys at which the mask is true for every row of the tile; none
            unless sure_begin < sure_end.
        heads, queries: rows of a tile.
    """

    begin: torch.Tensor
    end: torch.Tensor
    sure_begin: torch.Tensor
    sure_end: torch.Tensor
    heads: int
    queries: int


def bounds_of(
    plan: Plan,
    layout: Layout,
    q_offset: int | torch.Tensor | None,
    kv_len: int | torch.Tensor | None,
) -> Bounds | None:
    """The bounds of one call, computed on its device as the kernel computes them.

    None for a call over lists, a BlockMask's or a first kernel's, which say what is visited.
    """
    spec = plan.spec
    if spec.blocks is not None or spec.listed:
        return None
    schedule = spec.schedule
    batch, heads, _ = plan.rows
    portions = -(-spec.group // schedule.heads)
    found = plan.bounds(layout, q_offset, kv_len)
    tiled = found.view(batch, heads // spec.group, portions, -1, 4)
    begin, end, sure_begin, sure_end = tiled.unbind(-1)
    return Bounds(begin, end, sure_begin, sure_end, schedule.heads, schedule.queries)
