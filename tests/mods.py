"""Attention variants by name, shared by the tests: score mods, tables to add, and mask mods.

Every entry makes a mod for given sizes, with fresh captured tensors. The mods are plain
elementwise torch, so the same function is traced by pyflex and run eagerly on whole tensors that
broadcast (`tests/golden.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import and_masks, or_masks
from torch.nn.functional import gelu, silu

Mod = Callable[..., Any]


@dataclass(frozen=True)
class Sizes:
    """What captured tables must cover, and where and from which numbers they are made.

    `positions` is at least the largest q_idx and kv_idx plus one.
    """

    batch: int
    heads: int
    positions: int
    device: torch.device
    generator: torch.Generator

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """A table of standard normal numbers."""
        return torch.randn(shape, generator=self.generator).to(self.device, dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """A table of int32 in [low, high)."""
        table = torch.randint(low, high, shape, generator=self.generator, dtype=torch.int32)
        return table.to(self.device)


def _alibi(sizes: Sizes) -> Mod:
    heads = sizes.heads
    return lambda s, b, h, q, kv: s + 2.0 ** (-8.0 * (h + 1) / heads) * (kv - q)


def _alibi_table(sizes: Sizes) -> Mod:
    slopes = sizes.normal(sizes.heads).abs() / 8
    return lambda s, b, h, q, kv: s - slopes[h] * (q - kv).abs()


def _softcap(sizes: Sizes) -> Mod:
    return lambda s, b, h, q, kv: 2.0 * torch.tanh(s / 2.0)


def _relative(sizes: Sizes) -> Mod:
    reach = 9
    table = sizes.normal(sizes.heads, 2 * reach + 1, dtype=torch.float16)
    return lambda s, b, h, q, kv: s + table[h, (q - kv).clamp(-reach, reach) + reach]


def _every_entry(sizes: Sizes) -> Mod:
    table = sizes.normal(sizes.positions, sizes.heads, sizes.batch).permute(2, 1, 0)
    return lambda s, b, h, q, kv: s + table[b, h, kv]


def _temperature(sizes: Sizes) -> Mod:
    return lambda s, b, h, q, kv: s * (1.0 + 0.25 * torch.log1p(q.float())) - h * 0.125


#: Score mods of the score and the indices. "relative" and "every_entry" read tables as well.
SCORE_MODS: dict[str, Callable[[Sizes], Mod | None]] = {
    "none": lambda sizes: None,
    "alibi": _alibi,
    "alibi_table": _alibi_table,
    "softcap": _softcap,
    "relative": _relative,
    "every_entry": _every_entry,
    "temperature": _temperature,
    "sigmoid": lambda sizes: lambda s, b, h, q, kv: torch.sigmoid(s) + (q - kv) * 0.01,
    "gelu": lambda sizes: lambda s, b, h, q, kv: gelu(s) - silu(-s),
}


def _head_table(sizes: Sizes) -> Mod:
    table = sizes.normal(sizes.heads)
    return lambda s, b, h, q, kv: s * table[h]


def _batch_table(sizes: Sizes) -> Mod:
    table = sizes.normal(sizes.batch, dtype=torch.bfloat16)
    return lambda s, b, h, q, kv: s * (table[b] + 1)


def _position_table(sizes: Sizes) -> Mod:
    table = sizes.normal(sizes.positions)
    return lambda s, b, h, q, kv: s + table[kv]


def _all_tables(sizes: Sizes) -> Mod:
    heads, batch = sizes.normal(sizes.heads), sizes.normal(sizes.batch)
    positions = sizes.normal(2 * sizes.positions)[::2]
    return lambda s, b, h, q, kv: s * heads[h] + batch[b] * positions[kv]


#: Captured tables to put on top of a score mod.
TABLES: dict[str, Callable[[Sizes], Mod | None]] = {
    "none": lambda sizes: None,
    "head": _head_table,
    "batch": _batch_table,
    "position": _position_table,
    "all": _all_tables,
}


def make_score_mod(score: str, table: str, sizes: Sizes) -> Mod | None:
    """The named score mod with the named table applied to its result."""
    inner, outer = SCORE_MODS[score](sizes), TABLES[table](sizes)
    if inner is None or outer is None:
        return inner or outer
    return lambda s, b, h, q, kv: outer(inner(s, b, h, q, kv), b, h, q, kv)


def causal(b: Any, h: Any, q: Any, kv: Any) -> Any:
    """The usual one."""
    return q >= kv


def window(size: int) -> Mod:
    """The last `size` keys."""
    return lambda b, h, q, kv: (q - kv < size) & (q >= kv)


def _documents(sizes: Sizes) -> Mod:
    # Runs of equal numbers, with a jump back, so that a document has holes.
    steps = sizes.integers(0, 12, sizes.positions) == 0
    documents = (torch.cumsum(steps, 0) % 5).to(torch.int32)
    return lambda b, h, q, kv: documents[q] == documents[kv]


def _lengths(sizes: Sizes) -> Mod:
    # The first entry sees nothing: every row of it is fully masked.
    lengths = sizes.integers(1, sizes.positions + 1, sizes.batch)
    lengths[0] = 0
    return lambda b, h, q, kv: kv < lengths[b]


def _bool_table(sizes: Sizes) -> Mod:
    table = sizes.integers(0, 2, sizes.batch, sizes.heads, sizes.positions).bool()
    return lambda b, h, q, kv: table[b, h, kv]


def _sinks(sizes: Sizes) -> Mod:
    return and_masks(causal, or_masks(window(7), lambda b, h, q, kv: kv < 3))


def _scattered(b: Any, h: Any, q: Any, kv: Any) -> Any:
    """A mask of so many ops that a kernel branches around it where it is sure to hold."""
    mixed = (q ^ kv) * 7
    for shift in (3, 5, 2, 4):
        mixed = (mixed ^ (mixed >> shift)) + q
    return ((mixed % 5 != 0) & (q >= kv)) | (kv < 40)


@dataclass(frozen=True)
class MaskMod:
    """A mask mod, and whether its answer depends on the batch entry or on the query head."""

    make: Callable[[Sizes], Mod | None]
    by_batch: bool = False
    by_head: bool = False


MASK_MODS: dict[str, MaskMod] = {
    "none": MaskMod(lambda sizes: None),
    "causal": MaskMod(lambda sizes: causal),
    "window": MaskMod(lambda sizes: window(19)),
    "prefix": MaskMod(lambda sizes: lambda b, h, q, kv: (kv < 11) | (q >= kv)),
    "dilated": MaskMod(lambda sizes: lambda b, h, q, kv: ((q - kv) % 3 == 0) & (q >= kv)),
    "scattered": MaskMod(lambda sizes: _scattered),
    "documents": MaskMod(_documents),
    "sinks": MaskMod(_sinks),
    "skipped_rows": MaskMod(lambda sizes: lambda b, h, q, kv: q % 2 == 1),
    "lengths": MaskMod(_lengths, by_batch=True),
    "head_window": MaskMod(
        lambda sizes: lambda b, h, q, kv: (q - kv < 8 * h) & (q >= kv), by_head=True
    ),
    "bool_table": MaskMod(_bool_table, by_batch=True, by_head=True),
}
