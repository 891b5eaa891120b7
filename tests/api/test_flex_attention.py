"""`pyflex.flex_attention` is torch's function: signature, results and errors."""

from __future__ import annotations

import gc
import inspect
import sys
import warnings
import weakref
from typing import Any

import pytest
import torch
import torch.nn.attention.flex_attention as torch_flex
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask

import pyflex
from pyflex import errors
from tests.mods import causal


def tensors(
    heads: tuple[int, int] = (8, 2), q_len: int = 33, keys: int = 77
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.randn(2, heads[0], q_len, 16),
        torch.randn(2, heads[1], keys, 16),
        torch.randn(2, heads[1], keys, 24),
    )


def blocks(q_len: int = 33, keys: int = 77) -> Any:
    return create_block_mask(causal, None, None, q_len, keys, device="cpu")


def softcap(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    return 2.0 * torch.tanh(s / 2.0) + h - b


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)


def test_signature_is_torchs() -> None:
    ours = inspect.signature(pyflex.flex_attention).parameters
    theirs = inspect.signature(torch_flex.flex_attention).parameters
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        assert ours[name].kind == parameter.kind
        assert ours[name].default == parameter.default


def test_same_results() -> None:
    q, k, v = tensors()
    for arguments in (
        {},
        {"score_mod": softcap},
        {"block_mask": blocks()},
        {"score_mod": softcap, "block_mask": blocks(), "scale": 0.3},
    ):
        given: dict[str, Any] = {**arguments, "enable_gqa": True}
        aux = AuxRequest(lse=True)
        out, stats = pyflex.flex_attention(q, k, v, **given, return_aux=aux)
        wanted, wanted_stats = torch_flex.flex_attention(q, k, v, **given, return_aux=aux)
        torch.testing.assert_close(out, wanted)
        torch.testing.assert_close(stats.lse, wanted_stats.lse)
        torch.testing.assert_close(pyflex.flex_attention(q, k, v, **given), wanted)


def test_max_scores() -> None:
    """torch does not give them on a CPU: the largest score after both mods, natural."""
    q, k, v = tensors()
    b, h, row, column = (
        torch.arange(size).reshape([-1 if dim == place else 1 for dim in range(4)])
        for place, size in enumerate((2, 8, 33, 77))
    )
    scores = softcap(q @ k.repeat_interleave(4, 1).transpose(2, 3) / 4, b, h, row, column)
    wanted = scores.where(causal(b, h, row, column), -torch.inf).amax(-1)
    request = AuxRequest(lse=True, max_scores=True)
    given: dict[str, Any] = {"score_mod": softcap, "block_mask": blocks(), "enable_gqa": True}
    out, stats = pyflex.flex_attention(q, k, v, **given, return_aux=request)
    torch.testing.assert_close(stats.max_scores, wanted)
    plain, lse = pyflex.flex_attention(q, k, v, **given, return_aux=AuxRequest(lse=True))
    torch.testing.assert_close(out, plain)
    torch.testing.assert_close(stats.lse, lse.lse)


def test_largest_scores_of_a_split() -> None:
    """Combined in a cluster, in a few parts, and in many, of which some see no key."""
    q, k, v = torch.randn(3, 1, 2, 64, 16)
    request = AuxRequest(max_scores=True)
    wanted = (q @ k.transpose(2, 3) / 4).amax(-1)
    for parts in (1, 4, 8, 9, 40):
        options = {"SPLIT_KV": parts}
        _, aux = pyflex.flex_attention(q, k, v, kernel_options=options, return_aux=request)
        torch.testing.assert_close(aux.max_scores, wanted)


def test_only_what_was_asked_for() -> None:
    q, k, v = tensors((2, 2))
    out = pyflex.flex_attention(q, k, v)
    assert isinstance(out, torch.Tensor)
    out, aux = pyflex.flex_attention(q, k, v, return_aux=AuxRequest())
    assert aux.lse is None
    assert aux.max_scores is None
    out, aux = pyflex.flex_attention(q, k, v, return_aux=AuxRequest(max_scores=True))
    assert aux.lse is None
    assert aux.max_scores is not None


def test_return_lse_is_deprecated_but_works() -> None:
    q, k, v = tensors((2, 2))
    with pytest.warns(FutureWarning, match="return_aux"):
        out, lse = pyflex.flex_attention(q, k, v, return_lse=True)
    with warnings.catch_warnings(action="ignore"):
        wanted, wanted_lse = torch_flex.flex_attention(q, k, v, return_lse=True)
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(lse, wanted_lse)


def test_one_key_batch_broadcasts_with_a_block_mask() -> None:
    q, k, v = tensors()
    block_mask = create_block_mask(causal, 2, None, 33, 77, device="cpu")
    given: dict[str, Any] = {"block_mask": block_mask, "enable_gqa": True}
    torch.testing.assert_close(
        pyflex.flex_attention(q, k[:1], v[:1], **given),
        torch_flex.flex_attention(q, k[:1], v[:1], **given),
    )


