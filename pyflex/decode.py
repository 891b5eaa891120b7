"""`pyflex.compile` and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, overload

import torch
from torch.nn.attention.flex_attention import BlockMask

from pyflex import gpu
from pyflex.arguments import capture_arguments, decode_arguments, is_aligned
from pyflex.errors import DeviceError, ScheduleError
from pyflex.inputs import ELEMENTS, Inputs, check_inputs
from pyflex.kernel import ITEMSIZE, BlockShape, KernelSpec
from pyflex.lowered import Lowered
from pyflex.mods import Mods, TracedMods
from pyflex.options import Options
from pyflex.run import Runner, runner_for
from pyflex.schedule import Loop, choose_schedule, choose_splits
from pyflex.trace import TracedMod

Mod = Callable[..., Any]

_LOWERED: dict[KernelSpec, Lowered] = {}


def lowered_for(spec: KernelSpec) -> Lowered:
    """The one `Lowered` of a spec in this process."""
    found = _LOWERED.get(spec)
    if found is None:
        # What lives as long as the process must not keep a user's tensors alive.
        kept = replace(spec, score=_without_captures(spec.score), mask=_without_captures(spec.mask))
        found = _LOWERED[kept] = Lowered(kept)
    return found


def _without_captures(mod: TracedMod | None) -> TracedMod | None:
    return replace(mod, captures=()) if mod is not None else None


class Results:
    """The tensors that a call fills."""

    def __init__(self, inputs: Inputs, lse: bool, max_scores: bool) -> None:
        query = inputs.query
        rows = (inputs.batch, inputs.heads, inputs.q_len)
        self.out = query.new_empty((*rows, inputs.value.shape[3]))
        self.lse = query.new_empty(rows, dtype=torch.float32) if lse else None
        self.max_scores = query.new_empty(rows, dtype=torch.float32) if max_scores else None


class Decode:
    """A compiled attention variant. Made by `pyflex.compile`; see `__call__`."""

    def __init__(self, score_fn: Mod | None, mask_fn: Mod | None, options: Options) -> None:
        self.options = options
        self._mods = Mods(score_fn, mask_fn)
        self._runners: dict[tuple[KernelSpec, torch.device], Runner] = {}
        self._last: KernelSpec | None = None

    @overload
    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        block_mask: BlockMask | None = None,
        scale: float | None = None,
        q_offset: int | torch.Tensor | None = None,
        kv_len: int | torch.Tensor | None = None,
        return_lse: Literal[False] = False,
    ) -> torch.Tensor: ...

    @overload
    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        block_mask: BlockMask | None = None,
        scale: float | None = None,
        q_offset: int | torch.Tensor | None = None,
        kv_len: int | torch.Tensor | None = None,
        return_lse: Literal[True],
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        block_mask: BlockMask | None = None,
        scale: float | None = None,
        q_offset: int | torch.Tensor | None = None,
        kv_len: int | torch.Tensor | None = None,
        return_lse: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Attention of `query` over `key` and `value`.

        Args:
            query: [B, Hq, M, D]; float16, bfloat16 or float32, any strides, D 16 to 256.
            key: [B or 1, Hkv, N, D] of query's dtype; Hq is a multiple of Hkv.
            value: [B or 1, Hkv, N, Dv], Dv 16 to 256.
            block_mask: torch's BlockMask for M queries and N keys. Its mask_mod is and-ed with
                the mask_fn that was compiled.
            scale: factor on the dot products; 1 / sqrt(D) by default.
            q_offset: added to q_idx in the mods: the position of the first query. An int, or an
                int32 or int64 tensor [B].
            kv_len: keys at or past it do not exist. An int, or an int32 or int64 tensor [B]
                (values outside 0 to N are taken as the nearer of the two).
            return_lse: also give the natural logarithm of the sum of exponentials.

        Returns:
            The output [B, Hq, M, Dv] in query's dtype; with return_lse also a float32 tensor
            [B, Hq, M]. A row with every key masked gives 0 and -inf.

        Raises:
            PyflexError: one of its classes (`pyflex.errors`) for each kind of bad input.
        """
        inputs = check_inputs(query, key, value, block_mask, scale, q_offset, kv_len)
        results = self.run(inputs, lse=return_lse, max_scores=False)
        if results.lse is None:
            return results.out
        return results.out, results.lse

    def run(self, inputs: Inputs, *, lse: bool, max_scores: bool) -> Results:
        """A call whose inputs were checked."""
        results = Results(inputs, lse, max_scores)
        spec, mods = self._specialise(inputs, lse, max_scores)
        captures = [
            value
            for mod in (mods.score, mods.mask)
            if mod
            for value in capture_arguments(mod, inputs)
        ]
        self._last = spec
        if results.out.numel() == 0:
            return results
        device = inputs.query.device
        runner = self._runners.get((spec, device))
        if runner is None:
            lowered = lowered_for(spec)
            runner = self._runners[lowered.spec, device] = runner_for(lowered, device)
        arguments = decode_arguments(spec, inputs, results.out, results.lse, results.max_scores)
        programs = _programs(spec, inputs)
        splits = 1
        if spec.splits_kv:
            splits = choose_splits(self.options, _loop(spec, inputs, programs), runner.device)
        runner.run([*arguments, *captures], programs, splits, inputs, results.out, results.lse)
        return results

    def _specialise(
        self, inputs: Inputs, lse: bool, max_scores: bool
    ) -> tuple[KernelSpec, TracedMods]:
        query, value = inputs.query, inputs.value
        lists = inputs.blocks
        mods = self._mods.traced(query.device, lists.mask_mod if lists else None)
        group = inputs.heads // inputs.kv_heads
        element = ELEMENTS[query.dtype]
        blocks = None
        if lists is not None:
            blocks = BlockShape(
                q_block=lists.q_block,
                kv_block=lists.kv_block,
                per_head=lists.counts.shape[1] > 1 and group > 1,
                has_full=lists.full_counts is not None,
            )
        packed = self.options.enabled("flex-pack-gqa") and not (blocks and blocks.per_head)
        schedule = choose_schedule(
            self.options,
            itemsize=query.element_size(),
            head_dim=query.shape[3],
            value_dim=value.shape[3],
            group=group,
            q_len=inputs.q_len,
            packed=packed,
        )
        spec = KernelSpec(
            element=element,
            group=group,
            head_dim=query.shape[3],
            value_dim=value.shape[3],
            score_key=mods.score.key if mods.score else None,
            mask_key=mods.mask.key if mods.mask else None,
            blocks=blocks,
            lse=lse,
            max_scores=max_scores,
            aligned=all(map(is_aligned, (query, inputs.key, value))),
            offset_type=_tensor_type(inputs.q_offset),
            length_type=_tensor_type(inputs.kv_len),
            options=self.options,
            schedule=schedule,
            score=mods.score,
            mask=mods.mask,
        )
        return spec, mods

    def ir(self, stage: str, *, target: str | None = None) -> str:
        """The text of one stage of the kernel that was called last.

        Args:
            stage: "traced", "flex", the name of a pass (the IR after it), "ttir", and for a GPU
                "ttgir", "llir", "ptx", "amdgcn" or "sass".
            target: which GPU the later stages are made for, such as "cuda:90" or "hip:gfx942";
                no such GPU is needed. By default the GPU of the last call.

        Raises:
            ScheduleError: before the first call, and for a stage that does not exist.
            TargetError: for a target that Triton cannot compile for.
        """
        if self._last is None:
            raise ScheduleError("no kernel yet", expected="a call before ir()", got="no call")
        described = gpu.parse_target(target) if target is not None else None
        if described is None and torch.cuda.is_available():
            described = gpu.current_target(torch.device("cuda", torch.cuda.current_device()))
        return lowered_for(self._last).ir(stage, described)


