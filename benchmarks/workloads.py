"""Decode workloads, each with its mods written once for pyflex and once for torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

Mod = Callable[..., Any]


@dataclass(frozen=True)
class Workload:
    """Shapes of one decode step; `touched` is the part of K and V that has to be read."""

    name: str
    batch: int
    heads: int
    kv_heads: int
    q_len: int
    kv_len: int
    head_dim: int = 128
    mods: str = "causal"
    touched: float = 1.0

    @property
    def kv_bytes(self) -> int:
        """Bytes of K and V that the step has to read (16-bit elements)."""
        elements = self.batch * self.kv_heads * self.kv_len * self.head_dim * 2
        return int(elements * 2 * self.touched)


WORKLOADS = (
    Workload("b1_8k", 1, 32, 8, 1, 8192),
    Workload("b1_128k", 1, 32, 8, 1, 131072),
    Workload("b16_8k", 16, 32, 8, 1, 8192),
    Workload("b64_8k_g8", 64, 64, 8, 1, 8192),
    Workload("b8_32k_mha", 8, 32, 32, 1, 32768),
    Workload("b16_8k_g7", 16, 28, 4, 1, 8192),
    Workload("b16_8k_g5", 16, 40, 8, 1, 8192),
    Workload("b16_8k_mq4", 16, 32, 8, 4, 8192),
    Workload("b16_32k_window1k", 16, 32, 8, 1, 32768, mods="window1k", touched=1024 / 32768),
    Workload("b16_32k_alibi", 16, 32, 8, 1, 32768, mods="alibi"),
    Workload("b16_32k_softcap", 16, 32, 8, 1, 32768, mods="softcap"),
    Workload("b16_32k_doc", 16, 32, 8, 1, 32768, mods="doc", touched=0.25),
    Workload("b16_32k_d64", 16, 64, 8, 1, 32768, 64),
    Workload("b16_8k_d256", 16, 16, 8, 1, 8192, 256),
    Workload("b64_512", 64, 32, 8, 1, 512),
    Workload("b1_512", 1, 32, 8, 1, 512),
)


@dataclass(frozen=True)
class Problem:
    """A workload's tensors and mods on a GPU.

    The mods read the position of the first query from a captured tensor, as torch needs it.
    `block_mask` is given to every system that takes one.
    """

    workload: Workload
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    score_mod: Mod | None
    mask_mod: Mod | None
    block_mask: BlockMask | None


def make_problem(workload: Workload, device: str = "cuda") -> Problem:
    """Fresh random inputs in bfloat16."""
    w = workload

    def normal(heads: int, length: int) -> torch.Tensor:
        shape = (w.batch, heads, length, w.head_dim)
        return torch.randn(shape, device=device, dtype=torch.bfloat16)

    score_mod, mask_mod = _mods(w, device)
    block_mask = None
    if mask_mod is not None:
        batch = w.batch if w.mods == "doc" else 1
        block_mask = create_block_mask(mask_mod, batch, 1, w.q_len, w.kv_len, device=device)
    return Problem(
        w,
        normal(w.heads, w.q_len),
        normal(w.kv_heads, w.kv_len),
        normal(w.kv_heads, w.kv_len),
        score_mod,
        mask_mod,
        block_mask,
    )


def _mods(w: Workload, device: str) -> tuple[Mod | None, Mod | None]:
    first = torch.tensor(w.kv_len - w.q_len, device=device, dtype=torch.int32)
    if w.mods == "causal":
        return None, lambda b, h, q, kv: q + first >= kv
    if w.mods == "window1k":
        return None, lambda b, h, q, kv: (q + first >= kv) & (q + first - kv < 1024)
    if w.mods == "alibi":
        slopes = torch.exp2(-8.0 * (torch.arange(w.heads, device=device) + 1) / w.heads)
        return (lambda s, b, h, q, kv: s + slopes[h] * (kv - (q + first))), None
    if w.mods == "softcap":
        return (lambda s, b, h, q, kv: 30.0 * torch.tanh(s / 30.0)), None
    if w.mods == "doc":
        # A sequence's last quarter is the query's own document.
        quarters = (torch.arange(w.kv_len, device=device) * 4 // w.kv_len).to(torch.int32)
        doc = quarters[None].repeat(w.batch, 1)
        return None, lambda b, h, q, kv: (doc[b, kv] == 3) & (q + first >= kv)
    raise ValueError(f"no mods named {w.mods}")
