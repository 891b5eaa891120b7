"""Kernels on a GPU: TTIR text through Triton's own backend."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pyflex.arguments import Argument
from pyflex.errors import TargetError
from pyflex.kernel import KernelSpec
from pyflex.schedule import Device

_LEAST_CAPABILITY = 80


def current_target(device: torch.device) -> Any:
    """Triton's description of a GPU.

    Raises:
        TargetError: for a GPU that Triton or pyflex does not serve.
    """
    from triton.backends.compiler import GPUTarget

    properties = torch.cuda.get_device_properties(device)
    if torch.version.hip:
        return GPUTarget("hip", properties.gcnArchName.split(":")[0], 64)
    capability = properties.major * 10 + properties.minor
    if capability < _LEAST_CAPABILITY:
        raise TargetError(
            f"{properties.name} is too old for the kernels",
            expected=f"compute capability {_LEAST_CAPABILITY // 10}.0 or later",
            got=f"{properties.major}.{properties.minor}",
        )
    return GPUTarget("cuda", capability, 32)


def parse_target(name: str) -> Any:
    """A target named "cuda:90" or "hip:gfx942".

    Raises:
        TargetError: for any other form.
    """
    from triton.backends.compiler import GPUTarget

    backend, _, arch = name.partition(":")
    if backend == "cuda" and arch.isdigit() and int(arch) >= _LEAST_CAPABILITY:
        return GPUTarget("cuda", int(arch), 32)
    if backend == "hip" and arch.startswith("gfx"):
        return GPUTarget("hip", arch, 64)
    raise TargetError(
        "no such target",
        expected=f'"cuda:N" with N >= {_LEAST_CAPABILITY}, or "hip:gfxN"',
        got=repr(name),
    )


def compile_ttir(ttir: str, target: Any, spec: KernelSpec) -> Any:
    """Triton's compiled kernel for `ttir` (MLIR's generic form).

    Raises:
        TargetError: when Triton cannot compile for the target.
    """
    import triton
    from triton.runtime.errors import TritonError

    # Triton reads IR from a file, and names its own cache by the text.
    name = hashlib.sha256(ttir.encode()).hexdigest()[:16]
    with tempfile.TemporaryDirectory(prefix="pyflex-") as folder:
        path = Path(folder) / f"{name}.ttir"
        path.write_text(ttir)
        try:
            return triton.compile(
                str(path),
                target=target,
                options={
                    "num_warps": spec.schedule.num_warps,
                    "num_stages": spec.schedule.num_stages,
                    # Said outright: later versions of Triton change the default.
                    "enable_fp_fusion": True,
                },
            )
        except (TritonError, RuntimeError) as error:
            raise TargetError(
                f"Triton cannot compile the kernel for {target}", got=error
            ) from error


def describe(compiled: Any, device: torch.device) -> Device:
    """The device as the schedule's model sees it for one compiled kernel."""
    properties = torch.cuda.get_device_properties(device)
    compiled._init_handles()  # loads the kernel: only then its registers are known
    threads = compiled.metadata.num_warps * properties.warp_size
    # Registers are given to a warp in units of 256; a program also takes 1 KB of shared memory.
    registers = -(-compiled.n_regs * 32 // 256) * 256 * threads // 32
    shared = compiled.metadata.shared + 1024
    fitting = min(
        getattr(properties, "regs_per_multiprocessor", 65536) // max(registers, 1),
        properties.shared_memory_per_multiprocessor // shared,
        properties.max_threads_per_multi_processor // threads,
        32,
    )
    # Two transfers a clock (kHz) of a bus of so many bits.
    bandwidth = 2 * properties.memory_clock_rate * properties.memory_bus_width / 8 / 1e3
    return Device(properties.multi_processor_count, max(1, fitting), bandwidth)


class GpuKernel:
    """A compiled kernel on one device."""

    def __init__(self, compiled: Any, device: torch.device) -> None:
        self.compiled = compiled
        self.device = device

    def launch(self, grid: tuple[int, int, int], arguments: Sequence[Argument]) -> None:
        """Queues the kernel on the device's current stream."""
        if self.device.index == torch.cuda.current_device():
            self.compiled[grid](*arguments)
            return
        with torch.cuda.device(self.device):
            self.compiled[grid](*arguments)
