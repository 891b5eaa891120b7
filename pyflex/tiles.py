"""Tiles of the KV loop: the few shapes to choose from for a kind of call."""

from __future__ import annotations

from pyflex.errors import ScheduleError
from pyflex.options import Options
from pyflex.places import (
    UNIT_ROWS,
    Device,
    Schedule,
    Shape,
    floor_power_of_two,
    needed_bytes,
    power_of_two,
    resident,
    tile_width,
)

#: Keys of the usual tile, and its bytes of K and V where heads are narrow.
_KEYS, _USUAL = 64, 16384
#: The most bytes of the tile for many short loops, and of the one that lets a single program keep
#: a multiprocessor's share of the memory busy.
_NARROW, _WIDE = 20480, 65536
#: The most keys of the latter, but for narrow heads of eight rows: twice as many take eight warps,
#: or a warp twice as long.
MOST_WIDE = 128
#: Bytes of a key and its value up to which two warps hold 16 rows by 64 keys, and 32 rows; and up
#: to which no other tile of so many rows comes near.
_SHORT_LINE, _SHORT_LINE_32, _SHORTEST_LINE = 320, 384, 192
#: Of float32 the registers hold fewer rows, if a key and its value have no more than these bytes.
_FLOAT32_ROWS, _FLOAT32_LINE = 32, 1536
#: Columns of such a result that two warps hold.
_FLOAT32_COLUMNS = 96
#: Bytes of a key and its value, of D 64 and of D 128, between which two warps are best for 16 rows,
#: as they are below.
_FLOAT32_64, _FLOAT32_128 = 512, 1024
#: Bytes of a float32 key and its value up to which two warps are best for eight rows.
_FLOAT32_80 = 640
#: Warps that keep a multiprocessor busy with float32, two for each of its schedulers.
_FLOAT32_WARPS = 8
#: Scores that a warp holds: 32 a thread. The most keys of a tile, and the least block that one
#: may be held to.
_WARP_SCORES, _MOST_KEYS, _LEAST_BLOCK = 1024, 256, 64
#: Keys of the blocks that are listed, where a tile holds as many.
LISTED_BLOCK = 128

#: Keys, warps and stages.
_Tile = tuple[int, int, int]


def schedules_for(options: Options, shape: Shape) -> tuple[Schedule, ...]:
    """The tiles to choose from, the usual one first; of up to 16 rows the narrow one is last.

    They depend on the length of the query only by the power of two that holds all rows, and neither
    on the batch nor on the KV length, so that the same few kernels serve a whole generation.
    """
    rows = options.rows or _rows(options, shape)
    _check_products(options, shape, rows)
    tiles = _float32_tiles(shape, rows) if shape.itemsize == 4 else _half_tiles(shape, rows)
    if options.keys or options.num_warps or options.num_stages:
        tiles = tiles[:1]
    return tuple(dict.fromkeys(_schedule(options, shape, rows, tile) for tile in tiles))


