"""What `Decode.explain` says of a call: every row once, the keys that are read, the schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import pyflex
from pyflex import Explanation, Options, choice, compare, compiler, explain, schedule
from pyflex.errors import BlockMaskError, ShapeError
from pyflex.explain import _interval
from pyflex.places import Device
from tests.mods import causal, window

GPU = Device(multiprocessors=132, shared=233472, bandwidth=4.8e6)

PRINTED = """\
query 3 x 8 x 3 x 16, key 3 x 2 x 300 x 16, value 3 x 2 x 300 x 32, f32 on cpu
sparsity  bounds of kv_idx derived from the mask: keys outside are not read
rows      6 tiles of up to 4 heads x 4 queries
          b 0, h 0-7, query 0-2: 100 of 100 keys, in [0, 100), all visible in [0, 98); 1 block with the mask, 1 without
          b 1-2, h 0-7, query 0-2: 300 of 300 keys, in [0, 300), all visible in [0, 298); 1 block with the mask, 4 without
blocks    of 64 keys: 24 of 24 read, 6 with the mask, 18 without
K and V   262.5 KiB of 262.5 KiB read
schedule  tile of 16 rows x 64 keys, 2 warps, 3 stages; 2 splits a loop, combined as a cluster, 12 programs
why       fixed by Options: keys, splits; a CPU takes the usual tile"""  # noqa: E501


def tensors(
    batch: int,
    heads: tuple[int, int],
    q_len: int,
    keys: int,
    dtype: torch.dtype = torch.float32,
    dims: tuple[int, int] = (16, 32),
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.zeros(batch, heads[0], q_len, dims[0], dtype=dtype),
        torch.zeros(batch, heads[1], keys, dims[0], dtype=dtype),
        torch.zeros(batch, heads[1], keys, dims[1], dtype=dtype),
    )


@pytest.mark.parametrize("heads", [(8, 2), (12, 2), (7, 1), (40, 1), (3, 3)], ids=str)
@pytest.mark.parametrize("q_len", [1, 5, 37])
@pytest.mark.parametrize("block", [None, (24, 32)], ids=str)
def test_every_row_is_in_one_tile(heads: tuple[int, int], q_len: int, block: Any) -> None:
    alone = ("flex-pack-gqa",) if heads == (12, 2) else ()
    decode = pyflex.compile(options=Options(rows=16, keys=16, disable_passes=alone))
    blocks = None
    if block is not None:
        blocks = create_block_mask(causal, 2, None, q_len, 70, device="cpu", BLOCK_SIZE=block)
    told = decode.explain(*tensors(2, heads, q_len, 70), block_mask=blocks)
    rows = Counter(
        (tile.batch, head, query)
        for tile in told.tiles
        for head in range(tile.first_head, tile.first_head + tile.heads)
        for query in range(tile.first_query, tile.first_query + tile.queries)
    )
    assert len(rows) == 2 * heads[0] * q_len
    assert set(rows.values()) <= {1}
    (choice,) = decode._choices.values()
    assert len(told.tiles) == choice._kinds[0].programs()


def test_all_keys_of_each_sequence_are_read() -> None:
    options = Options(keys=32, disable_passes=("flex-derive-bounds",))
    decode = pyflex.compile(None, window(9), options=options)
    lengths = torch.tensor([70, 0, 1000, 5])
    told = decode.explain(*tensors(4, (8, 2), 1, 100), kv_len=lengths, q_offset=99)
    assert [tile.keys for tile in told.tiles] == [70, 70, 0, 0, 100, 100, 5, 5]
    assert [tile.some for tile in told.tiles] == [3, 3, 0, 0, 4, 4, 1, 1]
    assert (told.blocks_read, told.blocks_present) == (16, 16)
    assert told.bytes_read == told.bytes_present == 350 * (16 + 32) * 4
    assert all(tile.all == 0 and tile.sure_begin == tile.sure_end for tile in told.tiles)
    assert "the mask asked" in told.sparsity


def test_bounds_that_the_mask_gives() -> None:
    decode = pyflex.compile(None, window(9), options=Options(keys=32))
    told = decode.explain(*tensors(2, (8, 2), 1, 100), q_offset=torch.tensor([60, 3]))
    assert [(t.begin, t.end, t.some, t.all) for t in told.tiles] == [
        *[(52, 61, 0, 1)] * 2,
        *[(0, 4, 0, 1)] * 2,
    ]
    assert told.sparsity.startswith("bounds of kv_idx")


def test_without_a_mask_no_block_needs_one() -> None:
    told = pyflex.compile(options=Options(keys=32)).explain(*tensors(1, (4, 4), 1, 100), kv_len=65)
    assert [(tile.begin, tile.end, tile.some, tile.all) for tile in told.tiles] == [
        (0, 65, 0, 3)
    ] * 4
    assert told.sparsity.startswith("no mask")


def test_blocks_of_a_block_mask() -> None:
    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (kv < 40) | (kv >= 64 + 16 * h)

    blocks = create_block_mask(mask, None, 3, 1, 150, device="cpu", BLOCK_SIZE=(1, 16))
    decode = pyflex.compile(None, causal)
    told = decode.explain(*tensors(1, (3, 1), 1, 150), block_mask=blocks, q_offset=149, kv_len=140)
    seen = [(t.begin, t.end, t.some, t.all, t.keys) for t in told.tiles]
    # Torch calls a block partial whose end does not exist; kv_len cuts the last one short.
    assert seen == [(0, 140, 1, 7, 124), (0, 140, 1, 6, 108), (0, 140, 1, 5, 92)]
    assert (told.block, told.blocks_read, told.blocks_present) == (16, 21, 27)
    assert told.bytes_read == (124 + 108 + 92) * 48 * 4
    assert "mask_fn in all" in told.sparsity
    assert (
        "mask_fn"
        not in pyflex.compile().explain(*tensors(1, (3, 1), 1, 150), block_mask=blocks).sparsity
    )


@pytest.mark.parametrize("by_head", [False, True])
@pytest.mark.parametrize("disabled", [(), ("flex-pack-gqa",)], ids=str)
def test_blocks_that_a_first_kernel_lists(
    by_head: bool, disabled: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        ahead = q + (h if by_head else b) * 16
        return (kv // 16 == ahead // 16) | (kv < 24)

    lengths = torch.tensor([20, 150], dtype=torch.int32)
    options = Options(rows=16, keys=16, disable_passes=disabled)
    decode = pyflex.compile(mask_fn=mask, options=options)
    told = decode.explain(*tensors(2, (8, 2), 21, 150), q_offset=40, kv_len=lengths)
    assert told.sparsity.startswith("a first kernel finds the blocks")
    for tile in told.tiles:
        rows = [
            (h, 40 + q)
            for h in range(tile.first_head, tile.first_head + tile.heads)
            for q in range(tile.first_query, tile.first_query + tile.queries)
        ]
        whole, visible = 0, 0
        for at in range(0, tile.length, 16):
            keys = [kv for kv in range(at, at + 16) if kv < tile.length]
            seen = [bool(mask(tile.batch, h, q, kv)) for h, q in rows for kv in keys]
            visible += any(seen)
            whole += all(seen) and len(keys) == 16
        assert (tile.some, tile.all) == (visible - whole, whole)


def test_empty_lists() -> None:
    blocks = create_block_mask(lambda b, h, q, kv: kv < 0, None, None, 1, 50, device="cpu")
    told = pyflex.compile().explain(*tensors(1, (2, 1), 1, 50), block_mask=blocks)
    assert (told.blocks_read, told.bytes_read) == (0, 0)
    assert "0 B of" in str(told)


def test_blocks_of_an_interval() -> None:
    """Against a count of every block."""
    for begin, end in ((0, 0), (0, 64), (3, 70), (16, 17), (50, 20)):
        for sure in ((0, 0), (0, 100), (3, 35), (20, 70), (10, 12), (90, 95), (60, 10)):
            starts = range(begin, end, 16)
            free = sum(sure[0] <= start and min(start + 16, end) <= sure[1] for start in starts)
            wanted = (begin, end, *sure, len(starts) - free, free, max(end - begin, 0))
            assert _interval(begin, end, *sure, 16) == wanted


def test_nothing_is_launched_and_a_call_compiles_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decode = pyflex.compile(None, window(33), options=Options(splits=1))
    told = decode.explain(*tensors(1, (4, 1), 1, 90), q_offset=89)
    assert isinstance(told, Explanation)
    assert "flex.decode" in decode.ir("flex")
    monkeypatch.setattr(compiler, "jit", lambda text: pytest.fail("compiled again"))
    decode(*tensors(1, (4, 1), 1, 90), q_offset=89)


def test_schedule_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    told = pyflex.compile(options=Options(keys=16)).explain(*tensors(1, (4, 2), 1, 90))
    assert (told.schedule.keys, told.splits) == (16, 4)
    assert told.estimates == ()
    assert "fixed by Options: keys" in told.reason
    assert told.reason.endswith("keeps 8 threads busy")


@pytest.fixture
def modelled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Calls choose as for a GPU, with estimates of their own."""
    monkeypatch.setattr(choice, "model_of", lambda device: GPU)
    monkeypatch.setattr(explain, "model_of", lambda device: GPU)
    schedule._best_parts.cache_clear()
    yield
    schedule._best_parts.cache_clear()


