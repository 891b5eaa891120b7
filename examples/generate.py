"""A generation loop: the cache grows by a key each step, and one compile serves them all.

Two sequences of different lengths share a cache that has room for both. Every query sees the first
four keys and a window of the last 64 (attention sinks), with a bias by distance from a table that
is updated in place.
"""

from __future__ import annotations

import sys

import torch

import pyflex

HEADS, KV_HEADS, DIM = 8, 2, 64
SINKS, WINDOW, STEPS = 4, 64, 20
ALLOWED = 1e-5

#: What mods are given, a score or an index, and what they give.
Scalar = torch.Tensor


def main() -> int:
    """Prints the largest error over all steps; 1 if it is too large."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    lengths = torch.tensor([100, 37], dtype=torch.int32, device=device)
    key, value = torch.randn(2, 2, KV_HEADS, 256, DIM, device=device)
    bias = torch.zeros(HEADS, WINDOW, device=device)

    def score_mod(score: Scalar, b: Scalar, h: Scalar, q_idx: Scalar, kv_idx: Scalar) -> Scalar:
        return score + bias[h, (q_idx - kv_idx).clamp(0, WINDOW - 1)]

    def mask_mod(b: Scalar, h: Scalar, q_idx: Scalar, kv_idx: Scalar) -> Scalar:
        return (kv_idx <= q_idx) & ((kv_idx < SINKS) | (q_idx - kv_idx < WINDOW))

    decode = pyflex.compile(score_mod, mask_mod)
    worst = 0.0
    for _ in range(STEPS):
        bias.normal_()  # in place: a tensor of another name would be traced anew
        query = torch.randn(2, HEADS, 1, DIM, device=device)
        # The newest key is the query's own.
        out = decode(query, key, value, q_offset=lengths - 1, kv_len=lengths)
        wanted = reference(query, key, value, bias, lengths)
        worst = max(worst, float((out.double() - wanted).abs().max()))
        lengths += 1
    print(f"{STEPS} steps on {device}: largest error {worst:.1e} against float64")
    return int(worst > ALLOWED)


def reference(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor,
    lengths: torch.Tensor,
) -> torch.Tensor:
    """The same in float64, all keys at once."""
    group = HEADS // KV_HEADS
    key, value = (x.double().repeat_interleave(group, 1) for x in (key, value))
    scores = query.double() @ key.transpose(-1, -2) / DIM**0.5
    distance = lengths[:, None] - 1 - torch.arange(key.shape[2], device=key.device)
    scores = scores + bias.double()[:, distance.clamp(0, WINDOW - 1)].transpose(0, 1)[:, :, None]
    sinks = torch.arange(key.shape[2], device=key.device) < SINKS
    visible = (distance >= 0) & (sinks | (distance < WINDOW))
    scores = scores.masked_fill(~visible[:, None, None], float("-inf"))
    return torch.softmax(scores, -1) @ value


if __name__ == "__main__":
    sys.exit(main())
