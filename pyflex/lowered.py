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

    def ir(self, stage: str, target: Any) -> str:
        """The text of one stage.

        Args:
            stage: "traced" (the mods), "flex" (before the passes), the name of a pass (the IR
                after it), "ttir", or with a GPU target "ttgir", "llir", "ptx", "amdgcn", "sass".
            target: Triton's target for the GPU stages, or None.

        Raises:
            ScheduleError: for a stage that does not exist; the message lists those that do.
        """
        if stage == "traced":
            mods = [mod.text for mod in (self.spec.score, self.spec.mask) if mod]
            return "\n".join(mods)
        if stage == "flex":
            return self.flex
        passes = self._after_passes(target.backend if target is not None else "cuda")
        if stage == "ttir":
            return passes["ttir"]
        if stage in passes:
            return passes[stage]
        available = ["traced", "flex", *passes]
        if target is not None:
            asm = self.gpu(target).asm
            if stage in asm or (stage == "sass" and "cubin" in asm):
                return str(asm[stage])
            available += [s for s in _GPU_STAGES if s in asm]
        raise ScheduleError("no such stage", expected=", ".join(available), got=repr(stage))

    def _after_passes(self, backend: str) -> dict[str, str]:
        if backend not in self._snapshots:
            pipeline = self.spec.pipeline("decode", backend)
            result = compiler.run_pipeline(self.flex, pipeline, snapshots=True)
            self._snapshots[backend] = {**dict(result.snapshots), "ttir": result.text}
        return self._snapshots[backend]
