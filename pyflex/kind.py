"""What calls of one kind have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from pyflex.blocks import BlockLists
from pyflex.errors import DeviceError
from pyflex.inputs import ELEMENTS, Inputs
from pyflex.kernel import ANY_TILE, BlockShape, KernelSpec
from pyflex.layout import Lines
from pyflex.listing import Listing, blocks_at_once, depends_on_head
from pyflex.lowered import lowered_for
from pyflex.mods import TracedMods
from pyflex.options import Options
from pyflex.places import Shape
from pyflex.schedule import Work
from pyflex.target import least_rows
from pyflex.tiles import LISTED_BLOCK
from pyflex.trace import TracedMod


@dataclass(frozen=True)
class Kind:
    """What is the same for all calls of a kind, and what code they need.

    Attributes:
        shapes: of query, key and value; the lengths of key and value do not count.
        integers: of q_offset and kv_len, bits of a tensor's integers, 0 if it is no tensor.
        lists: the BlockMask's.
        listable: whether the mask shows blocks that are not next to each other.
    """

    spec: KernelSpec
    shape: Shape
    trace: TracedMods
    lists: BlockLists | None
    listable: bool
    shapes: tuple[torch.Size, torch.Size, torch.Size]
    integers: tuple[int, int]
    dtype: torch.dtype
    device: torch.device

    @property
    def rows(self) -> tuple[int, int, int]:
        """Batch, query heads and queries: the rows of the result."""
        batch, heads, q_len, _ = self.shapes[0]
        return batch, heads, q_len

    def programs(self) -> int:
        """Programs along the grid's first axis; `flex.rows` enumerates them.

        Raises:
            DeviceError: for more than a grid holds.
        """
        spec, (batch, _, q_len) = self.spec, self.rows
        queries = spec.schedule.queries
        if spec.blocks is not None:
            whole, rest = divmod(q_len, spec.blocks.q_block)
            tiles = whole * -(-spec.blocks.q_block // queries) + -(-rest // queries)
        else:
            tiles = -(-q_len // queries)
        portions = -(-spec.group // spec.schedule.heads)
        programs = batch * self.shapes[1][1] * portions * tiles
        if programs >= 1 << 31:
            raise DeviceError(
                "the call needs more programs than a grid holds",
                expected="fewer than 2**31",
                got=programs,
            )
        return programs

    def kv_bytes(self, kv_limit: int) -> int:
        """Bytes of so many keys and their values."""
        batch, heads, _, _ = self.shapes[1]
        lines = self.spec.head_dim + self.spec.value_dim
        return batch * heads * kv_limit * lines * self.dtype.itemsize

    def list_count(self) -> tuple[int, int]:
        """How many lists there are, and how many blocks a first kernel's program sees at once.

        One for each program or, where the mask is the same for all heads, for each tile of queries.
        """
        spec, (batch, _, q_len) = self.spec, self.rows
        assert spec.mask is not None  # without one there is nothing to list
        schedule, queries = spec.schedule, spec.schedule.queries
        rows = min(queries, spec.queries or queries)
        if depends_on_head(spec.mask):
            return self.programs(), blocks_at_once(schedule.keys, rows * schedule.heads)
        return batch * -(-q_len // queries), blocks_at_once(schedule.keys, rows)

    def listing(self, kv_limit: int) -> Listing:
        """The lists of the blocks of up to `kv_limit` keys."""
        blocks = -(-kv_limit // self.spec.schedule.keys)
        count, at_once = self.list_count()
        return Listing(count, blocks, at_once, self.programs())

    def for_the_model(self, options: Options) -> Options:
        """`options` with one part, where these calls' loop is not made to be split."""
        return options if self.spec.splits_kv else replace(options, splits=1)

    def work(self, kv_limit: int) -> Work:
        """The KV loop over sequences of up to `kv_limit` keys."""
        batch, heads, q_len = self.rows
        if self.lists is not None:
            kv_limit = min(kv_limit, self.lists.most_blocks * self.lists.kv_block)
        elif most := lowered_for(self.spec).bounds.most:
            of_row, per_query = most
            queries = min(self.spec.schedule.queries, max(q_len, 1))
            kv_limit = min(kv_limit, of_row + per_query * (queries - 1))
        return Work(
            shape=self.shape,
            programs=self.programs(),
            length=kv_limit,
            rows=batch * heads * q_len,
            varies=self.integers[1] != 0,
            listed=self.spec.listed,
        )


def kind_of(
    inputs: Inputs,
    trace: TracedMods,
    options: Options,
    lines: Lines,
    *,
    lse: bool,
    max_scores: bool,
) -> Kind:
    """The kind of a call with these results, before a tile is chosen."""
    group = inputs.heads // inputs.kv_heads
    spec = KernelSpec(
        element=ELEMENTS[inputs.query.dtype],
        kv_heads=inputs.kv_heads,
        group=group,
        head_dim=inputs.query.shape[3],
        value_dim=inputs.value.shape[3],
        score_key=trace.score.key if trace.score else None,
        mask_key=trace.mask.key if trace.mask else None,
        blocks=_blocks_of(inputs.blocks, group),
        lse=lse,
        max_scores=max_scores,
        one_query=inputs.q_len == 1,
        aligned=lines.aligned,
        key_line=lines.key,
        value_line=lines.value,
        offset_type="i64" if _integer_bits(inputs.q_offset) == 64 else "i32",
        length_type="i64" if _integer_bits(inputs.kv_len) == 64 else "i32",
        options=options.of_code,
        schedule=ANY_TILE,
        score=trace.score,
        mask=trace.mask,
        score_divisibility=trace.score.divisibility() if trace.score else (),
        mask_divisibility=trace.mask.divisibility() if trace.mask else (),
    )
    listable = spec.listable and not lowered_for(spec).bounds.exact
    return Kind(
        spec=spec,
        shape=_shape_of(inputs, spec, trace.mods, LISTED_BLOCK if listable else 0),
        trace=trace,
        lists=inputs.blocks,
        listable=listable,
        shapes=(inputs.query.shape, inputs.key.shape, inputs.value.shape),
        integers=(_integer_bits(inputs.q_offset), _integer_bits(inputs.kv_len)),
        dtype=inputs.query.dtype,
        device=inputs.query.device,
    )


def _blocks_of(lists: BlockLists | None, group: int) -> BlockShape | None:
    if lists is None:
        return None
    return BlockShape(
        q_block=lists.q_block,
        kv_block=lists.kv_block,
        per_head=lists.counts.shape[1] > 1 and group > 1,
        has_full=lists.full_counts is not None,
    )


def _shape_of(inputs: Inputs, spec: KernelSpec, mods: tuple[TracedMod, ...], listed: int) -> Shape:
    lists, blocks = inputs.blocks, spec.blocks
    return Shape(
        itemsize=inputs.query.element_size(),
        head_dim=spec.head_dim,
        value_dim=spec.value_dim,
        group=spec.group,
        q_len=inputs.q_len,
        packed=spec.options.enabled("flex-pack-gqa") and not (blocks and blocks.per_head),
        kv_block=lists.kv_block if lists is not None else listed,
        mod_cost=sum(mod.cost for mod in mods),
        captured=sum(mod.captured for mod in mods),
        least_rows=least_rows(inputs.query.device),
    )


def _integer_bits(given: int | torch.Tensor) -> int:
    return 8 * given.element_size() if isinstance(given, torch.Tensor) else 0
