"""Kernels in a GPU's memory, launched by the compiler's library through the GPU's own driver."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from pyflex.cache import Binary
from pyflex.errors import DeviceError
from pyflex.library import SLOTS, GpuImage, shared_library

# PyflexGpuLaunch: the most kernels of one, and how it lies up to its arguments.
_MOST_KERNELS = 3
_HEADER = "4Q9I4x"


class GpuKernel:
    """A kernel in the memory of one GPU, until the process ends.

    Attributes:
        binary: what was loaded.
        handle: the library's.
        registers: of one thread.
        spilled: bytes that one thread spills.
        programs: that one multiprocessor runs at a time.
        cluster_at: where a cluster's memory begins, behind the kernel's own.
        cluster_room: all that there is left for it; 0 for a kernel that forms no clusters.
    """

    def __init__(self, binary: Binary, driver: str, device: int, cluster_room: int = 0) -> None:
        """Loads `binary` into the GPU with this ordinal.

        Raises:
            DeviceError: when there is no driver ("cuda" or "hip"), or it refuses the kernel.
        """
        self.binary = binary
        self.cluster_at = -(-binary.shared // 16) * 16
        self.cluster_room = cluster_room
        image = GpuImage(
            driver.encode(),
            binary.name.encode(),
            binary.image,
            bytes(struct.calcsize(f"={SLOTS[name][0]}") for name in binary.arguments),
            len(binary.arguments),
            device,
            binary.threads,
            self.cluster_at,
            self.cluster_room,
        )
        handle = shared_library().pyflex_gpu_load(ctypes.byref(image))
        if handle is None:
            raise DeviceError(f"{driver}:{device} cannot load a kernel", got=last_problem())
        self.handle: int = handle
        figures = shared_library().pyflex_gpu_figures(handle)
        self.registers: int = figures.registers
        self.spilled: int = figures.spilled_bytes
        self.programs: int = figures.programs

    def clusters(self, programs: int) -> int:
        """How many clusters of so many programs can have a multiprocessor for each program."""
        found: int = shared_library().pyflex_gpu_clusters(self.handle, programs)
        return found


def pack_arguments(kernels: Sequence[GpuKernel], arguments: Sequence[int | float]) -> bytes:
    """The slots of the arguments of kernels that are launched together."""
    types = [name for kernel in kernels for name in kernel.binary.arguments]
    return struct.pack(f"={''.join(SLOTS[name] for name in types)}", *arguments)


def overlaps(kernels: Sequence[GpuKernel]) -> int:
    """Bit i: kernel i waits for the one ahead of it itself, and may start early."""
    return sum(1 << i for i, kernel in enumerate(kernels) if i and kernel.binary.waits)


class Launcher:
    """Launches up to three kernels, one right behind the other on the same stream.

    All that a launch says crosses as one block of bytes, in one call. Threads may share a
    Launcher. No other launch of several kernels comes between them on this stream.
    """

    def __init__(self, *kernels: GpuKernel) -> None:
        """Takes what is launched together."""
        types = [name for kernel in kernels for name in kernel.binary.arguments]
        self._types = types
        self._pack = struct.Struct(f"={_HEADER}{''.join(SLOTS[name] for name in types)}").pack
        self._launch: Any = shared_library().pyflex_gpu_launch
        absent = (0,) * (_MOST_KERNELS - len(kernels))
        self._kernels = (*(kernel.handle for kernel in kernels), *absent)
        self._no_grids = absent
        self._overlap = overlaps(kernels)

    def launch(
        self,
        stream: int,
        grids: tuple[tuple[int, int], ...],
        arguments: tuple[int | float, ...],
        clustered: int = 0,
        cluster_bytes: int = 0,
    ) -> None:
        """Queues the kernels.

        Args:
            stream: the handle of a stream of the kernels' device.
            grids: programs of each kernel, along x and y.
            arguments: those of one kernel after the other; a pointer is an address.
            clustered: bit i: the programs of kernel i with the same x form a cluster.
            cluster_bytes: what each of them has on top of the kernel's own shared memory.

        Raises:
            TypeError: if the number of arguments, or one's type or range, is not the kernels'.
            DeviceError: when the driver refuses the launch.
        """
        xs, ys = zip(*grids, strict=True)
        bits = (self._overlap, clustered, cluster_bytes)
        sizes = (*xs, *self._no_grids, *ys, *self._no_grids, *bits)
        try:
            block = self._pack(*self._kernels, stream, *sizes, *arguments)
        except struct.error as error:
            expected = ", ".join(self._types)
            raise TypeError(f"expected arguments ({expected}), got {arguments}") from error
        if self._launch(block):
            raise DeviceError("the GPU's driver refuses the launch", got=last_problem())


def last_problem() -> str:
    """Why the last load or launch of this thread failed."""
    text: bytes = shared_library().pyflex_gpu_error()
    return text.decode(errors="replace")
