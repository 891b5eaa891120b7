"""`Decode.explain`: which keys the programs of a call read, and why its loops are as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import torch

from pyflex.blocks import BlockLists
from pyflex.compare import compare
from pyflex.explanation import Estimate, Explanation, RowTile, count
from pyflex.inputs import Inputs
from pyflex.kind import Kind
from pyflex.layout import Layout
from pyflex.listing import depends_on_head
from pyflex.options import Options
from pyflex.plan import Plan
from pyflex.run import model_of
from pyflex.schedule import Parts, tile_length
from pyflex.tiles import fitting, schedules_for


def explain(
    inputs: Inputs, plan: Plan, layout: Layout, options: Options, *, has_mask: bool
) -> Explanation:
    """Explains the call that `plan` runs; `has_mask` says whether a mask_fn was compiled."""
    kind = plan.kind
    spec, lists = kind.spec, kind.lists
    schedule = spec.schedule
    parts = plan.parts(inputs.kv_limit)
    tiles = tuple(_tiles(inputs, plan, layout))
    reason, estimates = _choice(kind, options, inputs.kv_limit)
    shapes = (
        f"{name} {' x '.join(map(str, tensor.shape))}"
        for name, tensor in (("query", inputs.query), ("key", inputs.key), ("value", inputs.value))
    )
    return Explanation(
        problem=f"{', '.join(shapes)}, {spec.element} on {kind.device}",
        sparsity=_sparsity(plan, has_mask, tiles),
        tiles=tiles,
        block=lists.kv_block if lists is not None else schedule.keys,
        key_bytes=(spec.head_dim + spec.value_dim) * inputs.query.element_size(),
        schedule=schedule,
        splits=parts.number,
        combined=_combined(parts),
        reason=reason,
        estimates=estimates,
    )


def _combined(parts: Parts) -> str:
    if parts.number == 1:
        return ""
    return "as a cluster" if parts.in_cluster else "by a second kernel"


def _sparsity(plan: Plan, has_mask: bool, tiles: tuple[RowTile, ...]) -> str:
    if plan.kind.lists is not None:
        asked = "its mask_mod is asked in partial ones"
        return f"a BlockMask lists the blocks; {asked}{', mask_fn in all' if has_mask else ''}"
    if plan.spec.listed:
        return (
            "a first kernel finds the blocks that the mask shows; the mask is asked in partial ones"
        )
    if plan.spec.mask is None:
        return "no mask: every key below kv_len is read"
    if any(tile.all or tile.keys < tile.length for tile in tiles):
        return "bounds of kv_idx derived from the mask: keys outside are not read"
    return "every key below kv_len is read, and the mask asked"


def _row_tiles(inputs: Inputs, kind: Kind) -> Iterator[tuple[int, int, int, int, int]]:
    """Batch entry, first head, heads, first query, queries, in the order of `flex.rows`."""
    spec, schedule = kind.spec, kind.spec.schedule
    group, heads, queries = spec.group, schedule.heads, schedule.queries
    q_block = spec.blocks.q_block if spec.blocks is not None else max(inputs.q_len, 1)
    for batch, kv_head, portion in product(
        range(inputs.batch), range(inputs.kv_heads), range(0, group, heads)
    ):
        for block in range(0, inputs.q_len, q_block):
            block_end = min(block + q_block, inputs.q_len)
            for query in range(block, block_end, queries):
                yield (
                    batch,
                    kv_head * group + portion,
                    min(heads, group - portion),
                    query,
                    min(queries, block_end - query),
                )


def _tiles(inputs: Inputs, plan: Plan, layout: Layout) -> Iterator[RowTile]:
    kind, lengths = plan.kind, _lengths(inputs)
    keys = kind.spec.schedule.keys
    places = zip(_row_tiles(inputs, kind), _bounds(inputs, plan, layout), strict=True)
    given = _Listed(kind.lists) if kind.lists is not None else None
    found = _Found(inputs, plan, layout) if plan.spec.listed else None
    for place, bounds in places:
        length = lengths[place[0]]
        if kind.lists is not None and given is not None:
            blocks = given.blocks(place[0], place[1], place[3])
            visited = _visited(blocks, kind.lists.kv_block, length)
        elif found is not None:
            visited = _visited(found.blocks(place[0], place[1], place[3]), keys, length)
        elif kind.spec.mask is None:
            visited = _interval(0, length, 0, length, keys)
        else:
            visited = _interval(*bounds, keys)
        yield RowTile(*place, length, *visited)


def _bounds(inputs: Inputs, plan: Plan, layout: Layout) -> list[tuple[int, int, int, int]]:
    """What the kernel derives from the mask for each program; nothing of lists or no mask."""
    if plan.spec.blocks is not None or plan.spec.listed or plan.spec.mask is None:
        return [(0, 0, 0, 0)] * plan.kind.programs()
    found: list[tuple[int, int, int, int]]
    found = plan.bounds(layout, inputs.q_offset, inputs.kv_len).tolist()
    return found


def _interval(
    begin: int, end: int, sure_begin: int, sure_end: int, keys: int
) -> tuple[int, int, int, int, int, int, int]:
    """What a loop over an interval visits, in tiles from `begin` on: RowTile's last attributes."""
    tiles = -(-max(end - begin, 0) // keys)
    first = -(-max(sure_begin - begin, 0) // keys)
    behind = tiles if sure_end >= end else max(sure_end - begin, 0) // keys
    free = max(behind - first, 0) if sure_begin < sure_end else 0
    return begin, end, sure_begin, sure_end, tiles - free, free, max(end - begin, 0)


def _lengths(inputs: Inputs) -> list[int]:
    """The keys of each batch entry; a tensor's are read from the device."""
    if isinstance(inputs.kv_len, int):
        return [inputs.kv_len] * inputs.batch
    lengths: list[int] = inputs.kv_len.reshape(-1).clamp(0, inputs.kv_max).tolist()
    return lengths


class _Listed:
    """A BlockMask's lists, read from the device."""

    def __init__(self, lists: BlockLists) -> None:
        self._q_block = lists.q_block
        self._lists = [(lists.counts.cpu(), lists.indices.cpu())]
        if lists.full_counts is not None and lists.full_indices is not None:
            self._lists.append((lists.full_counts.cpu(), lists.full_indices.cpu()))

    def blocks(self, batch: int, head: int, query: int) -> list[torch.Tensor]:
        """The partial blocks and, where there are lists of them, the full ones."""
        found = []
        for counts, indices in self._lists:
            entries, heads, _ = counts.shape
            row = (batch % entries, head % heads, query // self._q_block)
            found.append(indices[row][: int(counts[row])].long())
        return found


class _Found:
    """What a first kernel finds of the blocks, read from the device."""

    def __init__(self, inputs: Inputs, plan: Plan, layout: Layout) -> None:
        spec = plan.spec
        assert spec.mask is not None  # it is what the lists are made from
        self._lists = plan.list_blocks(layout, inputs.q_offset, inputs.kv_len)
        self._tiles = -(-inputs.q_len // spec.schedule.queries)
        self._group, self._heads, self._queries = (
            spec.group,
            spec.schedule.heads,
            spec.schedule.queries,
        )
        self._portions = -(-spec.group // spec.schedule.heads)
        self._per_batch = inputs.kv_heads * self._portions if depends_on_head(spec.mask) else 0

    def blocks(self, batch: int, head: int, query: int) -> list[torch.Tensor]:
        """The partial blocks and the full ones."""
        row = batch
        if self._per_batch:
            kv_head, in_group = divmod(head, self._group)
            row = row * self._per_batch + kv_head * self._portions + in_group // self._heads
        lists = self._lists[row * self._tiles + query // self._queries]
        return [torch.tensor(blocks, dtype=torch.long, device="cpu") for blocks in lists]


def _visited(blocks: list[torch.Tensor], kv_block: int, length: int) -> tuple[int, ...]:
    """What `RowTile` holds behind `length`; blocks past the end are not read."""
    found = [starts[starts < length] for starts in (each * kv_block for each in blocks)]
    starts = torch.cat(found)
    if not len(starts):
        return (0,) * 7
    ends = (starts + kv_block).clamp(max=length)
    some, free = len(found[0]), sum(map(len, found[1:]))
    begin, end, keys = int(starts.min()), int(ends.max()), int((ends - starts).sum())
    return begin, end, 0, 0, some, free, keys


def _choice(kind: Kind, options: Options, kv_limit: int) -> tuple[str, tuple[Estimate, ...]]:
    """Why the call has its tile and split, and the tiles that were compared."""
    shape = kind.shape
    fixed = [
        name
        for name in ("rows", "keys", "num_warps", "num_stages", "splits")
        if getattr(options, name) is not None
    ]
    given = f"fixed by Options: {', '.join(fixed)}; " if fixed else ""
    device = model_of(kind.device)
    modelled = kind.for_the_model(options)
    free = modelled.splits is None
    if device is None:
        busy = f" and keeps {count(torch.get_num_threads(), 'thread')} busy" if free else ""
        return f"{given}a CPU takes the usual tile{busy}", ()
    tiles = fitting(options, schedules_for(options, shape), shape, device)
    work = replace(kind.work(tile_length(kv_limit)), listed=kind.spec.listed)  # as for `Choice`
    compared = compare(modelled, work, tiles, device)
    found = zip(tiles, compared.parts, compared.times, strict=True)
    estimates = tuple(Estimate(tile, parts.number, us) for tile, parts, us in found)
    longest = f"loops of up to {work.length} keys"
    if len(estimates) == 1:
        shared = f", in the splits that the model finds best for {longest}" if free else ""
        return f"{given}the one tile for calls of this kind{shared}", estimates
    why = {
        "shortest": f"the shortest time by the model, for {longest}",
        "wider where close": f"near the model's shortest time for {longest}, in fewer programs",
        "others are for long loops": f"the shortest time by the model, for {longest}, but for a "
        "tile that is kept for long loops of many programs",
        "narrow for few": f"near the model's shortest time for {longest}; of so few programs it is "
        "faster than the model has it",
        "wider for few": "the better of the wider tiles: so few programs each need more bytes",
    }
    return f"{given}{why[compared.reason]}", estimates
