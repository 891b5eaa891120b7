"""`pyflex.compile` and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import torch
from torch.nn.attention.flex_attention import BlockMask

from pyflex.blocks import BlockLists, read_block_mask
from pyflex.choice import Choice
from pyflex.errors import ModArityError, ScheduleError, definition_line, name_of
from pyflex.explain import explain
from pyflex.explanation import Explanation
from pyflex.inputs import (
    Inputs,
    as_positions,
    check_flag,
    check_inputs,
    check_no_gradient,
    check_scale,
)
from pyflex.kernel import KernelSpec
from pyflex.kind import kind_of
from pyflex.layout import Layout, Lines, layout_of
from pyflex.lowered import Lowered, lowered_for
from pyflex.mods import Mods, TracedMods
from pyflex.options import Options
from pyflex.plan import Plan, Results, call_kind
from pyflex.recent import keep_recent
from pyflex.repeat import Made, Repeat
from pyflex.target import Target, current_target, parse_target
from pyflex.tiles import schedules_for
from pyflex.uncompiled import is_compiling, uncompiled

Mod = Callable[..., Any]

#: Kinds of call that one Decode remembers: a BlockMask made for each call makes a new one each.
_MOST_KINDS = 64


class Decode:
    """A compiled attention variant. Made by `pyflex.compile`; see `__call__`."""

    def __init__(self, score_fn: Mod | None, mask_fn: Mod | None, options: Options) -> None:
        self.options = options
        self._mods = Mods(score_fn, mask_fn)
        self._choices: dict[Any, Choice] = {}
        self._last: KernelSpec | None = None
        self._repeat: Repeat | None = None  # calls of the last one's kind, whose kernel `_last` is

    def with_options(self, options: Options) -> Decode:
        """The same mods with other options, such as those that `pyflex.tune` found.

        Raises:
            ScheduleError: for options that are no `Options`.
        """
        other = Decode(None, None, _checked(options))
        other._mods = self._mods
        return other

    def __repr__(self) -> str:
        """Where the mods are defined, and the options if there are some."""
        named = {"score_fn": self._mods.score_fn, "mask_fn": self._mods.mask_fn}
        parts = [f"{name}={_told(fn)}" for name, fn in named.items() if fn is not None]
        if self.options != Options():
            parts.append(f"options={self.options}")
        return f"Decode({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the mods and the options, and makes its own kernels ready."""
        return Decode, (self._mods.score_fn, self._mods.mask_fn, self.options)

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
            value: as many as key, [B or 1, Hkv, N, Dv], of its dtype, Dv 16 to 256.
            block_mask: torch's BlockMask for M queries and N keys, or for more, whose first rows
                count then; that excludes q_offset. Its mask_mod is and-ed with the mask_fn that was
                compiled, and asked at q_idx + q_offset; its lists are taken as they are. The last
                64 are known again, and what their mask_mods read is kept.
            scale: factor on the dot products, of at most 2.35e38 in size; 1 / sqrt(D) by default.
            q_offset: added to q_idx in the mods: the position of the first query, 0 by default. An
                integer, or an int32 or int64 tensor [B] or [] (past int32 the nearest of those).
                Its sum with q_idx is an int32, and wraps as torch's does.
            kv_len: keys at or past it do not exist; N by default. An integer from 0 to N, or an
                int32 or int64 tensor [B] or [] (values outside 0 to N are taken as the nearer of
                the two). A single one is copied for each entry: [B] is faster.
            return_lse: also give the natural logarithm of the sum of exponentials.

        Returns:
            The output [B, Hq, M, Dv] in query's dtype; with return_lse also a float32 tensor
            [B, Hq, M]. A row with every key masked gives 0 and -inf.

        Raises:
            PyflexError: one of its classes (`pyflex.errors`) for each kind of bad input:
                ShapeError, HeadCountError, DTypeError, DeviceError, LayoutError, GradientError,
                BlockMaskError, ConstantRangeError (scale), CaptureIndexError (a position past a
                captured tensor), TargetError; ScheduleError where options do not fit the shapes;
                the other TraceErrors where the mods are traced for this device.
        """
        if is_compiling():
            given = {"scale": scale, "q_offset": q_offset, "kv_len": kv_len}
            rest = {"block_mask": block_mask, "return_lse": return_lse, **given}
            made: torch.Tensor = uncompiled(self.__call__, query, key, value, **rest)
            return made
        lists = read_block_mask(block_mask) if block_mask is not None else None
        call = (query, key, value, lists, scale, q_offset, kv_len, return_lse, False)
        repeat = self._repeat
        results = repeat(*call) if repeat is not None else None
        if results is None:
            check_flag("return_lse", return_lse)
            results, _ = self._anew(*call)
        out, lse, _ = results
        return out if lse is None else (out, lse)

    def run(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        block_mask: BlockMask | None = None,
        scale: float | None = None,
        q_offset: int | torch.Tensor | None = None,
        kv_len: int | torch.Tensor | None = None,
        *,
        lse: bool = False,
        max_scores: bool = False,
    ) -> Results:
        """A call that says which results it wants; see `__call__` for the arguments.

        Returns:
            `out`, `lse` and `max_scores`, None where not asked for. max_scores is float32
            [B, Hq, M]: the largest visible score behind scale and score_fn, -inf where none is;
            NaN does not count.

        Raises:
            PyflexError: as `__call__`.
        """
        if is_compiling():
            wanted = {"lse": lse, "max_scores": max_scores}
            given = (query, key, value, block_mask, scale, q_offset, kv_len)
            made: Results = uncompiled(self.run, *given, **wanted)
            return made
        lists = read_block_mask(block_mask) if block_mask is not None else None
        call = (query, key, value, lists, scale, q_offset, kv_len, lse, max_scores)
        repeat = self._repeat
        results = repeat(*call) if repeat is not None else None
        if results is None:
            results, _ = self._anew(*call)
        return Results(*results)

    def _anew(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        lists: BlockLists | None,
        scale: float | None,
        q_offset: int | torch.Tensor | None,
        kv_len: int | torch.Tensor | None,
        lse: bool,
        max_scores: bool,
    ) -> tuple[Made, Repeat | None]:
        """A call of any kind, checked, and what makes those of its kind short."""
        check_flag("lse", lse)
        check_flag("max_scores", max_scores)
        q_offset, kv_len = as_positions(q_offset, query), as_positions(kv_len, query)
        plan, layout = self._planned(query, key, value, lists, q_offset, kv_len, lse, max_scores)
        made = plan.run(layout, scale, q_offset, kv_len)
        repeat = self._repeat = plan.repeat()
        return made, repeat

    def _planned(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        lists: BlockLists | None,
        q_offset: int | torch.Tensor | None,
        kv_len: int | torch.Tensor | None,
        lse: bool,
        max_scores: bool,
    ) -> tuple[Plan, Layout]:
        """The plan for a call, checked, and where the call's tensors lie."""
        known = call_kind(query, key, value, lists, q_offset, kv_len)
        choice = None
        if known is not None:
            kind, layout = known
            choice = self._choices.get((kind, lse, max_scores))
        if choice is not None and not choice.trace.holds():
            # Nor for other kinds of calls: what it has read is free to go.
            for one, other in list(self._choices.items()):
                if other.trace is choice.trace:
                    self._choices.pop(one, None)
            choice = None
        if choice is None:
            inputs = check_inputs(query, key, value, lists, q_offset, kv_len)
            layout = layout_of(query, key, value)
            choice = self._choice(inputs, lse, max_scores, layout.lines)
            if known is not None:
                self._choices[kind, lse, max_scores] = choice
                keep_recent(self._choices, _MOST_KINDS)
        check_no_gradient(choice.trace.captures)
        plan = choice.plan(kv_len if isinstance(kv_len, int) else layout.kv_max)
        self._last, self._repeat = plan.spec, None
        return plan, layout

    def _traced(self, device: torch.device, lists: BlockLists | None) -> TracedMods:
        return self._mods.traced(device, lists.mask_mod if lists is not None else None)

    def _choice(self, inputs: Inputs, lse: bool, max_scores: bool, lines: Lines) -> Choice:
        trace = self._traced(inputs.query.device, inputs.blocks)
        kind = kind_of(inputs, trace, self.options, lines, lse=lse, max_scores=max_scores)
        return Choice(kind, schedules_for(self.options, kind.shape), self.options)

    def explain(
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
    ) -> Explanation:
        """Says which keys a call with these arguments reads, and why with this tile and split.

        The kernel is compiled as by a call, and `ir` then shows it, but not launched: the bounds
        that it derives from the mask, or the blocks that the mask shows, are computed by a kernel
        of their own. They, lengths and a BlockMask's lists are read from the device, which waits
        for it. Arguments and errors are those of a call.

        Example:
            >>> print(decode.explain(query, key, value, kv_len=lengths))
        """
        check_flag("return_lse", return_lse)
        if scale is not None:
            check_scale(scale)
        lists = read_block_mask(block_mask) if block_mask is not None else None
        q_offset, kv_len = as_positions(q_offset, query), as_positions(kv_len, query)
        plan, layout = self._planned(query, key, value, lists, q_offset, kv_len, return_lse, False)
        inputs = check_inputs(query, key, value, lists, q_offset, kv_len)
        has_mask = self._mods.mask_fn is not None
        return explain(inputs, plan, layout, self.options, has_mask=has_mask)

    def ir(self, stage: str, *, target: str | None = None, kernel: str = "decode") -> str:
        """The text of one stage of the kernel that was called last, with the tile of that call.

        Args:
            stage: one of `stages(target=target)`.
            target: which GPU the later stages are made for, such as "cuda:90" or "hip:gfx942";
                no such GPU is needed. By default the GPU of this machine, if it has one.
            kernel: "decode", or one beside it: "decode_combine", which combines a split, or
                "decode_blocks", which finds the blocks that are listed.

        Raises:
            ScheduleError: before the first call, and for a stage or kernel that does not exist.
            TargetError: for a target that Triton cannot compile for.
        """
        return self._last_lowered(kernel).ir(stage, _target(target))

    def stages(self, *, target: str | None = None, kernel: str = "decode") -> tuple[str, ...]:
        """The stages of the kernel that was called last, from the traced mods to machine code.

        They are "traced", "flex", the name of each pass, "ttir", and for a GPU "ttgir", the passes
        behind that, "llir" and "amdgcn", or "ptx" and "sass". A pass that runs twice stands where
        it runs last. Arguments and errors are those of `ir`.
        """
        return self._last_lowered(kernel).stages(_target(target))

    def _last_lowered(self, kernel: str) -> Lowered:
        if self._last is None:
            raise ScheduleError("no kernel yet", expected="a call first", got="none")
        last = lowered_for(self._last)
        all_of = {"decode": last, "decode_combine": last.combine, "decode_blocks": last.listing}
        known = {name: lowered for name, lowered in all_of.items() if lowered is not None}
        if kernel not in known:
            raise ScheduleError("no such kernel", expected=", ".join(known), got=repr(kernel))
        return known[kernel]


