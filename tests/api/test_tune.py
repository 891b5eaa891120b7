"""`pyflex.tune`: what it tries, what it refuses, and how it judges; no GPU is needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

import pyflex
from pyflex import Options, tune
from pyflex.errors import DeviceError, ScheduleError, TargetError
from pyflex.tune import Tuned, candidates_for

tuning = importlib.import_module("pyflex.tune")  # the package's `tune` is the function
SIZES = {"line_bytes": 512, "length": 8192, "programs": 8, "multiprocessors": 132}


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(1, 4, 1, 32), torch.randn(1, 2, 96, 32), torch.randn(1, 2, 96, 32)


def test_the_cpu_is_refused() -> None:
    with pytest.raises(DeviceError, match="only a GPU's schedule can be tuned"):
        tune(pyflex.compile(), *problem())


def test_candidates_fix_all_that_a_kernel_depends_on() -> None:
    found = candidates_for(Options(), **SIZES)
    assert len(found) == len(set(found)) > 100
    for options in found:
        assert None not in (options.keys, options.num_warps, options.num_stages, options.splits)
        assert options.rows is None


def test_candidates_keep_what_is_fixed() -> None:
    fixed = Options(keys=32, splits=7, precision="tf32", disable_passes=("flex-pack-gqa",))
    found = candidates_for(fixed, **SIZES)
    assert len(found) == 9
    assert {replace(o, num_warps=None, num_stages=None) for o in found} == {fixed}
    assert candidates_for(replace(fixed, num_warps=2, num_stages=5), **SIZES) == [
        replace(fixed, num_warps=2, num_stages=5)
    ]


def test_candidates_fit_the_problem() -> None:
    short = candidates_for(Options(), **{**SIZES, "length": 40})
    assert {o.keys for o in short} == {16, 32, 64}
    assert max(o.splits or 0 for o in short) == 3
    crowded = candidates_for(Options(), **{**SIZES, "programs": 5000})
    assert {o.splits for o in crowded} == {1}
    one_loop = {"programs": 1, "multiprocessors": 132, "length": 100_000}
    alone = candidates_for(Options(), **{**SIZES, **one_loop})
    assert {132, 264, 396, 528} < {o.splits for o in alone}
    whole = candidates_for(Options(disable_passes=("flex-split-kv",)), **SIZES)
    assert {o.splits for o in whole} == {1}
    for line_bytes in (64, 512, 2048):
        found = candidates_for(Options(), **{**SIZES, "line_bytes": line_bytes})
        assert len({o.keys for o in found}) >= 2


@pytest.mark.parametrize(
    ("fixed", "candidate", "name"),
    [
        (Options(keys=32), Options(keys=64), "keys"),
        (Options(splits=2), Options(), "splits"),
        (Options(), Options(precision="tf32"), "precision"),
        (Options(), Options(disable_passes=("flex-pack-gqa",)), "disable_passes"),
    ],
)
def test_a_candidate_may_not_change_what_is_fixed(
    fixed: Options, candidate: Options, name: str
) -> None:
    with pytest.raises(ScheduleError, match=name):
        tuning._check_fixed(fixed, candidate)


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tuned]:
    """A sweep on the CPU, in which a kernel takes `time(options)` microseconds."""

    def run(
        decode: pyflex.Decode, candidates: list[Options], time: Callable[[Options], float]
    ) -> Tuned:
        def capture(call: Any, pool: object, *, ready: bool) -> Options:
            return call.func.__self__.options

        def replay(graphs: list[Options], repeats: int, turn: int = 0) -> list[float]:
            return [time(options) for options in graphs]

        monkeypatch.setattr(tuning, "capture", capture)
        monkeypatch.setattr(tuning, "replay", replay)
        monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
        arguments = (*problem(), None, None, None, None)
        return tuning._sweep(decode, candidates, arguments, decode.run(*arguments, lse=True))

    return run


def test_the_fastest_is_chosen(sweep: Callable[..., Tuned]) -> None:
    given = [Options(keys=keys, splits=splits) for keys in (16, 32) for splits in (1, 2, 3)]
    best = Options(keys=32, splits=2)
    tuned = sweep(pyflex.compile(), given, lambda options: 4.0 if options == best else 5.0)
    assert tuned.options == best
    assert [trial.options for trial in tuned.table] == [Options(), *given]
    assert all(trial.reason is None and trial.resident == 1 for trial in tuned.table)
    assert tuned.schedule.keys == 64
    assert (tuned.default_us, tuned.best_us) == (5.0, 4.0)
    assert tuned.regret == pytest.approx(0.25)


def test_the_default_stays_where_nothing_is_faster(sweep: Callable[..., Tuned]) -> None:
    decode = pyflex.compile(options=Options(keys=32))
    given = [Options(keys=32), Options(keys=32, splits=2)]
    tuned = sweep(decode, given, lambda options: 5.0 if options.splits is None else 6.0)
    assert tuned.options == decode.options
    assert len(tuned.table) == 2
    assert tuned.regret == 0


def test_splits_of_one_kernel_share_its_code(
    sweep: Callable[..., Tuned], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    jit = pyflex.compiler.jit
    monkeypatch.setattr(pyflex.compiler, "jit", lambda text: texts.append(text) or jit(text))
    given = [Options(keys=16, num_warps=8, num_stages=4, splits=s) for s in (1, 2, 3)]
    sweep(pyflex.compile(lambda s, b, h, q, kv: s * 0.875), given, lambda options: 1.0)
    # The model's tile and the candidates'; what combines a split may have been compiled before.
    assert len(texts) == len(set(texts)) >= 2


def test_what_cannot_be_used_says_why(
    sweep: Callable[..., Tuned], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pyflex.Decode.run

    def failing(self: pyflex.Decode, *args: Any, **kwargs: Any) -> Any:
        if self.options.num_stages == 8:
            raise TargetError("out of resource: shared memory", expected=232448, got=300000)
        results = run(self, *args, **kwargs)
        if self.options.splits == 3:
            results.out.mul_(1.01)
        return results

    monkeypatch.setattr(pyflex.Decode, "run", failing)
    given = [Options(num_stages=8, splits=s) for s in (1, 2)]
    given += [Options(num_stages=2, splits=s) for s in (1, 3)]
    tuned = sweep(pyflex.compile(), given, lambda options: float(options.splits != 3))
    reasons = [trial.reason for trial in tuned.table]
    assert reasons[:1] + reasons[3:4] == [None, None]
    assert (
        reasons[1]
        == reasons[2]
        == ("TargetError: out of resource: shared memory, expected 232448, got 300000")
    )
    assert "gives another result: relative difference 1.0e-02" in str(reasons[4])
    assert [trial.us is None for trial in tuned.table] == [False, True, True, False, True]
    assert tuned.options.splits != 3


def test_threads_have_the_callers_modes(sweep: Callable[..., Tuned]) -> None:
    slope = torch.nn.Parameter(torch.ones(()))
    given = [Options(keys=16, splits=1), Options(keys=32, splits=1)]
    for mode in (torch.no_grad(), torch.inference_mode()):
        decode = pyflex.compile(lambda score, b, h, q, kv: score * slope)
        with mode:
            tuned = sweep(decode, given, lambda options: 1.0)
        assert [trial.reason for trial in tuned.table] == [None, None, None]


def test_equal_infinities_and_nans_are_no_difference() -> None:
    expected = torch.tensor([3.0, 4.0, -torch.inf, torch.nan])
    assert tuning._difference(expected.clone(), expected) == 0
    moved = torch.tensor([3.0, 4.5, -torch.inf, torch.nan])
    assert tuning._difference(moved, expected) == pytest.approx(0.1)
    lost = torch.tensor([3.0, 4.0, 0.0, torch.nan])
    assert not tuning._difference(lost, expected) < 1
