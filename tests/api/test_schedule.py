"""The schedule's model, the choice between tiles, and what it knows of a call; no GPU is needed."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import pyflex
from pyflex import Options, choice, compiler, schedule
from pyflex.choice import Choice
from pyflex.errors import DeviceError, ScheduleError
from pyflex.gpu import parse_target
from pyflex.kind import Kind
from pyflex.lowered import lowered_for
from pyflex.schedule import Parts, Work, best_schedule, estimate_us
from pyflex.tiles import (
    FEW_PARTS,
    Device,
    Places,
    Schedule,
    Shape,
    expected_places,
    fitting,
    joined_width,
    most_registers,
    schedules_for,
    shared_bytes,
    tile_width,
)
from tests.mods import causal

#: As large as an H200.
GPU = Device(processors=132, shared=233472, bandwidth=4.814e6, clusters=True)
USUAL = Shape(itemsize=2, head_dim=128, value_dim=128, group=4, q_len=1, packed=True)


def random_works(count: int) -> list[Work]:
    draw = random.Random(11)
    works = []
    for _ in range(count):
        dims, q_len = (draw.randint(16, 256), draw.randint(16, 256)), draw.randint(1, 20)
        rest = (draw.randint(1, 16), q_len, draw.random() < 0.8, draw.choice((0, 5, 40)))
        shape = Shape(draw.choice((2, 4)), *dims, *rest)
        programs, length = draw.choice((1, 8, 50, 700)), draw.choice((1, 300, 5000, 2**20))
        works.append(Work(shape, programs, length, programs * q_len, draw.random() < 0.3))
    return works


WORKS = random_works(300)


def parts(options: Options, work: Work, tile: Schedule, gpu: Device = GPU) -> Parts:
    places = expected_places(tile, work.shape, gpu)
    return schedule.parts_for(options, work, tile, places, gpu)


def test_every_tile_can_be_compiled() -> None:
    for shape in (work.shape for work in WORKS):
        tiles = schedules_for(Options(), shape)
        assert len(set(tiles)) == len(tiles) >= 1
        for tile in tiles:
            assert all(size >= 16 and size.bit_count() == 1 for size in (tile.rows, tile.keys))
            assert tile.num_warps in (2, 4, 8)
            assert tile.heads == min(shape.group if shape.packed else 1, tile.rows)
            assert expected_places(tile, shape, GPU).resident >= 1


@pytest.fixture(scope="module")
def decode_op() -> str:
    decode = pyflex.compile()
    query = torch.randn(1, 1, 1, 16)
    decode(query, query, query)
    return decode.ir("flex")


def test_tiles_are_as_wide_as_the_compiler_makes_them(decode_op: str) -> None:
    for columns in range(16, 257):
        text = re.sub("head_dim = [0-9]+", f"head_dim = {columns}", decode_op)
        expanded = compiler.run_pipeline(text, "builtin.module(flex-expand-decode)").text
        widths = re.findall(rf"columns {columns} .*-> tensor<[0-9]+x([0-9]+)xf32>", expanded)
        assert int(widths[0]) == tile_width(columns) >= columns


def test_parts_are_joined_as_the_compiler_joins_them(decode_op: str) -> None:
    for columns in range(16, 257):
        text = re.sub("value_dim = [0-9]+", f"value_dim = {columns}", decode_op)
        split = "builtin.module(flex-expand-decode,flex-split-kv,flex-to-triton)"
        joining = compiler.run_pipeline(text, split).text.partition("@decode_combine")[2]
        loads = re.findall(r"tt.load .*<([0-9]+)x([0-9]+)x!tt.ptr", joining)
        few, many = ((int(lines), int(width)) for lines, width in loads)
        assert few == (FEW_PARTS, joined_width(columns, FEW_PARTS))
        at_once = schedule._parts_a_round(replace(USUAL, value_dim=columns))
        assert many == (at_once, joined_width(columns, FEW_PARTS + 1))
        narrow = [width < columns for _, width in (few, many)]
        assert joining.count("get_program_id y") == sum(narrow)


@pytest.mark.parametrize(("columns", "width"), [(16, 16), (24, 32), (40, 48), (72, 80), (80, 80),
    (81, 96), (96, 96), (97, 128), (144, 144), (160, 160), (161, 192), (193, 256)])  # fmt: skip
def test_a_tile_is_two_powers_of_two_wide(columns: int, width: int) -> None:
    assert tile_width(columns) == width


@pytest.mark.parametrize(("name", "value"), [("keys", 32), ("num_warps", 1), ("num_stages", 5)])
def test_a_tile_that_is_fixed_is_the_only_one(name: str, value: Any) -> None:
    for work in WORKS[:50]:
        (tile,) = schedules_for(Options(**{name: value}), work.shape)
        assert getattr(tile, name) == value


def test_fixed_rows_hold_for_every_tile() -> None:
    for rows, work in product((16, 32, 64, 128), WORKS[:50]):
        assert {tile.rows for tile in schedules_for(Options(rows=rows), work.shape)} == {rows}


@pytest.mark.parametrize(
    ("head_dim", "q_len", "keys_and_warps"),
    [
        (32, 1, [(128, 4), (64, 2)]),
        (64, 1, [(64, 4), (128, 4), (32, 2)]),
        (96, 1, [(64, 4), (128, 4), (32, 2)]),
        (128, 1, [(64, 4), (128, 4), (32, 2)]),
        (192, 1, [(64, 4), (16, 2)]),
        (256, 1, [(64, 4), (16, 2)]),
        (256, 8, [(64, 4), (32, 2)]),
        (64, 16, [(64, 4), (32, 4)]),
        (96, 16, [(32, 4), (64, 4)]),
        (192, 16, [(32, 4), (64, 4)]),
        (256, 16, [(64, 4), (32, 4)]),
        (80, 1, [(64, 2)]),
        (128, 32, [(32, 4), (64, 4)]),
        (96, 32, [(32, 4), (64, 4)]),
        (144, 17, [(64, 8), (16, 8)]),
    ],
)
def test_tiles(head_dim: int, q_len: int, keys_and_warps: list[tuple[int, int]]) -> None:
    shape = replace(USUAL, head_dim=head_dim, value_dim=head_dim, q_len=q_len)
    tiles = schedules_for(Options(), shape)
    assert [(tile.keys, tile.num_warps) for tile in tiles] == keys_and_warps
    assert {tile.num_stages for tile in tiles} == {3}
    assert (fitting(tiles, shape, GPU) == tiles[:1]) == (tiles[0].rows == 128 or len(tiles) == 1)


@pytest.mark.parametrize(("head_dim", "rows"), [(64, 64), (80, 64), (160, 128), (256, 64)])
def test_groups_of_more_heads_than_a_tile_has_rows(head_dim: int, rows: int) -> None:
    shape = replace(USUAL, head_dim=head_dim, value_dim=head_dim, group=130)
    for tile in schedules_for(Options(), shape):
        assert (tile.rows, tile.heads) == (rows, rows)


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("head_dim", [64, 128, 256])
@pytest.mark.parametrize("q_len", [1, 8, 16])
def test_lists_have_the_tiles_of_other_loops(itemsize: int, head_dim: int, q_len: int) -> None:
    dims = {"head_dim": head_dim, "value_dim": head_dim}
    shape = replace(USUAL, itemsize=itemsize, q_len=q_len, **dims)
    listed = schedules_for(Options(), replace(shape, kv_block=128))
    assert listed == schedules_for(Options(), shape)


@pytest.mark.parametrize(
    ("head_dim", "q_len", "tiles"),
    [
        (64, 1, [(32, 2, 3)]),
        (128, 1, [(16, 2, 3)]),
        (160, 1, [(32, 4, 3), (16, 2, 3)]),
        (256, 1, [(16, 2, 3)]),
        (64, 8, [(32, 2, 3), (32, 2, 2)]),
        (80, 8, [(32, 2, 2)]),
        (128, 8, [(64, 4, 2), (32, 2, 2)]),
        (144, 8, [(32, 4, 2), (16, 2, 2)]),
        (192, 8, [(32, 4, 2), (16, 2, 2)]),
        (256, 8, [(32, 4, 2), (16, 2, 3)]),
    ],
)
def test_tiles_of_float32(head_dim: int, q_len: int, tiles: list[tuple[int, int, int]]) -> None:
    shape = replace(USUAL, itemsize=4, head_dim=head_dim, value_dim=head_dim, q_len=q_len)
    found = schedules_for(Options(), shape)
    assert [(tile.keys, tile.num_warps, tile.num_stages) for tile in found] == tiles
    assert fitting(found, shape, GPU) == found[:1]
    assert {tile.rows for tile in found} == {32 if q_len == 8 and head_dim <= 192 else 16}


@pytest.mark.parametrize(
    ("dims", "tile"),
    [
        ((256, 40), (16, 2, 3)),
        ((192, 64), (16, 2, 3)),
        ((40, 128), (64, 4, 2)),
        ((64, 192), (32, 4, 3)),
        ((144, 128), (32, 4, 3)),
        ((128, 256), (32, 4, 2)),
        ((256, 128), (32, 4, 3)),
        ((256, 144), None),
    ],
)
def test_tiles_of_float32_with_another_value_dim(
    dims: tuple[int, int], tile: tuple[int, int, int] | None
) -> None:
    """Of 32 rows, where these fit; None: of 16."""
    shape = replace(USUAL, itemsize=4, head_dim=dims[0], value_dim=dims[1], q_len=8)
    first, *others = schedules_for(Options(), shape)
    assert (first.rows == 16) if tile is None else (first.rows == 32)
    assert tile in (None, (first.keys, first.num_warps, first.num_stages))
    assert min(shared_bytes(tile, shape) for tile in (first, *others)) < 99 << 10
    exact = schedules_for(Options(precision="ieee"), shape)
    assert {tile.rows for tile in exact} == {16}


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("head_dim", [64, 80, 128, 160, 192])
@pytest.mark.parametrize("q_len", [1, 8, 32])
def test_small_gpus_have_room(itemsize: int, head_dim: int, q_len: int) -> None:
    small = Device(processors=46, shared=100 << 10, bandwidth=448e3)
    dims = {"head_dim": head_dim, "value_dim": head_dim}
    shape = replace(USUAL, itemsize=itemsize, q_len=q_len, **dims)
    for tile in fitting(schedules_for(Options(), shape), shape, small):
        assert shared_bytes(tile, shape) <= 99 << 10


def test_few_programs_take_the_narrow_tile_where_it_is_close() -> None:
    taken = []
    for work, length in product(WORKS, (1, 900, 10**6)):
        few = replace(work, programs=43, length=length)
        assert few.programs * 3 < GPU.processors
        tiles = fitting(schedules_for(Options(), few.shape), few.shape, GPU)
        index = best_schedule(Options(), few, tiles, GPU)
        times = [estimate_us(few, t, expected_places(t, few.shape, GPU), GPU,
                             parts(Options(), few, t)) for t in tiles]  # fmt: skip
        if times[index] > min(times[:2]):
            assert tiles[index] == tiles[-1]
            assert times[index] <= 1.025 * min(times)
        if index > 1:
            assert (tiles[index].rows, tiles[index].num_warps) == (16, 2)
            assert tiles[index].keys >= 32
            assert tiles[index].keys * few.shape.line >= 16384
            taken.append(few)
    assert taken


def test_parts() -> None:
    for work in [*WORKS, replace(WORKS[0], programs=0), replace(WORKS[0], length=0)]:
        for tile in schedules_for(Options(), work.shape):
            most = max(1, min(-(-work.length // tile.keys), 256))
            assert 1 <= parts(Options(), work, tile).number <= most
            assert parts(Options(splits=777), work, tile) == (777, False)


def test_one_long_sequence_of_one_head_fills_a_gpu() -> None:
    work = Work(USUAL, programs=1, length=2**17, rows=4, varies=False)
    for tile in schedules_for(Options(), USUAL):
        assert parts(Options(), work, tile).number > GPU.processors * 0.7
    short = replace(work, length=2**13)
    assert parts(Options(), short, schedules_for(Options(), USUAL)[0]).number <= 128


def test_clusters() -> None:
    """Parts form a cluster where these fit side by side, and nowhere else."""
    few = Work(USUAL, programs=8, length=512, rows=32, varies=False)
    many = replace(few, programs=17)
    tile = schedules_for(Options(), USUAL)[0]
    off = Options(disable_passes=("flex-join-in-cluster",))
    chosen = parts(Options(), few, tile)
    assert chosen.in_cluster
    assert 1 < chosen.number <= 8
    assert not parts(off, few, tile).in_cluster
    assert not parts(Options(), few, tile, replace(GPU, clusters=False)).in_cluster
    for splits, work, cluster in ((8, few, True), (8, many, False), (7, many, False),
                                  (4, many, True), (1, few, False), (9, few, False)):  # fmt: skip
        assert parts(Options(splits=splits), work, tile) == (splits, cluster)
    places = Places(3, (0, 0, 66, 39))
    assert [places.holds(39, size) for size in range(5)] == [False, False, True, True, False]


def test_clusters_need_room_for_what_their_programs_leave() -> None:
    shape = replace(USUAL, group=16, q_len=4, head_dim=256, value_dim=256)
    few, many = (
        schedule for keys in (32, 64) for schedule in schedules_for(Options(keys=keys), shape)
    )
    assert (few.rows, few.keys, many.keys) == (64, 32, 64)
    assert expected_places(few, shape, GPU).clusters
    assert not expected_places(many, shape, GPU).clusters


def test_clusters_are_expected_as_an_h200_holds_them() -> None:
    holds = (66, 39, 30, 22, 17, 15, 15)  # of 2 to 8 programs, as its driver says
    expected = expected_places(schedules_for(Options(), USUAL)[1], USUAL, GPU).clusters[2:]
    assert len(expected) == len(holds)
    assert all(0 <= most - least <= 2 for most, least in zip(holds, expected, strict=True))


def test_of_equally_many_parts_the_faster_ones() -> None:
    tile = schedules_for(Options(), USUAL)[1]
    work = Work(USUAL, programs=64, length=8192, rows=256, varies=False)
    pair, apart = Parts(2, in_cluster=True), Parts(2)
    assert parts(Options(), work, tile) == pair
    places = expected_places(tile, USUAL, GPU)
    times = [estimate_us(work, tile, places, GPU, each) for each in (pair, apart)]
    assert times[0] < times[1] < 1.015 * times[0]  # so close that fewer parts would be taken


def test_a_cluster_joins_one_query_sooner_and_many_lines_later() -> None:
    def ordered(work: Work, tile: Schedule, split: int, *, cluster_first: bool) -> bool:
        ways = [Parts(split, cluster) for cluster in (cluster_first, not cluster_first)]
        times = [estimate_us(work, tile, places, GPU, way) for way in ways]
        return times == sorted(set(times))

    places = expected_places(schedules_for(Options(), USUAL)[0], USUAL, GPU)
    for work in WORKS:
        narrow = min(work.shape.value_dim, 128)
        few = min(work.shape.group, 4)
        one = replace(work, shape=replace(work.shape, q_len=1, value_dim=narrow, group=few))
        usual = schedules_for(Options(num_warps=4), one.shape)
        for tile, split in product(usual, (2, 8)):
            assert ordered(one, tile, split, cluster_first=True)
    for group, dim, split in product((1, 4), (64, 128), range(2, 9)):
        shape = replace(USUAL, group=group, head_dim=dim, value_dim=dim)
        work = Work(shape, programs=16, length=512, rows=16 * group, varies=False)
        assert ordered(work, schedules_for(Options(), shape)[0], split, cluster_first=True)
    many = replace(USUAL, group=12, q_len=5, head_dim=192, value_dim=192)
    work = Work(many, programs=16, length=512, rows=16 * 60, varies=False)
    for tile in schedules_for(Options(), many):
        assert ordered(work, tile, 3, cluster_first=False)


def test_parts_for_threads() -> None:
    tile = schedules_for(Options(keys=64), USUAL)[0]

    def chosen(
        programs: int, length: int, splits: int | None = None, *, joins: bool = False
    ) -> Parts:
        work = Work(USUAL, programs, length, 4 * programs, varies=False)
        options = Options(splits=splits)
        return schedule.parts_for_threads(options, work, tile, threads=8, joins_in_cluster=joins)

    for joins in (False, True):
        numbers = [chosen(n, 4096, joins=joins) for n in (0, 1, 3, 8, 9)]
        assert numbers == [(n, False) for n in (8, 8, 2, 1, 1)]
        numbers = [chosen(1, n, joins=joins) for n in (0, 1, 65, 4096)]
        assert numbers == [(n, False) for n in (1, 1, 2, 8)]
        fixed = [chosen(9, 1, splits=n, joins=joins) for n in (1, 5, 9)]
        assert fixed == [(1, False), (5, joins), (9, False)]


def test_time_grows_with_length() -> None:
    for work in WORKS:
        for tile, split in product(schedules_for(Options(), work.shape), (1, 3, 64)):
            lengths = [tile.keys * split * factor for factor in (1, 2, 7, 100)]
            works = [replace(work, length=length) for length in lengths]
            times = [estimate_us(each, tile, Places(2), GPU, Parts(split)) for each in works]
            assert times == sorted(set(times))


def test_many_lengths_are_dealt_out_in_small_parts() -> None:
    """The longest one ends last, the sooner the less it has to read."""
    even = Work(USUAL, programs=128, length=32768, rows=512, varies=False)
    for tile in schedules_for(Options(), USUAL):
        few, many = parts(Options(), even, tile), parts(Options(), replace(even, varies=True), tile)
        assert few.number <= 3 < many.number <= 64


def test_fewer_parts_are_preferred_but_of_loops_of_many_lengths() -> None:
    (tile, *_), counts = schedules_for(Options(), USUAL), (4, 8, 12, 16, 24, 32)

    def choice(*, varies: bool) -> tuple[float, float]:
        work = Work(USUAL, programs=64, length=8000, rows=256, varies=varies)
        places = expected_places(tile, USUAL, GPU)
        chosen = parts(Options(), work, tile)
        times = [estimate_us(work, tile, places, GPU, Parts(n)) for n in (*counts, chosen.number)]
        return estimate_us(work, tile, places, GPU, chosen), min(times)

    taken, least = choice(varies=True)
    assert taken <= least
    taken, least = choice(varies=False)
    assert taken <= 1.015 * least


def test_one_program_a_multiprocessor_takes_a_wide_tile_and_many_short_ones_a_narrow() -> None:
    tiles = schedules_for(Options(), USUAL)
    long = Work(USUAL, programs=16 * 8, length=8192, rows=16 * 32, varies=False)
    short = Work(USUAL, programs=64 * 8, length=512, rows=64 * 32, varies=False)
    keys = [tiles[best_schedule(Options(), work, tiles, GPU)].keys for work in (long, short)]
    assert keys == [max(tile.keys for tile in tiles), min(tile.keys for tile in tiles)]


def test_a_long_sequence_alone_takes_a_narrow_tile_and_a_short_one_the_usual() -> None:
    tiles = schedules_for(Options(), USUAL)
    lengths = [512, 8192, 131072]
    works = [Work(USUAL, programs=8, length=length, rows=32, varies=False) for length in lengths]
    keys = [tiles[best_schedule(Options(), work, tiles, GPU)].keys for work in works]
    assert keys == [64, 32, 32]


def test_few_programs_that_list_their_blocks_take_the_tile_with_few_of_them() -> None:
    tiles = schedules_for(Options(), USUAL)
    for length in (131072, 1048576):
        work = Work(USUAL, programs=8, length=length, rows=32, varies=False, listed=True)
        assert tiles[best_schedule(Options(), work, tiles, GPU)].keys == 128


def test_a_list_takes_its_time() -> None:
    tile = schedules_for(Options(), USUAL)[0]
    for blocks, rounds in ((1, 1), (512, 1), (513, 2), (16384, 32)):
        work = Work(USUAL, programs=8, length=blocks * tile.keys, rows=32, varies=False)
        plain, listed = (
            estimate_us(each, tile, Places(2), GPU, Parts(4))
            for each in (work, replace(work, listed=True))
        )
        assert listed - plain == pytest.approx(rounds * schedule._LIST_ROUND)


def test_many_short_sequences_of_many_lengths_share_a_multiprocessor() -> None:
    """One program after the other has ends at which nothing else reads."""
    tiles = schedules_for(Options(), USUAL)
    work = Work(USUAL, programs=92 * 8, length=256, rows=92 * 40, varies=True)
    assert tiles[best_schedule(Options(), work, tiles, GPU)].keys < 128


@pytest.mark.parametrize("q_len", [8, 16])
def test_costly_mods_of_many_rows_have_few_scores_a_thread(q_len: int) -> None:
    for cost, keys in ((0, 64), (21, 32)):  # a tanh
        shape = replace(USUAL, q_len=q_len, mod_cost=cost)
        tiles = schedules_for(Options(), shape)
        work = Work(shape, programs=128, length=8192, rows=512 * q_len, varies=False)
        assert tiles[best_schedule(Options(), work, tiles, GPU)].keys == keys


def test_keys_that_begin_anywhere_may_lie_in_a_tile_more() -> None:
    work = Work(USUAL, programs=8, length=1024, rows=32, varies=False)
    assert [work.tiles(keys) for keys in (32, 128)] == [32, 8]
    shifted = replace(work, shifted=True)
    assert [shifted.tiles(keys) for keys in (32, 128)] == [33, 9]
    assert replace(shifted, length=1).tiles(128) == 1


def cost(mod: Any, *, is_mask: bool = False) -> int:
    mods = (None, mod) if is_mask else (mod, None)
    return kind_on_one_head(pyflex.compile(*mods), 16, 1).shape.mod_cost


def test_a_mod_costs_what_is_computed_for_each_score() -> None:
    table = torch.zeros(100, 100)
    assert cost(lambda s, b, h, q, kv: s) == 0
    assert cost(lambda s, b, h, q, kv: s + 0.5 * h) == 1  # a row's product is one for all its keys
    assert cost(lambda s, b, h, q, kv: s * torch.exp(0.1 * kv)) == 1
    assert cost(lambda s, b, h, q, kv: torch.tanh(s)) == 10
    assert cost(lambda s, b, h, q, kv: s + table[b, kv]) == 1
    assert cost(lambda s, b, h, q, kv: s + table[h, kv]) > 10
    assert cost(lambda b, h, q, kv: q >= kv, is_mask=True) == 1
    assert cost(lambda b, h, q, kv: (q >= kv) & (q - kv < 9), is_mask=True) == 4


def test_schedulers_with_a_warp_more_hold_up_the_others() -> None:
    shape = replace(USUAL, itemsize=4, mod_cost=20)  # what counts is the arithmetic
    (tile,) = schedules_for(Options(), shape)
    assert (tile.keys, tile.num_warps) == (16, 2)
    three, four = (Work(shape, 132 * n, 6000 // n, 132, varies=False) for n in (3, 4))
    times = [estimate_us(work, tile, Places(4), GPU, Parts(1)) for work in (three, four)]
    assert times[0] > 1.2 * times[1]


def test_sums_are_deferred_but_in_the_usual_tile() -> None:
    usual, *others = schedules_for(Options(), USUAL)
    assert not usual.defers_sums
    assert len(others) == 2
    assert all(tile.defers_sums for tile in others)
    fixed = [schedules_for(Options(keys=keys), USUAL)[0] for keys in (16, 32, 64, 128, 256)]
    assert [tile.defers_sums for tile in fixed] == [True, True, False, True, True]


def test_registers_are_told_of_where_they_leave_room_for_the_programs_that_fit() -> None:
    assert [most_registers(s, USUAL) for s in schedules_for(Options(), USUAL)] == [168, 255, 168]
    # Of D 96 four programs fit, with too few registers for each.
    small = replace(USUAL, head_dim=96, value_dim=96)
    assert most_registers(schedules_for(Options(), small)[0], small) is None
    for q_len in (8, 16):
        shape = replace(USUAL, q_len=q_len)
        assert all(most_registers(s, shape) is None for s in schedules_for(Options(), shape))


def test_an_assembler_is_told_of_registers() -> None:
    decode = pyflex.compile()
    key = torch.zeros(1, 2, 64, 128, dtype=torch.bfloat16)
    decode(torch.zeros(1, 8, 1, 128, dtype=torch.bfloat16), key, key)
    assert re.search(r"\.maxnreg 168\b", decode.ir("ptx", target="cuda:90"))
    assert "maxnreg" not in decode.ir("ttgir", target="hip:gfx942")


def called_kind(decode: pyflex.Decode) -> Kind:
    """That of the one call so far, with the usual tile."""
    (found,) = decode._choices.values()
    return found._kinds[0]


def kind_on_one_head(
    decode: pyflex.Decode, head_dim: int, q_len: int, dtype: torch.dtype = torch.bfloat16
) -> Kind:
    key = torch.zeros(1, 1, 100, head_dim, dtype=dtype)
    decode(torch.zeros(1, 4, q_len, head_dim, dtype=dtype), key, key)
    return called_kind(decode)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("q_len", [1, 8, 16, 32])
@pytest.mark.parametrize("head_dim", [16, 64, 80, 96, 128, 192, 256])
def test_a_tile_needs_as_much_shared_memory_as_the_model_counts(
    head_dim: int, q_len: int, dtype: torch.dtype
) -> None:
    kind = kind_on_one_head(pyflex.compile(), head_dim, q_len, dtype)
    for tile in schedules_for(Options(), kind.shape):
        lowered = lowered_for(replace(kind.spec, schedule=tile))
        needed = lowered.gpu(parse_target("cuda:90")).binary.shared
        counted = shared_bytes(tile, kind.shape)
        assert needed == counted if head_dim >= 64 else needed <= counted


@pytest.mark.parametrize(
    ("head_dim", "q_len", "tables", "dtype"),
    [
        (128, 1, 3, torch.float32),
        (256, 8, 3, torch.float32),
        (192, 16, 3, torch.float32),
        (256, 16, 1, torch.float32),
        (192, 16, 1, torch.int64),
        (256, 8, 2, torch.float64),
    ],
)
def test_what_fits_leaves_room_for_tables(
    head_dim: int, q_len: int, tables: int, dtype: torch.dtype
) -> None:
    """Of a table that is read for each score a tile of its own is loaded, beside those of K, V."""
    first, *rest = torch.zeros(tables, 4, 100, dtype=dtype)
    offset = torch.tensor(1.0)  # a value is no table

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return offset * sum((table[h, kv] for table in rest), s + first[h, kv])

    kind = kind_on_one_head(pyflex.compile(score), head_dim, q_len)
    assert kind.shape.captured == tables * dtype.itemsize
    for tile in fitting(schedules_for(Options(), kind.shape), kind.shape, GPU):
        lowered = lowered_for(replace(kind.spec, schedule=tile))
        assert lowered.gpu(parse_target("cuda:90")).binary.shared <= 227 << 10


def test_too_large_a_grid() -> None:
    schedule.check_grid(Options(splits=2), 2**30 - 1)
    schedule.check_grid(Options(), 2**31)
    with pytest.raises(ScheduleError, match=r"too many programs\s.*2\*\*31\s.*2147483648"):
        schedule.check_grid(Options(splits=2), 2**30)


def kind_of(**given: Any) -> Kind:
    decode = pyflex.compile(options=Options(keys=32))
    key = torch.zeros(2, 2, 300, 16)
    decode(torch.zeros(2, 8, 20, 16), key, key, **given)
    return called_kind(decode)


def test_the_kv_loop_of_a_call() -> None:
    work = kind_of().work(300)
    assert (work.programs, work.length, work.rows, work.varies) == (2 * 2 * 3, 300, 320, False)
    works = [kind_of(kv_len=torch.tensor(lengths)).work(300) for lengths in ([3, 300], [1, 1])]
    assert works == [replace(work, varies=True)] * 2
    mask = create_block_mask(causal, 2, None, 20, 300, device="cpu", BLOCK_SIZE=(16, 64))
    assert kind_of(block_mask=mask).work(300).length == 64
    with pytest.raises(DeviceError, match="more programs than a grid holds"):
        replace(kind_of(), shapes=(torch.Size((2**30, 8, 20, 16)),) * 3).programs()


def test_a_loop_over_lists_is_known_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)
    documents = torch.arange(300) // 100
    decode = pyflex.compile(None, lambda b, h, q, kv: documents[kv] == 1)
    key = torch.zeros(1, 2, 300, 16)
    decode(key[:, :, :1], key, key)
    (found,) = decode._choices.values()
    (plan,) = found._plans.values()
    assert plan.kind.work(300).listed
    assert not kind_of().work(300).listed


def test_a_loop_that_is_not_split_has_a_tile_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, splits = kind_of(), list[int | None]()
    whole = replace(kind, spec=replace(kind.spec, max_scores=True))
    monkeypatch.setattr(choice, "Plan", lambda kind, options: kind)
    monkeypatch.setattr(choice, "model_of", lambda device: GPU)
    monkeypatch.setattr(
        choice, "best_schedule", lambda options, *rest: splits.append(options.splits) or 0
    )
    for one in (kind, whole):
        Choice(one, schedules_for(Options(), USUAL), Options()).plan(3000)
    assert splits == [None, 1]


def test_one_plan_for_each_tile_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = replace(kind_of(), shape=USUAL)
    made, tiles = list[Kind](), schedules_for(Options(), USUAL)
    monkeypatch.setattr(choice, "Plan", lambda kind, options: made.append(kind) or kind)
    assert Choice(kind, tiles, Options()).plan(10**6).spec.schedule == tiles[0]  # on a CPU
    monkeypatch.setattr(choice, "model_of", lambda device: GPU)
    monkeypatch.setattr(choice, "best_schedule", lambda o, work, t, d: int(work.length > 1000))
    made.clear()
    chosen = Choice(kind, tiles, Options())
    plans = [chosen.plan(length) for length in (1, 800, 1500, 70000, 2)]
    assert [plan.spec.schedule for plan in plans] == [tiles[n] for n in (0, 0, 1, 1, 0)]
    assert made == plans[1:3]