def _target(name: str | None) -> Target | None:
    if name is not None:
        return parse_target(name)
    if torch.cuda.is_available():
        return current_target(torch.device("cuda", torch.cuda.current_device()))
    return None


def _told(fn: Mod) -> str:
    """A mod's name and where it is defined."""
    line = definition_line(fn)
    return name_of(fn) if line is None else f"{name_of(fn)} at {line.file}:{line.line}"


def _checked(options: Options) -> Options:
    if not isinstance(options, Options):
        raise ScheduleError(
            "options are no Options", expected="pyflex.Options(...)", got=type(options).__name__
        )
    return options


def compile(
    score_fn: Mod | None = None, mask_fn: Mod | None = None, *, options: Options | None = None
) -> Decode:
    """Compiles an attention variant for decoding.

    Args:
        score_fn: `score_mod(score, b, h, q_idx, kv_idx)`, FlexAttention's contract: 0-d tensors
            in, the changed score out. score is scale times the dot product, in float32; the
            others are int32: b the batch entry, h the query head (not the KV head), q_idx the
            query's number plus q_offset, kv_idx the key's number in the cache.
        mask_fn: `mask_mod(b, h, q_idx, kv_idx)`, True where the key is visible.
        options: what to fix about the kernel; by default nothing.

    Returns:
        A callable, `Decode`. Kernels are made at the first call that differs in what is compiled in
        (dtype, head dimensions, KV heads and their group, the power of two that holds the queries
        of a group, whether it is one query, which results are wanted; a BlockMask's block sizes,
        whether it lists full blocks and whether heads have lists of their own; whether q_offset and
        kv_len are int64 tensors; whether query, key and value and their lines begin at multiples of
        16 bytes, and whether keys lie one behind the other or with those of other heads between; of
        captured tensors, whether the address is a multiple of 16, and each stride a multiple of 16
        or 1), not for each length or batch: on a GPU these choose between at most four tiles, and
        between blocks that are listed and not, each of which is a kernel, made when it is first
        wanted.

    Raises:
        ModArityError: for a mod that is not callable; one that takes other arguments is an error
            of the first call.
        ScheduleError: for options that are no `Options`.

    Example:
        >>> decode = pyflex.compile(mask_fn=lambda b, h, q, kv: (kv <= q) & (q - kv < 1024))
        >>> out = decode(query, key, value, q_offset=position)
    """
    for name, fn in (("score_fn", score_fn), ("mask_fn", mask_fn)):
        if fn is not None and not callable(fn):
            raise ModArityError(
                f"{name} is not callable", expected="a function or None", got=type(fn).__name__
            )
    return Decode(score_fn, mask_fn, Options() if options is None else _checked(options))
