"""A problem on its way from flex IR to machine code, one stage after the other."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pyflex import compiler, gpu
from pyflex.errors import ScheduleError
from pyflex.kernel import KernelSpec, build_module

_GPU_STAGES = ("ttgir", "llir", "ptx", "amdgcn", "sass")


class Lowered:
    """The stages of one kernel. Texts are made when asked for, and kept."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self._ttir: dict[tuple[str, str], str] = {}
        self._compiled: dict[str, Any] = {}
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
            pipeline = self.spec.pipeline(kernel, backend)
            result = compiler.run_pipeline(self.flex, pipeline, generic=True)
            self._ttir[kernel, backend] = result.text
        return self._ttir[kernel, backend]

    def gpu(self, target: Any, *, combine: bool = False) -> Any:
        """Triton's compiled kernel for `target`."""
        key = f"{target}{combine}"
        if key not in self._compiled:
            ttir = self.ttir(target.backend, combine=combine)
            self._compiled[key] = gpu.compile_ttir(ttir, target, self.spec)
        return self._compiled[key]

    def stages(self, target: Any) -> tuple[str, ...]:
        """The names that `ir` knows, in order.

        "traced" are the mods, "flex" is the module before the passes; each pass (the IR after it)
        and "ttir" follow, and with a GPU target what Triton makes of it.
        """
        backend = target.backend if target is not None else "cuda"
        names = ("traced", "flex", *self._after_passes(backend))
        if target is None:
            return names
        asm = self.gpu(target).asm
        return (*names, *(s for s in _GPU_STAGES if s in asm or (s == "sass" and "cubin" in asm)))

    def ir(self, stage: str, target: Any) -> str:
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
        if stage not in available:
            raise ScheduleError("no such stage", expected=", ".join(available), got=repr(stage))
        return str(self.gpu(target).asm[stage])

    def _after_passes(self, backend: str) -> dict[str, str]:
        """The module after each pass; of a pass that runs twice, after the second time."""
        if backend not in self._snapshots:
            pipeline = self.spec.pipeline("decode", backend)
            result = compiler.run_pipeline(self.flex, pipeline, snapshots=True)
            self._snapshots[backend] = {**dict(result.snapshots), "ttir": result.text}
        return self._snapshots[backend]