@pytest.mark.usefixtures("modelled")
@pytest.mark.parametrize(
    ("batch", "dim", "odd", "us", "keys", "why"),
    [
        (64, 64, 128, 9.0, 128, "the shortest time by the model"),
        (1, 64, 32, 9.0, 64, "the better of the wider tiles"),  # 8 KB would not do
        (1, 128, 32, 10.2, 32, "of so few programs it is faster"),
        (64, 128, 32, 10.2, 64, "the shortest time by the model"),
        (64, 128, 32, 9.98, 64, "in fewer programs"),
        (64, 128, 32, 9.96, 32, "the shortest time by the model"),
        (64, 64, 256, 9.0, 64, "kept for long loops of many programs"),
    ],
)
def test_the_tile_and_its_reason(
    batch: int, dim: int, odd: int, us: float, keys: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tiles take 10 us, but for the one of `odd` keys."""
    for module in (compare, schedule):
        monkeypatch.setattr(
            module, "estimate_us", lambda work, tile, *rest: us if tile.keys == odd else 10.0
        )
    told = pyflex.compile().explain(*tensors(batch, (8, 8), 1, 300, torch.bfloat16, (dim, dim)))
    assert told.schedule.keys == keys
    assert why in told.reason
    assert f"{us:.1f} us" in str(told)


@pytest.mark.usefixtures("modelled")
@pytest.mark.parametrize("heads", [(4, 1), (8, 1), (16, 1)])
@pytest.mark.parametrize("dim", [64, 128])
@pytest.mark.parametrize("keys", [187, 279, 331, 2053, 5000])
def test_the_reason_is_that_of_the_choice(keys: int, dim: int, heads: tuple[int, int]) -> None:
    """Of 187 keys, which are no whole number of the widest tiles."""
    told = pyflex.compile().explain(*tensors(64, heads, 1, keys, torch.bfloat16, (dim, dim)))
    possible = [one for one in told.estimates if one.schedule.keys < 256 or keys > 4096]
    best = min(possible, key=lambda one: one.us)
    if "fewer programs" in told.reason:
        taken = next(one for one in possible if one.schedule == told.schedule)
        assert best.us < taken.us <= 1.003 * best.us
        return
    assert (told.schedule, told.reason[:17]) == (best.schedule, "the shortest time")
    shortest = best.us == min(one.us for one in told.estimates)
    assert ("long loops" in told.reason) is not shortest


def test_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    decode = pyflex.compile(None, causal, options=Options(keys=64, splits=2))
    lengths = torch.tensor([100, 300, 300])
    told = decode.explain(*tensors(3, (8, 2), 3, 300), q_offset=lengths - 3, kv_len=lengths)
    assert str(told) == PRINTED


def test_many_sequences_print_few_lines() -> None:
    decode = pyflex.compile(None, causal)
    told = decode.explain(*tensors(60, (2, 1), 1, 100), kv_len=torch.arange(60))
    lines = str(told).splitlines()
    assert len(lines) < 30
    assert "          and 44 more" in lines


def test_equal_sequences_share_the_lines_of_their_tiles_of_queries() -> None:
    decode = pyflex.compile(None, causal, options=Options(rows=16))
    told = decode.explain(*tensors(4, (2, 1), 16, 100), q_offset=84)
    lines = [line for line in str(told).splitlines() if line.startswith("          b ")]
    assert [line.partition(":")[0].strip() for line in lines] == [
        "b 0-3, h 0-1, query 0-7",
        "b 0-3, h 0-1, query 8-15",
    ]


def test_mistakes_are_those_of_a_call() -> None:
    decode = pyflex.compile(None, causal)
    query, key, value = tensors(1, (2, 1), 1, 50)
    with pytest.raises(ShapeError, match="key"):
        decode.explain(query, key[0], value)
    with pytest.raises(ShapeError, match="kv_len"):
        decode.explain(query, key, value, kv_len=51)
    blocks = create_block_mask(causal, None, None, 1, 40, device="cpu")
    with pytest.raises(BlockMaskError, match="too small"):
        decode.explain(query, key, value, block_mask=blocks)
