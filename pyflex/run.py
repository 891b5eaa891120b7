"""Launching a lowered kernel, and the kernel that combines a split, on a GPU or a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import NamedTuple

import torch

from pyflex import compiler
from pyflex.arguments import Argument
from pyflex.device import describe, load
from pyflex.kernel import KernelSpec
from pyflex.launch import GpuKernel, Launcher
from pyflex.listing import Listing
from pyflex.lowered import Lowered
from pyflex.places import MOST_IN_CLUSTER, Device, Places, combined_width
from pyflex.recent import keep_recent
from pyflex.schedule import Parts
from pyflex.target import current_target
from pyflex.workspace import workspace

Allocate = Callable[[Sequence[int], Sequence[int], torch.dtype], torch.Tensor]


@dataclass(frozen=True)
class Split:
    """A KV loop shared by several programs, and where their results lie in between.

    One buffer holds a line of float32 for each row and part and behind them, at a multiple of 16
    bytes, as many pairs of the largest score and the sum; `grid` is that of the combine kernel.
    Programs that form a cluster need none, but `shared` bytes each.
    """

    parts: Parts
    grid: tuple[int, int] = (0, 0)
    state: int = 0
    size: int = 0
    shared: int = 0

    @staticmethod
    def of(parts: Parts, rows: int, columns: int, shared: int) -> Split:
        """For `rows` rows of a result with `columns` columns; `state` and `size` are in bytes.

        `shared` is what a program needs if it is in a cluster.
        """
        if parts.in_cluster:
            return Split(parts, shared=shared)
        if parts.number == 1:
            return Split(parts)
        lines = -(-rows * parts.number * columns // 4) * 16
        grid = (rows, -(-columns // combined_width(columns, parts.number)))
        return Split(parts, grid, lines, lines + rows * parts.number * 8)


class Stage(NamedTuple):
    """One kernel of a call: "listing", "decode" or "combine", in this order.

    Where `shared` is not 0, programs with the same x form clusters.
    """

    name: str
    grid: tuple[int, int]
    arguments: tuple[Argument, ...]
    shared: int = 0


def _between(split: Split | None, listing: Listing | None) -> int:
    """Bytes that the kernels of a call leave to one another, and entries of lists."""
    combined = split.size if split is not None else 0
    return combined + (listing.size if listing is not None else 0)


def _stages(
    arguments: tuple[Argument, ...],
    programs: int,
    split: Split | None,
    listing: Listing | None,
    results: tuple[Argument, ...],
    at: int,
    cluster_at: int | None,
) -> list[Stage]:
    """The kernels of a call; see `Runner.run`.

    `at` is the address of `_between` bytes. `cluster_at` is where a cluster's memory begins; None
    for a kernel that is not told.
    """
    apart = () if cluster_at is None else (-1,)
    found = []
    if listing is not None:
        arguments = (*arguments, *listing.arguments(at))
        found.append(Stage("listing", (listing.count, listing.segments), arguments))
        at += listing.size
    if split is None:
        return [*found, Stage("decode", (programs, 1), arguments)]
    number, in_cluster = split.parts
    if number == 1:
        return [*found, Stage("decode", (programs, 1), (*arguments, 1, 0, 0, *apart))]
    grid = (programs, number)
    if in_cluster:
        assert cluster_at is not None  # else there were no places for clusters
        arguments = (*arguments, number, 0, 0, cluster_at)
        return [*found, Stage("decode", grid, arguments, split.shared)]
    out = (at, at + split.state)
    return [
        *found,
        Stage("decode", grid, (*arguments, number, *out, *apart)),
        Stage("combine", split.grid, (*out, number, *results)),
    ]


class Runner:
    """The kernels of one spec on one device."""

    #: Where a cluster's memory begins in a program's; None for a kernel that is not told.
    cluster_at: int | None = None
    #: Uninitialised memory on the device: shape, strides, dtype.
    empty: Allocate

    @property
    def kernels(self) -> tuple[GpuKernel, ...]:
        """What has been loaded into a GPU: the kernel, and the one that combines a split."""
        return ()

    @property
    def listing(self) -> GpuKernel | None:
        """And the kernel that finds the blocks to list."""
        return None

    def places(self, shared: int) -> Places:
        """The programs that a GPU runs at the same time, in clusters with so many bytes more."""
        return Places(1)

    def run(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split | None = None,
        listing: Listing | None = None,
        results: tuple[Argument, ...] = (),
    ) -> None:
        """Launches the kernel, behind the one that finds its blocks, before the one that combines.

        Args:
            arguments: the kernel's, but for those of the lists and of the split.
            programs: the grid's first axis.
            split: the grid's second axis; None for a kernel that is not made to be split.
            listing: where the lists lie; None for a kernel that reads none of its own.
            results: what the combine kernel needs to know of the result.
        """
        raise NotImplementedError

    def list_blocks(self, arguments: tuple[Argument, ...], listing: Listing) -> torch.Tensor:
        """Finds the blocks alone, in memory of their own (uint8), laid out as `listing` says."""
        raise NotImplementedError


class GpuRunner(Runner):
    """Runs on a GPU, by its driver."""

    def __init__(self, lowered: Lowered, device: torch.device) -> None:
        self._device, self._index = device, device.index
        self._binaries = lowered.binaries(current_target(device))
        kernel = self._load("decode")
        self._loaded = {"decode": kernel}
        if kernel.binary.clusters:
            self.cluster_at = kernel.cluster_at
        self._launchers: dict[tuple[str, ...], Launcher] = {}
        self._stream: Callable[[int], int] = torch._C._cuda_getCurrentRawStream
        self.empty = _empty_on_gpu(device)

    @property
    def kernels(self) -> tuple[GpuKernel, ...]:
        """See `Runner`."""
        return tuple(self._loaded[name] for name in ("decode", "combine") if name in self._loaded)

    @property
    def listing(self) -> GpuKernel | None:
        """See `Runner`."""
        return self._loaded.get("listing")

    def run(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split | None = None,
        listing: Listing | None = None,
        results: tuple[Argument, ...] = (),
    ) -> None:
        """See `Runner`."""
        stream, size = self._stream(self._index), _between(split, listing)
        # Alive until all kernels are queued: what comes later on the stream may reuse it.
        memory = workspace(self._device, stream, size) if size else None
        at = memory.data_ptr() if memory is not None else 0
        stages = _stages(arguments, programs, split, listing, results, at, self.cluster_at)
        self._launch(stream, stages)

    def places(self, shared: int) -> Places:
        """See `Runner`."""
        kernel = self._loaded["decode"]
        clusters = self._clusters if shared <= kernel.cluster_room else ()
        return Places(max(1, kernel.programs), clusters)

    @cached_property
    def _clusters(self) -> tuple[int, ...]:
        """By their size, how many clusters the GPU runs at the same time."""
        sizes = range(2, MOST_IN_CLUSTER + 1)
        return (0, 0, *(self._loaded["decode"].clusters(size) for size in sizes))

    def list_blocks(self, arguments: tuple[Argument, ...], listing: Listing) -> torch.Tensor:
        """See `Runner`."""
        stream = self._stream(self._index)
        memory = torch.zeros(listing.size, dtype=torch.uint8, device=self._device)
        self._launch(stream, _stages(arguments, 0, None, listing, (), memory.data_ptr(), None)[:1])
        return memory

    def _launch(self, stream: int, stages: list[Stage]) -> None:
        names = tuple(stage.name for stage in stages)
        launcher = self._launchers.get(names)
        if launcher is None:
            for name in names:
                if name not in self._loaded:
                    self._loaded[name] = self._load(name)
            launcher = Launcher(*(self._loaded[name] for name in names))
            self._launchers[names] = launcher
        grids = tuple(stage.grid for stage in stages)
        arguments = tuple(chain.from_iterable(stage.arguments for stage in stages))
        clustered = sum(1 << i for i, stage in enumerate(stages) if stage.shared)
        launcher.launch(stream, grids, arguments, clustered, max(s.shared for s in stages))

    def _load(self, name: str) -> GpuKernel:
        binary = self._binaries[("decode", "combine", "listing").index(name)]
        assert binary is not None  # made for every kernel that splits, or that reads lists
        return load(binary, self._device)


class CpuRunner(Runner):
    """Runs on the CPU through the compiler library's JIT."""

    def __init__(self, lowered: Lowered, device: torch.device) -> None:
        self._lowered, self._device = lowered, device
        self._jitted = {"decode": compiler.jit(lowered.ttir())}
        self.cluster_at = 0 if lowered.spec.combines_in_cluster else None
        self.empty = _empty("_empty_strided_cpu", device)

    def run(
        self,
        arguments: tuple[Argument, ...],
        programs: int,
        split: Split | None = None,
        listing: Listing | None = None,
        results: tuple[Argument, ...] = (),
    ) -> None:
        """See `Runner`."""
        memory = torch.empty(_between(split, listing), dtype=torch.uint8, device="cpu")
        at = memory.data_ptr()
        for stage in _stages(arguments, programs, split, listing, results, at, self.cluster_at):
            self._launch(stage)

    def list_blocks(self, arguments: tuple[Argument, ...], listing: Listing) -> torch.Tensor:
        """See `Runner`."""
        memory = torch.zeros(listing.size, dtype=torch.uint8, device="cpu")
        self._launch(_stages(arguments, 0, None, listing, (), memory.data_ptr(), None)[0])
        return memory

    def _launch(self, stage: Stage) -> None:
        kernel = self._jitted.get(stage.name)
        if kernel is None:
            kernel = self._jitted[stage.name] = self._load(stage.name)
        cluster = stage.grid[1] if stage.shared else 1
        kernel.launch(
            (*stage.grid, 1),
            stage.arguments,
            threads=torch.get_num_threads(),
            cluster=cluster,
            cluster_bytes=stage.shared,
        )

    def _load(self, name: str) -> compiler.CpuKernel:
        lowered = self._lowered.combine if name == "combine" else self._lowered.listing
        assert lowered is not None  # made for every kernel that splits, or that reads lists
        if name == "listing":
            return compiler.jit(lowered.ttir())
        shared = runner_for(lowered, self._device)  # one for all that combine alike
        assert isinstance(shared, CpuRunner)  # as this one
        return shared._jitted["decode"]


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
    return describe(device) if device.type == "cuda" else None


#: Of a GPU for good: a CUDA graph may hold any of their kernels.
_RUNNERS: dict[tuple[KernelSpec, torch.device], Runner] = {}
#: Of the CPU those that came last, at a megabyte each.
_CPU_RUNNERS: dict[tuple[KernelSpec, torch.device], Runner] = {}
_MOST_ON_CPU = 512
_MAKING: dict[tuple[KernelSpec, torch.device], Lock] = {}


def runner_for(lowered: Lowered, device: torch.device) -> Runner:
    """The one runner of a kernel on a device in this process.

    Raises:
        DeviceError: when the device's driver fails.
    """
    key, on_gpu = (lowered.spec, device), device.type == "cuda"
    runners = _RUNNERS if on_gpu else _CPU_RUNNERS
    if (found := runners.get(key)) is not None:
        return found
    # Threads that want the same kernel at the same time wait for one of them.
    with _MAKING.setdefault(key, Lock()):
        found = runners.get(key)
        if found is None:
            found = runners[key] = (GpuRunner if on_gpu else CpuRunner)(lowered, device)
    keep_recent(_CPU_RUNNERS, _MOST_ON_CPU)
    _MAKING.pop(key, None)
    return found
