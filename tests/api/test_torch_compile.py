"""A caller may be compiled by torch: its graph ends at a call, and the call is as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import pyflex

SLOPES = torch.rand(8)


def biased(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    return s + SLOPES[h] * (kv - q)


def causal(b: Any, h: Any, q: Any, kv: Any) -> Any:
    return kv <= q


def decoded(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, at: int) -> torch.Tensor:
    return DECODE(2 * query, key, value, q_offset=at) + 1


def with_lse(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, at: int) -> torch.Tensor:
    out, lse = DECODE(query, key, value, q_offset=at, return_lse=True)
    return out * lse[..., None]


def ran(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, at: int) -> torch.Tensor:
    results = DECODE.run(query, key, value, q_offset=at, max_scores=True)
    assert results.max_scores is not None
    return results.out + results.max_scores[..., None]


def attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, at: int) -> torch.Tensor:
    out: torch.Tensor = pyflex.flex_attention(query, key, value, biased, enable_gqa=True)
    return out * at


DECODE = pyflex.compile(biased, causal)


@pytest.mark.parametrize("caller", [decoded, with_lse, ran, attended])
def test_a_compiled_caller(caller: Callable[..., torch.Tensor]) -> None:
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    compiled = torch.compile(caller, backend="eager")
    query, (key, value) = torch.randn(2, 8, 1, 16), torch.randn(2, 2, 2, 100, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for at in (30, 50, 99):
            torch.testing.assert_close(
                compiled(query, key, value, at), caller(query, key, value, at)
            )
    # At the call, and a few times on the way into what is run as it is written.
    assert sum(counters["graph_break"].values()) <= 10


def test_a_whole_graph_is_an_error_of_torch() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(decoded, backend="eager", fullgraph=True)
    query, (key, value) = torch.randn(1, 8, 1, 16), torch.randn(2, 1, 2, 100, 16)
    with pytest.raises(torch._dynamo.exc.Unsupported, match="leave fullgraph=True out"):
        compiled(query, key, value, 50)


@pytest.mark.parametrize("call", [decoded, ran, attended])
def test_an_exported_graph_has_no_place_for_a_call(call: Callable[..., torch.Tensor]) -> None:
    class Calls(torch.nn.Module):
        def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            return call(query, key, key, 40)

    with pytest.raises(pyflex.errors.LayoutError, match=r"outside of torch\.export"):
        torch.export.export(Calls(), (torch.randn(1, 8, 1, 16), torch.randn(1, 2, 50, 16)))
