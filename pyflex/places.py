"""What a kernel is compiled for, and how many of its programs a GPU has places for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

#: Multiprocessors of a group (NVIDIA's graphics processing cluster) that programs can rely on, and
#: the most programs of a cluster (as LowerCombineInCluster.cpp has it).
_GROUP, MOST_IN_CLUSTER = 16, 8
#: Warps that a multiprocessor runs at the same time, one for each of its schedulers, and the
#: registers of one of these.
SCHEDULERS, _REGISTERS = 4, 1 << 14
#: Shared memory of the largest NVIDIA multiprocessors, and what they keep of it for each program.
_MOST_SHARED, _RESERVED = 228 << 10, 1 << 10
#: Registers of a thread that tiles of so many rows were seen to need, whatever the mods, and the
#: columns up to which those of 32 rows gain by being told of them.
_ENOUGH, _TOLD_COLUMNS = {16: 168, 32: 232}, 128
#: Parts of a split that the combine kernel combines with few instructions.
FEW_PARTS = 8
#: Rows of a product of matrix units. The smallest tiles have half as many.
UNIT_ROWS = 16


@dataclass(frozen=True)
class Device:
    """A GPU as the model sees it.

    Attributes:
        multiprocessors: how many there are.
        shared: bytes of shared memory of one of them.
        bandwidth: bytes a microsecond that the memory gives, nominally.
        clusters: whether programs can form clusters.
    """

    multiprocessors: int
    shared: int
    bandwidth: float
    clusters: bool = False


@dataclass(frozen=True)
class Places:
    """How many programs of a kernel a GPU runs at the same time.

    Attributes:
        resident: on each multiprocessor.
        clusters: how many clusters of n programs can have a multiprocessor for each program,
            `clusters[n]`; no entry where there can be none.
    """

    resident: int
    clusters: tuple[int, ...] = ()

    def holds(self, clusters: int, size: int) -> bool:
        """Whether so many clusters of so many programs do not crowd together."""
        return 1 < size < len(self.clusters) and clusters <= self.clusters[size]


@dataclass(frozen=True)
class Schedule:
    """The part of a schedule that is compiled into a kernel.

    `heads` query heads by `rows // heads` queries make the rows of a tile.
    """

    rows: int
    keys: int
    heads: int
    num_warps: int
    num_stages: int

    @property
    def padded(self) -> int:
        """Rows that a product of matrix units takes of it."""
        return max(self.rows, UNIT_ROWS)

    @property
    def queries(self) -> int:
        """Queries in a tile."""
        return self.rows // self.heads

    def lines(self, q_len: int) -> int:
        """Rows of a tile that exist in a call of so many queries."""
        return self.heads * min(self.queries, q_len)


@dataclass(frozen=True)
class Shape:
    """What a kernel is compiled for, as far as schedules depend on it.

    `itemsize` is in bytes; `packed` says whether the `group` query heads of a KV head share a
    tile; `mod_cost` counts the mods' operations and `captured` the bytes of an element of each of
    their tensors; `kv_block` is the width of the blocks of a BlockMask or of lists that may be
    made, 0 without; `least_rows` is what the smallest tile has on the device.
    """

    itemsize: int
    head_dim: int
    value_dim: int
    group: int
    q_len: int
    packed: bool
    mod_cost: int = 0
    captured: int = 0
    kv_block: int = 0
    least_rows: int = UNIT_ROWS // 2

    @property
    def sharing(self) -> int:
        """Query heads that can share a tile."""
        return self.group if self.packed else 1

    @property
    def line(self) -> int:
        """Bytes of a key and its value in shared memory."""
        return (tile_width(self.head_dim) + tile_width(self.value_dim)) * self.itemsize


def power_of_two(value: int) -> int:
    """The least power of two that is not smaller."""
    return 1 << max(0, value - 1).bit_length()


def floor_power_of_two(value: int) -> int:
    """The greatest power of two that is not larger; `value` is at least 1."""
    return 1 << value.bit_length() - 1


@cache
def tile_width(columns: int) -> int:
    """Columns of the narrowest tile that holds as many, as passes/flex/Width.h has it.

    It is one or two tensors wide, each a power of two from 16 on.
    """
    if columns <= 16:
        return 16
    half = power_of_two(columns) // 2
    return half + max(16, power_of_two(columns - half))


def combined_width(columns: int, parts: int) -> int:
    """Columns of a row that a program combines of so many parts, as passes/flex/Width.h has it."""
    width = max(power_of_two(columns), 16)
    return min(width, 128) if parts <= FEW_PARTS else min(width, max(width // 2, 32), 64)


def shared_bytes(schedule: Schedule, shape: Shape) -> int:
    """Shared memory of a program: tiles in flight, the queries, and weights on their way to a warp.

    From 64 rows on weights stay in a warp's registers, but products run on beside what follows: a
    tile is held one step longer. Of float32 queries and weights there are two parts each.
    """
    many = schedule.rows >= 64
    in_flight = schedule.num_stages if many else max(schedule.num_stages - 1, 1)
    weights = 0 if many else schedule.keys
    once = schedule.padded * (tile_width(shape.head_dim) + weights) * shape.itemsize
    return in_flight * schedule.keys * shape.line + once * (2 if shape.itemsize == 4 else 1)


def cluster_bytes(schedule: Schedule, value_dim: int, q_len: int) -> int:
    """Bytes of a cluster's program for its part of a split, as LowerCombineInCluster.cpp has it."""
    return 8 * schedule.rows + 4 * schedule.lines(q_len) * value_dim


