"""A kernel made ready for calls of one kind, so that a call itself has little left to do.

Calls are of one kind when they agree in everything that a kernel, its grid or a check depends
on. Lengths of the cache, positions, most strides and addresses are left out: they change from step
to step of a generation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.autograd import forward_ad

from pyflex.arguments import (
    Argument,
    PerBatch,
    block_arguments,
    check_captures,
    most_keys,
    per_batch,
)
from pyflex.blocks import BlockLists
from pyflex.inputs import MOST_LENGTH, check_scale
from pyflex.kind import Kind
from pyflex.launch import GpuKernel
from pyflex.layout import Layout, Lines, layout_of
from pyflex.listing import Listing
from pyflex.lowered import lowered_for
from pyflex.memory import has_plain_memory, recorder
from pyflex.options import Options
from pyflex.repeat import Repeat
from pyflex.run import Split, model_of, runner_for
from pyflex.schedule import LENGTH_STEP, Parts, length_steps, parts_for, parts_for_threads


class Results(NamedTuple):
    """The tensors that a call fills."""

    out: torch.Tensor
    lse: torch.Tensor | None
    max_scores: torch.Tensor | None


def call_kind(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lists: BlockLists | None,
    q_offset: PerBatch | None,
    kv_len: PerBatch | None,
) -> tuple[tuple[Any, ...], Layout] | None:
    """A key that is equal for calls of one kind, and where this call's tensors lie.

    None for a call that has to be checked anew.
    """
    try:
        if recorder() is not None or not all(map(has_plain_memory, (query, key, value))):
            return None
        if forward_ad._current_level >= 0:
            return None
        layout = layout_of(query, key, value)
        kv_batch, kv_heads, kv_max, key_dim = key.shape
        value_batch, value_heads, value_max, value_dim = value.shape
        needs_grad = query.requires_grad or key.requires_grad or value.requires_grad
    except (AttributeError, ValueError):
        return None
    dtype, device = query.dtype, query.device
    if key.dtype is not dtype or value.dtype is not dtype:
        return None
    if key.device != device or value.device != device:
        return None
    if value_max != kv_max or kv_max > MOST_LENGTH:
        return None
    if needs_grad and torch.is_grad_enabled():
        return None
    kv_limit = kv_max
    if kv_len is None:
        length: Any = None
    elif type(kv_len) is int:
        if not 0 <= kv_len <= kv_max:
            return None
        kv_limit, length = kv_len, int
    elif (length := _kind(kv_len)) is None:
        return None
    if q_offset is None:
        offset: Any = None
    elif type(q_offset) is int:
        if not -(2**31) < q_offset < 2**31:
            return None
        offset = int
    elif (offset := _kind(q_offset)) is None:
        return None
    if lists is not None and not (
        lists.kv_len >= kv_limit and lists.are_rows_of(query.shape[2], q_offset)
    ):
        return None
    sizes = (kv_batch, kv_heads, key_dim, value_batch, value_heads, value_dim)
    return (query.shape, sizes, dtype, device, layout.lines, lists, offset, length), layout


def _kind(given: PerBatch) -> Any:
    """What a kernel depends on of a tensor; None for what has to be checked anew."""
    if isinstance(given, torch.Tensor) and has_plain_memory(given):
        return given.dtype, given.shape, given.device
    return None


class Plan:
    """A kernel, its grid and the arguments that stay the same.

    Holds for calls of one kind while `trace` holds.
    """

    def __init__(self, kind: Kind, options: Options) -> None:
        """Compiles the kernel."""
        self.spec = spec = kind.spec
        self._kind, self._options = kind, options
        self.trace = kind.trace
        self._runner = runner_for(lowered_for(spec), kind.device)
        self._lists = kind.lists
        self._dtype = kind.dtype
        self.rows = rows = kind.rows
        batch, heads, q_len = rows
        self._row_count = batch * heads * q_len
        self._cluster_bytes = spec.cluster_bytes(q_len)
        self._repeats_kv = kind.shapes[1][0] != batch
        self._programs = kind.programs()
        self._scale = spec.head_dim**-0.5
        self._shape = (*rows, spec.value_dim)
        self._strides = contiguous_strides(self._shape)
        self._row_strides = contiguous_strides(rows)
        self._wants_rows = spec.lse or spec.max_scores
        self._middle = (
            *self._strides[:-1],
            *(self._row_strides[:-1] if self._wants_rows else ()),
            *(() if spec.one_query else (q_len,)),
        )
        self._tail = (*block_arguments(kind.lists), *kind.trace.arguments)
        self._keys = spec.schedule.keys
        self._untold: dict[int, Split | None] = {}  # of these, what `repeat` has not seen
        self._repeat: Repeat | None = None
        self._checked = -1  # captures are long enough for so many keys
        self._splits: dict[int, Split | None] = {}  # by the steps of the longest sequence
        self._listings: dict[int, Listing] = {}  # by its tiles

    def run(
        self,
        layout: Layout,
        scale: float | None,
        q_offset: PerBatch | None,
        kv_len: PerBatch | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """One call of this plan's kind: the output, the log-sum-exp, the largest scores."""
        kv_limit = self._limit(layout, kv_len)
        steps = length_steps(kv_limit)
        try:
            split = self._splits[steps]
        except KeyError:
            split = self._splits[steps] = self._untold[steps] = self._choose_split(steps)
        empty = self._runner.empty
        out = empty(self._shape, self._strides, self._dtype)
        out_at = out.data_ptr()
        lse = max_scores = None
        rows_at: tuple[int, ...] = ()
        if self._wants_rows:
            lse, max_scores, rows_at = self._row_results()
        scale = self._scale if scale is None else check_scale(scale)
        if not self._row_count:
            return out, lse, max_scores
        # Copies, where these make any, live until the launch.
        q_offset, offset = per_batch(q_offset, 0)
        kv_len, length = per_batch(kv_len, layout.kv_max)
        arguments = self._of_layout(layout, (out_at, *rows_at), (scale, *offset, *length))
        listing = self._listing_of(kv_limit) if self.spec.listed else None
        results = self._results(out_at, rows_at)
        self._runner.run(arguments, self._programs, split, listing, results)
        return out, lse, max_scores

    def _listing_of(self, kv_limit: int) -> Listing:
        tiles = -(-kv_limit // self._keys)
        listing = self._listings.get(tiles)
        if listing is None:
            listing = self._listings[tiles] = self._kind.listing(kv_limit)
        return listing

    def list_blocks(
        self, layout: Layout, q_offset: PerBatch | None, kv_len: PerBatch | None
    ) -> list[tuple[list[int], list[int]]]:
        """The partial and full blocks of each list of a plan that lists them, read to the host."""
        listing = self._kind.listing(self._limit(layout, kv_len))
        if not self._row_count:
            return []
        held, arguments = self._without_results(layout, q_offset, kv_len)
        memory = self._runner.list_blocks(arguments, listing)
        del held  # which the kernel read
        return listing.read(memory)

    def bounds(
        self, layout: Layout, q_offset: PerBatch | None, kv_len: PerBatch | None
    ) -> torch.Tensor:
        """What each program of a plan that lists none would visit: int32 [programs, 4].

        The columns are the first key, the end of the keys, and the same of the keys that need no
        mask.
        """
        self._limit(layout, kv_len)
        device = self._kind.device
        found = torch.zeros(self._programs, 4, dtype=torch.int32, device=device)
        if not self._row_count:
            return found
        runner = runner_for(lowered_for(self.spec.bounds), device)
        held, arguments = self._without_results(layout, q_offset, kv_len)
        runner.run((*arguments, found.data_ptr()), self._programs)
        del held  # which the kernel read
        return found

    def _without_results(
        self, layout: Layout, q_offset: PerBatch | None, kv_len: PerBatch | None
    ) -> tuple[tuple[torch.Tensor | None, ...], tuple[Argument, ...]]:
        """What has to live until the launch, and arguments for a kernel that writes no result."""
        q_offset, offset = per_batch(q_offset, 0)
        kv_len, length = per_batch(kv_len, layout.kv_max)
        results = (0,) * (1 + self.spec.lse + self.spec.max_scores)
        arguments = self._of_layout(layout, results, (self._scale, *offset, *length))
        return (q_offset, kv_len), arguments

    def _limit(self, layout: Layout, kv_len: PerBatch | None) -> int:
        """The longest sequence that there can be; captures are long enough for it."""
        kv_limit = kv_len if isinstance(kv_len, int) else layout.kv_max
        if kv_limit > self._checked:
            self._check(kv_limit)
        return kv_limit

    def _of_layout(
        self, layout: Layout, results: tuple[int, ...], rest: tuple[Argument, ...]
    ) -> tuple[Argument, ...]:
        """The kernel's arguments, but for a split's; GpuCall.cpp writes the same ones.

        For tensors that lie so, and for results at these addresses.
        """
        query, key, value, query_strides, key_strides, value_strides, kv_max, lines = layout
        if self._repeats_kv:
            key_strides, value_strides = (0, *key_strides[1:]), (0, *value_strides[1:])
        if lines.aligned:  # the kernel knows the last stride, and perhaps that of lines
            query_strides, key_strides = query_strides[:3], key_strides[: 2 if lines.key else 3]
            value_strides = value_strides[: 2 if lines.value else 3]
        addresses = (query, key, value, *results)
        strides = (*query_strides, *key_strides, *value_strides)
        return (*addresses, *strides, *self._middle, kv_max, *rest, *self._tail)

    def _results(self, out_at: int, rows_at: tuple[int, ...]) -> tuple[Argument, ...]:
        """What the combine kernel needs to know of the result."""
        results: tuple[Argument, ...] = (*self.rows[1:], out_at, *self._strides[:-1])
        for at in rows_at:
            results = (*results, at, *self._row_strides[:-1])
        return results

    @property
    def kind(self) -> Kind:
        """The kind of call, with the tile of this plan."""
        return self._kind

    def parts(self, kv_limit: int) -> Parts:
        """Programs that share one KV loop over sequences of up to `kv_limit` keys."""
        return _parts_of(self._choose_split(length_steps(kv_limit)))

    def repeat(self) -> Repeat | None:
        """What makes calls like the last one short; None where there is nothing of the kind."""
        kernels, listing = self._runner.kernels, self._runner.listing
        if not self._row_count or not Repeat.serves(kernels, listing):
            return None
        if self._repeat is None or len(kernels) > self._repeat.num_kernels:
            self._repeat = self._make_repeat(kernels, listing)
            self._untold = dict(self._splits)
        limit = self._checked if self._lists is None else min(self._checked, self._lists.kv_len)
        self._repeat.learn_keys(limit)
        # Other threads may take and add some meanwhile.
        for steps in tuple(self._untold):
            self._untold.pop(steps, None)
            self._repeat.learn_parts(steps, _parts_of(self._splits[steps]))
        return self._repeat

    def _make_repeat(self, kernels: tuple[GpuKernel, ...], listing: GpuKernel | None) -> Repeat:
        spec = self.spec
        rows_at, strides = (0,) * (spec.lse + spec.max_scores), (0, 0, 0, 0)
        lines = Lines(spec.aligned, spec.key_line, spec.value_line)
        anywhere = Layout(0, 0, 0, strides, strides, strides, 0, lines)
        arguments = self._of_layout(anywhere, (0, *rows_at), (0.0, 0, 0, 0, 0, 0, 0))
        if listing is not None:
            arguments = (*arguments, 0, 0, 0) * 2
        if spec.splits_kv:
            arguments = (*arguments, 0, 0, 0)
        if self._runner.cluster_at is not None:
            arguments = (*arguments, 0)
        if len(kernels) > 1:
            arguments = (*arguments, 0, 0, 0, *self._results(0, rows_at))
        result = (self._shape, self._strides, self._row_strides)
        cluster = (self._runner.cluster_at, self._cluster_bytes)
        fixed, empty = len(self._middle), self._runner.empty
        return Repeat(self._kind, kernels, listing, arguments, fixed, cluster, *result, empty)

    def _row_results(self) -> tuple[torch.Tensor | None, torch.Tensor | None, tuple[int, ...]]:
        """The results with one number a row that are wanted, and their addresses."""
        wanted = (self.spec.lse, self.spec.max_scores)
        lse, max_scores = (
            self._runner.empty(self.rows, self._row_strides, torch.float32) if one else None
            for one in wanted
        )
        given = (lse, max_scores)
        return lse, max_scores, tuple(one.data_ptr() for one in given if one is not None)

    def _check(self, kv_limit: int) -> None:
        batch, heads, _ = self.rows
        mods = self.trace.mods
        for mod in mods:
            check_captures(mod, batch, heads, kv_limit)
        self._checked = min(map(most_keys, mods), default=2**31 - 1)

    def _choose_split(self, steps: int) -> Split | None:
        """The split for sequences of so many steps; None for a kernel that cannot be split."""
        spec, runner = self.spec, self._runner
        if not spec.splits_kv:
            return None
        work = self._kind.work(steps * LENGTH_STEP)
        device = model_of(self._kind.device)
        if device is None:
            threads, combines = torch.get_num_threads(), runner.cluster_at is not None
            parts = parts_for_threads(
                self._options, work, spec.schedule, threads, combines_in_cluster=combines
            )
        else:
            places = runner.places(self._cluster_bytes)
            parts = parts_for(self._options, work, spec.schedule, places, device)
        return Split.of(parts, self._row_count, spec.value_dim, self._cluster_bytes)


def _parts_of(split: Split | None) -> Parts:
    """The programs of a loop, also of one that cannot be split."""
    return Parts(1) if split is None else split.parts


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return tuple(reversed(strides))