@pytest.mark.parametrize(
    ("error", "change", "part"),
    [
        (errors.HeadCountError, {}, "enable_gqa=True"),
        (errors.HeadCountError, {"enable_gqa": True, "heads": (7, 2)}, "multiple of 2"),
        (errors.BlockMaskError, {"enable_gqa": True, "block_mask": blocks(keys=200)}, ", 200)"),
        (errors.BlockMaskError, {"enable_gqa": True, "block_mask": blocks(q_len=40)}, "=(40, "),
        (errors.BlockMaskError, {"enable_gqa": True, "block_mask": blocks(keys=20)}, "at least 77"),
        (errors.ShapeError, {"enable_gqa": True, "kv_batch": 1}, "batch"),
        (errors.ScheduleError, {"heads": (2, 2), "kernel_options": {"BLOCK_Q": 3}}, "BLOCK_Q"),
        (
            errors.ScheduleError,
            {"heads": (2, 2), "return_lse": True, "return_aux": AuxRequest()},
            "exclude",
        ),
        (errors.ScheduleError, {"heads": (2, 2), "return_aux": {"lse": True}}, "AuxRequest"),
        (errors.ScheduleError, {"heads": (2, 2), "kernel_options": ["BLOCK_M"]}, "a dict"),
        (errors.ScheduleError, {"heads": (2, 2), "kernel_options": {1: 2}}, "BLOCK_M"),
        (errors.ScheduleError, {"heads": (2, 2), "kernel_options": {"num_warps": [4]}}, "[4]"),
    ],
)
def test_errors(error: type[Exception], change: dict[str, Any], part: str) -> None:
    given = dict(change)
    q, k, v = tensors(given.pop("heads", (8, 2)))
    kv_batch = given.pop("kv_batch", 2)
    with pytest.raises(error) as caught:
        pyflex.flex_attention(q, k[:kv_batch], v[:kv_batch], **given)
    for wanted in (part, "expected:", "got:", f"at {__file__}:"):
        assert wanted in str(caught.value)
    assert isinstance(caught.value, ValueError)  # as torch's are


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"enable_gqa": True, "heads": (7, 2)},
        {"enable_gqa": True, "block_mask": blocks(keys=20)},
    ],
)
def test_torch_refuses_it_too(change: dict[str, Any]) -> None:
    given = dict(change)
    q, k, v = tensors(given.pop("heads", (8, 2)))
    with pytest.raises(ValueError, match=r".") as theirs:
        torch_flex.flex_attention(q, k, v, **given)
    with pytest.raises(type(theirs.value)):
        pyflex.flex_attention(q, k, v, **given)


def test_kernel_options_that_mean_something() -> None:
    q, k, v = tensors((2, 2))
    options = {"BLOCK_M": 16, "BLOCK_N": 32, "num_warps": 2, "num_stages": 1, "SPLIT_KV": 2}
    torch.testing.assert_close(
        pyflex.flex_attention(q, k, v, kernel_options=options), pyflex.flex_attention(q, k, v)
    )


class Equal:
    """A mod that is equal to all others of its kind."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equal)

    def __hash__(self) -> int:
        return 0

    def score(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + self.shift * kv

    __call__ = score


class Unhashable(Equal):
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [Equal, Unhashable])
def test_mods_are_told_apart_by_identity(kind: type[Equal]) -> None:
    q, k, v = tensors((2, 2), 1)
    for mod in (kind(0.0), kind(0.5)):
        wanted = pyflex.compile(mod)(q, k, v)
        assert torch.equal(pyflex.flex_attention(q, k, v, mod), wanted)
        assert torch.equal(pyflex.flex_attention(q, k, v, mod.score), wanted)


def test_a_bound_method_is_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = tensors((2, 2), 1)
    mod = Equal(0.25)
    pyflex.flex_attention(q, k, v, mod.score)
    monkeypatch.setattr(sys.modules["pyflex.flex_attention"], "compile", None)
    pyflex.flex_attention(q, k, v, mod.score)


def test_mods_are_kept_for_a_while_only() -> None:
    q, k, v = tensors((2, 2), 1, 16)

    def use() -> weakref.ref[torch.Tensor]:
        table = torch.randn(16)
        pyflex.flex_attention(q, k, v, lambda s, b, h, q, kv: s + table[kv])
        return weakref.ref(table)

    first = use()
    for _ in range(128):
        use()
    gc.collect()
    assert first() is None


def test_a_block_masks_mod_needs_no_hash() -> None:
    class Causal:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, b: Any, h: Any, q: Any, kv: Any) -> Any:
            return q >= kv

    q, k, v = tensors((2, 2))
    made = create_block_mask(Causal(), None, None, 33, 77, device="cpu")
    wanted = pyflex.flex_attention(q, k, v, block_mask=blocks())
    assert torch.equal(pyflex.flex_attention(q, k, v, block_mask=made), wanted)
