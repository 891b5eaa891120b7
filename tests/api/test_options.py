"""Options: what each may be, and that each is heard."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import pyflex
from pyflex import Options
from pyflex.errors import ScheduleError
from tests.mods import causal


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"rows": 4}, "8 to 128"),
        ({"rows": 24}, "power of two"),
        ({"keys": 1024}, "16 to 512"),
        ({"num_warps": 0}, "num_warps"),
        ({"num_warps": 3}, "num_warps"),
        ({"num_stages": 0}, "num_stages"),
        ({"splits": 0}, "splits"),
        ({"splits": 65536}, "1 to 65535"),
        ({"rows": "16"}, "'16'"),
        ({"rows": 16.0}, "16.0"),
        ({"num_stages": 2.5}, "whole number"),
        ({"splits": True}, "True"),
        ({"disable_passes": "flex-split-kv"}, "a tuple of names"),
        ({"disable_passes": None}, "None"),
        ({"precision": "fast"}, "ieee"),
        ({"disable_passes": ("flex-magic",)}, "flex-pack-gqa"),
        ({"disable_passes": ("flex-to-triton",)}, "no such optimisation pass"),
        ({"splits": 2, "disable_passes": ("flex-split-kv",)}, "splits need flex-split-kv"),
    ],
    ids=str,
)
def test_refused(given: dict[str, Any], part: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Options(**given)
    for wanted in (part, "expected:", "got:", "Options(**given)"):
        assert wanted in str(caught.value)


def test_unknown_option() -> None:
    with pytest.raises(TypeError, match="blocks"):
        Options(blocks=3)  # type: ignore[call-arg]


def test_repr_shows_what_was_given() -> None:
    assert repr(Options()) == "Options()"
    assert repr(Options(rows=16, splits=2)) == "Options(rows=16, splits=2)"


def decode_with(options: Options, q_len: int = 1) -> pyflex.Decode:
    decode = pyflex.compile(None, causal, options=options)
    key = torch.randn(1, 2, 65, 16)
    decode(torch.randn(1, 8, q_len, 16), key, key)
    return decode


def test_tile_reaches_the_kernel() -> None:
    flex = decode_with(Options(rows=32, keys=128)).ir("flex")
    assert "rows = 32" in flex
    assert "keys = 128" in flex


def test_precision_reaches_the_kernel() -> None:
    for precision in ("tf32", "tf32x3", "ieee"):
        decode = decode_with(Options(precision=precision))  # type: ignore[arg-type]
        assert f" precision {precision} " in decode.ir("flex")


@pytest.mark.parametrize("name", pyflex.OPTIMISATIONS)
def test_disabled_pass_leaves_no_stage(name: str) -> None:
    decode = decode_with(Options(disable_passes=(name,)))
    with pytest.raises(ScheduleError, match="no such stage"):
        decode.ir(name)


def test_every_option_is_in_the_compile_key() -> None:
    changes: list[dict[str, Any]] = [
        {}, {"rows": 64}, {"keys": 16}, {"num_warps": 8}, {"num_stages": 4}, {"splits": 2},
        {"precision": "tf32"}, {"disable_passes": ("flex-pack-gqa",)},
    ]  # fmt: skip
    assert len({Options(**change) for change in changes}) == len(changes)
    assert {next(iter(change)) for change in changes[1:]} == set(Options.__dataclass_fields__)


def test_tiles_that_triton_gets_wrong_are_refused() -> None:
    query, key = torch.zeros(1, 16, 4, 16), torch.zeros(1, 1, 32, 16)
    decode = pyflex.compile(options=Options(rows=64, num_warps=8))
    with pytest.raises(ScheduleError, match=r"num_warps does not fit 64 rows of float32"):
        decode(query, key, key)
    decode(query.half(), key.half(), key.half())
    for others in ({"precision": "ieee"}, {"num_warps": 4}, {"rows": 32}):
        given = {"rows": 64, "num_warps": 8, **others}
        pyflex.compile(options=Options(**given))(query, key, key)


def test_disabled_passes_are_those_of_any_order() -> None:
    names = pyflex.OPTIMISATIONS[:3]
    assert Options(disable_passes=names[::-1] + names) == Options(disable_passes=names)


def test_other_options_for_the_same_mods() -> None:
    decode = pyflex.compile(None, causal)
    query, key = torch.randn(1, 2, 1, 16), torch.randn(1, 2, 300, 16)
    split = decode.with_options(Options(splits=3))
    expected = decode(query, key, key, q_offset=280)
    assert torch.allclose(split(query, key, key, q_offset=280), expected, atol=1e-6)
    assert split.options.splits == 3
    assert decode.options == Options()
    assert split._mods.trace_count == 1
    with pytest.raises(ScheduleError, match="options are no Options"):
        decode.with_options({"splits": 3})  # type: ignore[arg-type]
