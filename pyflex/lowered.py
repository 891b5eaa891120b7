"""A problem on its way from flex IR to machine code, one stage after the other."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from pyflex import cache, compiler, gpu
from pyflex.cache import Binary
from pyflex.errors import ScheduleError
from pyflex.gpu import Compiled
from pyflex.kernel import ANY_TILE, KernelSpec, build_module
from pyflex.options import OPTIMISATIONS
from pyflex.steps import step
from pyflex.target import Target
from pyflex.trace import TracedMod

#: What flex-derive-bounds leaves, and what it says of the keys that one row, and each query more,
#: can see.
_RANGE = re.compile(r"flex\.range .*")
_MOST = re.compile(r"\bmost\((\d+), (\d+)\)")


class Bounds(NamedTuple):
    """What flex-derive-bounds finds in a mask.

    Attributes:
        exact: a row sees all keys between its bounds, so that no list of blocks leaves out more.
        most: how many keys a row sees at most, and how many more a tile with each further query;
            None where that is no number, such as for a causal mask.
    """

    exact: bool
    most: tuple[int, int] | None


class Lowered:
    """The stages of one kernel. Texts are made when asked for, and kept."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self._ttir: dict[str, str] = {}
        self._compiled: dict[Target, Compiled] = {}
        self._snapshots: dict[str, dict[str, str]] = {}

    @cached_property
    def flex(self) -> str:
        """The module that the passes start from."""
        return build_module(self.spec)

    @cached_property
    def bounds(self) -> Bounds:
        """What the mask says of the keys to visit."""
        spec = self.spec
        if spec.mask is None or spec.blocks or not spec.options.enabled("flex-derive-bounds"):
            return Bounds(exact=False, most=None)
        # They are the same for all kernels with this mask.
        plain = replace(
            spec, schedule=ANY_TILE, listed=False, queries=0, lse=False, max_scores=False
        )
        if spec != plain:
            return lowered_for(plain).bounds
        with step("passes"):
            result = compiler.run_pipeline(self.flex, "flex-expand-decode,flex-derive-bounds")
        found = _RANGE.search(result.text)
        assert found is not None  # the loop is over all keys
        most = _MOST.search(found[0])
        return Bounds(" exact" in found[0], (int(most[1]), int(most[2])) if most else None)

    @cached_property
    def combine(self) -> Lowered | None:
        """The kernel that combines a split's partial results; None for one that is not split."""
        return lowered_for(self.spec.combine) if self.spec.splits_kv else None

    @cached_property
    def listing(self) -> Lowered | None:
        """The kernel that finds the blocks to list; None where nothing does."""
        return lowered_for(self.spec.listing) if self.spec.listed else None

    def ttir(self, target: Target | None = None) -> str:
        """The kernel in MLIR's generic form, as Triton and the CPU's compiler read it.

        Without a target it is what the CPU runs: the text for the newest of NVIDIA's GPUs, but for
        products of float32, which a CPU does not need in three, and of eight rows, which it takes
        as they are.
        """
        pipeline = self._pipeline(target)
        if pipeline not in self._ttir:
            with step("passes"):
                result = compiler.run_pipeline(self.flex, pipeline, generic=True)
            self._ttir[pipeline] = result.text
        return self._ttir[pipeline]

    def binary(self, target: Target) -> Binary:
        """Machine code for `target`: from the disk cache, or compiled and put there.

        What is found on disk needs neither the passes nor Triton.
        """
        with step("cache"):
            key = self._key(target)
            found = cache.load(key)
        if found is None:
            found = self.gpu(target).binary
            with step("cache"):
                cache.store(key, found)
        return found

    def binaries(self, target: Target) -> tuple[Binary, Binary | None, Binary | None]:
        """Machine code of this kernel, of the combine kernel, of the one that finds blocks.

        They are compiled at the same time: the others are ready long before the first.
        """
        with ThreadPoolExecutor(2) as pool:
            combine = pool.submit(self.combine.binary, target) if self.combine else None
            listing = pool.submit(self.listing.binary, target) if self.listing else None
            kernel = self.binary(target)
            return (
                kernel,
                combine.result() if combine else None,
                listing.result() if listing else None,
            )

    def _pipeline(self, target: Target | None) -> str:
        if target is None:
            return self.spec.pipeline("cuda", sm_90=True, matrix_units=False)
        return self.spec.pipeline(
            target.backend, sm_90=target.sm_90, matrix_units=target.matrix_units, gfx=target.gfx
        )

    def _key(self, target: Target) -> str:
        return cache.key_of(
            (
                build_module(self.spec, located=False),  # no code depends on where a mod stands
                self._pipeline(target),
                repr(target),
                json.dumps(gpu.backend_options(self.spec, target)),
                repr(gpu.passes_for(self.spec, target)),
                gpu.toolchain(),
            )
        )

    def gpu(self, target: Target) -> Compiled:
        """The kernel compiled for `target` in this process, with the texts of the way there."""
        if target not in self._compiled:
            self._compiled[target] = gpu.compile_ttir(self.ttir(target), target, self.spec)
        return self._compiled[target]

    def stages(self, target: Target | None) -> tuple[str, ...]:
        """The names that `ir` knows, in order.

        "traced" are the mods, "flex" is the module before the passes; each pass (the IR after it)
        and "ttir" follow, and with a GPU target what Triton makes of it.
        """
        names = ("traced", "flex", *self._after_passes(target))
        return names if target is None else (*names, *self.gpu(target).stages)

    def ir(self, stage: str, target: Target | None) -> str:
        """The text of one of `stages(target)`.

        Raises:
            ScheduleError: for a stage that does not exist; the message lists those that do.
        """
        if not isinstance(stage, str):
            raise ScheduleError("no such stage", expected="a name", got=repr(stage))
        if stage == "traced":
            return "\n".join(mod.text for mod in (self.spec.score, self.spec.mask) if mod)
        if stage == "flex":
            return self.flex
        passes = self._after_passes(target)
        if stage in passes:
            return passes[stage]
        available = self.stages(target)
        if target is None or stage not in available:
            more = " or, such as with target='cuda:90', a GPU's" if target is None else ""
            why = " (a pass that this kernel is made without)" if stage in OPTIMISATIONS else ""
            raise ScheduleError(
                "no such stage", expected=f"{', '.join(available)}{more}", got=f"{stage!r}{why}"
            )
        return self.gpu(target).text(stage)

    def _after_passes(self, target: Target | None) -> dict[str, str]:
        """The module after each pass; of a pass that runs twice, after the second time alone."""
        pipeline = self._pipeline(target)
        if pipeline not in self._snapshots:
            result = compiler.run_pipeline(self.flex, pipeline, snapshots=True)
            texts: dict[str, str] = {}
            for name, text in result.snapshots:
                texts.pop(name, None)
                texts[name] = text
            self._snapshots[pipeline] = {**texts, "ttir": result.text}
        return self._snapshots[pipeline]


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
