"""What the benchmarks print, from made-up rows; no GPU is needed."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ablation, compare, host, plot, regret, report
from benchmarks.recorded import RECORDED, recorded_share
from benchmarks.workloads import WORKLOADS


def row(name: str, floor: float, us: dict[str, float], **errors: str) -> dict[str, Any]:
    made = {"workload": name, "megabytes": 67.0, "floor": floor, "us": us, "errors": errors}
    return compare.summarise(made)


def rows() -> list[dict[str, Any]]:
    return [
        row("b1_8k", 12.0, {"pyflex": 15.0, "flex": 24.0, "flex-max": 20.0, "sdpa": 18.0}),
        row("b64_512", 33.0, {"pyflex": 40.0, "flex": 60.0, "sdpa": 38.0}, **{"flex-max": "no"}),
    ]


def test_geomean() -> None:
    assert report.geomean([2.0, 8.0]) == pytest.approx(4.0)
    assert math.isnan(report.geomean([]))


def test_columns_line_up() -> None:
    text = report.text_table(["a", "bb"], [["long", "1"], ["x", "222"]])
    assert text == "a      bb\nlong    1\nx     222"


def test_progress_names_each_item(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(report.progress(["one", "two"], str.upper)) == ["one", "two"]
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["[..] 1/2 ONE", "[#.] 2/2 TWO"]


def test_nothing_begins_when_the_time_has_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(report.progress(["one", "two"], str.upper, until=0.0)) == []
    assert not capsys.readouterr().err


def test_best_peer_and_lead() -> None:
    first, second = rows()
    assert (first["best_peer"], first["lead"]) == ("sdpa", pytest.approx(1.2))
    assert second["lead"] == pytest.approx(0.95)
    assert first["share"]["pyflex"] == pytest.approx(0.8)
    assert first["recorded_lead"] == pytest.approx(0.8 / (12.0 / 21.8))
    alone = row("b16_32k_doc", 100.0, {"pyflex": 104.0, "pyflex-blocks": 102.0})
    assert not {"lead", "best_peer", "recorded_lead"} & set(alone)
    beside = row("b16_32k_doc", 100.0, {"pyflex": 104.0, "pyflex-blocks": 102.0, "flex": 208.0})
    assert (beside["best_peer"], beside["lead"]) == ("flex", pytest.approx(2.0))


def test_comparison_as_text() -> None:
    systems = ["pyflex", "flex", "flex-max", "sdpa"]
    text = compare.table(rows(), systems)
    assert "pyflex is 1.55 x flex (geometric mean of 2 rows)" in text
    assert "pyflex is 1.33 x flex-max (geometric mean of 1 rows)" in text
    assert "more than 1% behind the best peer in this run: b64_512" in text
    assert "more than 1% behind the best peer as recorded: none" in text
    assert "b64_512: no flex-max: no" in text
    assert len({line.index("best peer") for line in text.splitlines()[:1]}) == 1


def test_recorded_peers_are_workloads() -> None:
    assert {w.name for w in WORKLOADS} >= set(RECORDED)
    assert recorded_share("b16_32k_doc") is None
    assert recorded_share("b1_512") == pytest.approx(4.8 / 12.7)


def test_plot_is_svg_with_a_bar_for_each_time(tmp_path: Path) -> None:
    source = tmp_path / "results.json"
    content = {"mode": "compare", "machine": {"device": "A <GPU>"}, "rows": rows()}
    source.write_text(json.dumps(content))
    plot.plot_file(source, tmp_path / "results.svg")
    root = ET.fromstring((tmp_path / "results.svg").read_text())
    titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 7
    assert "pyflex: 15.0 us" in titles
    texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert texts >= {"A <GPU>", "b1_8k", "b64_512", "flex-max", "1", "2"}


def test_json_has_a_line_for_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "machine", lambda: {"device": "a GPU"})
    report.write_json(tmp_path / "new" / "r.json", "compare", rows(), seed=3)
    text = (tmp_path / "new" / "r.json").read_text()
    assert json.loads(text) == {
        "mode": "compare",
        "machine": {"device": "a GPU"},
        "seed": 3,
        "rows": rows(),
    }
    assert len(text.splitlines()) == 4


def test_plot_is_logarithmic() -> None:
    times = {"a": 20.0, "b": 40.0, "c": 80.0}
    root = ET.fromstring(plot.draw([row("b1_8k", 10.0, times)]))
    bars = [
        float(e.attrib["height"])
        for e in root.iter("{http://www.w3.org/2000/svg}rect")
        if len(e)  # a bar has a title
    ]
    assert bars[1] == pytest.approx(2 * bars[0], abs=0.2)
    assert bars[2] == pytest.approx(3 * bars[0], abs=0.2)


def test_only_a_comparison_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"mode": "sweep", "rows": []}')
    with pytest.raises(SystemExit, match="only compare can be drawn"):
        plot.plot_file(tmp_path / "r.json", tmp_path / "r.svg")


def test_ablation_as_text() -> None:
    made = []
    for name, off in (("b1_8k", 2.0), ("b1_512", 8.0)):
        us = dict.fromkeys(ablation.VARIANTS, 10.0) | {"all off": 10.0 * off}
        made.append({"workload": name, "floor": 8.0, "us": us, "errors": {}})
    del made[1]["us"]["no split-kv"]
    made[1]["errors"]["no split-kv"] = "TargetError: why"
    text = ablation.table(made)
    assert text.splitlines()[1].endswith("2.00 x")
    assert text.splitlines()[3].startswith("geometric mean")
    assert text.splitlines()[3].endswith("4.00 x")
    assert "b1_512, no split-kv: TargetError: why" in text


def test_host_as_text(tmp_path: Path) -> None:
    good: dict[str, Any] = {"cold.steps": {"trace": 0.004, "triton": 0.61}, "warm.steps": {}}
    good |= {"cold.first_s": 0.9, "cold.host_us": 12.0, "warm.first_s": 0.05, "warm.host_us": 11.0}
    text = host.table(
        [
            {"workload": "b1_8k", "system": "pyflex", **good},
            {"workload": "b1_8k", "system": "flex", "cold.error": "bad", "warm.error": "bad"},
        ]
    )
    assert text.splitlines()[1].split() == ["b1_8k", "pyflex", "900", "50", "11.0"]
    assert "b1_8k pyflex cold: trace 4.0 ms, triton 610.0 ms" in text
    assert "b1_8k flex cold: bad" in text
    env = host.cache_environment(tmp_path)
    assert env["PYFLEX_CACHE_DIR"].startswith(str(tmp_path))
    assert env["TRITON_CACHE_DIR"].startswith(str(tmp_path))
    assert env["PYFLEX_CACHE_DIR"] != env["TRITON_CACHE_DIR"]


def test_regret_as_text() -> None:
    chosen = {"keys": 64, "num_warps": 4, "num_stages": 3}

    def one(name: str, regret: float) -> dict[str, Any]:
        times = {"default_us": 10 * (1 + regret), "best_us": 10.0, "regret": regret}
        best = {**chosen, "splits": 2}
        return {"workload": name, "bytes": 10**8, **times, "default": chosen, "best": best}

    made = [one("b1_8k", 0.02), one("random1.0", 0.06), one("random1.1", 0.0)]
    made.append({"workload": "random1.2", "bytes": 1, "error": "TargetError: why"})
    text = regret.table(made)
    assert "64 keys, 4 warps, 3 stages, 2 splits" in text
    assert "1 workloads: mean regret 2.0%, worst 2.0% (b1_8k), 0 above 3%" in text
    assert "2 random shapes: mean regret 3.0%, worst 6.0% (random1.0), 1 above 5%" in text
    assert "random1.2: TargetError: why" in text
