"""A problem on its way from flex IR to machine code, one stage after the other."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from pyflex import cache, compiler, gpu
from pyflex.cache import Binary
from pyflex.errors import ScheduleError
from pyflex.gpu import Compiled, Target
from pyflex.kernel import KernelSpec, build_module
from pyflex.steps import step


class Lowered:
    """The stages of one kernel. Texts are made when asked for, and kept."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self._ttir: dict[tuple[str, str], str] = {}
        self._compiled: dict[tuple[Target, bool], Compiled] = {}
        self._snapshots: dict[str, dict[str, str]] = {}

    @cached_property
    def flex(self) -> str:
        """The module that the passes start from."""
        return build_module(self.spec)

    def ttir(self, backend: str = "cuda", *, combine: bool = False) -> str:
        """The kernel in MLIR's generic form, as Triton and the CPU's compiler read it.

        Args:
            backend: "cuda" or "hip": whose math library it calls. The CPU knows "cuda"'s.
            combine: the kernel that joins a split's partial results, in place of the main one.
        """
        kernel = "decode_combine" if combine else "decode"
        if (kernel, backend) not in self._ttir:
            with step("passes"):
                pipeline = self.spec.pipeline(kernel, backend)
                result = compiler.run_pipeline(self.flex, pipeline, generic=True)
            self._ttir[kernel, backend] = result.text
        return self._ttir[kernel, backend]

    def binary(self, target: Target, *, combine: bool = False) -> Binary:
        """Machine code for `target`: from the disk cache, or compiled and put there.

        What is found on disk needs neither the passes nor Triton.
        """
        with step("cache"):
            key = self._key(target, combine=combine)
            found = cache.load(key)
        if found is None:
            found = self.gpu(target, combine=combine).binary
            with step("cache"):
                cache.store(key, found)
        return found

    def binaries(self, target: Target) -> tuple[Binary, Binary | None]:
        """Machine code of the main kernel and, if this one splits, of the one that joins.

        The two are compiled at the same time: the second is ready long before the first.
        """
        if not self.spec.splits_kv:
            return self.binary(target), None
        with ThreadPoolExecutor(1) as pool:
            joining = pool.submit(self.binary, target, combine=True)
            return self.binary(target), joining.result()

    def _key(self, target: Target, *, combine: bool) -> str:
        kernel = "decode_combine" if combine else "decode"
        return cache.key_of(
            (
                self.flex,
                self.spec.pipeline(kernel, target.backend),
                repr(target),
                json.dumps(gpu.backend_options(self.spec)),
                gpu.toolchain(),
            )
        )

    def gpu(self, target: Target, *, combine: bool = False) -> Compiled:
        """The kernel compiled for `target` in this process, with the texts of the way there."""
        if (target, combine) not in self._compiled:
            ttir = self.ttir(target.backend, combine=combine)
            self._compiled[target, combine] = gpu.compile_ttir(ttir, target, self.spec)
        return self._compiled[target, combine]

    def stages(self, target: Target | None) -> tuple[str, ...]:
        """The names that `ir` knows, in order.

        "traced" are the mods, "flex" is the module before the passes; each pass (the IR after it)
        and "ttir" follow, and with a GPU target what Triton makes of it.
        """
        backend = target.backend if target is not None else "cuda"
        names = ("traced", "flex", *self._after_passes(backend))
        return names if target is None else (*names, *self.gpu(target).stages)

    def ir(self, stage: str, target: Target | None) -> str:
        """The text of one of `stages(target)`.

        Raises:
            ScheduleError: for a stage that does not exist; the message lists those that do.
        """
        if stage == "traced":
            return "\n".join(mod.text for mod in (self.spec.score, self.spec.mask) if mod)
        if stage == "flex":
            return self.flex
        passes = self._after_passes(target.backend if target is not None else "cuda")
        if stage in passes:
            return passes[stage]
        available = self.stages(target)
        if target is None or stage not in available:
            raise ScheduleError("no such stage", expected=", ".join(available), got=repr(stage))
        return self.gpu(target).text(stage)

    def _after_passes(self, backend: str) -> dict[str, str]:
        """The module after each pass; of a pass that runs twice, after the second time."""
        if backend not in self._snapshots:
            pipeline = self.spec.pipeline("decode", backend)
            result = compiler.run_pipeline(self.flex, pipeline, snapshots=True)
            self._snapshots[backend] = {**dict(result.snapshots), "ttir": result.text}
        return self._snapshots[backend]
