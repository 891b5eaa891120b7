"""Decode workloads, each with its mods written once for pyflex and once for torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, and_masks, create_block_mask

Mod = Callable[..., Any]


@dataclass(frozen=True)
class Workload:
    """Shapes of one decode step.

    `mods` names what is done to the scores: "none", "causal", "alibi", "softcap", "doc" or
    "window" and a number of keys. `touched` is the part of K and V that has to be read; below 1
    it is told by a BlockMask. With `ragged`, sequences have lengths of their own, from a quarter
    of `kv_len` up to it.
    """

    name: str
    batch: int
    heads: int
    kv_heads: int
    q_len: int
    kv_len: int
    head_dim: int = 128
    mods: str = "causal"
    touched: float = 1.0
    dtype: str = "bfloat16"
    ragged: bool = False

    @property
    def lengths(self) -> list[int]:
        """Keys of each sequence."""
        if not self.ragged:
            return [self.kv_len] * self.batch
        least, spread = self.kv_len // 4, self.kv_len - self.kv_len // 4
        return [least + spread * ((5 * b + 3) % 8) // 7 for b in range(self.batch)]

    @property
    def kv_bytes(self) -> int:
        """Bytes of K and V that the step has to read."""
        itemsize = torch.finfo(getattr(torch, self.dtype)).bits // 8
        line = self.kv_heads * self.head_dim * 2 * itemsize
        return int(sum(self.lengths) * line * self.touched)


WORKLOADS = (
    Workload("b1_8k", 1, 32, 8, 1, 8192),
    Workload("b1_128k", 1, 32, 8, 1, 131072),
    Workload("b16_8k", 16, 32, 8, 1, 8192),
    Workload("b64_8k_g8", 64, 64, 8, 1, 8192),
    Workload("b8_32k_mha", 8, 32, 32, 1, 32768),
    Workload("b16_8k_g7", 16, 28, 4, 1, 8192),
    Workload("b16_8k_g5", 16, 40, 8, 1, 8192),
    Workload("b16_8k_mq4", 16, 32, 8, 4, 8192),
    Workload("b16_32k_window1k", 16, 32, 8, 1, 32768, mods="window1024", touched=1024 / 32768),
    Workload("b16_32k_alibi", 16, 32, 8, 1, 32768, mods="alibi"),
    Workload("b16_32k_softcap", 16, 32, 8, 1, 32768, mods="softcap"),
    Workload("b16_32k_doc", 16, 32, 8, 1, 32768, mods="doc", touched=0.25),
    Workload("b16_32k_d64", 16, 64, 8, 1, 32768, 64),
    Workload("b16_8k_d256", 16, 16, 8, 1, 8192, 256),
    Workload("b64_512", 64, 32, 8, 1, 512),
    Workload("b1_512", 1, 32, 8, 1, 512),
)

#: What the length of a cache costs that is not read; timed when asked for by name.
SPARSE = (
    Workload("b16_32k_ragged", 16, 32, 8, 1, 32768, ragged=True),
    Workload("b1_4k_window4k", 1, 32, 8, 1, 4096, mods="window4096"),
    Workload("b1_1m_window4k", 1, 32, 8, 1, 1 << 20, mods="window4096", touched=4096 / (1 << 20)),
)

#: All of both by name.
BY_NAME = {workload.name: workload for workload in (*WORKLOADS, *SPARSE)}


@dataclass(frozen=True)
class Problem:
    """A workload's tensors and mods on a GPU.

    The mods read the position of the first query from a captured tensor, as torch needs it.
    `block_mask` is for the systems that take one, and made only where one of them is timed.
    """

    workload: Workload
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    score_mod: Mod | None
    mask_mod: Mod | None
    block_mask: BlockMask | None
    kv_len: torch.Tensor | None


def make_problem(
    workload: Workload, device: str = "cuda", *, filled: bool = True, blocks: bool = False
) -> Problem:
    """Fresh random inputs; not `filled`, they hold whatever the memory does.

    With `blocks` the mask is a BlockMask, too.
    """
    w = workload

    def tensor(heads: int, length: int) -> torch.Tensor:
        shape, dtype = (w.batch, heads, length, w.head_dim), getattr(torch, w.dtype)
        made = torch.empty(shape, device=device, dtype=dtype)
        return made.normal_() if filled else made

    score_mod, mask_mod = _mods(w, device)
    kv_len = torch.tensor(w.lengths, device=device, dtype=torch.int32) if w.ragged else None
    block_mask = None
    if blocks and mask_mod is not None:
        visible = mask_mod if kv_len is None else and_masks(mask_mod, _exists(kv_len))
        batch = w.batch if w.mods == "doc" or w.ragged else 1
        block_mask = create_block_mask(visible, batch, 1, w.q_len, w.kv_len, device=device)
    query = tensor(w.heads, w.q_len)
    key, value = tensor(w.kv_heads, w.kv_len), tensor(w.kv_heads, w.kv_len)
    return Problem(w, query, key, value, score_mod, mask_mod, block_mask, kv_len)


def _exists(kv_len: torch.Tensor) -> Mod:
    """The mask of sequences of these lengths, for those who are told of them by a BlockMask."""
    return lambda b, h, q, kv: kv < kv_len[b]


def _mods(w: Workload, device: str) -> tuple[Mod | None, Mod | None]:
    first = torch.tensor(w.kv_len - w.q_len, device=device, dtype=torch.int32)
    if w.mods == "none":
        return None, None
    if w.mods == "causal":
        return None, lambda b, h, q, kv: q + first >= kv
    if w.mods.startswith("window"):
        width = int(w.mods.removeprefix("window"))
        return None, lambda b, h, q, kv: (q + first >= kv) & (q + first - kv < width)
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
