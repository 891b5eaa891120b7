"""On a GPU: a sweep times what it can, and says why it cannot time the rest."""

from __future__ import annotations

import pytest
import torch

import pyflex
from pyflex import Options
from pyflex.timing import TURN, capture, replay
from tests.mods import causal


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    shapes = ((4, 16, 1, 128), (4, 4, 4096, 128), (4, 4, 4096, 128))
    query, key, value = (torch.randn(s, device="cuda", dtype=torch.bfloat16) for s in shapes)
    return query, key, value


def test_the_best_is_as_fast_as_it_says() -> None:
    decode = pyflex.compile(mask_fn=causal, options=Options(num_warps=4))
    query, key, value = inputs()
    given = [Options(num_warps=4, keys=64, num_stages=2, splits=s) for s in (1, 4, 8)]
    too_large = Options(num_warps=4, keys=256, num_stages=8, splits=2)
    tuned = pyflex.tune(
        decode, query, key, value, q_offset=4095, candidates=[*given, too_large], return_lse=True
    )
    trials = {trial.options: trial for trial in tuned.table}
    assert list(trials) == [decode.options, *given, too_large]
    assert "shared memory" in str(trials[too_large].reason)
    assert all((trials[o].us or 0) > 1 and (trials[o].resident or 0) >= 1 for o in given)
    assert tuned.best_us == min(trial.us for trial in tuned.table if trial.us is not None)
    best = decode.with_options(tuned.options)
    graph = capture(lambda: best(query, key, value, q_offset=4095, return_lse=True))
    (best_us,) = replay([graph], 20, TURN)
    assert best_us == pytest.approx(tuned.best_us, rel=0.15)


def test_everything_is_tried_by_default() -> None:
    decode = pyflex.compile(options=Options(num_warps=4, num_stages=2))
    tuned = pyflex.tune(decode, *inputs())
    assert len(tuned.table) > 20
    assert {trial.options.keys for trial in tuned.table} >= {None, 32, 64, 128}
    assert tuned.regret >= 0


def test_threads_have_the_callers_stream_and_modes() -> None:
    """Without them a parameter is an error, and what the stream has yet to write is read."""
    slope = torch.nn.Parameter(torch.ones((), device="cuda"))
    decode = pyflex.compile(lambda score, b, h, q, kv: score * slope)
    query, key, value = inputs()
    given = [Options(keys=64, num_warps=4, num_stages=2, splits=s) for s in (1, 2)]
    with torch.no_grad(), torch.cuda.stream(torch.cuda.Stream()):
        torch.cuda._sleep(100_000_000)
        slope.fill_(3.0)
        tuned = pyflex.tune(decode, query, key, value, candidates=given)
    assert [trial.reason for trial in tuned.table] == [None, None, None]
