"""The workloads that the benchmarks make up, and what they look for in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.attention.flex_attention import flex_attention

from benchmarks import regret, run, sweep
from benchmarks.shapes import SHAPES_PER_KERNEL, random_workloads
from benchmarks.systems import run_pyflex
from benchmarks.warm import kernel_options
from benchmarks.workloads import WORKLOADS, Workload, make_problem
from pyflex import Options

ROOT = Path(__file__).resolve().parents[2]


def test_random_workloads_are_seeded_and_in_bounds() -> None:
    found = random_workloads(100, seed=7)
    assert found == random_workloads(100, seed=7)
    assert found != random_workloads(100, seed=8)
    assert len({w.name for w in found}) == 100
    for w in found:
        assert w.heads % w.kv_heads == 0
        assert 1e6 < w.kv_bytes / w.touched < 1.1e9 or w.ragged
        assert 0 < w.touched <= 1
        assert w.kv_len >= w.q_len
    assert {w.dtype for w in found} == {"bfloat16", "float16", "float32"}
    assert any(w.ragged for w in found)
    assert any(w.touched < 1 for w in found)
    assert any(w.mods == "softcap" for w in found)


def test_ragged_lengths_reach_from_a_quarter_to_the_whole() -> None:
    w = Workload("", 8, 8, 8, 1, 1000, ragged=True)
    assert (min(w.lengths), max(w.lengths)) == (250, 1000)
    assert w.kv_bytes == sum(w.lengths) * 8 * 128 * 2 * 2


@pytest.mark.parametrize("mods", ["none", "causal", "alibi", "softcap", "doc", "window64"])
def test_every_mod_runs(mods: str) -> None:
    touched = 0.5 if mods in ("doc", "window64") else 1.0
    workload = Workload("", 2, 4, 2, 1, 256, 32, mods, touched, "float32", mods == "none")
    problem = make_problem(workload, "cpu")
    assert problem.block_mask is None
    out = run_pyflex(problem)()
    assert isinstance(out, torch.Tensor)
    assert out.isfinite().all()


def test_sequences_of_many_lengths_are_the_same_to_torch() -> None:
    """torch has no kv_len: its BlockMask says where a sequence ends."""
    workload = Workload("", 3, 4, 2, 1, 200, 16, dtype="float32", ragged=True)
    assert len(set(workload.lengths)) == 3
    problem = make_problem(workload, "cpu", blocks=True)
    expected = flex_attention(
        problem.query, problem.key, problem.value, block_mask=problem.block_mask, enable_gqa=True
    )
    torch.testing.assert_close(run_pyflex(problem)(), expected, rtol=1e-4, atol=1e-5)


def test_workloads_by_name() -> None:
    assert run.parse([]).workloads == list(WORKLOADS)
    found = run.parse(["--workloads", "b1_1m_window4k,b1_8k"]).workloads
    assert [w.name for w in found] == ["b1_8k", "b1_1m_window4k"]


def test_tiles_to_compare() -> None:
    given = "--mode regret --tiles 64x2x3,128x4x3 --dtype float16 --head-dim 96"
    parsed = run.parse(given.split())
    tiles = [(tile.keys, tile.num_warps, tile.num_stages) for tile in parsed.tiles]
    assert tiles == [(64, 2, 3), (128, 4, 3)]
    shapes = random_workloads(8, 1, dtype=parsed.dtype, head_dim=parsed.head_dim)
    assert {(w.dtype, w.head_dim) for w in shapes} == {("float16", 96)}
    jobs = regret.jobs(shapes, parsed.tiles)
    swept = [options for job in jobs for options in job.options if options != Options()]
    assert {(tile.keys, tile.num_warps, tile.num_stages) for tile in swept} <= set(tiles)
    timed = regret._candidates(shapes[0], parsed.tiles, 132)
    assert {1, 2} <= {options.splits for options in timed}
    assert {options.keys for options in timed} <= {64, 128}


@pytest.mark.parametrize(
    "given", [["--tiles", "64x2x3"], ["--mode", "regret", "--tiles", "64x2"],
              ["--mode", "regret", "--tiles", "60x2x3"], ["--mode", "sweep", "--head-dim", "64"]],
)  # fmt: skip
def test_tiles_that_mean_nothing(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        run.parse(given)


def test_each_kernel_is_compiled_once() -> None:
    shapes = [*WORKLOADS, *random_workloads(4 * SHAPES_PER_KERNEL, seed=1)]
    jobs = regret.jobs(shapes)
    swept = [job for job in jobs if job.options != (Options(),)]
    assert len(jobs) - len(swept) == len(shapes)
    assert len(swept) <= len(WORKLOADS) + 8
    assert all(len(job.options) == len(set(job.options)) for job in jobs)
    b16 = [job for job in swept if job.workload.name in ("b1_8k", "b16_8k", "b1_128k", "b1_512")]
    assert len(b16) == 1  # they have a group and a mask in common


def test_a_kernel_is_warmed_with_what_combines_it() -> None:
    whole = Options(keys=32, disable_passes=("flex-split-kv",))
    given = [Options(keys=32, splits=1), Options(keys=32, splits=4), Options(keys=64), whole]
    assert kernel_options(given) == (Options(keys=32, splits=2), Options(keys=64, splits=2), whole)


def test_sweep_points_read_about_the_same_bytes() -> None:
    series = sweep.all_series(5, seed=2)
    assert len(series) == 14
    assert all(len(one.values) == len(one.workloads) >= 3 for one in series)
    sizes = [w.kv_bytes for one in series for w in one.workloads]
    assert max(sizes) < 1.1 * min(sizes)


def test_a_cliff_is_a_point_off_its_neighbours_line() -> None:
    off = sweep.off_line([1.0, 1.5, 2.0, 2.5])
    assert off == pytest.approx([2 / 3, 1.0, 1.0, 1.25])
    assert sweep.cliffs(sweep.off_line([1.0, 1.0, 1.7, 1.0])) == [False, False, True, False]
    fast = sweep.cliffs(sweep.off_line([1.6, 1.6, 1.2, 1.6, 1.6]))
    assert fast == [False, False, True, False, False]
    assert not any(sweep.cliffs(sweep.off_line([1.0, 1.1, 1.2, 1.3, 1.5])))
    assert sweep.off_line([1.0, None, 3.0]) == [None, None, None]


def test_a_sweep_names_the_points_it_had_no_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "warm", lambda jobs, processes: None)
    series = sweep.all_series(0, seed=1)[:1]
    (row,) = sweep.sweep(series, processes=None, seconds=0.0)
    assert row["figures"] == [None] * len(series[0].workloads)
    assert set(row["errors"]) == {point.name for point in series[0].workloads}
    assert "not measured: 0 s had passed" in sweep.table([row])


def test_cliffs_and_errors_are_printed() -> None:
    row = {"series": "bfloat16, q_len 1", "axis": "group", "values": [1, 2, 3, 4, 5]}
    row |= {"figures": [1.0, 1.0, 1.0, 2.0, None], "errors": {"g5": "TargetError: why"}}
    row["off"] = sweep.off_line(row["figures"])
    text = sweep.table([row])
    assert "4: 2.00!  5: -" in text
    assert "cliff: bfloat16, q_len 1, group 4: 2.00 x its neighbours" in text
    assert "g5: TargetError: why" in text
    assert "4 points, 1 more than 1.3 x off" in text


@pytest.mark.parametrize(
    "given", [["--systems", "none"], ["--workloads", "b2"], ["--mode", "sweep", "--plot", "x.svg"]]
)
def test_wrong_names_are_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.parse(given)
    assert "error" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/run.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "benchmarks need a GPU that torch drives\n"
