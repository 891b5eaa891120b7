"""What calls of one kind have in common, so that a call itself has little left to do.

Calls are of one kind when they agree in everything that a kernel, its grid or a check depends
on. Lengths of the cache, positions, strides and addresses are left out: they change from step to
step of a generation.
"""

from __future__ import annotations

from typing import Any

import torch

from pyflex.arguments import (
    Argument,
    block_arguments,
    check_captures,
    is_aligned,
    per_batch_arguments,
)
from pyflex.blocks import BlockLists
from pyflex.errors import DeviceError
from pyflex.inputs import Inputs
from pyflex.kernel import ITEMSIZE, KernelSpec
from pyflex.mods import Trace
from pyflex.run import Runner
from pyflex.schedule import Loop, choose_splits

PerBatch = int | torch.Tensor


class Results:
    """The tensors that a call fills."""

    __slots__ = ("lse", "max_scores", "out")

    def __init__(
        self, out: torch.Tensor, lse: torch.Tensor | None, max_scores: torch.Tensor | None
    ) -> None:
        self.out, self.lse, self.max_scores = out, lse, max_scores


def call_kind(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lists: BlockLists | None,
    q_offset: PerBatch | None,
    kv_len: PerBatch | None,
) -> tuple[Any, ...] | None:
    """A key that is equal for calls of one kind; None for a call that has to be checked anew."""
    try:
        kv_batch, kv_heads, kv_max, key_dim = key.shape
        value_batch, value_heads, value_max, value_dim = value.shape
        aligned = is_aligned(query) and is_aligned(key) and is_aligned(value)
        needs_grad = query.requires_grad or key.requires_grad or value.requires_grad
    except (AttributeError, ValueError):
        return None
    if value_max != kv_max or (needs_grad and torch.is_grad_enabled()):
        return None
    if type(kv_len) is int:
        if not 0 <= kv_len <= kv_max:
            return None
        kv_limit = kv_len
    else:
        kv_limit = kv_max
    if type(q_offset) is int and not -(2**31) < q_offset < 2**31:
        return None
    if lists is not None and lists.kv_len < kv_limit:
        return None
    return (
        *(query.shape, kv_batch, kv_heads, key_dim, value_batch, value_heads, value_dim),
        *(query.dtype, key.dtype, value.dtype, query.device, key.device, value.device),
        *(aligned, lists, _kind(q_offset), _kind(kv_len)),
    )


def _kind(given: PerBatch | None) -> Any:
    if isinstance(given, torch.Tensor):
        return given.dtype, given.shape, given.device
    return type(given)


class Plan:
    """A kernel, its grid and the arguments that stay the same.

    Holds for calls of one kind while `trace` is the present trace of the mods.
    """

    def __init__(self, spec: KernelSpec, trace: Trace, runner: Runner, inputs: Inputs) -> None:
        self.spec = spec
        self.trace = trace
        self._runner = runner
        self._lists = inputs.blocks
        self._dtype, self._device = inputs.query.dtype, inputs.query.device
        self._rows = (inputs.batch, inputs.heads, inputs.q_len)
        self._row_count = inputs.batch * inputs.heads * inputs.q_len
        self._repeats_kv = inputs.key.shape[0] != inputs.batch
        self._columns = 3 if spec.aligned else 4
        self._programs = _programs(spec, inputs)
        heads, q_len, width = inputs.heads, inputs.q_len, spec.value_dim
        self._out_strides = (heads * q_len * width, q_len * width, width)
        self._row_strides = (heads * q_len, q_len)
        self._middle = (
            *self._out_strides,
            *(self._row_strides if spec.lse or spec.max_scores else ()),
            inputs.kv_heads,
            q_len,
        )
        self._tail = (*block_arguments(inputs.blocks), *trace.arguments)
        self._splits: dict[int, int] = {}

    def run(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scale: float,
        q_offset: PerBatch,
        kv_len: PerBatch,
    ) -> Results:
        """One call of this plan's kind."""
        spec = self.spec
        kv_max = key.shape[2]
        kv_limit = kv_len if isinstance(kv_len, int) else kv_max
        splits = self._splits.get(kv_limit)
        if splits is None:
            splits = self._splits[kv_limit] = self._prepare(kv_limit)
        shape, device = (*self._rows, spec.value_dim), self._device
        out = torch.empty(shape, dtype=self._dtype, device=device)
        results = Results(out, None, None)
        addresses = [query.data_ptr(), key.data_ptr(), value.data_ptr(), out.data_ptr()]
        if spec.lse:
            results.lse = torch.empty(self._rows, dtype=torch.float32, device=device)
            addresses.append(results.lse.data_ptr())
        if spec.max_scores:
            results.max_scores = torch.empty(self._rows, dtype=torch.float32, device=device)
            addresses.append(results.max_scores.data_ptr())
        if not self._row_count:
            return results
        columns = self._columns
        key_strides, value_strides = key.stride()[:columns], value.stride()[:columns]
        if self._repeats_kv:
            key_strides, value_strides = (0, *key_strides[1:]), (0, *value_strides[1:])
        arguments: list[Argument] = [
            *addresses,
            *query.stride()[:columns],
            *key_strides,
            *value_strides,
            *self._middle,
            kv_max,
            scale,
            *per_batch_arguments(q_offset),
            *per_batch_arguments(kv_len),
            *self._tail,
        ]
        if not spec.splits_kv:
            self._runner.run(arguments, self._programs)
            return results
        rows: list[Argument] = [*self._rows[1:], out.data_ptr(), *self._out_strides]
        if results.lse is not None:
            rows += (results.lse.data_ptr(), *self._row_strides)
        self._runner.run_split(arguments, self._programs, splits, self._row_count, rows)
        return results

    def _prepare(self, kv_limit: int) -> int:
        """Checks a length that is new to this plan, and chooses its split."""
        batch, heads, _ = self._rows
        for mod in (self.trace.score, self.trace.mask):
            if mod is not None:
                check_captures(mod, batch, heads, kv_limit)
        spec, lists = self.spec, self._lists
        if not spec.splits_kv:
            return 1
        if lists is not None:
            kv_limit = min(kv_limit, lists.most_blocks * lists.kv_block)
        keys = spec.schedule.keys
        loop = Loop(
            programs=self._programs,
            tiles=-(-kv_limit // keys),
            tile_bytes=keys * (spec.head_dim + spec.value_dim) * ITEMSIZE[spec.element],
            partial_bytes=self._row_count * spec.value_dim * 4,
        )
        return choose_splits(spec.options, loop, self._runner.device)


def _programs(spec: KernelSpec, inputs: Inputs) -> int:
    """Programs along the grid's first axis; `flex.rows` enumerates them."""
    queries = spec.schedule.queries
    if spec.blocks is not None:
        whole, rest = divmod(inputs.q_len, spec.blocks.q_block)
        tiles = whole * -(-spec.blocks.q_block // queries) + -(-rest // queries)
    else:
        tiles = -(-inputs.q_len // queries)
    portions = -(-spec.group // spec.schedule.heads)
    programs = inputs.batch * inputs.kv_heads * portions * tiles
    if programs >= 1 << 31:
        raise DeviceError(
            "the call needs more programs than a grid holds",
            expected="fewer than 2**31",
            got=programs,
        )
    return programs
