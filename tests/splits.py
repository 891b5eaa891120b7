"""Cases whose KV loop is split, and their largest scores beside float64."""

from __future__ import annotations

import torch

import pyflex
from pyflex import Options
from pyflex.places import Device, Places, Schedule
from pyflex.schedule import Parts, Work
from tests.cases import Case, Drawn
from tests.golden import attention, masked_scores

CASES = [
    Case("alibi", "all", "causal", torch.bfloat16, heads=(32, 8), keys=2045, batch=1),
    Case("softcap", mask="window", dtype=torch.float16, heads=(7, 1), q_len=2, keys=777),
    Case("relative", "head", "head_window", heads=(8, 2), q_len=17, keys=501, batch=1),
    Case(mask="lengths", dtype=torch.bfloat16, heads=(4, 4), dims=(80, 24), keys=331, batch=1),
    Case(mask="causal", heads=(5, 1), dims=(72, 160), q_len=9, keys=900, kv_len="int64"),
    Case("every_entry", mask="documents", dtype=torch.bfloat16, heads=(12, 2), keys=640, block=64),
    Case(mask="causal", dtype=torch.bfloat16, heads=(40, 1), dims=(64, 256), q_len=3, keys=500),
    Case("alibi", mask="causal", heads=(2, 2), keys=50, kv_len="zero"),
]  # fmt: skip
#: Whole, combined in clusters where there are such, in one round of the combine kernel, in several.
SPLITS = (1, 2, 5, 8, 9, 70)
#: Passes to leave out, so that a second kernel combines them.
APART = ("flex-combine-in-cluster",)


def in_clusters(
    options: Options, work: Work, _schedule: Schedule, places: Places, _device: Device
) -> Parts:
    """In place of `parts_for`: clusters wherever they fit, if they are slower, too."""
    assert options.splits is not None
    return Parts(options.splits, places.holds(work.programs, options.splits))


def check_largest_scores(
    case: Case, device: str, splits: int, seed: int, off: tuple[str, ...] = (), *, lse: bool
) -> None:
    """One call, whose results come as close to float64 as its dtype lets them."""
    drawn = Drawn(case, device, seed)
    options = Options(splits=splits, disable_passes=off)
    decode = pyflex.compile(drawn.score, drawn.mask, options=options)
    problem = drawn.problem()
    results = decode.run(**problem.arguments, lse=lse, max_scores=True)
    wanted, wanted_lse = attention(problem, torch.float64)
    largest = masked_scores(problem, torch.float64).amax(-1)
    close = {"rtol": 2e-5, "atol": 2e-5}
    assert results.max_scores is not None
    torch.testing.assert_close(results.max_scores.double(), largest, **close)
    if results.lse is not None:
        torch.testing.assert_close(results.lse.double(), wanted_lse, **close)
    assert (results.lse is not None) == lse
    loose = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}[case.dtype]
    torch.testing.assert_close(results.out.double(), wanted, rtol=loose, atol=loose)


def check_equal_scores(device: str, splits: int, off: tuple[str, ...]) -> None:
    """However large a score that all keys have: parts of many keys and of few weigh as many."""
    query = torch.zeros(1, 1, 1, 16, device=device)
    value = torch.randn(1, 1, 200, 16, device=device)
    wanted = value.mean(2, keepdim=True)
    for score in (1e3, 2.0**21, -1e9, 1e30):
        level = torch.tensor(score, device=device)
        options = Options(splits=splits, keys=16, disable_passes=off)
        decode = pyflex.compile(lambda s, b, h, q, kv, level=level: level, options=options)
        torch.testing.assert_close(decode(query, value, value), wanted, rtol=0, atol=1e-6)
