"""The tiles to choose from, and what the compiler makes of each; no GPU is needed."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

import pyflex
from pyflex import Options, compiler, schedule
from pyflex.kind import Kind
from pyflex.lowered import lowered_for
from pyflex.places import (
    FEW_PARTS,
    Device,
    Schedule,
    combined_width,
    expected_places,
    most_registers,
    needed_bytes,
    shared_bytes,
    tile_width,
)
from pyflex.target import least_rows, parse_target
from pyflex.tiles import LISTED_BLOCK, fitting, schedules_for
from tests.schedules import GPU, USUAL, WORKS, kind_on_one_head

#: With as much shared memory as a graphics card has, 99 KB for a program.
SMALL = Device(multiprocessors=46, shared=100 << 10, bandwidth=448e3)


def test_every_tile_can_be_compiled() -> None:
    for shape in (work.shape for work in WORKS):
        tiles = schedules_for(Options(), shape)
        assert len(set(tiles)) == len(tiles) >= 1
        for tile in tiles:
            assert all(size.bit_count() == 1 for size in (tile.rows, tile.keys))
            assert tile.rows >= 8
            assert tile.keys >= (16 if tile.rows > 8 else 32)
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


def test_parts_are_combined_as_the_compiler_combines_them(decode_op: str) -> None:
    for columns in range(16, 257):
        text = re.sub("value_dim = [0-9]+", f"value_dim = {columns}", decode_op)
        split = "builtin.module(flex-expand-decode,flex-split-kv,flex-to-triton)"
        combining = compiler.run_pipeline(text, split).text.partition("@decode_combine")[2]
        loads = re.findall(r"tt.load .*<([0-9]+)x([0-9]+)x!tt.ptr", combining)
        few, many = ((int(lines), int(width)) for lines, width in loads)
        assert few == (FEW_PARTS, combined_width(columns, FEW_PARTS))
        at_once = schedule._parts_a_round(replace(USUAL, value_dim=columns))
        assert many == (at_once, combined_width(columns, FEW_PARTS + 1))
        narrow = [width < columns for _, width in (few, many)]
        assert combining.count("get_program_id y") == sum(narrow)


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
    for rows, work in product((8, 16, 32, 64, 128), WORKS[:50]):
        assert {tile.rows for tile in schedules_for(Options(rows=rows), work.shape)} == {rows}


@pytest.mark.parametrize(
    ("head_dim", "q_len", "keys_and_warps"),
    [
        (16, 1, [(64, 2)]),
        (32, 1, [(64, 2)]),
        (48, 1, [(64, 2)]),
        (64, 2, [(64, 2), (128, 4), (256, 4), (32, 2)]),
        (96, 1, [(64, 4), (128, 4), (32, 2)]),
        (128, 2, [(64, 4), (128, 4), (32, 2)]),
        (192, 1, [(64, 4), (32, 2)]),
        (256, 1, [(32, 4), (64, 4), (32, 2)]),
        (48, 4, [(64, 2)]),
        (64, 3, [(64, 2), (128, 4), (32, 2)]),
        (96, 4, [(64, 4), (128, 4), (32, 2)]),
        (128, 4, [(64, 4), (128, 4), (32, 2)]),
        (192, 4, [(64, 4), (16, 2)]),
        (256, 4, [(32, 4), (64, 4), (16, 2)]),
        (32, 8, [(64, 2)]),
        (48, 8, [(64, 2)]),
        (64, 8, [(128, 4), (64, 2)]),
        (80, 8, [(128, 4), (64, 2)]),
        (96, 8, [(128, 4), (64, 2)]),
        (256, 8, [(64, 4), (32, 2)]),
        (64, 16, [(64, 4), (32, 4)]),
        (96, 16, [(32, 4), (64, 4)]),
        (192, 16, [(32, 4), (64, 4)]),
        (256, 16, [(64, 4), (32, 4)]),
        (72, 1, [(64, 4), (128, 4), (32, 2)]),
        (80, 2, [(64, 4), (128, 4), (32, 2)]),
        (80, 4, [(64, 2)]),
        (144, 1, [(64, 4), (32, 2)]),
        (144, 4, [(32, 2)]),
        (128, 32, [(32, 4), (64, 4)]),
        (96, 32, [(32, 4), (64, 4)]),
        (144, 17, [(64, 8)]),
    ],
)
def test_tiles(head_dim: int, q_len: int, keys_and_warps: list[tuple[int, int]]) -> None:
    shape = replace(USUAL, head_dim=head_dim, value_dim=head_dim, q_len=q_len)
    tiles = schedules_for(Options(), shape)
    assert [(tile.keys, tile.num_warps) for tile in tiles] == keys_and_warps
    assert {tile.num_stages for tile in tiles} == {3}
    assert fitting(Options(), tiles, shape, GPU) == tiles


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize(("group", "q_len"), [(1, 1), (1, 8), (2, 3), (3, 2), (5, 1), (8, 1)])
@pytest.mark.parametrize("head_dim", [64, 128, 256])
def test_eight_rows_are_for_those_who_gain(
    itemsize: int, group: int, q_len: int, head_dim: int
) -> None:
    """Not for GPUs that do not, nor without the pass that leaves the other rows out."""
    dims = {"head_dim": head_dim, "value_dim": head_dim}
    shape = replace(USUAL, itemsize=itemsize, group=group, q_len=q_len, **dims)
    found = schedules_for(Options(), shape)
    assert all((tile.rows, tile.heads) == (8, group) for tile in found)
    sixteen = schedules_for(Options(rows=16), shape)
    assert all((tile.rows, tile.heads) == (16, group) for tile in sixteen)
    assert schedules_for(Options(), replace(shape, least_rows=16)) == sixteen
    assert schedules_for(Options(disable_passes=("flex-pad-products",)), shape) == sixteen


def test_amd_gpus_have_no_tiles_of_eight_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, gpu = map(torch.device, ("cpu", "cuda"))
    monkeypatch.setattr(torch.version, "hip", None)
    assert (least_rows(cpu), least_rows(gpu)) == (8, 8)
    monkeypatch.setattr(torch.version, "hip", "6.3")
    assert (least_rows(cpu), least_rows(gpu)) == (8, 16)


@pytest.mark.parametrize(("head_dim", "rows"), [(64, 64), (80, 64), (160, 128), (256, 64)])
def test_groups_of_more_heads_than_a_tile_has_rows(head_dim: int, rows: int) -> None:
    shape = replace(USUAL, head_dim=head_dim, value_dim=head_dim, group=130)
    for tile in schedules_for(Options(), shape):
        assert (tile.rows, tile.heads) == (rows, rows)


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("head_dim", [64, 128, 256])
@pytest.mark.parametrize("q_len", [1, 4, 8, 16])
def test_lists_have_the_tiles_of_other_loops(itemsize: int, head_dim: int, q_len: int) -> None:
    dims = {"head_dim": head_dim, "value_dim": head_dim}
    shape = replace(USUAL, itemsize=itemsize, q_len=q_len, **dims)
    listed = schedules_for(Options(), replace(shape, kv_block=128))
    others = schedules_for(Options(), shape)
    assert listed == tuple(tile for tile in others if tile.keys <= LISTED_BLOCK)


@pytest.mark.parametrize(
    ("head_dim", "q_len", "tiles"),
    [
        (16, 1, [(64, 2, 3), (32, 2, 3)]),
        (32, 2, [(64, 2, 3), (32, 2, 3)]),
        (48, 1, [(32, 2, 3)]),
        (80, 1, [(32, 2, 3)]),
        (96, 1, [(32, 4, 3)]),
        (192, 1, [(32, 4, 3)]),
        (256, 1, [(32, 4, 2)]),
        (16, 4, [(64, 2, 3), (32, 2, 3)]),
        (32, 4, [(64, 2, 3), (32, 2, 3)]),
        (48, 4, [(32, 2, 3), (16, 2, 3)]),
        (64, 4, [(32, 4, 3), (16, 2, 3)]),
        (80, 4, [(16, 2, 3)]),
        (96, 4, [(16, 2, 3)]),
        (128, 4, [(32, 4, 3), (16, 2, 3)]),
        (192, 4, [(32, 4, 3), (16, 2, 3)]),
        (256, 4, [(32, 4, 2)]),
        (64, 8, [(32, 2, 3)]),
        (80, 8, [(32, 2, 2)]),
        (128, 8, [(64, 4, 2)]),
        (144, 8, [(32, 4, 2)]),
        (192, 8, [(32, 4, 2)]),
        (256, 8, [(32, 4, 2)]),
    ],
)
def test_tiles_of_float32(head_dim: int, q_len: int, tiles: list[tuple[int, int, int]]) -> None:
    shape = replace(USUAL, itemsize=4, head_dim=head_dim, value_dim=head_dim, q_len=q_len)
    found = schedules_for(Options(), shape)
    assert [(tile.keys, tile.num_warps, tile.num_stages) for tile in found] == tiles
    rows = {1: 8, 2: 8, 4: 16, 8: 32 if head_dim <= 192 else 16}[q_len]
    assert {tile.rows for tile in found} == {rows}
    assert fitting(Options(), found, shape, GPU) == found


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
    roomy = fitting(Options(), (first, *others), shape, SMALL)
    assert min(shared_bytes(tile, shape) for tile in roomy) < 99 << 10
    exact = schedules_for(Options(precision="ieee"), shape)
    assert {tile.rows for tile in exact} == {16}


@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("dims", [*product((64, 80, 128, 256), (64, 160, 192, 256)), (16, 16)])
@pytest.mark.parametrize("q_len", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("captured", [0, 12])
def test_small_gpus_have_room(
    itemsize: int, dims: tuple[int, int], q_len: int, captured: int
) -> None:
    """Also for three tables of float32 with a value for each score; not much more than enough."""
    rest = {"head_dim": dims[0], "value_dim": dims[1], "q_len": q_len, "captured": captured}
    shape = replace(USUAL, itemsize=itemsize, **rest)
    tiles = schedules_for(Options(), shape)
    for room in (64 << 10, 100 << 10, 164 << 10, 228 << 10):
        found = fitting(Options(), tiles, shape, replace(SMALL, shared=room))
        if room == 64 << 10 and needed_bytes(found[0], shape) > room:
            (least,) = found
            assert (least.keys, least.num_stages) == (16, 2)
            continue
        assert all(needed_bytes(tile, shape) <= room for tile in found)
        if not set(found) <= set(tiles):
            (least,) = found
            assert all(needed_bytes(tile, shape) > room for tile in tiles)
            assert needed_bytes(least, shape) > room // 3


@pytest.mark.parametrize(
    ("dtype", "head_dim", "q_len"),
    [(torch.bfloat16, 256, 16), (torch.bfloat16, 176, 32), (torch.float32, 128, 8)],
)
def test_a_tile_that_was_made_smaller_fits(dtype: torch.dtype, head_dim: int, q_len: int) -> None:
    kind = kind_on_one_head(pyflex.compile(), head_dim, q_len, dtype)
    tiles = schedules_for(Options(), kind.shape)
    (least,) = fitting(Options(), tiles, kind.shape, SMALL)
    assert least not in tiles
    lowered = lowered_for(replace(kind.spec, schedule=least))
    assert lowered.gpu(parse_target("cuda:89")).binary.shared <= 99 << 10


def test_what_the_options_fix_is_not_made_smaller() -> None:
    small = replace(SMALL, shared=64 << 10)
    shape = replace(USUAL, head_dim=256, value_dim=256, q_len=16)
    for fixed in ({"keys": 128}, {"num_stages": 4}, {"num_warps": 8}):
        options = Options(**fixed)
        (tile,) = fitting(options, schedules_for(options, shape), shape, small)
        assert all(getattr(tile, name) == value for name, value in fixed.items())


def test_registers_are_told_of_where_they_leave_room_for_the_programs_that_fit() -> None:
    assert [most_registers(s, USUAL) for s in schedules_for(Options(), USUAL)] == [168, 255, 168]
    # Five programs of two warps: one of the four schedulers has three warps.
    wide = replace(USUAL, head_dim=256, value_dim=256)
    *_, narrow = schedules_for(Options(rows=16), wide)
    assert (narrow.keys, most_registers(narrow, wide)) == (16, 168)
    # Of D 96 four programs fit, with too few registers for each.
    small = replace(USUAL, head_dim=96, value_dim=96)
    assert most_registers(schedules_for(Options(), small)[0], small) is None


def test_registers_of_32_rows_are_told_of_where_results_are_not_wide() -> None:
    shape = replace(USUAL, q_len=8)
    assert [most_registers(s, shape) for s in schedules_for(Options(), shape)] == [255, 255, None]
    (exact,) = schedules_for(Options(), replace(shape, itemsize=4))
    assert most_registers(exact, replace(shape, itemsize=4)) == 255
    for other in (replace(shape, head_dim=144, value_dim=144), replace(USUAL, q_len=16)):
        assert all(most_registers(s, other) is None for s in schedules_for(Options(), other))


def test_an_assembler_is_told_of_registers() -> None:
    decode = pyflex.compile()
    key = torch.zeros(1, 2, 64, 128, dtype=torch.bfloat16)
    decode(torch.zeros(1, 8, 1, 128, dtype=torch.bfloat16), key, key)
    assert re.search(r"\.maxnreg 168\b", decode.ir("ptx", target="cuda:90"))
    assert "maxnreg" not in decode.ir("ttgir", target="hip:gfx942")


def shared_on_a_gpu(kind: Kind, tile: Schedule) -> int:
    """Bytes of shared memory that Triton gives a program."""
    lowered = lowered_for(replace(kind.spec, schedule=tile))
    return lowered.gpu(parse_target("cuda:90")).binary.shared


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("q_len", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("head_dim", [16, 64, 80, 96, 128, 192, 256])
def test_a_tile_needs_as_much_shared_memory_as_the_model_counts(
    head_dim: int, q_len: int, dtype: torch.dtype
) -> None:
    kind = kind_on_one_head(pyflex.compile(), head_dim, q_len, dtype)
    for tile in schedules_for(Options(), kind.shape):
        needed, counted = shared_on_a_gpu(kind, tile), shared_bytes(tile, kind.shape)
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
    for tile in fitting(Options(), schedules_for(Options(), kind.shape), kind.shape, GPU):
        assert shared_on_a_gpu(kind, tile) <= 227 << 10
