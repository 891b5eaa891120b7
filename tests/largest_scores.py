"""Largest scores, of loops that are split and of those that are not, beside float64."""

from __future__ import annotations

import torch

import pyflex
from pyflex import Options
from tests.cases import Case, Drawn
from tests.golden import masked_scores

CASES = [
    Case("alibi", "all", "causal", torch.bfloat16, heads=(32, 8), keys=2045, batch=1),
    Case("softcap", mask="window", dtype=torch.float16, heads=(7, 1), q_len=2, keys=777),
    Case("relative", "head", "head_window", heads=(8, 2), q_len=17, keys=501, batch=1),
    Case(mask="lengths", dtype=torch.bfloat16, heads=(4, 4), dims=(80, 24), keys=331, batch=1),
    Case(mask="causal", heads=(5, 1), dims=(72, 160), q_len=9, keys=900, kv_len="int64"),
    Case("every_entry", mask="documents", dtype=torch.bfloat16, heads=(12, 2), keys=640, block=64),
    Case("alibi", mask="causal", heads=(2, 2), keys=50, kv_len="zero"),
]  # fmt: skip
#: Whole, joined in clusters where there are such, in one round of the joining kernel, in several.
SPLITS = (1, 2, 5, 8, 9, 70)


def check(case: Case, device: str, splits: int, seed: int, off: tuple[str, ...] = ()) -> None:
    """One call, as close to float64 as float32 lets it; beside the log-sum-exp or alone."""
    drawn = Drawn(case, device, seed)
    options = Options(splits=splits, disable_passes=off)
    decode = pyflex.compile(drawn.score, drawn.mask, options=options)
    problem = drawn.problem()
    results = decode.run(
        problem.query,
        problem.key,
        problem.value,
        block_mask=problem.block_mask,
        q_offset=problem.q_offset,
        kv_len=problem.kv_len,
        lse=splits % 2 == 0,
        max_scores=True,
    )
    wanted = masked_scores(problem, torch.float64).amax(-1)
    assert results.max_scores is not None
    torch.testing.assert_close(results.max_scores.double(), wanted, rtol=2e-5, atol=2e-5)
    assert (results.lse is not None) == (splits % 2 == 0)
    if results.lse is not None:
        lse = torch.logsumexp(masked_scores(problem, torch.float64), -1)
        torch.testing.assert_close(results.lse.double(), lse, rtol=2e-5, atol=2e-5)
