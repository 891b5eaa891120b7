"""Every op carries the line of the user's code that called it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import torch

from pyflex.trace import trace_mask_mod, trace_score_mod


def helper(x: Any) -> Any:
    return torch.tanh(x)


def test_lines_and_columns(parse: Callable[..., str]) -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        scaled = s * 0.5
        return helper(scaled) + q

    first = mod.__code__.co_firstlineno
    text = trace_score_mod(mod, "cpu").text
    lines = {
        found[1]: (found[2], int(found[3]), int(found[4]))
        for found in re.finditer(r'= (\S+) .* loc\("(.*)":(\d+):(\d+)\)', text)
    }
    assert lines["arith.mulf"][:2] == (__file__, first + 1)
    assert lines["math.tanh"][:2] == (__file__, helper.__code__.co_firstlineno + 1)
    assert lines["arith.addf"][:2] == (__file__, first + 2)
    if sys.version_info >= (3, 11):
        assert lines["arith.mulf"][2] == 18
    assert f'loc("{__file__}":{first + 1}:' in parse(text, "--mlir-print-debuginfo")


def test_library_code_has_the_mods_own_line() -> None:
    from torch.nn.attention.flex_attention import noop_mask, or_masks

    def causal(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q >= kv

    text = trace_mask_mod(or_masks(causal, noop_mask), "cpu").text
    compare = next(line for line in text.splitlines() if "arith.cmpi" in line)
    assert f'"{__file__}":{causal.__code__.co_firstlineno + 1}:' in compare
    joined = next(line for line in text.splitlines() if "arith.ori" in line)
    assert "flex_attention.py" in joined


def test_names_that_need_escapes(parse: Callable[..., str]) -> None:
    name = 'a "file"\\with\nodd é names.py'
    scope: dict[str, Any] = {}
    exec(compile("def mod(s, b, h, q, kv): return s + 1", name, "exec"), scope)
    parse(trace_score_mod(scope["mod"], "cpu").text)


def test_keys_do_not_depend_on_lines() -> None:
    def one(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q >= kv

    def two(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q >= kv

    first, second = trace_mask_mod(one, "cpu"), trace_mask_mod(two, "cpu")
    assert first.key == second.key
    assert first.text != second.text
