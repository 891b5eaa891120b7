"""The schedule's model, the choice between tiles, and what it knows of a call; no GPU is needed."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import pyflex
from pyflex import Options, choice, schedule
from pyflex.choice import Choice
from pyflex.compare import best_schedule, compare
from pyflex.errors import DeviceError, ScheduleError
from pyflex.kind import Kind
from pyflex.places import Device, Places, Schedule, Shape, expected_places
from pyflex.schedule import Parts, Work, estimate_us
from pyflex.tiles import fitting, schedules_for
from tests.mods import causal
from tests.schedules import GPU, USUAL, WORKS, called_kind, kind_on_one_head


def parts(options: Options, work: Work, tile: Schedule, gpu: Device = GPU) -> Parts:
    places = expected_places(tile, work.shape, gpu)
    return schedule.parts_for(options, work, tile, places, gpu)


def test_few_programs_take_the_narrow_tile_where_it_is_close() -> None:
    taken, left = 0, 0
    for work, length in product(WORKS, (1, 900, 10**6)):
        few = replace(work, programs=43, length=length)
        assert few.programs * 3 < GPU.multiprocessors
        tiles = fitting(Options(), schedules_for(Options(), few.shape), few.shape, GPU)
        found = compare(Options(), few, tiles, GPU)
        times = [us for tile, us in zip(tiles, found.times, strict=True)
                 if tile.keys <= 128 or length >= 4096]  # fmt: skip
        narrow, time = tiles[-1], found.times[found.taken]
        if narrow.rows > 16 or len(tiles) == 1:
            assert time == min(times)
        elif narrow.keys >= 32 and narrow.keys * few.shape.line >= 16384:
            close = times[-1] <= 1.025 * min(times)
            assert (tiles[found.taken] == narrow) is close
            taken += close
        else:
            assert time == min(times[:-1])
            left += times[-1] < time
    assert taken
    assert left


def test_programs_that_start_anew_cost_what_nothing_hides() -> None:
    """160 windows of 1,025 keys: in three parts of 64 keys 53 us, whole with 32 keys 47 (H200)."""
    shape = Shape(2, 256, 256, 4, 2, True, 4, 0, 0)
    windows = Work(shape, programs=160, length=1025, rows=1280, varies=False)
    tiles = fitting(Options(), schedules_for(Options(), shape), shape, GPU)
    found = compare(Options(), windows, tiles, GPU)
    assert tiles[found.taken].keys == 32
    assert found.parts[found.taken].number == 1


def test_parts() -> None:
    for work in [*WORKS, replace(WORKS[0], programs=0), replace(WORKS[0], length=0)]:
        for tile in schedules_for(Options(), work.shape):
            most = max(1, min(-(-work.length // tile.keys), 256))
            assert 1 <= parts(Options(), work, tile).number <= most
            assert parts(Options(splits=777), work, tile) == (777, False)


def test_one_long_sequence_of_one_head_fills_a_gpu() -> None:
    work = Work(USUAL, programs=1, length=2**17, rows=4, varies=False)
    for tile in schedules_for(Options(), USUAL):
        assert parts(Options(), work, tile).number > GPU.multiprocessors * 0.7
    short = replace(work, length=2**13)
    assert parts(Options(), short, schedules_for(Options(), USUAL)[0]).number <= 128


def test_clusters() -> None:
    """Parts form a cluster where these fit side by side and are faster, and nowhere else."""
    few = Work(USUAL, programs=8, length=512, rows=32, varies=False)
    many = replace(few, programs=17)
    tile = schedules_for(Options(), USUAL)[0]
    off = Options(disable_passes=("flex-combine-in-cluster",))
    chosen = parts(Options(), few, tile)
    assert chosen.in_cluster
    assert 1 < chosen.number <= 8
    assert not parts(off, few, tile).in_cluster
    assert not parts(Options(), few, tile, replace(GPU, clusters=False)).in_cluster
    for splits, work, cluster in ((8, few, True), (8, many, False), (7, many, False),
                                  (4, many, True), (1, few, False), (9, few, False)):  # fmt: skip
        assert parts(Options(splits=splits), work, tile) == (splits, cluster)
    wide = replace(USUAL, group=8, q_len=4, head_dim=192, value_dim=192)
    many_lines = Work(wide, programs=16, length=527, rows=16 * 32, varies=False)
    slower = schedules_for(Options(), wide)[0]
    assert expected_places(slower, wide, GPU).holds(16, 5)
    assert parts(Options(splits=5), many_lines, slower) == (5, False)
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


def test_a_cluster_combines_one_query_sooner_and_many_lines_later() -> None:
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
    for group, dim, split in product((1, 4), (64, 128), (2, 8)):
        shape = replace(USUAL, group=group, head_dim=dim, value_dim=dim)
        work = Work(shape, programs=16, length=512, rows=16 * group, varies=False)
        assert ordered(work, schedules_for(Options(), shape)[0], split, cluster_first=True)
    many = replace(USUAL, group=12, q_len=5, head_dim=192, value_dim=192)
    work = Work(many, programs=16, length=512, rows=16 * 60, varies=False)
    for tile in schedules_for(Options(), many):
        assert ordered(work, tile, 3, cluster_first=False)


def test_of_many_rows_clusters_are_slow_and_wide_heads_fast() -> None:
    """As an H200 was: 12.7 us in clusters for 10.3, 32.0 in two parts for 30.8, 88 for 80."""
    heads = replace(USUAL, group=16, q_len=4)
    few = Work(heads, programs=12, length=515, rows=12 * 64, varies=False)
    assert parts(Options(splits=8), few, schedules_for(Options(), heads)[0]) == (8, False)
    heads = replace(USUAL, group=7, q_len=5)
    many = Work(heads, programs=104, length=1658, rows=104 * 35, varies=False)
    wide = next(tile for tile in schedules_for(Options(), heads) if tile.keys == 64)
    assert parts(Options(), many, wide).number == 1
    heads = replace(USUAL, group=8, q_len=8, head_dim=64, value_dim=64)
    narrow = Work(heads, programs=496, length=2329, rows=496 * 64, varies=False)
    tiles = schedules_for(Options(), heads)
    assert tiles[best_schedule(Options(), narrow, tiles, GPU)].keys == 64


def test_of_64_rows_no_part_of_a_ragged_batch_waits_for_a_place() -> None:
    """A multiprocessor has room for one such program: the last ones would start late."""
    wide = replace(USUAL, group=8, q_len=8, head_dim=256, value_dim=256)
    (usual, *_) = schedules_for(Options(), wide)
    assert (usual.rows, expected_places(usual, wide, GPU).resident) == (64, 1)
    for programs, length in ((24, 2000), (28, 800), (33, 3000), (43, 1000), (59, 1100)):
        work = Work(wide, programs, length, rows=64 * programs, varies=True)
        number = parts(Options(), work, usual).number
        assert GPU.multiprocessors * 0.8 < programs * number <= GPU.multiprocessors


def test_parts_for_threads() -> None:
    tile = schedules_for(Options(keys=64), USUAL)[0]

    def chosen(
        programs: int, length: int, splits: int | None = None, *, combines: bool = False
    ) -> Parts:
        work = Work(USUAL, programs, length, 4 * programs, varies=False)
        options = Options(splits=splits)
        return schedule.parts_for_threads(
            options, work, tile, threads=8, combines_in_cluster=combines
        )

    for combines in (False, True):
        numbers = [chosen(n, 4096, combines=combines) for n in (0, 1, 3, 8, 9)]
        assert numbers == [(n, False) for n in (8, 8, 2, 1, 1)]
        numbers = [chosen(1, n, combines=combines) for n in (0, 1, 65, 4096)]
        assert numbers == [(n, False) for n in (1, 1, 2, 8)]
        fixed = [chosen(9, 1, splits=n, combines=combines) for n in (1, 5, 9)]
        assert fixed == [(1, False), (5, combines), (9, False)]


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


@pytest.mark.parametrize(("length", "keys"), [(32768, 256), (4096, 256), (3584, 128)])
def test_narrow_heads_take_the_widest_tile_for_long_loops_alone(length: int, keys: int) -> None:
    shape = replace(USUAL, head_dim=64, value_dim=64, group=8)
    tiles = schedules_for(Options(), shape)
    work = Work(shape, programs=16 * 8, length=length, rows=16 * 64, varies=False)
    assert tiles[best_schedule(Options(), work, tiles, GPU)].keys == keys


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
    for cost, fewest in ((0, 64), (21, 32)):  # a tanh
        shape = replace(USUAL, q_len=q_len, mod_cost=cost)
        tiles = schedules_for(Options(), shape)
        work = Work(shape, programs=128, length=4096, rows=512 * q_len, varies=False)
        keys = tiles[best_schedule(Options(), work, tiles, GPU)].keys
        assert (keys == 32) if cost else (keys >= fewest)


def test_a_window_is_as_many_tiles_as_its_keys_need() -> None:
    """Its first tile begins where the window does."""
    first = 4999
    decode = pyflex.compile(None, lambda b, h, q, kv: (q + first >= kv) & (q + first - kv < 1024))
    query, keys = torch.zeros(1, 4, 1, 16), torch.zeros(1, 1, 5000, 16)
    (tile,) = decode.explain(query, keys, keys).tiles
    assert (tile.begin, tile.end) == (3976, 5000)
    work = called_kind(decode).work(5000)
    assert [work.tiles(each) for each in (32, 128)] == [32, 8]


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
    shape = replace(USUAL, itemsize=4, q_len=4, mod_cost=20)  # what counts is the arithmetic
    *_, tile = schedules_for(Options(), shape)
    assert (tile.keys, tile.num_warps) == (16, 2)
    three, four = (Work(shape, 132 * n, 6000 // n, 132, varies=False) for n in (3, 4))
    times = [estimate_us(work, tile, Places(4), GPU, Parts(1)) for work in (three, four)]
    assert times[0] > 1.2 * times[1]


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
    off = Options(disable_passes=("flex-split-kv",))
    whole = replace(kind, spec=replace(kind.spec, options=off))
    monkeypatch.setattr(choice, "Plan", lambda kind, options: kind)
    monkeypatch.setattr(choice, "model_of", lambda device: GPU)
    monkeypatch.setattr(
        choice, "best_schedule", lambda options, *rest: splits.append(options.splits) or 0
    )
    for one in (kind, whole):
        Choice(one, schedules_for(Options(), USUAL), Options()).plan(3000)
    assert splits == [None, 1]


def test_a_tile_is_chosen_anew_for_each_sixteenth_of_the_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, lengths = replace(kind_of(), shape=USUAL), list[int]()
    monkeypatch.setattr(choice, "Plan", lambda kind, options: kind)
    monkeypatch.setattr(choice, "model_of", lambda device: GPU)
    monkeypatch.setattr(
        choice, "best_schedule", lambda o, work, t, d: lengths.append(work.length) or 0
    )
    chosen = Choice(kind, schedules_for(Options(), USUAL), Options())
    for length in (0, 1, 64, 65, 279, 300, 4096, 4097, 4352, 100_000, 101_000):
        chosen.plan(length)
    assert lengths == [0, 64, 128, 320, 4096, 4352, 102_400]


def test_calls_before_do_not_change_a_split() -> None:
    decode = pyflex.compile(options=Options(keys=32))
    key = torch.zeros(1, 1, 640, 16)
    for length in (300, 257, 320, 576, 639):
        decode(key[:, :, :1], key, key, kv_len=length)
    ((found,),) = (choices._plans.values() for choices in decode._choices.values())
    assert sorted(found._splits) == [5, 9, 10]
    assert {found.parts(length) for length in range(257, 321)} == {found._splits[5].parts}


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
