"""Memory for what one kernel leaves to the next, kept from call to call.

Each stream of a device has one block, which only grows. Calls on one stream run one after the
other, so each may use all of it; the launcher queues a kernel and the one that joins its results
without another thread's in between. A block that grows is given back to torch, which hands it
out again to later work of the same stream only.

Two cases take memory from torch anew at each call: under the capture of a CUDA graph, where torch
keeps what was allocated for as long as the graph lives and apart from other graphs; and above
`MOST_KEPT` bytes, where an allocation's time does not count beside the kernel's.
"""

from __future__ import annotations

from threading import Lock

import torch

#: Bytes of the largest block that is kept.
MOST_KEPT = 32 << 20
_LEAST = 1 << 20
#: By device and stream: the size, the address and the memory itself.
BLOCKS: dict[tuple[int, int], tuple[int, int, torch.Tensor]] = {}
#: By device and stream: how many, the address and the counters themselves.
COUNTERS: dict[tuple[int, int], tuple[int, int, torch.Tensor]] = {}
_LEAST_COUNTERS = 1024
#: By device: counters for graphs, and how many of them are given away.
_RESERVED: dict[int, tuple[torch.Tensor, int]] = {}
_MOST_RESERVED = 1 << 18
_LOCK = Lock()


def workspace(device: torch.device, stream: int, size: int) -> torch.Tensor:
    """At least `size` bytes, on a multiple of 512, for work on the device's current stream.

    The caller keeps the tensor until that work is queued, and no longer.

    Args:
        device: a GPU, with its index.
        stream: the handle of its current stream.
        size: in bytes.
    """
    kept, _, block = BLOCKS.get((device.index, stream), (0, 0, None))
    capturing = _capturing(device)
    if block is not None and size <= kept and not capturing:
        return block
    if size > MOST_KEPT or capturing:
        return torch.empty(size, dtype=torch.uint8, device=device)
    # Twice as much as before, so that a slowly growing need does not bring one at each call.
    size = min(max(size, 2 * kept, _LEAST), MOST_KEPT)
    block = torch.empty(size, dtype=torch.uint8, device=device)
    BLOCKS[device.index, stream] = (size, block.data_ptr(), block)
    return block


def counters(device: torch.device, stream: int, count: int) -> torch.Tensor:
    """At least `count` int32 that are 0, for kernels that leave them 0.

    Under the capture of a CUDA graph they are the call's own for good: the graph may run at the
    same time as other work. Where none are reserved, a node of the graph sets them to 0.

    Args:
        device: a GPU, with its index.
        stream: the handle of its current stream.
        count: how many.
    """
    if _capturing(device):
        reserved = _take_reserved(device, count)
        if reserved is None:
            return torch.zeros(count, dtype=torch.int32, device=device)
        return reserved
    size, _, kept = COUNTERS.get((device.index, stream), (0, 0, None))
    if kept is None or size < count:
        size = max(count, _LEAST_COUNTERS)
        kept = torch.zeros(size, dtype=torch.int32, device=device)
        COUNTERS[device.index, stream] = (size, kept.data_ptr(), kept)
    return kept


def reserve_counters(device: torch.device) -> None:
    """Puts counters by for graphs that are captured later; waits for the GPU, the first time."""
    if device.index in _RESERVED or _capturing(device):
        return
    reserved = torch.zeros(_MOST_RESERVED, dtype=torch.int32, device=device)
    # A graph may be replayed on any stream.
    torch.cuda.synchronize(device)
    with _LOCK:
        _RESERVED.setdefault(device.index, (reserved, 0))


def _take_reserved(device: torch.device, count: int) -> torch.Tensor | None:
    with _LOCK:
        reserved, taken = _RESERVED.get(device.index, (None, 0))
        if reserved is None or taken + count > reserved.numel():
            return None
        _RESERVED[device.index] = (reserved, taken + count)
        return reserved[taken : taken + count]


def _capturing(device: torch.device) -> bool:
    if torch._C._cuda_getDevice() == device.index:
        return torch._C._cuda_isCurrentStreamCapturing()
    with torch.cuda.device(device):
        return torch._C._cuda_isCurrentStreamCapturing()
