"""Launching a lowered kernel, and the kernel that joins a split, on a GPU or a CPU."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from pyflex import compiler, gpu
from pyflex.arguments import Argument
from pyflex.errors import DeviceError
from pyflex.inputs import Inputs
from pyflex.kernel import KernelSpec
from pyflex.lowered import Lowered
from pyflex.schedule import Device


class Kernel(Protocol):
    """Something that runs over a grid."""

    def launch(self, grid: tuple[int, int, int], arguments: Any) -> None:
        """Runs or queues the kernel."""


class Runner:
    """The kernels of one spec on one device."""

    def __init__(self, lowered: Lowered, device: torch.device) -> None:
        self._lowered = lowered
        self._device = device
        self._decode = self._make(combine=False)
        self._combine: Kernel | None = None
        self.device = self._describe()

    def _describe(self) -> Device:
        raise NotImplementedError

    def _make(self, *, combine: bool) -> Kernel:
        raise NotImplementedError

    def run(
        self,
        arguments: list[Argument],
        programs: int,
        splits: int,
        inputs: Inputs,
        out: torch.Tensor,
        lse: torch.Tensor | None,
    ) -> None:
        """Fills `out` and `lse`."""
        if not self._lowered.spec.splits_kv:
            self._decode.launch((programs, 1, 1), arguments)
            return
        if splits == 1:
            self._decode.launch((programs, 1, 1), [*arguments, 1, 0, 0])
            return
        rows = inputs.batch * inputs.heads * inputs.q_len
        columns = out.shape[3]
        # One buffer: rows * splits lines of results, then as many logarithms.
        partial = torch.empty(
            rows * splits * (columns + 1), dtype=torch.float32, device=self._device
        )
        partial_out = partial.data_ptr()
        partial_lse = partial_out + rows * splits * columns * 4
        self._decode.launch((programs, splits, 1), [*arguments, splits, partial_out, partial_lse])
        combined: list[Argument] = [partial_out, partial_lse, splits, inputs.heads, inputs.q_len]
        combined += [out.data_ptr(), *out.stride()[:3]]
        if lse is not None:
            combined += [lse.data_ptr(), *lse.stride()[:2]]
        if self._combine is None:
            self._combine = self._make(combine=True)
        self._combine.launch((rows, 1, 1), combined)


class GpuRunner(Runner):
    """Runs on a GPU through Triton."""

    def _describe(self) -> Device:
        target = gpu.current_target(self._device)
        return gpu.describe(self._lowered.gpu(target), self._device)

    def _make(self, *, combine: bool) -> Kernel:
        target = gpu.current_target(self._device)
        return gpu.GpuKernel(self._lowered.gpu(target, combine=combine), self._device)


class CpuRunner(Runner):
    """Runs on the CPU through the compiler library's JIT."""

    def _describe(self) -> Device:
        # One thread, one program; a core reads some 10 GB/s.
        threads = torch.get_num_threads()
        return Device(threads, 1, 1e4 * threads)

    def _make(self, *, combine: bool) -> Kernel:
        return compiler.jit(self._lowered.ttir(combine=combine))


_RUNNERS: dict[tuple[KernelSpec, torch.device], Runner] = {}


def runner_for(lowered: Lowered, device: torch.device) -> Runner:
    """The one runner of a kernel on a device in this process.

    Raises:
        DeviceError: for a device that is neither a GPU nor the CPU.
    """
    found = _RUNNERS.get((lowered.spec, device))
    if found is None:
        kinds: dict[str, type[Runner]] = {"cuda": GpuRunner, "cpu": CpuRunner}
        if device.type not in kinds:
            raise DeviceError(
                "pyflex does not serve this device", expected="cuda or cpu", got=device.type
            )
        found = _RUNNERS[lowered.spec, device] = kinds[device.type](lowered, device)
    return found