def fitting(
    options: Options, schedules: tuple[Schedule, ...], shape: Shape, device: Device
) -> tuple[Schedule, ...]:
    """Those of `schedules` for which a multiprocessor has the shared memory.

    Where there is none, the smallest with fewer keys or stages yet, as far as `options` leave them
    open; whether that fits is for the compiled kernel to say.
    """
    roomy = tuple(s for s in schedules if needed_bytes(s, shape) <= device.shared)
    if roomy:
        return roomy
    least = min(schedules, key=lambda s: needed_bytes(s, shape))
    keys, stages = least.keys, least.num_stages
    while needed_bytes(least, shape) > device.shared and (keys > 16 or stages > 2):
        keys, stages = (keys // 2, stages) if keys > 16 else (keys, stages - 1)
        least = _schedule(options, shape, least.rows, (keys, least.num_warps, stages))
    return (least,)


def _schedule(options: Options, shape: Shape, rows: int, tile: _Tile) -> Schedule:
    """A tile of so many rows, with what the options fix and as far as blocks and warps hold it."""
    keys, num_warps, num_stages = tile
    num_warps = options.num_warps or num_warps
    # A tile inside a block reads one index; blocks that are smaller than a tile must be gathered.
    in_block = shape.kv_block & -shape.kv_block
    most = in_block if in_block >= _LEAST_BLOCK else _MOST_KEYS
    keys = options.keys or max(16, min(keys, num_warps * _WARP_SCORES // rows, most))
    return Schedule(
        rows=rows,
        keys=keys,
        heads=min(shape.sharing, rows),
        num_warps=num_warps,
        num_stages=options.num_stages or num_stages,
    )


def _half_tiles(shape: Shape, rows: int) -> list[_Tile]:
    """Tiles of bfloat16 and float16."""
    if rows >= 32:
        return _tiles_of_many_rows(shape, rows)
    if rows < UNIT_ROWS:
        return _half_tiles_of_8_rows(shape)
    most = floor_power_of_two(_NARROW // shape.line)
    if shape.line <= _SHORTEST_LINE or _narrowest_piece(shape) == 16:
        return [(min(most, _KEYS), 2, 3)]
    usual, wide = _usual_and_wide(shape)
    few_warps = 2 if shape.line <= _SHORT_LINE else 4
    return [(usual, few_warps, 3), (wide, 4, 3), (min(most, _KEYS // 2), 2, 3)]


def _half_tiles_of_8_rows(shape: Shape) -> list[_Tile]:
    if shape.line <= _SHORTEST_LINE:
        return [(_KEYS, 2, 3)]
    usual, wide = _usual_and_wide(shape)
    narrow = (_KEYS // 2, 2, 3)
    # Of D 80 two warps are best for 16 rows alone.
    if shape.line >= _SHORT_LINE:
        return [(usual, 4, 3), (wide, 4, 3), narrow]
    return [(usual, 2, 3), (wide, 4, 3), (2 * wide, 4, 3), narrow]


def _usual_and_wide(shape: Shape) -> tuple[int, int]:
    """Keys of the usual tile of the half types, and of the wide one."""
    usual = _KEYS if _KEYS * shape.line < _WIDE else _KEYS // 2
    return usual, MOST_WIDE if MOST_WIDE * shape.line <= _WIDE else _KEYS


def _tiles_of_many_rows(shape: Shape, rows: int) -> list[_Tile]:
    """The same from 32 rows on. From 64 on each warp has rows of its own."""
    if rows > 64:
        return [(_KEYS, 8, 3)]
    if rows == 64:
        few, many = (_KEYS // 2, 4, 3), (_KEYS, 4, 3)
        # Between narrow heads and those of which one program fits, fewer keys make room for more.
        return [few, many] if _USUAL < _KEYS * shape.line < _WIDE else [many, few]
    if shape.line > _SHORT_LINE_32:
        return [(_KEYS, 4, 3), (_usual_and_wide(shape)[1], 4, 3), (_KEYS // 2, 2, 3)]
    few = (_KEYS, 2, 3)
    return [few] if shape.line <= _SHORTEST_LINE else [(MOST_WIDE, 4, 3), few]


def _float32_tiles(shape: Shape, rows: int) -> list[_Tile]:
    """The same of float32: its arithmetic counts, and programs hide one another's."""
    if rows > _FLOAT32_ROWS:  # asked for: each warp has 16
        return [(32, rows // 16, 2)]
    if rows == 32:
        return _float32_tiles_of_32_rows(shape)
    if rows < UNIT_ROWS:
        return _float32_tiles_of_8_rows(shape)
    return _float32_tiles_of_16_rows(shape)


def _float32_tiles_of_8_rows(shape: Shape) -> list[_Tile]:
    if shape.line > _FLOAT32_80:
        return [(32, 4, 3 if shape.line <= _FLOAT32_LINE else 2)]
    return [(_KEYS, 2, 3), (32, 2, 3)] if _KEYS * shape.line <= _USUAL else [(32, 2, 3)]


def _float32_tiles_of_16_rows(shape: Shape) -> list[_Tile]:
    if shape.line < _FLOAT32_64:
        keys = min(floor_power_of_two(_USUAL // shape.line), _KEYS)
        return [(keys, 2, 3), (keys // 2, 2, 3)]
    if shape.line > _FLOAT32_LINE:
        return [(32, 4, 2)]
    narrow = (16, 2, 3)
    return [narrow] if _FLOAT32_64 < shape.line < _FLOAT32_128 else [(32, 4, 3), narrow]


def _float32_tiles_of_32_rows(shape: Shape) -> list[_Tile]:
    """The first tile that keeps a multiprocessor busy.

    The warps share the result's columns: four hold a wide one, and leave a narrow one less than the
    matrix units take.
    """
    columns = tile_width(shape.value_dim)
    if columns <= _FLOAT32_COLUMNS:
        tiles, last = [(32, 2, 3), (32, 2, 2)], (16, 2, 3)
    else:
        usual = [(64, 4, 2)] if columns <= 128 else []
        tiles, last = [*usual, (32, 4, 3), (32, 4, 2)], (32, 4, 3)

    def is_busy(tile: _Tile) -> bool:
        keys, num_warps, num_stages = tile
        schedule = Schedule(32, keys, 32, num_warps, num_stages)
        return resident(schedule, shape) * num_warps >= _FLOAT32_WARPS

    return [next(filter(is_busy, tiles), last)]


def _narrowest_piece(shape: Shape) -> int:
    """Columns of the narrowest tensor of K or V: the warps of a product divide its columns."""
    return min(width & -width for width in _widths(shape))


def _widths(shape: Shape) -> tuple[int, int]:
    return tile_width(shape.head_dim), tile_width(shape.value_dim)


def _check_products(options: Options, shape: Shape, rows: int) -> None:
    """Refuses tiles for which Triton 3.6 makes float32 kernels that give wrong numbers.

    From 64 rows on, three TF32 products go wrong where the warps that share 16 rows leave one
    another 8 columns. A GPU test runs the tiles that pass.

    Raises:
        ScheduleError: for such a tile.
    """
    if shape.itemsize != 4 or options.precision != "tf32x3" or rows < 64:
        return
    most = rows // 16
    if options.num_warps is not None and options.num_warps > most:
        raise ScheduleError(
            f"num_warps does not fit {rows} rows of float32 with precision='tf32x3'",
            expected=f"at most {most}, fewer rows, or another precision",
            got=options.num_warps,
        )


def _rows(options: Options, shape: Shape) -> int:
    """Rows of a tile: all that share K and V, as far as the registers hold the result."""
    least = shape.least_rows if options.enabled("flex-pad-products") else UNIT_ROWS
    wanted = max(power_of_two(shape.sharing * shape.q_len), least)
    if shape.itemsize == 4:
        # Exact products are formed by the ordinary units, which need more registers yet.
        fit = shape.line <= _FLOAT32_LINE and options.precision != "ieee"
        return min(wanted, _FLOAT32_ROWS if fit else UNIT_ROWS)
    # Such heads leave a multiprocessor one program, of 64 rows or of 128 with twice the warps.
    alone = all(128 < width < 256 for width in _widths(shape))
    return min(wanted, 128 if alone else 64)
