"""On a GPU: programs that share a KV loop as a cluster, and combine what they find themselves."""

from __future__ import annotations

import pytest
import torch

import pyflex
from pyflex import Options
from tests.cases import Case, Drawn, hold_to_rule
from tests.splits import APART, CASES, in_clusters

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.get_device_capability()[0] < 9,
    reason="clusters need compute capability 9.0",
)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", [2, 3, 5, 8])
@pytest.mark.parametrize("rows", [None, 16])
def test_answers(
    case: Case, splits: int, rows: int | None, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More programs than there are tiles, too."""
    monkeypatch.setattr("pyflex.plan.parts_for", in_clusters)
    drawn = Drawn(case, "cuda", seed)
    decode = pyflex.compile(drawn.score, drawn.mask, options=Options(rows=rows, splits=splits))
    hold_to_rule(drawn, decode)
    (choice,) = decode._choices.values()
    (plan,) = choice._plans.values()
    parts = plan.parts(case.keys)
    places = plan._runner.places(1)
    assert parts.in_cluster == places.holds(plan.kind.programs(), splits)
    assert parts.in_cluster or plan.kind.programs() > 8


def test_as_by_a_second_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same parts, combined in two ways: the same numbers but for the order of a sum."""
    monkeypatch.setattr("pyflex.plan.parts_for", in_clusters)
    query = torch.randn(2, 32, 1, 128, device="cuda", dtype=torch.bfloat16)
    key, value = torch.randn(2, 2, 4, 3000, 128, device="cuda", dtype=torch.bfloat16)
    found = []
    for off in ((), APART):
        decode = pyflex.compile(options=Options(splits=7, disable_passes=off))
        found.append(decode(query, key, value, return_lse=True))
        combined = decode.explain(query, key, value).combined
        assert combined == ("by a second kernel" if off else "as a cluster")
    (out, lse), (other_out, other_lse) = found
    torch.testing.assert_close(out, other_out, rtol=0.02, atol=1e-3)
    torch.testing.assert_close(lse, other_lse, rtol=1e-5, atol=1e-5)


def test_mask_that_is_always_false() -> None:
    """No key is loaded: what a cluster combines is all that lies in shared memory."""
    query = torch.randn(1, 4, 3, 64, device="cuda")
    key, value = torch.randn(2, 1, 2, 500, 64, device="cuda")
    decode = pyflex.compile(mask_fn=lambda b, h, q, kv: kv + 1 <= kv, options=Options(splits=2))
    out, lse = decode(query, key, value, return_lse=True)
    assert not out.any()
    assert bool((lse == -torch.inf).all())


def test_graph() -> None:
    """A graph of many clusters, one behind the other on the same memory of the GPU."""
    decode = pyflex.compile(lambda s, b, h, q, kv: s * 0.5, options=Options(splits=8))
    query = torch.randn(1, 8, 1, 64, device="cuda", dtype=torch.float16)
    key, value = torch.randn(2, 1, 2, 2000, 64, device="cuda", dtype=torch.float16)
    wanted = decode(query, key, value).clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outs = [decode(query, key, value) for _ in range(30)]
    for out in outs:
        out.zero_()
    graph.replay()
    torch.cuda.synchronize()
    assert all(torch.equal(out, wanted) for out in outs)
