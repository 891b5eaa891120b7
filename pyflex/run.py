"""Launching a lowered kernel, and the kernel that joins a split, on a GPU or a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch

from pyflex import compiler, gpu
from pyflex.arguments import Argument
from pyflex.errors import DeviceError
from pyflex.kernel import KernelSpec
from pyflex.launch import GpuKernel, Launcher
from pyflex.listing import Lists
from pyflex.lowered import Lowered
from pyflex.tiles import Device
from pyflex.workspace import counters, reserve_counters, workspace

Allocate = Callable[[Sequence[int], Sequence[int], torch.dtype], torch.Tensor]


@dataclass(frozen=True)
class Split:
    """A KV loop shared by several programs, and where their results lie in between.

    One buffer holds `rows * parts` lines of float32 and behind them, at a multiple of 16 bytes, as
    many logarithms.
    """

    parts: int
    rows: int
    logs: int
    size: int

    @staticmethod
    def of(parts: int, rows: int, columns: int) -> Split:
        """For `rows` rows of a result with `columns` columns; `logs` and `size` are in bytes."""
        lines = -(-rows * parts * columns // 4) * 16
        return Split(parts, rows, lines, lines + rows * parts * 4)


class Runner:
    """The kernels of one spec on one device."""

    #: Programs that one multiprocessor runs at the same time.
    resident: int = 1
    #: Uninitialised memory on the device: shape, strides, dtype.
    empty: Allocate
    #: What has been loaded into a GPU: the kernel, and the one that joins a split.
    kernels: tuple[GpuKernel, ...] = ()
    #: And the kernel that lists the blocks.
    listing: GpuKernel | None = None

    def run(self, arguments: tuple[Argument, ...], programs: int) -> None:
        """Launches `programs` programs of the kernel."""
        raise NotImplementedError

    def run_split(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split,
        results: tuple[Argument, ...],
    ) -> None:
        """Launches `split.parts` times `programs`, and joins what they give.

        Args:
            arguments: the kernel's, but for those that belong to the split.
            programs: the grid's first axis.
            split: the grid's second.
            results: what the joining kernel needs to know of the result.
        """
        raise NotImplementedError

    def run_listed(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        lists: Lists,
        split: Split | None,
        results: tuple[Argument, ...],
    ) -> None:
        """Lists the blocks that the mask shows, then runs the kernel over them.

        Args:
            arguments: the kernel's, but for those of the lists and of the split.
            programs: the grid's first axis.
            lists: where the lists lie.
            split: the grid's second axis; None for a kernel that is not made to be split.
            results: what the joining kernel needs to know of the result.
        """
        raise NotImplementedError

    def list_blocks(self, arguments: tuple[Argument, ...], lists: Lists) -> torch.Tensor:
        """Lists the blocks alone, in memory of their own (uint8), laid out as `lists` says."""
        raise NotImplementedError


def _listed(
    arguments: tuple[Argument, ...],
    lists: Lists,
    split: Split | None,
    memory: tuple[int, int],
    results: tuple[Argument, ...],
) -> tuple[tuple[Argument, ...], ...]:
    """The arguments of the kernel that lists, of the kernel and, if it is needed, of the joining.

    `memory` is the address of `_listed_bytes`, and of the counters.
    """
    at, counted = memory
    own = (*arguments, *lists.arguments(at))
    first = (*own, at + lists.words, counted)
    if split is None:
        return first, own
    if split.parts == 1:
        return first, (*own, 1, 0, 0)
    out = at + lists.size
    parts = (split.parts, out, out + split.logs)
    return first, (*own, *parts), (*parts[1:], split.parts, *results)


def _listed_grids(programs: int, lists: Lists, split: Split | None) -> tuple[tuple[int, int], ...]:
    """The grids of the kernels of `_listed`."""
    grids = ((lists.count, lists.segments), (programs, split.parts if split else 1))
    return (*grids, (split.rows, 1)) if split and split.parts > 1 else grids


def _listed_bytes(lists: Lists, split: Split | None) -> int:
    return lists.size + (split.size if split and split.parts > 1 else 0)


class GpuRunner(Runner):
    """Runs on a GPU, by its driver."""

    def __init__(self, lowered: Lowered, device: torch.device) -> None:
        self._device, self._index = device, device.index
        self._binaries = lowered.binaries(gpu.current_target(device))
        self._kernel = gpu.load(self._binaries[0], device)
        self._single = Launcher(self._kernel)
        self.kernels = (self._kernel,)
        self._pair: Launcher | None = None
        self._listing_launchers: dict[int, Launcher] = {}
        self._stream: Callable[[int], int] = torch._C._cuda_getCurrentRawStream
        self.resident = max(1, self._kernel.programs)
        self.empty = _empty_on_gpu(device)

    def run(self, arguments: tuple[Argument, ...], programs: int) -> None:
        """See `Runner`."""
        self._single.launch(self._stream(self._index), ((programs, 1),), arguments)

    def run_split(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split,
        results: tuple[Argument, ...],
    ) -> None:
        """See `Runner`."""
        pair = self._pair or self._load_pair()
        stream = self._stream(self._index)
        # Alive until both kernels are queued: what comes later on the stream may reuse it.
        partial = workspace(self._device, stream, split.size)
        out = partial.data_ptr()
        parts = (split.parts, out, out + split.logs)
        behind = (*parts[1:], split.parts, *results)
        grids = ((programs, split.parts), (split.rows, 1))
        pair.launch(stream, grids, (*arguments, *parts, *behind))

    def run_listed(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        lists: Lists,
        split: Split | None,
        results: tuple[Argument, ...],
    ) -> None:
        """See `Runner`."""
        stream = self._stream(self._index)
        # Alive until all kernels are queued, as in `run_split`.
        memory = workspace(self._device, stream, _listed_bytes(lists, split))
        counted = counters(self._device, stream, lists.count)
        places = (memory.data_ptr(), counted.data_ptr())
        given = _listed(arguments, lists, split, places, results)
        launcher = self._listing_launchers.get(len(given)) or self._load_listing(len(given))
        grids = _listed_grids(programs, lists, split)
        launcher.launch(stream, grids, tuple(chain.from_iterable(given)))

    def list_blocks(self, arguments: tuple[Argument, ...], lists: Lists) -> torch.Tensor:
        """See `Runner`."""
        stream = self._stream(self._index)
        memory = torch.empty(lists.size, dtype=torch.uint8, device=self._device)
        counted = counters(self._device, stream, lists.count)
        given = _listed(arguments, lists, None, (memory.data_ptr(), counted.data_ptr()), ())[0]
        launcher = self._listing_launchers.get(1) or self._load_listing(1)
        launcher.launch(stream, ((lists.count, lists.segments),), given)
        return memory

    def _load_listing(self, count: int) -> Launcher:
        """Launches the kernel that lists; for 2 the kernel too, for 3 the one that joins too."""
        if self.listing is None:
            binary = self._binaries[2]
            assert binary is not None  # made for every kernel that reads lists
            self.listing = gpu.load(binary, self._device)
            reserve_counters(self._device)
        if count == 3 and self._pair is None:
            self._load_pair()
        launcher = Launcher(self.listing, *self.kernels[: count - 1])
        self._listing_launchers[count] = launcher
        return launcher

    def _load_pair(self) -> Launcher:
        joining = self._binaries[1]
        assert joining is not None  # made for every kernel that splits
        self.kernels = (self._kernel, gpu.load(joining, self._device))
        self._pair = Launcher(*self.kernels)
        return self._pair


class CpuRunner(Runner):
    """Runs on the CPU through the compiler library's JIT."""

    def __init__(self, lowered: Lowered, device: torch.device) -> None:
        self._lowered, self._device = lowered, device
        self._kernel = compiler.jit(lowered.ttir())
        self._joining: Runner | None = None
        self._listing: compiler.CpuKernel | None = None
        self.empty = _empty("_empty_strided_cpu", device)

    def run(self, arguments: tuple[Argument, ...], programs: int) -> None:
        """See `Runner`."""
        self._kernel.launch((programs, 1, 1), arguments)

    def run_split(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split,
        results: tuple[Argument, ...],
    ) -> None:
        """See `Runner`."""
        partial = torch.empty(split.size, dtype=torch.uint8)
        out = partial.data_ptr()
        parts = (split.parts, out, out + split.logs)
        self._kernel.launch((programs, split.parts, 1), (*arguments, *parts))
        self._join((*parts[1:], split.parts, *results), split)

    def run_listed(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        lists: Lists,
        split: Split | None,
        results: tuple[Argument, ...],
    ) -> None:
        """See `Runner`."""
        memory = torch.empty(_listed_bytes(lists, split), dtype=torch.uint8)
        counted = torch.zeros(lists.count, dtype=torch.int32)
        places = (memory.data_ptr(), counted.data_ptr())
        given = _listed(arguments, lists, split, places, results)
        self._list(lists, given[0])
        self._kernel.launch((programs, split.parts if split else 1, 1), given[1])
        if split is not None and split.parts > 1:
            self._join(given[2], split)

    def list_blocks(self, arguments: tuple[Argument, ...], lists: Lists) -> torch.Tensor:
        """See `Runner`."""
        memory = torch.empty(lists.size, dtype=torch.uint8)
        counted = torch.zeros(lists.count, dtype=torch.int32)
        given = _listed(arguments, lists, None, (memory.data_ptr(), counted.data_ptr()), ())
        self._list(lists, given[0])
        assert not counted.any()  # as the next call expects them
        return memory

    def _list(self, lists: Lists, arguments: tuple[Argument, ...]) -> None:
        if self._listing is None:
            listing = self._lowered.listing
            assert listing is not None  # there is one for every kernel that reads lists
            self._listing = compiler.jit(listing.ttir())
        self._listing.launch((lists.count, lists.segments, 1), arguments)

    def _join(self, arguments: tuple[Argument, ...], split: Split) -> None:
        if self._joining is None:
            joining = self._lowered.joining
            assert joining is not None  # there is one for every kernel that splits
            self._joining = runner_for(joining, self._device)  # one for all that join alike
        self._joining.run(arguments, split.rows)


