"""What the passes between Triton's own change: waits and copies, and no bit of a result.

One of them changes the order in which a row's weights are added up.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import pyflex
from pyflex.ttg import PASSES
from tests.splits import APART

BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32
TILES = [
    (32, 2, 3, 128, BF16), (128, 4, 3, 128, BF16), (64, 4, 2, 64, FP16), (64, 4, 5, 80, BF16),
    (64, 2, 3, 64, BF16), (64, 4, 3, 256, FP16), (16, 2, 3, 192, BF16), (32, 4, 3, 128, FP32),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "num_warps", "num_stages", "head_dim", "dtype"), TILES, ids=str)
@pytest.mark.parametrize("group", [4, 12, 24, 40])
def test_same_bits(
    keys: int, num_warps: int, num_stages: int, head_dim: int, dtype: torch.dtype, group: int
) -> None:
    """From no key to many tiles, in one part and in three.

    These are combined by a second kernel: whether clusters do depends on the kernel's registers.
    """
    lengths = torch.tensor([0, 1, keys, keys + 1, 2 * keys, 5 * keys - 3, 1000], device="cuda")
    visible = torch.rand(len(lengths), 1000, device="cuda") < 0.9
    query = torch.randn(len(lengths), 2 * group, 1, head_dim, dtype=dtype, device="cuda")
    key = torch.randn(len(lengths), 2, 1000, head_dim, dtype=dtype, device="cuda")
    value = torch.randn_like(key)
    copies = ("ttg-wait-for-keys", "ttg-skip-tiles")
    assert set(PASSES) == {*copies, "ttg-reduce-once"}
    for splits in (1, 3):
        found = []
        for left_out in ((), copies, *((name,) for name in copies)):
            decode = pyflex.compile(
                mask_fn=lambda b, h, q, kv: visible[b, kv],
                options=pyflex.Options(
                    keys=keys,
                    num_warps=num_warps,
                    num_stages=num_stages,
                    splits=splits,
                    disable_passes=(*APART, *left_out),
                ),
            )
            found += [decode(query, key, value, kv_len=lengths) for _ in range(5)]
        assert all(torch.equal(out, found[0]) for out in found)
        decode = pyflex.compile(
            mask_fn=lambda b, h, q, kv: visible[b, kv],
            options=replace(decode.options, disable_passes=(*APART, "ttg-reduce-once")),
        )
        torch.testing.assert_close(decode(query, key, value, kv_len=lengths), found[0])
