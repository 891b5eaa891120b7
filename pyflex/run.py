"""Launching a lowered kernel, and the kernel that joins a split, on a GPU or a CPU."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from pyflex import compiler, gpu
from pyflex.arguments import Argument
from pyflex.errors import DeviceError
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

    def run(self, arguments: list[Argument], programs: int) -> None:
        """Launches a kernel whose KV loop is not made to be split."""
        self._decode.launch((programs, 1, 1), arguments)

    def run_split(
        self,
        arguments: list[Argument],
        programs: int,
        splits: int,
        rows: int,
        results: list[Argument],
    ) -> None:
        """Launches `splits` times `programs`, and joins what they give.

        Args:
            arguments: the kernel's, but for those that belong to the split.
            programs: the grid's first axis.
            splits: its second.
            rows: rows of the result: batch times heads times queries.
            results: what the joining kernel needs to know of the result.
        """
        if splits == 1:
            self._decode.launch((programs, 1, 1), [*arguments, 1, 0, 0])
            return
        columns = self._lowered.spec.value_dim
        # One buffer: rows * splits lines, then, at a multiple of 16 bytes, as many logarithms.
        lines = -(-rows * splits * columns // 4) * 4
        partial = torch.empty(lines + rows * splits, dtype=torch.float32, device=self._device)
        partial_out = partial.data_ptr()
        parts = (splits, partial_out, partial_out + lines * 4)
        self._decode.launch((programs, splits, 1), [*arguments, *parts])
        if self._combine is None:
            self._combine = self._make(combine=True)
        self._combine.launch((rows, 1, 1), [*parts[1:], splits, *results])


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
