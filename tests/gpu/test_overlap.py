"""The kernel that joins a split starts early, and reads nothing before it is there."""

from __future__ import annotations

import pytest
import torch

import pyflex
from tests.splits import APART


@pytest.mark.parametrize("parts", [2, 8, 9, 70])
@pytest.mark.parametrize(
    ("batch", "heads", "kv_heads", "q_len", "head_dim"),
    # Joining programs by eights, fours and none in a cluster; too many for that; one row.
    [
        (2, 32, 8, 1, 128),
        (3, 4, 2, 1, 256),
        (1, 5, 1, 3, 64),
        (40, 16, 4, 2, 80),
        (1, 1, 1, 1, 128),
    ],
)
def test_calls_in_a_row(
    parts: int, batch: int, heads: int, kv_heads: int, q_len: int, head_dim: int
) -> None:
    """Each with other values: what a program read too early would be the last call's."""
    shape = (batch, kv_heads, 1500, head_dim)
    calls = [
        (
            torch.randn(batch, heads, q_len, head_dim, dtype=torch.bfloat16, device="cuda"),
            *torch.randn(2, *shape, device="cuda").to(torch.bfloat16),
        )
        for _ in range(3)
    ]
    decode, in_turn = (
        pyflex.compile(options=pyflex.Options(splits=parts, disable_passes=(*APART, *off)))
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
