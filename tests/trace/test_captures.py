"""Captured tensors: every way to index one, what is loaded, and what is checked."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import pyflex
from pyflex.errors import (
    CaptureDeviceError,
    CaptureDtypeError,
    CaptureIndexError,
    DataDependentControlFlowError,
    IndexDTypeError,
    IndexRankError,
    UnsupportedOpError,
    WholeTensorOpError,
)
from pyflex.trace import HostCheck, TracedMod, trace_mask_mod, trace_score_mod

TABLE = torch.arange(2 * 8 * 16 * 32, dtype=torch.float32).reshape(2, 8, 16, 32)
VECTOR = torch.arange(8, dtype=torch.float32)
BIAS = torch.tensor(0.5)


def trace(value: Callable[..., Any]) -> TracedMod:
    """A score mod that adds `value(b, h, q, kv)`."""
    return trace_score_mod(lambda s, b, h, q, kv: s + value(b, h, q, kv), "cpu")


def test_one_index() -> None:
    mod = trace(lambda b, h, q, kv: VECTOR[h])
    assert mod.key.splitlines() == [
        "tt.func private @score_mod(%score: f32, %b: i32, %h: i32, %q: i32, %kv: i32, "
        "%c0: !tt.ptr<f32>, %c0_stride0: i64) -> f32 {",
        "  %0 = arith.extsi %h : i32 to i64",
        "  %1 = arith.muli %0, %c0_stride0 : i64",
        "  %2 = tt.addptr %c0, %1 : !tt.ptr<f32>, i64",
        "  %3 = tt.load %2 : !tt.ptr<f32>",
        "  %4 = arith.addf %score, %3 : f32",
        "  tt.return %4 : f32",
        "}",
    ]
    assert mod.captures[0] is VECTOR
    assert mod.host_checks == (HostCheck(0, 0, "h"),)
    assert mod.arguments() == (VECTOR.data_ptr(), 1)


@pytest.mark.parametrize(
    ("columns", "steps"),
    [
        (slice(0, 304), (16, 16, 0)),
        (slice(8, 304), (16, 16, 0)),
        (slice(3, 304), (1, 16, 0)),
        (slice(0, 304, 2), (16, 16, 1)),
    ],
)
def test_what_kernels_know_of_how_a_table_lies(columns: slice, steps: tuple[int, ...]) -> None:
    table = torch.zeros(8, 304, dtype=torch.bfloat16)[:, columns]
    assert trace(lambda b, h, q, kv: table[h, kv]).divisibility() == steps
    odd = torch.zeros(8, 303, dtype=torch.bfloat16)
    assert trace(lambda b, h, q, kv: odd[h, kv]).divisibility() == (16, 1, 0)
    assert trace(lambda b, h, q, kv: BIAS).divisibility() == (1,)


INDEXINGS: dict[str, Callable[..., Any]] = {
    "all": lambda b, h, q, kv: TABLE[b, h, q, kv],
    "chained": lambda b, h, q, kv: TABLE[b][h][q][kv],
    "partly_chained": lambda b, h, q, kv: TABLE[b][h, q, kv],
    "ellipsis_first": lambda b, h, q, kv: TABLE[..., kv][b, h, q],
    "ellipsis_last": lambda b, h, q, kv: TABLE[b, h, ...][q, kv],
    "ellipsis_inside": lambda b, h, q, kv: TABLE[b, ..., kv][h, q],
    "colon": lambda b, h, q, kv: TABLE[b, :, q][h, kv],
    "none": lambda b, h, q, kv: TABLE[b, None, h][0, q, kv],
    "number_before": lambda b, h, q, kv: TABLE[1, h, q, kv],
    "number_after": lambda b, h, q, kv: TABLE[b, h, q, -1],
    "number_alone": lambda b, h, q, kv: TABLE[1][h, q, kv],
    "number_in_the_middle": lambda b, h, q, kv: TABLE[b][3][q][kv],
    "slice": lambda b, h, q, kv: TABLE[b, 2:, q, 1:30:2][h, kv],
    "transposed": lambda b, h, q, kv: TABLE.mT[b, h, kv, q],
    "transposed_later": lambda b, h, q, kv: TABLE[b].transpose(0, 2)[kv, q, h],
    "permuted": lambda b, h, q, kv: TABLE.permute(3, 2, 1, 0)[kv, q, h, b],
    "flat": lambda b, h, q, kv: TABLE.view(-1)[((b * 8 + h) * 16 + q) * 32 + kv],
    "flat_later": lambda b, h, q, kv: TABLE[b].view(-1)[(h * 16 + q) * 32 + kv],
    "expanded": lambda b, h, q, kv: VECTOR[:, None].expand(8, 16)[h, q],
    "expanded_later": lambda b, h, q, kv: TABLE[b, h, q].expand(4, 32)[b, kv],
    "unbound": lambda b, h, q, kv: TABLE[b, h, q].unbind(0)[3],
    "unpacked": lambda b, h, q, kv: list(TABLE[b])[2][q, kv],
    "split": lambda b, h, q, kv: TABLE[b, h].split(4)[1][q % 4, kv],
    "computed": lambda b, h, q, kv: TABLE[b, h // 2, (q - kv).abs() % 16, -1 - kv],
    "negative": lambda b, h, q, kv: VECTOR[-1 - h],
    "int64": lambda b, h, q, kv: VECTOR[h.long()],
    "int8": lambda b, h, q, kv: VECTOR[h.to(torch.int8)],
    "nested": lambda b, h, q, kv: VECTOR[VECTOR[h].int()],
    "aten_index": lambda b, h, q, kv: torch.ops.aten.index(TABLE, [b, None, q])[h, kv],
    "embedding": lambda b, h, q, kv: torch.nn.functional.embedding(h, TABLE[0, 0])[kv],
    "zero_dimensional": lambda b, h, q, kv: BIAS,
    "zero_dimensional_ellipsis": lambda b, h, q, kv: BIAS[...],
    "element": lambda b, h, q, kv: VECTOR[3],
    "constant_table": lambda b, h, q, kv: torch.tensor([1.0, 2.0, 3.0])[b],
    "arange": lambda b, h, q, kv: torch.arange(8)[h],
    "constant_array": lambda b, h, q, kv: torch.tensor(np.arange(3.0))[b],
    "captured_index": lambda b, h, q, kv: VECTOR[torch.tensor(2)] + TABLE[b, INDEX, q, kv],
}
INDEX = torch.tensor(3)


@pytest.mark.parametrize("name", INDEXINGS)
def test_indexing_parses(parse: Callable[..., str], name: str) -> None:
    mod = trace(INDEXINGS[name])
    assert "tt.load" in mod.key
    assert "tt.load" in parse(mod.text)
    assert len(mod.arguments()) == len(mod.parameters)


@pytest.mark.parametrize("name", ["chained", "partly_chained", "ellipsis_last", "colon"])
def test_chained_indices_are_one_capture(name: str) -> None:
    mod = trace(INDEXINGS[name])
    assert len(mod.captures) == 1
    assert mod.captures[0] is TABLE
    strides = [parameter.dim for parameter in mod.parameters if parameter.kind == "stride"]
    assert strides == [0, 1, 2, 3]


def test_views_alias_the_captured_memory() -> None:
    mod = trace(INDEXINGS["number_before"])
    assert mod.captures[0].data_ptr() == TABLE[1].data_ptr()


def test_equal_views_are_one_capture() -> None:
    mod = trace(lambda b, h, q, kv: TABLE[1][h, q, kv] + TABLE[1][h, kv, q])
    assert len(mod.captures) == 1


def test_a_load_is_built_once() -> None:
    assert trace(lambda b, h, q, kv: VECTOR[h] * VECTOR[h]).key.count("tt.load") == 1


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        (torch.bool, "i8"),
        (torch.uint8, "i8"),
        (torch.int8, "i8"),
        (torch.int16, "i16"),
        (torch.int32, "i32"),
        (torch.int64, "i64"),
        (torch.float16, "f16"),
        (torch.bfloat16, "bf16"),
        (torch.float32, "f32"),
        (torch.float64, "f64"),
    ],
)
def test_dtypes(parse: Callable[..., str], dtype: torch.dtype, stored: str) -> None:
    table = torch.ones(8).to(dtype)
    mod = trace(lambda b, h, q, kv: table[h] * 1.0 + table[h % 4])
    parse(mod.text)
    assert mod.parameters[0].type == f"!tt.ptr<{stored}>"


def test_strides_are_arguments() -> None:
    wide = torch.zeros(8, 64)[:, ::2]
    mod = trace(lambda b, h, q, kv: wide[h, kv])
    assert mod.arguments() == (wide.data_ptr(), 64, 2)
    narrow = torch.zeros(8, 32)
    assert trace(lambda b, h, q, kv: narrow[h, kv]).key == mod.key


def test_direct_indices_are_checked_by_the_host_only() -> None:
    mod = trace(lambda b, h, q, kv: TABLE[b, h.long(), 0, kv])
    assert mod.host_checks == (
        HostCheck(0, 0, "b"),
        HostCheck(0, 1, "h"),
        HostCheck(0, 2, "kv"),
    )
    assert "arith.cmpi" not in mod.key


def test_other_indices_are_checked_in_the_kernel() -> None:
    mod = trace(lambda b, h, q, kv: VECTOR[h + 1])
    assert mod.host_checks == ()
    assert [p.kind for p in mod.parameters] == ["pointer", "stride", "size"]
    load = next(line for line in mod.key.splitlines() if "tt.load" in line)
    assert load.count(",") == 2  # pointer, mask, other
    assert "0x7FC00000" in mod.key
    assert mod.result_count == 1


def test_q_idx_is_checked_in_the_kernel() -> None:
    assert trace(lambda b, h, q, kv: VECTOR[q]).host_checks == ()


def test_mask_mods_return_whether_indices_were_in_range() -> None:
    flags = torch.zeros(8, dtype=torch.bool)
    checked = trace_mask_mod(lambda b, h, q, kv: flags[q - kv], "cpu")
    assert checked.result_count == 2
    assert "-> (i1, i1) {" in checked.key
    direct = trace_mask_mod(lambda b, h, q, kv: flags[kv], "cpu")
    assert direct.result_count == 1
    assert "-> i1 {" in direct.key


def test_zero_dimensional_captures_are_read_when_the_kernel_runs() -> None:
    mod = trace(lambda b, h, q, kv: BIAS)
    assert mod.captures[0] is BIAS
    assert "tt.load %c0" in mod.key


def test_captures_that_require_gradients() -> None:
    weight = torch.nn.Parameter(torch.ones(8))
    assert trace(lambda b, h, q, kv: weight[h]).captures[0] is weight


class Plain(torch.Tensor):
    """Leaves all to torch, which gives what comes of it this class."""


def test_a_plain_subclass() -> None:
    one, table = torch.tensor(2.0).as_subclass(Plain), torch.ones(8).as_subclass(Plain)
    values: list[Callable[..., Any]] = [
        lambda b, h, q, kv: kv * one,
        lambda b, h, q, kv: torch.mul(one, kv),
        lambda b, h, q, kv: torch.where(one > 1, kv, 0.0),
        lambda b, h, q, kv: table[kv] * table[0],
        lambda b, h, q, kv: table.view(2, 4)[b, h],
    ]
    for value in values:
        assert trace(value).captures


def test_inference_mode() -> None:
    with torch.inference_mode():
        table = torch.zeros(8, 4)
        mod = trace(lambda b, h, q, kv: table.reshape(-1)[h] + table.T[q, h])
    assert len(mod.captures) == 2


def test_empty_tables() -> None:
    empty = torch.zeros(0, 4)
    assert trace(lambda b, h, q, kv: empty[h][kv]).host_checks[0] == HostCheck(0, 0, "h")


def test_autocast_does_not_count() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert "bf16" not in trace(lambda b, h, q, kv: torch.exp(VECTOR[h])).key


CALLABLES: dict[str, Callable[[], Callable[..., Any]]] = {}


def callable_case(make: Callable[[], Callable[..., Any]]) -> Callable[[], Callable[..., Any]]:
    CALLABLES[make.__name__] = make
    return make


@callable_case
def closure() -> Callable[..., Any]:
    slopes = torch.ones(8)
    return lambda s, b, h, q, kv: s + slopes[h]


@callable_case
def default_argument() -> Callable[..., Any]:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any, slopes: Any = VECTOR, *, by: Any = 2) -> Any:
        return s + slopes[h] * by

    return mod


@callable_case
def partial() -> Callable[..., Any]:
    def mod(slopes: Any, s: Any, b: Any, h: Any, q: Any, kv: Any, *, scale: Any) -> Any:
        return s * scale + slopes[h]

    return functools.partial(mod, VECTOR, scale=2.0)


class Alibi:
    def __init__(self) -> None:
        self.slopes = torch.ones(8)

    def score(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + self.slopes[h] * (kv - q)

    __call__ = score


@callable_case
def bound_method() -> Callable[..., Any]:
    return Alibi().score


@callable_case
def callable_object() -> Callable[..., Any]:
    return Alibi()


class Module(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(8))
        self.register_buffer("bias", torch.ones(8))

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * self.weight[h] + self.bias[h]


@callable_case
def module() -> Callable[..., Any]:
    return Module()


@callable_case
def composed() -> Callable[..., Any]:
    inner, outer = closure(), bound_method()
    return lambda s, b, h, q, kv: outer(inner(s, b, h, q, kv), b, h, q, kv)


@pytest.mark.parametrize("name", CALLABLES)
def test_calling_conventions(parse: Callable[..., str], name: str) -> None:
    mod = trace_score_mod(CALLABLES[name](), "cpu")
    assert mod.captures
    assert mod.host_checks
    parse(mod.text)


def test_torchs_own_compositions(parse: Callable[..., str]) -> None:
    flex = pytest.importorskip("torch.nn.attention.flex_attention")
    window = torch.tensor(128)
    mask = flex.or_masks(
        flex.and_masks(lambda b, h, q, kv: q >= kv, lambda b, h, q, kv: q - kv < window),
        flex.noop_mask,
    )
    mod = trace_mask_mod(mask, "cpu")
    assert mod.captures[0] is window
    parse(mod.text)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (lambda b, h, q, kv: VECTOR[h, q], IndexRankError),
        (lambda b, h, q, kv: TABLE[b][h, q, kv, 0], IndexRankError),
        (lambda b, h, q, kv: BIAS[h], IndexRankError),
        (lambda b, h, q, kv: VECTOR[0, 0], IndexRankError),
        (lambda b, h, q, kv: VECTOR[8], CaptureIndexError),
        (lambda b, h, q, kv: TABLE[b, 8, q, kv], CaptureIndexError),
        (lambda b, h, q, kv: TABLE[b][-9][q, kv], CaptureIndexError),
        (lambda b, h, q, kv: VECTOR[q / 2], IndexDTypeError),
        (lambda b, h, q, kv: VECTOR[q > 2], IndexDTypeError),
        (lambda b, h, q, kv: VECTOR[q.to(torch.uint8)], IndexDTypeError),
        (lambda b, h, q, kv: TABLE[b, True], UnsupportedOpError),
        (lambda b, h, q, kv: TABLE[b, [1, 2]], UnsupportedOpError),
        (lambda b, h, q, kv: TABLE[b, VECTOR.long()], WholeTensorOpError),
        (lambda b, h, q, kv: VECTOR[q:], DataDependentControlFlowError),
        (lambda b, h, q, kv: TABLE[b, :q], DataDependentControlFlowError),
        (lambda b, h, q, kv: VECTOR * 2, WholeTensorOpError),
        (lambda b, h, q, kv: (VECTOR + q)[h], WholeTensorOpError),
        (lambda b, h, q, kv: VECTOR.double()[h], WholeTensorOpError),
        (lambda b, h, q, kv: TABLE[b].sum(), WholeTensorOpError),
        (lambda b, h, q, kv: TABLE[b] + 1, WholeTensorOpError),
        (lambda b, h, q, kv: VECTOR.max(), WholeTensorOpError),
        (lambda b, h, q, kv: torch.where(VECTOR > 0, 1, 0)[h], WholeTensorOpError),
        (lambda b, h, q, kv: VECTOR[VECTOR > 2][h], WholeTensorOpError),
        (lambda b, h, q, kv: torch.ones(8, device="meta")[h], CaptureDeviceError),
        (lambda b, h, q, kv: torch.ones((), device="meta") + META[...], CaptureDeviceError),
        (lambda b, h, q, kv: COMPLEX[h], CaptureDtypeError),
        (lambda b, h, q, kv: FLOAT8[h], CaptureDtypeError),
        (lambda b, h, q, kv: NESTED[h], CaptureDtypeError),
        (lambda b, h, q, kv: NESTED[0][h] + JAGGED[h], CaptureDtypeError),
    ],
)
def test_refused(value: Callable[..., Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        trace(value)
    assert "expected" in str(caught.value) or "got" in str(caught.value)
    assert f"at {__file__}" in str(caught.value)


META = torch.ones((), device="meta")
COMPLEX = torch.ones(8, dtype=torch.complex64)
NESTED = torch.nested.nested_tensor([torch.ones(8), torch.ones(9)])
JAGGED = torch.nested.nested_tensor([torch.ones(8), torch.ones(9)], layout=torch.jagged)
FLOAT8 = torch.ones(8).to(torch.float8_e4m3fn)


def test_views_of_another_dtype_after_an_index() -> None:
    """Strides are those of the elements that are read; a wider one may not begin at each index."""
    table = torch.arange(64, dtype=torch.float32).reshape(4, 16)
    values: dict[str, Callable[[Any], Any]] = {
        "narrower": lambda h: table[h].view(torch.int16)[3],
        "bytes": lambda h: table[h].view(torch.uint8)[3],
        "as wide": lambda h: table[h].view(torch.int32)[3],
        "and back": lambda h: torch.view_as_complex(table.view(4, 8, 2)[h]).imag[3],
    }
    zeros = torch.zeros(1, 4, 1, 16)
    for name, value in values.items():
        mod = lambda s, b, h, q, kv: s + value(h)  # noqa: B023, E731
        _, lse = pyflex.compile(mod)(zeros, zeros, zeros, return_lse=True)
        expected = torch.stack([value(head).float() for head in range(4)])
        assert torch.allclose(lse.flatten(), expected), name
    with pytest.raises(UnsupportedOpError, match="wider dtype"):
        trace(lambda b, h, q, kv: table[h].view(torch.int64)[0])
