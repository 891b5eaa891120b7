"""Attention by its definition, in any precision, and the rule for how close a kernel must come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask

from tests.mods import Mod

#: A kernel's mean error may be this many times that of eager torch in the same dtype.
ALLOWED = {torch.float16: 1.1, torch.bfloat16: 1.1, torch.float32: 10.0}
#: Errors that are no errors: what is left where eager happens to be exact.
FLOOR = {torch.float16: 1e-6, torch.bfloat16: 1e-5, torch.float32: 1e-7}


@dataclass(frozen=True)
class Problem:
    """The arguments of one call. Keys at or past `kv_len` may hold anything, NaN too.

    `q_offset` and `kv_len` are None, an int or a tensor [B]; `mask` is and-ed with the block
    mask's own.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    score: Mod | None = None
    mask: Mod | None = None
    block_mask: BlockMask | None = None
    scale: float | None = None
    q_offset: Any = None
    kv_len: Any = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of a call of a `pyflex.Decode` of these mods."""
        names = ("query", "key", "value", "block_mask", "scale", "q_offset", "kv_len")
        return {name: getattr(self, name) for name in names}

    def run(self, decode: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The output and log-sum-exp of a `pyflex.Decode` of these mods."""
        result: tuple[torch.Tensor, torch.Tensor] = decode(**self.arguments, return_lse=True)
        return result


def _per_batch(given: Any, default: int, query: torch.Tensor) -> torch.Tensor:
    value = torch.as_tensor(default if given is None else given, device=query.device)
    return value.to(torch.int64).reshape(-1, 1, 1, 1)


def _exists(problem: Problem) -> torch.Tensor:
    """Which keys do: bool [B or 1, 1, 1, N]."""
    keys, query = problem.key.shape[2], problem.query
    at = torch.arange(keys, device=query.device).reshape(1, 1, 1, -1)
    return at < _per_batch(problem.kv_len, keys, query)


def _listed(counts: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Which blocks a list holds: bool [B, H, query blocks, KV blocks]."""
    columns = indices.shape[3]
    valid = torch.arange(columns, device=indices.device) < counts[..., None]
    listed = torch.zeros((*indices.shape[:3], columns + 1), dtype=torch.bool, device=indices.device)
    listed.scatter_(3, torch.where(valid, indices, columns).long(), True)
    return listed[..., :columns]


def _from_blocks(block_mask: BlockMask, shape: torch.Size, masked: torch.Tensor) -> torch.Tensor:
    """What the lists of a block mask let through; `masked` counts in partial blocks."""

    def positions(counts: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        blocks = _listed(counts, indices)
        for dim, size in zip((2, 3), block_mask.BLOCK_SIZE, strict=True):
            blocks = blocks.repeat_interleave(size, dim)
        return blocks[..., : shape[2], : shape[3]]

    visible = positions(block_mask.kv_num_blocks, block_mask.kv_indices) & masked
    if block_mask.full_kv_num_blocks is not None:
        full = positions(block_mask.full_kv_num_blocks, block_mask.full_kv_indices)
        visible = visible | full
    return visible


def masked_scores(problem: Problem, working: torch.dtype) -> torch.Tensor:
    """What the softmax is of: -inf where a key is hidden or does not exist."""
    query, key = problem.query, problem.key
    batch, heads, q_len, head_dim = query.shape
    keys, group = key.shape[2], heads // key.shape[1]
    scale = problem.scale if problem.scale is not None else head_dim**-0.5
    indices = [
        torch.arange(size, dtype=torch.int32, device=query.device).reshape(
            [-1 if dim == place else 1 for dim in range(4)]
        )
        for place, size in enumerate((batch, heads, q_len, keys))
    ]
    exists = _exists(problem)
    indices[2] = (indices[2] + _per_batch(problem.q_offset, 0, query)).to(torch.int32)

    key = torch.where(exists.transpose(2, 3), key, 0).repeat_interleave(group, 1)
    scores = (query.to(working) @ key.to(working).transpose(2, 3)) * scale
    if problem.score is not None:
        scores = problem.score(scores, *indices).to(working).expand(scores.shape)
    visible = exists.expand(scores.shape)
    if problem.mask is not None:
        visible = visible & problem.mask(*indices)
    if problem.block_mask is not None:
        masked = problem.block_mask.mask_mod(*indices)
        visible = visible & _from_blocks(problem.block_mask, scores.shape, masked)
    return torch.where(visible, scores, -torch.inf)


def attention(problem: Problem, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Output and natural log-sum-exp with the roundings of torch's eager flex_attention.

    The scores and the softmax are float32 (float64 for `dtype` float64), the weights and the
    output `dtype`.
    """
    query, value = problem.query, problem.value
    scores = masked_scores(problem, torch.float64 if dtype is torch.float64 else torch.float32)
    keys, group = value.shape[2], query.shape[1] // value.shape[1]
    exists = _exists(problem).transpose(2, 3)
    value = torch.where(exists, value, 0).repeat_interleave(group, 1)
    if keys == 0:
        return value.new_zeros((*query.shape[:3], value.shape[3]), dtype=dtype), scores.new_full(
            query.shape[:3], -torch.inf
        )
    lse = torch.logsumexp(scores, -1)
    weights = torch.where((lse == -torch.inf)[..., None], 0, torch.softmax(scores, -1))
    return weights.to(dtype) @ value.to(dtype), lse


@dataclass
class Errors:
    """Mean errors of a kernel and of eager torch against float64, over one or more draws."""

    dtype: torch.dtype
    rows: int = 0
    kernel: list[float] = field(default_factory=list)
    eager: list[float] = field(default_factory=list)
    kernel_lse: list[float] = field(default_factory=list)
    eager_lse: list[float] = field(default_factory=list)

    def add(self, problem: Problem, out: torch.Tensor, lse: torch.Tensor) -> None:
        """Compares one call's results; what must be exact is asserted at once."""
        golden_out, golden_lse = attention(problem, torch.float64)
        eager_out, eager_lse = attention(problem, self.dtype)
        assert out.shape == golden_out.shape
        assert out.dtype == self.dtype
        assert lse.shape == golden_lse.shape
        assert lse.dtype == torch.float32
        empty = golden_lse == -torch.inf
        assert torch.equal(lse == -torch.inf, empty), "other rows are fully masked"
        assert not out[empty].any(), "a fully masked row is not 0"
        assert bool(torch.isfinite(out).all()), "a result is not finite"
        assert bool(torch.isfinite(lse[~empty]).all()), "a log-sum-exp is not finite"
        self.rows += int((~empty).sum())
        for result, golden, into in (
            (out, golden_out, self.kernel),
            (eager_out, golden_out, self.eager),
            (lse, golden_lse, self.kernel_lse),
            (eager_lse, golden_lse, self.eager_lse),
        ):
            difference = (result.double() - golden)[~empty].abs()
            into.append(float(difference.mean()) if difference.numel() else 0.0)

    def check(self) -> None:
        """Asserts the rule."""
        kernel, eager = sum(self.kernel), sum(self.eager)
        allowed = ALLOWED[self.dtype] * eager + FLOOR[self.dtype] * len(self.kernel)
        assert kernel <= allowed, (
            f"mean error {kernel:.3e}, allowed {allowed:.3e}, eager {eager:.3e}"
        )
        kernel, eager = sum(self.kernel_lse), sum(self.eager_lse)
        allowed = 10.0 * eager + 1e-6 * len(self.kernel)
        assert kernel <= allowed, f"lse: {kernel:.3e}, allowed {allowed:.3e}, eager {eager:.3e}"
