"""The oracle itself: our eager attention is torch's eager flex_attention, bit for bit."""

from __future__ import annotations

import pytest
import torch
import torch.nn.attention.flex_attention as torch_flex
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask

from tests.cases import Case, Drawn
from tests.covering import covering
from tests.golden import attention
from tests.mods import MASK_MODS, SCORE_MODS, TABLES

CASES = [
    Case(score, table, mask, dtype, q_len=17, dims=(16, 24), block=block, q_offset="none")
    for score, table, mask, dtype, block in (
        row.values()
        for row in covering(
            {
                "score": list(SCORE_MODS),
                "table": list(TABLES),
                "mask": list(MASK_MODS),
                "dtype": [torch.float32, torch.bfloat16],
                "block": [None, 16, (24, 40)],
            }
        )
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_eager_is_torchs(case: Case, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    drawn = Drawn(case, "cpu", seed)
    problem = drawn.problem()
    block_mask = problem.block_mask
    if problem.mask is not None:
        block_mask = create_block_mask(problem.mask, 2, 8, case.q_len, case.keys, device="cpu")
    out, aux = torch_flex.flex_attention(
        problem.query,
        problem.key,
        problem.value,
        score_mod=problem.score,
        block_mask=block_mask,
        enable_gqa=True,
        return_aux=AuxRequest(lse=True),
    )
    ours, lse = attention(problem, case.dtype)
    assert torch.equal(ours, out)
    torch.testing.assert_close(lse, aux.lse, rtol=1e-6, atol=1e-6)


def test_covering_holds_every_pair() -> None:
    factors = {"a": [0, 1, 2], "b": [0, 1], "c": ["x", "y", "z", "w"]}
    rows = covering(factors)
    assert len(rows) <= 14
    for one, another in (("a", "b"), ("a", "c"), ("b", "c")):
        seen = {(row[one], row[another]) for row in rows}
        assert len(seen) == len(factors[one]) * len(factors[another])
