"""Each kind of bad input is its own error, says what was expected, and nothing is computed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

import pyflex
from pyflex import errors
from pyflex.decode import Decode
from tests.mods import causal

Change = Callable[[dict[str, Any]], None]


def arguments() -> dict[str, Any]:
    """A call that is fine."""
    return {
        "query": torch.randn(2, 8, 3, 16),
        "key": torch.randn(2, 2, 65, 16),
        "value": torch.randn(2, 2, 65, 24),
    }


def blocks(
    q_len: int = 3, keys: int = 65, batch: int | None = None, heads: int | None = None
) -> Any:
    return create_block_mask(causal, batch, heads, q_len, keys, device="cpu", BLOCK_SIZE=16)


def sliced() -> Any:
    return blocks(64, 65)[:, :, 0]


# Name, class, the builtin it also is, what to change, what the message says of the mistake.
MISTAKES: list[tuple[str, type[Exception], type[Exception], dict[str, Any], tuple[str, ...]]] = [
    ("query rank", errors.ShapeError, ValueError, {"query": torch.ones(8, 3, 16)},
     ("query", "4 dimensions", "3 dimensions")),
    ("key rank", errors.ShapeError, ValueError, {"key": torch.ones(2, 2, 65)},
     ("key", "4 dimensions", "(2, 2, 65)")),
    ("value rank", errors.ShapeError, ValueError, {"value": torch.ones(1, 2, 2, 65, 16)},
     ("value", "5 dimensions")),
    ("query no tensor", errors.DTypeError, TypeError, {"query": [1.0]}, ("query", "list")),
    ("key no tensor", errors.DTypeError, TypeError, {"key": None}, ("key", "NoneType")),
    ("query dtype", errors.DTypeError, TypeError, {"query": torch.ones(2, 8, 3, 16).double()},
     ("query", "float16, bfloat16 or float32", "torch.float64")),
    ("integer query", errors.DTypeError, TypeError, {"query": torch.ones(2, 8, 3, 16).int()},
     ("query", "torch.int32")),
    ("key dtype", errors.DTypeError, TypeError, {"key": torch.ones(2, 2, 65, 16).half()},
     ("key", "torch.float32", "torch.float16")),
    ("value dtype", errors.DTypeError, TypeError, {"value": torch.ones(2, 2, 65, 24).bfloat16()},
     ("value", "torch.bfloat16")),
    ("key device", errors.DeviceError, ValueError, {"key": torch.ones(2, 2, 65, 16, device="meta")},
     ("key", "cpu", "meta")),
    ("unserved device", errors.DeviceError, ValueError,
     {name: tensor.to("meta") for name, tensor in arguments().items()}, ("cuda or cpu", "meta")),
    ("head_dim", errors.ShapeError, ValueError, {"key": torch.ones(2, 2, 65, 24)},
     ("head_dim", "expected: 16", "got: 24")),
    ("small head_dim", errors.ShapeError, ValueError,
     {"query": torch.ones(2, 8, 3, 8), "key": torch.ones(2, 2, 65, 8)}, ("16 to 256", "got: 8")),
    ("large value dim", errors.ShapeError, ValueError, {"value": torch.ones(2, 2, 65, 257)},
     ("value", "16 to 256", "got: 257")),
    ("key length", errors.ShapeError, ValueError, {"value": torch.ones(2, 2, 64, 24)},
     ("value", "(2, 2, 65)", "(2, 2, 64)")),
    ("batch", errors.ShapeError, ValueError,
     {"key": torch.ones(3, 2, 65, 16), "value": torch.ones(3, 2, 65, 24)}, ("1 or 2", "got: 3")),
    ("heads", errors.HeadCountError, ValueError, {"query": torch.ones(2, 7, 3, 16)},
     ("multiple of 2", "got: 7")),
    ("no KV heads", errors.HeadCountError, ValueError,
     {"key": torch.ones(2, 0, 65, 16), "value": torch.ones(2, 0, 65, 24)}, ("multiple of 0",)),
    ("gradient", errors.GradientError, ValueError,
     {"query": torch.ones(2, 8, 3, 16, requires_grad=True)}, ("query", "no_grad")),
    ("block_mask type", errors.BlockMaskError, ValueError, {"block_mask": torch.ones(3, 65)},
     ("BlockMask", "Tensor")),
    ("block_mask keys", errors.BlockMaskError, ValueError, {"block_mask": blocks(keys=64)},
     ("too small", "keys", "at least 65", "got: 64")),
    ("block_mask queries", errors.BlockMaskError, ValueError, {"block_mask": blocks(q_len=2)},
     ("too small", "queries", "at least 3", "got: 2")),
    ("block_mask batch", errors.BlockMaskError, ValueError, {"block_mask": blocks(batch=3)},
     ("batch", "1 or 2", "got: 3")),
    ("block_mask heads", errors.BlockMaskError, ValueError, {"block_mask": blocks(heads=2)},
     ("heads", "1 or 8", "got: 2")),
    ("block_mask device", errors.BlockMaskError, ValueError,
     {"block_mask": blocks().to("meta")}, ("device", "cpu", "meta")),
    ("block_mask slice", errors.BlockMaskError, ValueError, {"block_mask": sliced()},
     ("sliced", "mask_mod")),
    ("kv_len too large", errors.ShapeError, ValueError, {"kv_len": 66}, ("kv_len", "0 to 65")),
    ("kv_len negative", errors.ShapeError, ValueError, {"kv_len": -1}, ("kv_len", "-1")),
    ("kv_len type", errors.DTypeError, TypeError, {"kv_len": 3.0}, ("kv_len", "float")),
    ("kv_len bool", errors.DTypeError, TypeError, {"kv_len": True}, ("kv_len", "bool")),
    ("kv_len dtype", errors.DTypeError, TypeError, {"kv_len": torch.ones(2)},
     ("kv_len", "int32 or int64", "torch.float32")),
    ("kv_len shape", errors.ShapeError, ValueError,
     {"kv_len": torch.ones(3, dtype=torch.int32)}, ("kv_len", "[2]", "[3]")),
    ("kv_len rank", errors.ShapeError, ValueError,
     {"kv_len": torch.ones(2, 1, dtype=torch.int32)}, ("kv_len", "[2, 1]")),
    ("kv_len device", errors.DeviceError, ValueError,
     {"kv_len": torch.ones(2, dtype=torch.int32, device="meta")}, ("kv_len", "meta")),
    ("q_offset type", errors.DTypeError, TypeError, {"q_offset": "end"}, ("q_offset", "str")),
    ("no heads", errors.HeadCountError, ValueError, {"query": torch.ones(2, 0, 3, 16)},
     ("multiple of 2", "got: 0")),
    ("query sparse", errors.LayoutError, ValueError, {"query": torch.ones(2, 8, 3, 16).to_sparse()},
     ("query", "dense", "torch.sparse_coo")),
    ("key negated", errors.LayoutError, ValueError,
     {"key": torch._neg_view(torch.ones(2, 2, 65, 16))}, ("key", "resolve_neg()")),
    ("value fake", errors.LayoutError, ValueError,
     {"value": FakeTensorMode().from_tensor(torch.ones(2, 2, 65, 24))}, ("value", "FakeTensor")),
    ("query nested", errors.LayoutError, ValueError,
     {"query": torch.nested.nested_tensor([torch.ones(8, 3, 16), torch.ones(8, 4, 16)])},
     ("query", "dense")),
    ("kv_len fake", errors.LayoutError, ValueError,
     {"kv_len": FakeTensorMode().from_tensor(torch.ones(2, dtype=torch.int32))},
     ("kv_len", "FakeTensor")),
    ("q_offset range", errors.ShapeError, ValueError, {"q_offset": 2**31},
     ("q_offset", "2147483648")),
    ("q_offset dtype", errors.DTypeError, TypeError,
     {"q_offset": torch.ones(2, dtype=torch.int16)}, ("q_offset", "torch.int16")),
    ("q_offset shape", errors.ShapeError, ValueError,
     {"q_offset": torch.ones(1, dtype=torch.int64)}, ("q_offset", "[2]", "[1]")),
]  # fmt: skip


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test in which a kernel is looked for or its results are allocated."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was computed")

    monkeypatch.setattr("pyflex.compiler.run_pipeline", refuse)
    monkeypatch.setattr("pyflex.compiler.jit", refuse)
    monkeypatch.setattr("pyflex.run.Runner.run", refuse)


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("error", "builtin", "change", "parts"),
    [mistake[1:] for mistake in MISTAKES],
    ids=[mistake[0].replace(" ", "_") for mistake in MISTAKES],
)
def test_mistake(
    error: type[Exception], builtin: type[Exception], change: dict[str, Any], parts: tuple[str, ...]
) -> None:
    given = {**arguments(), **change}
    with pytest.raises(error) as caught:
        pyflex.compile(None, causal)(**given)
    assert type(caught.value) is error
    assert isinstance(caught.value, builtin)
    message = str(caught.value)
    for part in (*parts, "expected:", "got:"):
        assert part in message
    assert f"at {__file__}:" in message
    assert "pyflex.compile(None, causal)(**given)" in message


@pytest.mark.parametrize(
    ("error", "scale", "part"),
    [
        (errors.DTypeError, "1", "str"),
        (errors.DTypeError, True, "bool"),
        (errors.DTypeError, 1j, "complex"),
        (errors.DTypeError, torch.tensor(0.5), "Tensor"),
        (errors.ConstantRangeError, 1e39, "1e+39"),
        (errors.ConstantRangeError, 3e38, "a size of at most 2.35e+38"),
        (errors.ConstantRangeError, -(10**400), "-1000"),
    ],
)
def test_a_scale_is_a_number_of_float32(error: type[Exception], scale: Any, part: str) -> None:
    with pytest.raises(error) as caught:
        pyflex.compile()(**arguments(), scale=scale)
    for wanted in ("scale", "expected:", "got:", part, f"at {__file__}:"):
        assert wanted in str(caught.value)
    given = arguments()
    with pytest.raises(error):  # without a row, too
        pyflex.compile()(**{**given, "query": given["query"][:, :, :0]}, scale=scale)


def test_the_largest_scale() -> None:
    given = arguments()
    small = {**given, "query": given["query"] * 1e-38}
    got = pyflex.compile()(**small, scale=2.35e38)
    assert torch.allclose(got, pyflex.compile()(**given, scale=2.35), atol=1e-4)


def test_a_cache_that_grows_too_long() -> None:
    def cache(length: int) -> torch.Tensor:
        return torch.zeros(1, dtype=torch.float16).expand(1, 1, length, 16)

    decode = pyflex.compile()
    for length in (100, 2**31 - 513, 2**31 - 512, 2**31):
        given = (cache(1), cache(length), cache(length))
        if length < 2**31 - 512:
            decode(*given, kv_len=3)
            continue
        with pytest.raises(errors.ShapeError, match="key is too long"):
            decode(*given, kv_len=3)


def test_results_need_memory() -> None:
    given, decode = arguments(), pyflex.compile()
    with FakeTensorMode(), pytest.raises(errors.LayoutError, match="FakeTensorMode"):
        decode(**given)
    query = given.pop("query")
    for warm in (False, True):
        if warm:
            decode(query, **given)
        with pytest.raises(errors.LayoutError, match="outside of make_fx"):
            make_fx(lambda one: decode(one, **given))(query)
        with pytest.raises(errors.LayoutError, match=r"outside of torch\.jit\.trace"):
            torch.jit.trace(lambda one: decode(one, **given), query)
    with pytest.raises(errors.LayoutError, match="query"):
        torch.vmap(lambda one: decode(one, **given))(query[None])
    for transform in (torch.func.grad, lambda f: lambda x: torch.func.jvp(f, (x,), (x,))):
        with pytest.raises(errors.LayoutError, match=r"outside of torch\.func"):
            transform(lambda one: decode(one, **given).sum())(query)
        with pytest.raises(errors.LayoutError, match=r"outside of torch\.func"):
            transform(lambda one: decode(query, **given).sum() * one.sum())(query)


def test_a_call_in_a_mod_is_refused() -> None:
    given, inner = arguments(), pyflex.compile()
    decode = pyflex.compile(lambda s, b, h, q, kv: s * inner(**given)[0, 0, 0, 0])
    with pytest.raises(errors.LayoutError, match="outside of the trace of a mod"):
        decode(**given)


def test_tangents_are_refused() -> None:
    given, decode = arguments(), pyflex.compile()
    bias = torch.randn(8)
    wanted = decode(**given)
    with forward_ad.dual_level():
        dual = {**given, "key": forward_ad.make_dual(given["key"], given["key"])}
        with pytest.raises(errors.GradientError, match="key has a tangent"):
            decode(**dual)
        bias = forward_ad.make_dual(bias, bias)
        with pytest.raises(errors.GradientError, match="a mod reads has a tangent"):
            pyflex.compile(lambda s, b, h, q, kv: s + bias[h])(**given)
        assert torch.equal(decode(**given), wanted)


def test_a_subclass_without_operations_of_its_own_is_a_tensor() -> None:
    class Named(torch.Tensor):
        pass

    given = arguments()
    wanted = pyflex.compile()(**given)
    given["query"] = given["query"].as_subclass(Named)  # type: ignore[attr-defined]
    assert torch.equal(pyflex.compile()(**given), wanted)


def test_copies_of_a_decode() -> None:
    given, decode = arguments(), pyflex.compile(None, causal, options=pyflex.Options(keys=32))
    wanted = decode(**given)
    for made in (copy.copy(decode), copy.deepcopy(decode), pickle.loads(pickle.dumps(decode))):
        assert made.options == decode.options
        assert torch.equal(made(**given), wanted)


def test_the_good_call_is_good() -> None:
    decode = pyflex.compile(None, causal)
    out = decode(**arguments(), q_offset=62, kv_len=64)
    assert out.shape == (2, 8, 3, 24)
    out, lse = decode(**arguments(), return_lse=True, block_mask=blocks())
    assert lse.shape == (2, 8, 3)


def test_gradients_are_fine_where_they_are_off() -> None:
    given = arguments()
    given["query"].requires_grad_()
    with torch.no_grad():
        assert not pyflex.compile()(**given).requires_grad
    with torch.inference_mode():
        pyflex.compile()(**given)


def test_a_captured_tensor_that_learns() -> None:
    bias = torch.nn.Parameter(torch.randn(8))
    decode = pyflex.compile(lambda s, b, h, q, kv: s + bias[h])
    with torch.no_grad():
        expected = decode(**arguments())
    assert expected.isfinite().all()
    with pytest.raises(errors.GradientError, match="a mod reads"):
        decode(**arguments())
    given = arguments()
    with torch.no_grad():
        wanted = decode(**given)
    assert torch.equal(pyflex.compile(lambda s, b, h, q, kv: s + bias.detach()[h])(**given), wanted)


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_tensor_without_dimensions_is_for_all_entries(batch: int) -> None:
    given = {name: tensor[:batch] for name, tensor in arguments().items()}
    decode = pyflex.compile(mask_fn=causal)
    wanted = decode(**given, q_offset=9, kv_len=12)
    for length, offset in ((torch.tensor(12), 9), (12, torch.tensor(9, dtype=torch.int32))):
        assert torch.equal(decode(**given, q_offset=offset, kv_len=length), wanted)
        told = decode.explain(**given, q_offset=offset, kv_len=length)
        assert told.tiles == decode.explain(**given, q_offset=9, kv_len=12).tiles


def test_mods_must_be_callable() -> None:
    with pytest.raises(errors.ModArityError, match="score_fn is not callable"):
        pyflex.compile(3)  # type: ignore[arg-type]
    with pytest.raises(errors.ModArityError, match="mask_fn is not callable"):
        pyflex.compile(None, "causal")  # type: ignore[arg-type]
    with pytest.raises(errors.ScheduleError, match="no Options"):
        pyflex.compile(options={"rows": 16})  # type: ignore[arg-type]


def table_mods(batch: int, heads: int, keys: int) -> Decode:
    by_batch, by_head, by_key = torch.zeros(batch), torch.zeros(heads), torch.zeros(keys)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + by_batch[b] + by_head[h] + by_key[kv]

    return pyflex.compile(score)


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ((1, 8, 65), ("b indexes", "(1,)", "at least 2 entries")),
        ((2, 7, 65), ("h indexes", "(7,)", "at least 8 entries")),
        ((2, 8, 64), ("kv indexes", "(64,)", "at least 65 entries")),
    ],
)
def test_captured_table_too_small(sizes: tuple[int, int, int], parts: tuple[str, ...]) -> None:
    with pytest.raises(errors.CaptureIndexError) as caught:
        table_mods(*sizes)(**arguments())
    for part in (*parts, "score_mod", "expected:", "got:", f"at {__file__}:"):
        assert part in str(caught.value)
    # The line of the mod, not that of the call.
    assert caught.value.at is not None
    assert "[" in caught.value.at.text
    assert "arguments()" not in caught.value.at.text


def test_captured_table_needs_no_more_than_kv_len() -> None:
    decode = table_mods(2, 8, 64)
    assert decode(**arguments(), kv_len=64).isfinite().all()
    with pytest.raises(errors.CaptureIndexError):
        decode(**arguments(), kv_len=65)


def test_mods_are_checked_before_anything_runs() -> None:
    cases: list[tuple[type[errors.PyflexError], Any, Any]] = [
        (errors.ModArityError, lambda s, b, h, q: s, None),
        (errors.ModArityError, None, lambda b, h, q: q > b),
        (errors.ModResultError, lambda s, b, h, q, kv: q, None),
        (errors.ModResultError, None, lambda b, h, q, kv: q - kv),
        (errors.IndexRankError, lambda s, b, h, q, kv: s + TABLE[b, h], None),
        (errors.IndexDTypeError, lambda s, b, h, q, kv: s + TABLE[s], None),
        (errors.WholeTensorOpError, lambda s, b, h, q, kv: s + TABLE.sum(), None),
        (errors.UnsupportedOpError, lambda s, b, h, q, kv: torch.lgamma(s), None),
        (errors.MutationError, lambda s, b, h, q, kv: s.add_(1), None),
        (errors.DataDependentControlFlowError, None, lambda b, h, q, kv: q > kv if q else q < kv),
        (errors.CaptureDtypeError, lambda s, b, h, q, kv: s + COMPLEX[h].real, None),
        (errors.CaptureDeviceError, lambda s, b, h, q, kv: s + ELSEWHERE[h], None),
    ]
    for error, score, mask in cases:
        decode = pyflex.compile(score, mask)
        for _ in range(2):  # nothing half done is kept
            with pytest.raises(error) as caught:
                decode(**arguments())
            assert caught.value.at is not None
            assert "lambda" in caught.value.at.text


TABLE = torch.zeros(8)
COMPLEX = torch.zeros(8, dtype=torch.complex64)
ELSEWHERE = torch.zeros(8, device="meta")


def test_a_block_masks_own_mod_is_traced_and_checked() -> None:
    good = blocks()
    bad = BlockMask.from_kv_blocks(
        good.kv_num_blocks,
        good.kv_indices,
        BLOCK_SIZE=16,
        mask_mod=lambda b, h, q, kv: q - kv,
        seq_lengths=(3, 65),
    )
    with pytest.raises(errors.ModResultError, match="0-d bool"):
        pyflex.compile()(**arguments(), block_mask=bad)


def test_what_is_asked_for_has_a_type() -> None:
    decode: Any = pyflex.compile()
    for warm in (False, True):
        if warm:
            decode(**arguments())
        for given in ("yes", 2, 0, None, [], torch.tensor(True), torch.tensor(False)):
            for call, name in (
                (decode, "return_lse"),
                (decode.run, "lse"),
                (decode.run, "max_scores"),
                (decode.explain, "return_lse"),
                (pyflex.flex_attention, "return_lse"),
                (pyflex.flex_attention, "enable_gqa"),
            ):
                with pytest.raises(errors.DTypeError, match=f"{name} has the wrong type"):
                    call(**arguments(), **{name: given})
    with pytest.raises(errors.ScheduleError, match="no such stage"):
        decode.ir([])
    with pytest.raises(errors.ScheduleError, match=r"target='cuda:90'"):
        decode.ir("ptx")
    tune: Any = pyflex.tune
    with pytest.raises(errors.ScheduleError, match=r"pyflex\.compile"):
        tune("x", *arguments().values())
    for candidates in (pyflex.Options(), [{"keys": 64}], "keys"):
        with pytest.raises(errors.ScheduleError, match=r"pyflex\.Options"):
            tune(decode, *arguments().values(), candidates=candidates)


def test_an_explanation_takes_the_arguments_of_a_call() -> None:
    decode = pyflex.compile(mask_fn=causal)
    given = {"q_offset": 30, "kv_len": 40, "scale": 0.5, "return_lse": True}
    assert decode.explain(**arguments(), **given).tiles
    with pytest.raises(errors.DTypeError, match="scale"):
        decode.explain(**arguments(), scale="large")  # type: ignore[arg-type]


def test_integers_of_other_libraries() -> None:
    decode = pyflex.compile(None, lambda b, h, q, kv: kv <= q)
    query, key = torch.randn(1, 2, 1, 16), torch.randn(1, 2, 64, 16)
    expected = decode(query, key, key, q_offset=20, kv_len=40)
    assert torch.equal(
        decode(query, key, key, q_offset=np.int64(20), kv_len=np.int32(40)), expected
    )
    told = decode.explain(query, key, key, q_offset=np.int64(20), kv_len=np.uint8(40))
    assert told == decode.explain(query, key, key, q_offset=20, kv_len=40)
    with pytest.raises(errors.DTypeError):
        decode(query, key, key, kv_len=np.float32(40))


def test_a_decode_says_what_it_is_made_of() -> None:
    decode = pyflex.compile(None, lambda b, h, q, kv: kv <= q, options=pyflex.Options(splits=2))
    shown = repr(decode)
    assert shown.startswith(f"Decode(mask_fn=<lambda> at {__file__}:")
    assert "splits=2" in shown
    assert repr(pyflex.compile()) == "Decode()"