def _tensor_type(given: int | torch.Tensor) -> Literal["i32", "i64"]:
    wide = isinstance(given, torch.Tensor) and given.dtype == torch.int64
    return "i64" if wide else "i32"


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


def _loop(spec: KernelSpec, inputs: Inputs, programs: int) -> Loop:
    keys = spec.schedule.keys
    visible = inputs.kv_limit
    if inputs.blocks is not None:
        lists = inputs.blocks
        visible = min(visible, lists.most_blocks * lists.kv_block)
    columns = spec.head_dim + spec.value_dim
    rows = inputs.batch * inputs.heads * inputs.q_len
    return Loop(
        programs=programs,
        tiles=-(-visible // keys),
        tile_bytes=keys * columns * ITEMSIZE[spec.element],
        partial_bytes=rows * spec.value_dim * 4,
    )


def compile(
    score_fn: Mod | None = None, mask_fn: Mod | None = None, *, options: Options | None = None
) -> Decode:
    """Compiles an attention variant for decoding.

    Args:
        score_fn: `score_mod(score, b, h, q_idx, kv_idx)`, FlexAttention's contract: 0-d tensors
            in (score float32, the indices int32), the changed score out.
        mask_fn: `mask_mod(b, h, q_idx, kv_idx)`, True where the key is visible.
        options: what to fix about the kernel; by default nothing.

    Returns:
        A callable, `Decode`. Kernels are made at the first call of each kind (dtype, head
        dimensions, head group), not for each length, batch or layout.

    Raises:
        TypeError: for a mod that is not callable.

    Example:
        >>> decode = pyflex.compile(mask_fn=lambda b, h, q, kv: q - kv < 1024)
        >>> out = decode(query, key, value, q_offset=position)
    """
    for name, fn in (("score_fn", score_fn), ("mask_fn", mask_fn)):
        if fn is not None and not callable(fn):
            raise TypeError(f"{name}: expected a callable or None, got {type(fn).__name__}")
    return Decode(score_fn, mask_fn, options or Options())
