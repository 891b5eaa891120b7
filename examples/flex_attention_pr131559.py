"""The example of PyTorch's PR 131559 with `pyflex.flex_attention` in place of the compiled one.

Eight query heads on two KV heads, 2048 queries on 2048 keys in float32, an ALiBi bias with one
slope for each group of query heads, and a causal block mask made by torch. The kernel's error
against float64 is shown beside that of torch's own eager flex_attention in float32.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from torch.nn.attention.flex_attention import flex_attention as torch_flex_attention

import pyflex

BATCH, HEADS, KV_HEADS, LENGTH, HEAD_DIM = 2, 8, 2, 2048, 64
GROUP = HEADS // KV_HEADS
#: The rule for float32: the mean error may be ten times that of eager torch.
ALLOWED = 10.0


def alibi_by_group(
    score: torch.Tensor, b: torch.Tensor, h: torch.Tensor, q_idx: torch.Tensor, kv_idx: torch.Tensor
) -> torch.Tensor:
    """A penalty that grows with the distance, at one slope for each group of query heads."""
    slope = torch.exp2(-8.0 * (h // GROUP + 1) / KV_HEADS)
    return score - slope * (q_idx - kv_idx)


def causal(
    b: torch.Tensor, h: torch.Tensor, q_idx: torch.Tensor, kv_idx: torch.Tensor
) -> torch.Tensor:
    """A query sees the keys up to its own position."""
    return q_idx >= kv_idx


@dataclass(frozen=True)
class Example:
    """The tensors of the example, on one device."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    block_mask: BlockMask

    @staticmethod
    def on(device: str) -> Example:
        """Fresh random inputs."""

        def draw(heads: int) -> torch.Tensor:
            return torch.randn(BATCH, heads, LENGTH, HEAD_DIM, device=device)

        block_mask = create_block_mask(causal, None, None, LENGTH, LENGTH, device=device)
        return Example(draw(HEADS), draw(KV_HEADS), draw(KV_HEADS), block_mask)

    def eager(self, dtype: torch.dtype) -> torch.Tensor:
        """torch's eager flex_attention in `dtype`, one batch entry at a time to save memory."""
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        entries = []
        for entry in range(BATCH):
            tensors = [t[entry, None].to(dtype) for t in (self.query, self.key, self.value)]
            out = torch_flex_attention(
                *tensors, score_mod=alibi_by_group, block_mask=self.block_mask, enable_gqa=True
            )
            entries.append(out)
        return torch.cat(entries)

    def errors(self, out: torch.Tensor) -> tuple[float, float]:
        """Mean absolute errors against float64: of `out`, and of eager float32."""
        golden = self.eager(torch.float64)
        eager = self.eager(torch.float32)
        return float((out - golden).abs().mean()), float((eager - golden).abs().mean())


def main() -> int:
    """Runs the example on each device there is; 1 if an error is too large."""
    failed = False
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        example = Example.on(device)
        out = pyflex.flex_attention(
            example.query,
            example.key,
            example.value,
            score_mod=alibi_by_group,
            block_mask=example.block_mask,
            enable_gqa=True,
        )
        ours, eager = example.errors(out)
        good = ours <= ALLOWED * eager
        failed = failed or not good
        print(
            f"{device}: mean error {ours:.2e}, eager float32 {eager:.2e}:"
            f" {'good' if good else 'TOO LARGE'}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
