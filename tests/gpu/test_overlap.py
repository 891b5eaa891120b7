"""The kernel that combines a split starts early, and reads nothing before it is there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import pyflex
from tests.splits import APART


def check_calls_in_a_row(
    parts: int, query: tuple[int, ...], key: tuple[int, ...], **mods: Any
) -> None:
    """Each with other values: what a program read too early would be the last call's."""
    calls = [
        (
            torch.randn(query, dtype=torch.bfloat16, device="cuda"),
            *torch.randn(2, *key, device="cuda").to(torch.bfloat16),
        )
        for _ in range(3)
    ]
    decode, in_turn = (
        pyflex.compile(options=pyflex.Options(splits=parts, disable_passes=(*APART, *off)), **mods)
        for off in ((), ("flex-overlap-kernels",))
    )
    expected = [in_turn.run(*call, lse=True, max_scores=True) for call in calls]
    results = [decode.run(*call, lse=True, max_scores=True) for _ in range(30) for call in calls]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = [decode.run(*call, lse=True, max_scores=True) for call in calls]
    for _ in range(10):
        graph.replay()
    torch.cuda.synchronize()
    for index, result in enumerate([*results, *captured]):
        wanted = expected[index % len(calls)]
        for name in ("out", "lse", "max_scores"):
            assert torch.equal(getattr(result, name), getattr(wanted, name)), (index, name)


@pytest.mark.parametrize("parts", [2, 8, 9, 70])
@pytest.mark.parametrize(
    ("query", "kv_heads"),
    # Combining programs by eights, fours and none in a cluster; too many for that; one row.
    [
        ((2, 32, 1, 128), 8),
        ((3, 4, 1, 256), 2),
        ((1, 5, 3, 64), 1),
        ((40, 16, 2, 80), 4),
        ((1, 1, 1, 128), 1),
    ],
)
def test_calls_in_a_row(parts: int, query: tuple[int, ...], kv_heads: int) -> None:
    batch, *_, head_dim = query
    check_calls_in_a_row(parts, query, (batch, kv_heads, 1500, head_dim))


@pytest.mark.parametrize("parts", [2, 9])
def test_behind_a_kernel_that_waits_itself(parts: int) -> None:
    """One that lists the blocks that the mask shows."""
    visible = torch.rand(2, 64, device="cuda") < 0.3
    check_calls_in_a_row(
        parts,
        (2, 8, 1, 128),
        (2, 2, 64 * 128, 128),
        mask_fn=lambda b, h, q, kv: visible[b, kv // 128],
    )
