"""The mods of a kernel: composed, traced, and traced again when what they read has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, MethodType
from typing import Any

import torch

from pyflex.recent import keep_recent
from pyflex.recompiles import count_kernel
from pyflex.steps import step
from pyflex.trace import Guards, TracedMod, trace_mask_mod, trace_score_mod

Mod = Callable[..., Any]

#: Traces of one Decode that are kept: a BlockMask made for each call brings a new one each time.
_MOST_TRACES = 64


def identity(mod: Mod | None) -> Any:
    """What tells a mod from all others while it lives, whatever it is equal to."""
    if isinstance(mod, MethodType):  # made anew each time it is looked up
        return id(mod.__self__), id(mod.__func__)
    return id(mod)


class TracedMods:
    """A kernel's mods as they were traced.

    With a BlockMask `mask` is its own, asked in partial blocks only, and mask_fn a part of `score`.
    `mods` are those of the two that are not None; `arguments` the captured tensors' addresses,
    strides and sizes, in the kernel's order, valid while `holds()` is true.
    """

    def __init__(
        self, score: TracedMod | None, mask: TracedMod | None, guards: tuple[Guards, ...]
    ) -> None:
        self.score, self.mask = score, mask
        self.mods = tuple(mod for mod in (score, mask) if mod is not None)
        # Also of those that were read by a way which the walk through Python's values missed.
        known = {id(tensor) for one in guards for tensor in one.tensors}
        read = [tensor for mod in self.mods for tensor in mod.captures]
        missed = {id(tensor): tensor for tensor in read if id(tensor) not in known}
        self._guards = (*guards, Guards.of_tensors(missed.values())) if missed else guards
        self.arguments = tuple(value for mod in self.mods for value in mod.arguments())

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Those that the mods may read."""
        return tuple(tensor for guards in self._guards for tensor in guards.tensors)

    @property
    def captures(self) -> Iterator[torch.Tensor]:
        """The tensors that the traces of the mods read."""
        return (tensor for mod in self.mods for tensor in mod.captures)

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """Of the mods and the functions that they may call."""
        return tuple(code for guards in self._guards for code in guards.codes)

    def holds(self) -> bool:
        """Whether the mods would be traced to the same again."""
        return all(guards.hold() for guards in self._guards)

    def values_hold(self) -> bool:
        """As `holds`, but for the memory and layout of `tensors`."""
        for guards in self._guards:  # noqa: SIM110 - at each call, and a generator takes longer
            if not guards.values_hold():
                return False
        return True


class Mods:
    """A score_fn and a mask_fn with every trace of them that is still good."""

    def __init__(self, score_fn: Mod | None, mask_fn: Mod | None) -> None:
        self.score_fn = score_fn
        self.mask_fn = mask_fn
        # With the BlockMask's mask, which keeps its identity as long as it lives.
        self._traces: dict[Any, tuple[TracedMods, Mod | None]] = {}
        self.trace_count = 0

    def traced(self, device: torch.device, block_mask_fn: Mod | None) -> TracedMods:
        """The mods for `device`, and-ed with a BlockMask's own mask if there is one."""
        key = (device, identity(block_mask_fn))
        old, _ = self._traces.get(key, (None, None))
        if old is not None and old.holds():
            return old
        with step("trace"):
            trace = self._trace(device, block_mask_fn)
        count_kernel(trace.codes, trace.mods)
        self._traces[key] = (trace, block_mask_fn)
        keep_recent(self._traces, _MOST_TRACES)
        return trace

    def _trace(self, device: torch.device, block_mask_fn: Mod | None) -> TracedMods:
        self.trace_count += 1
        score_fn, mask_fn, everywhere = self.score_fn, self.mask_fn, None
        if block_mask_fn is not None:
            # A full block is full of the BlockMask's mask alone: the other one holds everywhere.
            everywhere, mask_fn = mask_fn, block_mask_fn
        sources = [fn for fn in (self.score_fn, self.mask_fn, block_mask_fn) if fn is not None]
        guards = tuple(Guards.of(fn) for fn in sources)
        changes = score_fn is not None or everywhere is not None
        score = trace_score_mod(score_fn, device, everywhere) if changes else None
        mask = trace_mask_mod(mask_fn, device) if mask_fn is not None else None
        # What changed meanwhile, by another thread or by the mod, may have been read either way.
        if not all(one.hold() for one in guards):
            guards = (Guards.of_nothing_known(),)
        return TracedMods(score, mask, guards)