def needed_bytes(schedule: Schedule, shape: Shape) -> int:
    """What a program takes of a multiprocessor's shared memory, with tables that the mods read.

    A captured tensor may be read for each score, and is loaded ahead as K and V are.
    """
    values = schedule.rows * schedule.keys * (schedule.num_stages - 1)
    return shared_bytes(schedule, shape) + values * shape.captured + _RESERVED


def resident(schedule: Schedule, shape: Shape, shared: int = _MOST_SHARED) -> int:
    """Programs without tables for which a multiprocessor with so much shared memory has room."""
    return max(1, shared // (shared_bytes(schedule, shape) + _RESERVED))


def most_registers(schedule: Schedule, shape: Shape) -> int | None:
    """Registers of a thread that leave room for as many programs as shared memory has.

    None where that is less than a kernel may need, and where nothing is gained by it: of 32 rows
    with wide results, and of more rows.
    """
    enough = _ENOUGH.get(schedule.padded)
    is_wide = tile_width(shape.value_dim) > _TOLD_COLUMNS
    if enough is None or (schedule.rows > UNIT_ROWS and is_wide):
        return None
    programs = resident(schedule, shape)
    warps = -(-programs * schedule.num_warps // SCHEDULERS)
    registers = _REGISTERS // (warps * 32) // 8 * 8
    return min(registers, 255) if registers >= enough else None


def expected_places(schedule: Schedule, shape: Shape, device: Device) -> Places:
    """What shared memory holds, before a kernel is compiled."""
    programs = resident(schedule, shape, device.shared)
    needed = shared_bytes(schedule, shape) + cluster_bytes(schedule, shape.value_dim, shape.q_len)
    if not device.clusters or needed + _RESERVED > device.shared:
        return Places(programs)
    # A cluster stays within a group of multiprocessors (GPC), of which one is taken to have half as
    # many. A pair fits anywhere: they come in twos (TPC).
    groups = max(device.multiprocessors // _GROUP - 1, 0)
    sizes = range(3, MOST_IN_CLUSTER + 1)
    clusters = (groups * (_GROUP // size) + _GROUP // 2 // size for size in sizes)
    return Places(programs, (0, 0, device.multiprocessors // 2, *clusters))
