"""Every op family is traced, its text parses, and ops without a meaning are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from pyflex.errors import ConstantRangeError, UnsupportedOpError
from pyflex.trace import trace_mask_mod, trace_score_mod
from tests.trace.op_cases import CASES, OpCase, eager


def _id(case: OpCase) -> str:
    return f"{case.family}.{case.name}"


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_traces(case: OpCase) -> None:
    traced = trace_score_mod(case.mod, "cpu")
    assert traced.captures == ()
    assert traced.parameters == ()
    assert traced.result_count == 1
    assert trace_score_mod(case.mod, "cpu").key == traced.key
    assert traced.key != traced.text
    assert " loc(" not in traced.key


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_eager_gives_an_expectation(case: OpCase) -> None:
    for point in case.points():
        assert isinstance(eager(case, point), float)


@pytest.mark.parametrize("attribute", ["text", "key"])
def test_all_parse(parse: Callable[..., str], attribute: str) -> None:
    functions = [
        getattr(trace_score_mod(case.mod, "cpu"), attribute).replace("@score_mod", f"@mod{number}")
        for number, case in enumerate(CASES)
    ]
    assert parse("\n".join(functions)).count("tt.func private") == len(CASES)


def test_names_are_unique() -> None:
    assert len({_id(case) for case in CASES}) == len(CASES)


def body(mod: Callable[..., Any]) -> list[str]:
    """The ops of a score mod without the return, each without its result name."""
    lines = trace_score_mod(mod, "cpu").key.splitlines()[1:-2]
    return [line.split(" = ")[1] for line in lines]


def test_division_by_a_power_of_two_is_a_shift() -> None:
    assert body(lambda s, b, h, q, kv: (q // 16).float())[1] == "arith.shrsi %q, %0 : i32"
    assert body(lambda s, b, h, q, kv: (q % 16).float())[1] == "arith.andi %q, %0 : i32"


def test_division_by_a_traced_integer_cannot_trap() -> None:
    ops = body(lambda s, b, h, q, kv: (q // h).float())
    divide = next(op for op in ops if op.startswith("arith.divsi"))
    assert "%h" not in divide


def test_equal_ops_are_built_once() -> None:
    ops = body(lambda s, b, h, q, kv: (s + 1) * (s + 1))
    assert len(ops) == 3  # constant, sum, product


def test_half_is_computed_in_f32_and_rounded() -> None:
    ops = body(lambda s, b, h, q, kv: torch.exp(s.half()))
    assert [op.split()[0] for op in ops] == [
        "arith.truncf",
        "arith.extf",
        "math.exp",
        "arith.truncf",
        "arith.extf",
    ]


def test_result_dtypes_are_torchs() -> None:
    seen: list[tuple[torch.dtype, torch.dtype]] = []

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        for result, wanted in (
            (q + 1, torch.int32),
            (q + 1.0, torch.float32),
            (q / 2, torch.float32),
            (q + h.long(), torch.int64),
            (s.half() + 1.0, torch.float16),
            (s.half() + q, torch.float16),
            (s.half() + s.bfloat16(), torch.float32),
            (s + s.double(), torch.float64),
            ((q > 0) + 1, torch.int64),
            ((q > 0) * True, torch.bool),
            (torch.exp(q), torch.float32),
            (q**2, torch.int32),
            (2.0**q, torch.float32),
            (torch.where(q > 0, q, 1.5), torch.float32),
        ):
            seen.append((result.dtype, wanted))
        return s

    trace_score_mod(mod, "cpu")
    assert [got for got, _ in seen] == [wanted for _, wanted in seen]


def test_default_dtype_counts() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert "f64" in trace_score_mod(lambda s, b, h, q, kv: q / 2, "cpu").key
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("mod", "op"),
    [
        (lambda s, b, h, q, kv: torch.lgamma(s), "aten.lgamma.default"),
        (lambda s, b, h, q, kv: torch.erfinv(s), "aten.erfinv.default"),
        (lambda s, b, h, q, kv: s.sum(), "aten.sum.default"),
        (lambda s, b, h, q, kv: s.mean(), "aten.mean.default"),
        (lambda s, b, h, q, kv: (q > 0).any(), "aten.any.default"),
        (lambda s, b, h, q, kv: torch.softmax(s, 0), "aten._softmax.default"),
        (lambda s, b, h, q, kv: s.max(), "aten.max.default"),
        (lambda s, b, h, q, kv: torch.stack([s, s]), "aten.stack.default"),
        (lambda s, b, h, q, kv: s.unsqueeze(0), "aten.unsqueeze.default"),
        (lambda s, b, h, q, kv: s[None], "aten.unsqueeze.default"),
        (lambda s, b, h, q, kv: s.expand(3), "aten.expand.default"),
        (lambda s, b, h, q, kv: torch.rand(()), "aten.rand.default"),
        (lambda s, b, h, q, kv: torch.rand_like(s), "aten.rand_like.default"),
        (lambda s, b, h, q, kv: F.dropout(s), "aten.bernoulli_.float"),
        (lambda s, b, h, q, kv: s & 1, "aten.bitwise_and.Scalar"),
        (lambda s, b, h, q, kv: s << 1, "aten.__lshift__.Scalar"),
        (lambda s, b, h, q, kv: -(q > 0), "aten.neg.default"),
        (lambda s, b, h, q, kv: (q > 0) - (h > 0), "aten.sub.Tensor"),
        (lambda s, b, h, q, kv: torch.floor(q > 0), "aten.floor.default"),
        (lambda s, b, h, q, kv: F.silu(q), "aten.silu.default"),
        (lambda s, b, h, q, kv: F.gelu(q), "aten.gelu.default"),
        (lambda s, b, h, q, kv: F.hardsigmoid(q), "aten.hardsigmoid.default"),
        (lambda s, b, h, q, kv: F.celu(q), "aten.celu.default"),
        (lambda s, b, h, q, kv: torch.logaddexp2(q, kv), "aten.logaddexp2.default"),
        (lambda s, b, h, q, kv: torch.pow(q > 0, h > 0), "aten.pow.Tensor_Tensor"),
        (lambda s, b, h, q, kv: torch.where(q, s, 0.0), "aten.where.self"),
        (lambda s, b, h, q, kv: q**-1, "aten.pow.Tensor_Scalar"),
        (lambda s, b, h, q, kv: q // 0, "aten.floor_divide.default"),
        (lambda s, b, h, q, kv: q % 0, "aten.remainder.Scalar"),
        (lambda s, b, h, q, kv: s * 1j, "aten.mul.Tensor"),
        (lambda s, b, h, q, kv: s.to(torch.complex64), "aten._to_copy.default"),
        (lambda s, b, h, q, kv: s.to("meta"), "aten._to_copy.default"),
        (lambda s, b, h, q, kv: s.view(torch.int16), "aten.view.dtype"),
        (lambda s, b, h, q, kv: torch.isclose(s, s), "torch.isclose"),
    ],
)
def test_refused(mod: Callable[..., Any], op: str) -> None:
    with pytest.raises(UnsupportedOpError) as caught:
        trace_score_mod(mod, "cpu")
    assert caught.value.op == op
    assert op in str(caught.value)
    assert caught.value.at is not None
    assert caught.value.at.file == __file__
    assert "lambda" in str(caught.value)


@pytest.mark.parametrize(
    "mod",
    [
        lambda s, b, h, q, kv: q < 2**31,
        lambda s, b, h, q, kv: q.clamp(max=2**40) > 0,
        lambda s, b, h, q, kv: torch.maximum(q, torch.full((), 2**40, dtype=torch.int32)),
        lambda s, b, h, q, kv: s + 10**400,
        lambda s, b, h, q, kv: (q // 2**31).float(),
        lambda s, b, h, q, kv: (q % 2**31).float(),
    ],
)
def test_numbers_that_do_not_fit(mod: Callable[..., Any]) -> None:
    with pytest.raises((ConstantRangeError, OverflowError)):
        trace_score_mod(mod, "cpu")


def test_traces_for_a_device_that_is_not_here() -> None:
    mod = trace_mask_mod(lambda b, h, q, kv: (q >= kv) & ~(h == b) | (q - kv < 3), "cuda")
    assert mod.result_count == 1
