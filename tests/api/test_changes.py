"""What a call reads may change between calls: the next one sees it, and reads no freed memory."""

from __future__ import annotations

import functools
import gc
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    and_masks,
    create_block_mask,
)

import pyflex
from pyflex import errors, recompiles
from pyflex.mods import Mods
from tests.mods import causal

LARGE = 1 << 20


def weight(decode: pyflex.Decode, **given: Any) -> float:
    """What a mod adds to each score, or the share of four keys that is visible."""
    query, key = torch.zeros(1, 2, 1, 16), torch.zeros(1, 2, 4, 16)
    lse = decode(query, key, key, return_lse=True, **given)[1]
    return float(lse[0, 0, 0] - torch.tensor(4.0).log())


class InList(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tables = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(LARGE))])

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + self.tables[0][h]


@torch.no_grad()
def test_a_module_is_moved() -> None:
    module = InList()
    decode = pyflex.compile(module)
    assert weight(decode) == pytest.approx(1.0)
    module.double()
    assert weight(decode) == pytest.approx(1.0)
    module.tables[0].mul_(2.0)
    assert weight(decode) == pytest.approx(2.0)


class Hides:
    """Keeps a tensor where Python code cannot look."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.get = iter(lambda: tensor, None).__next__


def test_a_captured_tensor_is_watched_however_it_was_reached() -> None:
    table = torch.ones(LARGE)
    hides = Hides(table)
    decode = pyflex.compile(lambda s, b, h, q, kv: s + hides.get()[h])
    assert weight(decode) == pytest.approx(1.0)
    table.set_(torch.full((LARGE,), 2.0))  # type: ignore[call-overload]
    assert weight(decode) == pytest.approx(2.0)


def test_freed_storage_is_refused() -> None:
    table = torch.ones(4)
    decode = pyflex.compile(lambda s, b, h, q, kv: s + table[h])
    assert weight(decode) == pytest.approx(1.0)
    table.untyped_storage().resize_(0)
    with pytest.raises(errors.CaptureDtypeError):
        weight(decode)
    query = torch.zeros(1, 2, 1, 16)
    pyflex.compile()(query, query, query)
    query.untyped_storage().resize_(0)
    with pytest.raises(errors.LayoutError):
        pyflex.compile()(query, query, query)


def first_twenty() -> BlockMask:
    return create_block_mask(lambda b, h, q, kv: kv < 20, None, None, 1, 4, device="cpu")


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_a_block_masks_lists_are_replaced(dtype: torch.dtype) -> None:
    mask, decode = first_twenty(), pyflex.compile()
    mask.full_kv_num_blocks = mask.full_kv_num_blocks.to(dtype)
    assert weight(decode, block_mask=mask) == pytest.approx(0.0)
    assert mask.full_kv_num_blocks is not None
    mask.full_kv_num_blocks.zero_()
    mask.kv_num_blocks.zero_()
    assert weight(decode, block_mask=mask) == -torch.inf
    mask.full_kv_num_blocks = torch.ones(1, 1, 1, dtype=dtype)
    assert weight(decode, block_mask=mask) == pytest.approx(0.0)


def test_a_block_masks_lists_move() -> None:
    """Lists that the kernel reads where they are."""
    decode, size = pyflex.compile(), 1 << 20
    mask = BlockMask.from_kv_blocks(
        torch.ones(1, 1, 1, dtype=torch.int32),
        torch.zeros(1, 1, 1, size, dtype=torch.int32),
        BLOCK_SIZE=2,
        seq_lengths=(1, 4),
        compute_q_blocks=False,
    )
    half = weight(decode, block_mask=mask)
    assert half == pytest.approx(-torch.tensor(2.0).log().item())
    mask.kv_num_blocks.data = torch.full((1, 1, 1), 2, dtype=torch.int32)
    mask.kv_indices.data = torch.arange(size, dtype=torch.int32)[None, None, None]
    assert weight(decode, block_mask=mask) == pytest.approx(0.0)
    mask.kv_indices.resize_(1, 1, 1, 4 * size)
    assert weight(decode, block_mask=mask) == pytest.approx(0.0)
    mask.kv_indices.untyped_storage().resize_(0)
    with pytest.raises(errors.BlockMaskError, match="cannot be read"):
        weight(decode, block_mask=mask)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("kv_indices", torch.zeros(1, 1, 1, 1, dtype=torch.int32, device="meta"), "device"),
        ("kv_indices", torch.zeros(1, 1, 1, 1), "integers"),
        ("kv_indices", None, "no tensor"),
        ("kv_num_blocks", "a", "no tensor"),
        ("kv_num_blocks", torch.ones(1, 1, 1, 1, 1, dtype=torch.int32), "rank"),
        ("full_kv_indices", None, "no tensor"),
        ("BLOCK_SIZE", (0, 0), "BLOCK_SIZE"),
        ("BLOCK_SIZE", (16,), "BLOCK_SIZE"),
        ("BLOCK_SIZE", (16.0, 16.0), "BLOCK_SIZE"),
        ("seq_lengths", None, "seq_lengths"),
        ("seq_lengths", ("a", "b"), "seq_lengths"),
    ],
)
def test_a_damaged_block_mask(name: str, value: Any, part: str) -> None:
    mask = first_twenty()
    setattr(mask, name, value)
    with pytest.raises(errors.BlockMaskError, match=part):
        weight(pyflex.compile(), block_mask=mask)


@pytest.mark.parametrize("size", [1 << 20, 1 << 30, 1 << 40])
def test_a_block_behind_all_keys_costs_nothing(size: int) -> None:
    """The kernel would look at each of its tiles."""
    mask = BlockMask.from_kv_blocks(
        torch.ones(1, 1, 1, dtype=torch.int32),
        torch.zeros(1, 1, 1, 1, dtype=torch.int32),
        BLOCK_SIZE=size,
        mask_mod=lambda b, h, q, kv: kv < 2,
        seq_lengths=(1, 4),
    )
    assert weight(pyflex.compile(), block_mask=mask) == pytest.approx(-0.6931, abs=1e-3)
    query, key = torch.zeros(1, 2, 1, 16), torch.zeros(1, 2, 4, 16)
    _, aux = pyflex.flex_attention(
        query, key, key, block_mask=mask, return_aux=AuxRequest(lse=True)
    )
    assert aux.lse[0, 0, 0].exp() == pytest.approx(2.0)


def test_a_block_masks_lists_are_turned() -> None:
    """In place: the same memory and size, other strides."""
    indices = torch.tensor([[[[0, 1], [1, 0]]]], dtype=torch.int32)
    counts = torch.ones(1, 1, 2, dtype=torch.int32)
    mask = BlockMask.from_kv_blocks(
        counts, indices, BLOCK_SIZE=(2, 2), seq_lengths=(4, 4), compute_q_blocks=False
    )
    query, key = torch.zeros(1, 2, 4, 16), torch.zeros(1, 2, 4, 16)
    value = torch.arange(4.0)[:, None].expand(4, 16)[None, None].expand(1, 2, 4, 16)
    decode = pyflex.compile()
    seen = [0.5, 0.5, 2.5, 2.5]
    assert decode(query, key, value, block_mask=mask)[0, 0, :, 0].tolist() == seen
    indices.copy_(torch.tensor([[0, 0], [1, 1]]))
    assert decode(query, key, value, block_mask=mask)[0, 0, :, 0].tolist() == seen
    mask.kv_indices.transpose_(2, 3)
    assert decode(query, key, value, block_mask=mask)[0, 0, :, 0].tolist() == [0.5] * 4


def test_lists_made_under_inference_mode() -> None:
    with torch.inference_mode():
        mask = first_twenty()
        mask.kv_num_blocks, mask.kv_indices = mask.kv_num_blocks.long(), mask.kv_indices.long()
        assert weight(pyflex.compile(), block_mask=mask) == pytest.approx(0.0)
        mask.full_kv_num_blocks = None
        mask.kv_num_blocks.zero_()
        assert weight(pyflex.compile(), block_mask=mask) == -torch.inf


def test_a_block_mask_has_rows_for_all_queries() -> None:
    whole = create_block_mask(causal, None, None, 64, 64, device="cpu", BLOCK_SIZE=(4, 16))
    part = whole[:, :, 3]
    part.mask_mod = whole.mask_mod
    given = [torch.randn(1, 2, 64, 16) for _ in range(3)]
    with pytest.raises(errors.BlockMaskError, match="fewer rows"):
        pyflex.compile()(*given, block_mask=part)
    whole.kv_indices = whole.kv_indices[:, :, :3]
    with pytest.raises(errors.BlockMaskError, match="do not fit together"):
        pyflex.compile()(*given, block_mask=whole)


@pytest.mark.parametrize("size", [16, 24])
def test_what_lists_say_is_not_believed(size: int) -> None:
    """More blocks than a row has, and blocks that do not exist: of a list only its row is read."""

    def given(count: int, blocks: list[int]) -> BlockMask:
        mask = BlockMask.from_kv_blocks(
            torch.tensor([[[4]]], dtype=torch.int32),
            torch.tensor([[[[0, 1, 2, 3]]]], dtype=torch.int32),
            BLOCK_SIZE=(4, size),
            seq_lengths=(4, 4 * size),
        )
        mask.kv_num_blocks.fill_(count)
        mask.kv_indices.copy_(torch.tensor(blocks))
        return mask

    query, key = torch.randn(1, 2, 4, 16), torch.randn(1, 2, 4 * size, 16)
    decode = pyflex.compile()
    wanted = decode(query, key, key)
    torch.testing.assert_close(decode(query, key, key, block_mask=given(4, [0, 1, 2, 3])), wanted)
    torch.testing.assert_close(
        decode(query, key, key, block_mask=given(10**6, [0, 1, 2, 3])), wanted
    )
    for blocks in ([-5, 1, 2, 3], [0, 1, 2, 2**31 - 1], [-(2**31), 1, 2, 3], [0, 1, 2, 2**27]):
        assert decode(query, key, key, block_mask=given(4, blocks)).isfinite().all()
    empty = decode(query, key, key, block_mask=given(-3, [0, 1, 2, 3]))
    assert not empty.any()


@pytest.mark.parametrize("off", [(), ("flex-combine-in-cluster",)])
def test_another_default_device(off: tuple[str, ...]) -> None:
    decode = pyflex.compile(options=pyflex.Options(splits=4, disable_passes=off))
    query, key = torch.randn(1, 2, 1, 16), torch.randn(1, 2, 4096, 16)
    wanted = decode(query, key, key)
    drawn = str(pyflex.visualize(causal, 4, 4))
    with torch.device("meta"):
        assert torch.equal(decode(query, key, key), wanted)
        assert torch.equal(pyflex.compile(None, causal)(query, key, key), key[:, :, :1])
        assert str(pyflex.visualize(causal, 4, 4)) == drawn


@pytest.mark.parametrize(("length", "seen"), [(2**31, 4), (2**40, 4), (2**63 - 1, 4),
    (-(2**31) - 1, 0), (-(2**32) + 3, 0), (3, 3)])  # fmt: skip
def test_lengths_past_int32(length: int, seen: int) -> None:
    wanted = torch.tensor(seen / 4).log()
    assert weight(pyflex.compile(), kv_len=torch.tensor([length])) == pytest.approx(float(wanted))


def warned_of(score_fn: Callable[..., Any], change: Callable[[int], object]) -> list[Any]:
    """What is said of a mod that is asked for twenty times, with a change ahead of each."""
    mods = Mods(score_fn, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(20):
            change(step)
            mods.traced(torch.device("cpu"), None)
    return caught


def test_numbers_of_a_block_masks_own_function_are_told_of_too() -> None:
    """Each call brings a BlockMask of its own, whose function is another with another number."""

    def mask_of(width: int) -> Callable[..., Any]:
        return lambda b, h, q, kv: q - kv < width

    mods = Mods(None, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(20):
            mods.traced(torch.device("cpu"), mask_of(step))
    (told,) = caught
    assert told.category is errors.RecompileWarning
    assert "q - kv < width" in str(told.message)


class Within:
    """A mask with its number in an object."""

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < self.width


def below(width: int) -> Callable[..., Any]:
    return lambda b, h, q, kv: kv < width


@pytest.mark.parametrize(
    ("mask_of", "is_told"),
    [
        (below, True),
        (Within, True),
        (lambda width: functools.partial(lambda n, b, h, q, kv: kv < n, width), True),
        (lambda width: and_masks(causal, below(width + 100)), True),
        (lambda width: and_masks(causal, eval(f"lambda b, h, q, kv: kv < {width}")), False),
    ],
    ids=["closure", "object", "partial", "composed", "of other code"],
)
def test_numbers_of_mods_made_anew_are_told_of(
    mask_of: Any, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompiles, "_KNOWN", {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(9):
            Mods(None, mask_of(step)).traced(torch.device("cpu"), None)
    assert [one.category for one in caught] == [errors.RecompileWarning] * is_told


def test_a_tensor_that_was_replaced_is_free_for_all_kinds_of_calls() -> None:
    values = {"table": torch.ones(600)}
    decode = pyflex.compile(lambda s, b, h, q, kv: s * values["table"][kv])
    query, key = torch.zeros(2, 1, 1, 16), torch.zeros(2, 1, 64, 16)
    decode(query, key, key)
    decode(query[:1], key[:1], key[:1])
    old = weakref.ref(values["table"])
    values["table"] = torch.ones(600)
    decode(query[:1], key[:1], key[:1])
    gc.collect()
    assert old() is None


def test_many_kernels_of_one_number_are_told_of_once() -> None:
    values = {"factor": 0.0, "shift": 1.0}

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        moved = s + values["shift"]
        return moved * values["factor"]  # changes

    (told,) = warned_of(mod, lambda step: values.update(factor=step / 10))
    assert told.category is errors.RecompileWarning
    assert told.filename == __file__
    message = str(told.message)
    assert "8 kernels" in message
    assert "0-d tensors" in message
    assert message.endswith('return moved * values["factor"]  # changes')


def test_few_kernels_and_tensors_that_change_are_no_news() -> None:
    number, factor, table = {"factor": 0.0}, torch.tensor(0.0), {"factor": torch.tensor(0.0)}
    few = warned_of(
        lambda s, b, h, q, kv: s * number["factor"],
        lambda step: number.update(factor=step % 7),
    )
    written = warned_of(lambda s, b, h, q, kv: s * factor, factor.fill_)
    replaced = warned_of(
        lambda s, b, h, q, kv: s * table["factor"],
        lambda step: table.update(factor=torch.tensor(float(step))),
    )
    assert few + written + replaced == []


def test_a_value_that_changes_while_it_is_read() -> None:
    """And back afterwards: it was read as it was in between."""
    values = {"shift": 1.0}

    def moved(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        if first:
            first.pop()
            values["shift"] = 3.0
        return s + values["shift"]

    first = [True]
    decode = pyflex.compile(moved)
    weight(decode)
    values["shift"] = 1.0
    assert weight(decode) == pytest.approx(1.0)
