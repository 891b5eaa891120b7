"""What cannot be traced is an error of its own class, on the user's line."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import pyflex
from pyflex import errors
from pyflex.errors import (
    DataDependentControlFlowError,
    LeakedValueError,
    ModArityError,
    ModResultError,
    MutationError,
    PyflexError,
    ScheduleError,
    SourceLine,
    WholeTensorOpError,
)
from pyflex.trace import trace_mask_mod, trace_score_mod
from pyflex.trace.builder import MOST_OPS

TABLE = torch.ones(8)
SCALAR = torch.tensor(1.0)
PAIRS = torch.ones(2, 8)


@pytest.mark.parametrize(
    "mod",
    [
        lambda s, b, h, q, kv: s if q > kv else -s,
        lambda s, b, h, q, kv: s if SCALAR > 0 else -s,
        lambda s, b, h, q, kv: s if SCALAR else -s,
        lambda s, b, h, q, kv: s and q,
        lambda s, b, h, q, kv: s if h in (1, 2) else -s,
        lambda s, b, h, q, kv: s * s.item(),
        lambda s, b, h, q, kv: s * SCALAR.item(),
        lambda s, b, h, q, kv: s * float(s),
        lambda s, b, h, q, kv: s * int(q),
        lambda s, b, h, q, kv: s * int(SCALAR),
        lambda s, b, h, q, kv: sum(range(q), s),
        lambda s, b, h, q, kv: s * [1, 2, 3][h],
        lambda s, b, h, q, kv: s * TABLE.tolist()[0],
        lambda s, b, h, q, kv: s * TABLE.numpy()[0],
        lambda s, b, h, q, kv: s * np.asarray(TABLE)[0],
        lambda s, b, h, q, kv: torch.tensor([s, s])[b],
        lambda s, b, h, q, kv: torch.tensor([1.0, SCALAR])[b],
        lambda s, b, h, q, kv: s.new_tensor(SCALAR),
        lambda s, b, h, q, kv: torch.tensor(TABLE)[h],
        lambda s, b, h, q, kv: torch.tensor([TABLE, TABLE])[b, h],
        lambda s, b, h, q, kv: s * TABLE.new_tensor(TABLE)[h],
        lambda s, b, h, q, kv: s.round(decimals=h),
    ],
)
def test_data_dependence(mod: Callable[..., Any]) -> None:
    with pytest.raises(DataDependentControlFlowError) as caught:
        trace_score_mod(mod, "cpu")
    assert "when it runs; " in caught.value.message
    assert caught.value.at is not None
    assert "lambda" in caught.value.at.text


@pytest.mark.parametrize(
    ("mod", "advice"),
    [
        (lambda s, b, h, q, kv: s if q > kv else -s, "torch.where"),
        (lambda s, b, h, q, kv: s * [1.0, 2.0][h], "make what is indexed a torch tensor"),
        (lambda s, b, h, q, kv: s * np.ones(8)[h], "make what is indexed a torch tensor"),
        (lambda s, b, h, q, kv: s + np.exp(s), "torch's functions"),
        (lambda s, b, h, q, kv: s + math.exp(s), "torch's functions"),
        (lambda s, b, h, q, kv: s * SCALAR.tolist(), "torch's functions"),
        (lambda s, b, h, q, kv: s.clamp(-1.0, TABLE[h]), "both bounds of clamp"),
    ],
)
def test_data_dependence_says_what_to_use(mod: Callable[..., Any], advice: str) -> None:
    with pytest.raises(DataDependentControlFlowError) as caught:
        trace_score_mod(mod, "cpu")
    assert advice in caught.value.message


def test_data_dependence_of_torchscript() -> None:
    """Its interpreter makes another error of ours."""

    def mod(
        s: torch.Tensor, b: torch.Tensor, h: torch.Tensor, q: torch.Tensor, kv: torch.Tensor
    ) -> torch.Tensor:
        if bool(kv > 3):
            s = s * 2
        return s

    with pytest.raises(DataDependentControlFlowError):
        trace_score_mod(torch.jit.script(mod), "cpu")


def _iadd(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    s += 1
    return s


def _setitem(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    TABLE[h] = 1
    return s


def _captured_row(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    TABLE[0] += 1
    return s


def _set_data(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    TABLE.data = torch.zeros(8)
    return s


@pytest.mark.parametrize(
    "mod",
    [
        _iadd,
        _setitem,
        _captured_row,
        _set_data,
        lambda s, b, h, q, kv: s.exp_(),
        lambda s, b, h, q, kv: s + TABLE.add_(1)[h],
        lambda s, b, h, q, kv: torch.add(s, 1, out=SCALAR),
        lambda s, b, h, q, kv: SCALAR.copy_(s),
        lambda s, b, h, q, kv: TABLE.fill_(2)[h],
        lambda s, b, h, q, kv: TABLE.apply_(lambda x: x * 2)[h],
        lambda s, b, h, q, kv: TABLE.map_(TABLE, lambda x, y: x * 2)[h],
        lambda s, b, h, q, kv: s.apply_(lambda x: x * 2),
    ],
)
def test_mutation(mod: Callable[..., Any]) -> None:
    with pytest.raises(MutationError, match="in place"):
        trace_score_mod(mod, "cpu")
    assert torch.equal(TABLE, torch.ones(8))
    assert SCALAR == 1


@pytest.mark.parametrize(
    "mod",
    [
        lambda s, b, h, q: s,
        lambda s, b, h, q, kv, extra: s,
        lambda s, b, h, q, kv, *, scale: s,
        functools.partial(lambda s, b, h, q, kv: s, 1.0),
        torch.nn.Linear(2, 2),
        torch.nn.Module,
        torch.nn.Module(),
        torch.exp,
        torch.add,
        torch.Tensor.exp,
        math.exp,
        5,
        None,
    ],
)
def test_score_mod_arity(mod: Any) -> None:
    with pytest.raises(ModArityError, match=r"score_mod\(score, b, h, q_idx, kv_idx\)") as caught:
        trace_score_mod(mod, "cpu")
    assert "Traced" not in str(caught.value)


class Static:
    __call__ = staticmethod(lambda s, b, h, q, kv: s * 2)


def test_a_static_method_is_called_without_its_object() -> None:
    plain = trace_score_mod(lambda s, b, h, q, kv: s * 2, "cpu")
    assert trace_score_mod(Static(), "cpu").key == plain.key


def test_a_score_mod_is_no_mask_mod() -> None:
    with pytest.raises(ModArityError, match=r"mask_mod\(b, h, q_idx, kv_idx\)") as caught:
        trace_mask_mod(lambda s, b, h, q, kv: s > 0, "cpu")
    assert caught.value.at is not None
    assert caught.value.at.file == __file__


@pytest.mark.parametrize(
    "mod",
    [
        lambda s, b, h, q, kv: None,
        lambda s, b, h, q, kv: q,
        lambda s, b, h, q, kv: q > kv,
        lambda s, b, h, q, kv: True,
        lambda s, b, h, q, kv: "score",
        lambda s, b, h, q, kv: (s, s),
        lambda s, b, h, q, kv: TABLE,
        lambda s, b, h, q, kv: torch.ones(2, 2)[h],
    ],
)
def test_score_mod_result(mod: Callable[..., Any]) -> None:
    with pytest.raises(ModResultError, match="one 0-d float"):
        trace_score_mod(mod, "cpu")


@pytest.mark.parametrize(
    "mod",
    [
        lambda b, h, q, kv: None,
        lambda b, h, q, kv: q - kv,
        lambda b, h, q, kv: q * 1.0,
        lambda b, h, q, kv: 1,
        lambda b, h, q, kv: TABLE > 0,
        lambda b, h, q, kv: TABLE.bool(),
    ],
)
def test_mask_mod_result(mod: Callable[..., Any]) -> None:
    with pytest.raises((ModResultError, WholeTensorOpError)):
        trace_mask_mod(mod, "cpu")


def test_results_that_are_fine() -> None:
    assert "arith.constant 1.5" in trace_score_mod(lambda s, b, h, q, kv: 1.5, "cpu").key
    assert "arith.constant 2.0" in trace_score_mod(lambda s, b, h, q, kv: 2, "cpu").key
    assert "tt.load" in trace_score_mod(lambda s, b, h, q, kv: SCALAR, "cpu").key
    assert "arith.constant true" in trace_mask_mod(lambda b, h, q, kv: True, "cpu").key


@pytest.mark.parametrize(
    ("kind", "mod"),
    [
        (errors.IndexRankError, lambda s, b, h, q, kv: s[h]),
        (errors.IndexRankError, lambda s, b, h, q, kv: s + TABLE[h][h]),
        (errors.ConstantRangeError, lambda s, b, h, q, kv: s + (kv + 2**64)),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + PAIRS[True][0, h]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + TABLE[::-1][h]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + PAIRS[h, ::-1][0]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + TABLE["a"][h]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + TABLE[2**70]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + F.embedding(kv, h)),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + TABLE.reshape(3)[h]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + torch.arange(0, 8, 0)[h]),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s.sum(dim=3)),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: s + TABLE[h].softmax(4)),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: torch.cond(s > 0, abs, abs, (s,))),
    ],
)  # fmt: skip
def test_mistakes_that_torch_would_report(kind: type[Exception], mod: Callable[..., Any]) -> None:
    with pytest.raises(kind) as caught:
        trace_score_mod(mod, "cpu")
    assert f"at {__file__}:" in str(caught.value)


def test_size() -> None:
    def long(s: Any, b: Any, h: Any, q: Any, kv: Any, ops: int = MOST_OPS) -> Any:
        for _ in range(ops - 1):  # q becomes a float first
            s = s * q
        return s

    def endless(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        while True:
            s = s * h

    trace_score_mod(long, "cpu")
    for mod in (functools.partial(long, ops=MOST_OPS + 1), endless):
        with pytest.raises(errors.ModSizeError, match=f"at most {MOST_OPS}") as caught:
            trace_score_mod(mod, "cpu")
        assert f"at {__file__}:" in str(caught.value)


def test_leaked_values() -> None:
    kept: list[Any] = []

    def keeps(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        kept.append(s)
        return s

    trace_score_mod(keeps, "cpu")
    with pytest.raises(LeakedValueError):
        kept[0] + 1
    with pytest.raises(LeakedValueError):
        trace_score_mod(lambda s, b, h, q, kv: s + kept[0], "cpu")


def test_a_users_own_error_passes_through() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trace_score_mod(mod, "cpu")
    assert torch.ones(2).add(1).sum() == 4  # no mode is left behind


def test_printing_does_not_disturb(capsys: pytest.CaptureFixture[str]) -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        print(s, f"{q}", TABLE, f"{SCALAR}")
        return s

    assert trace_score_mod(mod, "cpu").captures == ()
    assert "traced(%score" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mod", "told"),
    [
        (lambda s, b, h, q, kv: s + None, "'Tensor' and 'NoneType'"),
        (lambda s, b, h, q, kv: s + "a", "'Tensor' and 'str'"),
        (lambda s, b, h, q, kv: torch.where(q > kv, s), "got (Tensor, Tensor)"),
        (lambda s, b, h, q, kv: torch.clamp(s, "low"), "got (Tensor, str)"),
        (lambda s, b, h, q, kv: s.size_of, "no attribute 'size_of'"),
        (lambda s, b, h, q, kv: s(q), "not callable"),
        (lambda s, b, h, q, kv: PAIRS[h].size_of, "no attribute 'size_of'"),
        (lambda s, b, h, q, kv: s * {0: 1.0}[h], "a key of a dict or set"),
        (lambda s, b, h, q, kv: s + {1: 2.0}.get(kv, 0.0), "a key of a dict or set"),
        (lambda s, b, h, q, kv: s if kv in {1, 2} else -s, "a key of a dict or set"),
        (lambda s, b, h, q, kv: s * {0: 1.0}[PAIRS[h]], "a key of a dict or set"),
        (lambda s, b, h, q, kv: max(*s), "iteration"),
        (lambda s, b, h, q, kv: sum(x for x in kv), "iteration"),
    ],
)
def test_operands(mod: Callable[..., Any], told: str) -> None:
    with pytest.raises(errors.ModOperandError) as caught:
        trace_score_mod(mod, "cpu")
    message = str(caught.value)
    assert told in message
    assert "Traced" not in message
    assert f"at {__file__}:" in message
    assert "lambda s, b, h, q, kv" in message
    assert isinstance(caught.value, TypeError)
    assert caught.value.__cause__ is not None


def test_a_mods_own_errors_are_left_as_they_are() -> None:
    def undefined(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + missing  # type: ignore[name-defined]  # noqa: F821

    def refuses(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        raise TypeError("no heads")

    for mod, cls, text in ((undefined, NameError, "missing"), (refuses, TypeError, "no heads")):
        with pytest.raises(cls, match=text) as caught:
            trace_score_mod(mod, "cpu")
        assert not isinstance(caught.value, PyflexError)


@pytest.mark.parametrize(
    "mod", [lambda s, b, h, q, kv: s + 1j, lambda s, b, h, q, kv: kv == 1 + 0j]
)
def test_complex_numbers(mod: Callable[..., Any]) -> None:
    with pytest.raises(errors.UnsupportedOpError, match="a complex number"):
        trace_score_mod(mod, "cpu")


def test_a_mod_without_an_end_is_an_error_of_python() -> None:
    def again(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return again(s + 1, b, h, q, kv)

    with pytest.raises(RecursionError):
        trace_score_mod(again, "cpu")


def test_operands_of_a_helper_are_found_where_it_uses_them() -> None:
    def helper(value: Any) -> Any:
        return value + {}

    with pytest.raises(errors.ModOperandError) as caught:
        trace_score_mod(lambda s, b, h, q, kv: helper(s), "cpu")
    assert caught.value.at is not None
    assert caught.value.at.text == "return value + {}"


def test_message_has_all_parts() -> None:
    with pytest.raises(ModResultError) as caught:
        trace_score_mod(lambda s, b, h, q, kv: q, "cpu")
    message = str(caught.value)
    assert "expected: one 0-d float" in message
    assert "got: torch.int32" in message
    assert f"at {__file__}:" in message
    assert "lambda s, b, h, q, kv: q" in message


def test_every_class_has_the_base_and_a_docstring() -> None:
    classes = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, Exception)
        and not issubclass(cls, Warning)
        and cls.__module__ == errors.__name__
    ]
    assert len(classes) > 20
    for cls in classes:
        assert issubclass(cls, PyflexError)
        assert cls.__doc__


def test_errors_find_the_users_line_themselves() -> None:
    error = ScheduleError("no such option", expected="one of a, b", got="c")
    assert error.at is not None
    assert error.at.file == __file__
    assert "ScheduleError(" in error.at.text
    assert isinstance(error, ValueError)


def test_source_that_cannot_be_read() -> None:
    assert str(SourceLine("<string>", 3)) == "<string>:3"


def test_a_copied_error_says_the_same() -> None:
    with pytest.raises(errors.UnsupportedOpError) as caught:
        trace_score_mod(lambda s, b, h, q, kv: s.sort()[0], "cpu")
    for copied in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert type(copied) is errors.UnsupportedOpError
        assert str(copied) == str(caught.value)
        assert (copied.op, copied.at) == (caught.value.op, caught.value.at)


def test_what_has_no_text() -> None:
    """Python does not write ints of more than 4,300 digits, and some file names are no UTF-8."""
    zeros = torch.zeros(1, 1, 1, 16)
    with pytest.raises(errors.ShapeError, match="too many digits"):
        pyflex.compile()(zeros, zeros, zeros, kv_len=10**5000)
    found: dict[str, Any] = {}
    exec(compile("m = lambda s, b, h, q, kv: s + 1.5 * h", "a\udcffb.py", "exec"), found)
    assert "a\\FFb.py" in trace_score_mod(found["m"], "cpu").text
    exec("def n(s, b, h, q, kv): return s.sort()[0]", nameless := {"__name__": None})
    with pytest.raises(errors.UnsupportedOpError):
        trace_score_mod(nameless["n"], "cpu")