def _empty(name: str, device: torch.device) -> Allocate:
    """torch's shortest way to new memory: no dispatcher, a third of torch.empty's time."""
    short: Allocate | None = getattr(torch._C._dynamo.guards, name, None)
    if short is not None:
        return short

    def empty(shape: Sequence[int], strides: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty_strided(shape, strides, dtype=dtype, device=device)

    return empty


def _empty_on_gpu(device: torch.device) -> Allocate:
    """As `_empty`, which serves the current device alone."""
    here = _empty("_empty_strided_cuda", device)
    current: Callable[[], int] = torch._C._cuda_getDevice
    index = device.index

    def empty(shape: Sequence[int], strides: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        if current() == index:
            return here(shape, strides, dtype)
        return torch.empty_strided(shape, strides, dtype=dtype, device=device)

    return empty


def model_of(device: torch.device) -> Device | None:
    """A GPU as the schedule's model sees it; None for the CPU, which has no model."""
    return gpu.describe(device) if device.type == "cuda" else None


_RUNNERS: dict[tuple[KernelSpec, torch.device], Runner] = {}


def runner_for(lowered: Lowered, device: torch.device) -> Runner:
    """The one runner of a kernel on a device in this process.

    Raises:
        DeviceError: for a device that is neither a GPU nor the CPU, or whose driver fails.
    """
    found = _RUNNERS.get((lowered.spec, device))
    if found is None:
        kinds: dict[str, Any] = {"cuda": GpuRunner, "cpu": CpuRunner}
        if device.type not in kinds:
            raise DeviceError(
                "pyflex does not serve this device", expected="cuda or cpu", got=device.type
            )
        found = kinds[device.type](lowered, device)
        _RUNNERS[lowered.spec, device] = found
    return found
