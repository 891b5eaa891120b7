"""Memory for what one kernel leaves to the next, kept from call to call.

Each stream of a device has one block, which only grows. Calls on one stream run one after the
other, so each may use all of it; the launcher queues a kernel and the one that combines its results
without another thread's in between. A block that grows is given back to torch, which hands it
out again to later work of the same stream only.

Two cases take memory from torch anew at each call: under the capture of a CUDA graph, where torch
keeps what was allocated for as long as the graph lives and apart from other graphs; and above
`MOST_KEPT` bytes, where an allocation's time does not count beside the kernel's.
"""

from __future__ import annotations

import torch

#: Bytes of the largest block that is kept.
MOST_KEPT = 32 << 20
_LEAST = 1 << 20
#: By device and stream: the size, the address and the memory itself.
BLOCKS: dict[tuple[int, int], tuple[int, int, torch.Tensor]] = {}


def workspace(device: torch.device, stream: int, size: int) -> torch.Tensor:
    """At least `size` bytes, on a multiple of 512, for work on the device's current stream.

    The caller keeps the tensor until that work is queued, and no longer.

    Args:
        device: a GPU, with its index.
        stream: the handle of its current stream.
        size: in bytes.
    """
    kept, _, block = BLOCKS.get((device.index, stream), (0, 0, None))
    capturing = is_capturing(device)
    if block is not None and size <= kept and not capturing:
        return block
    if size > MOST_KEPT or capturing:
        return torch.empty(size, dtype=torch.uint8, device=device)
    # Twice as much as before, so that a slowly growing need does not bring one at each call.
    size = min(max(size, 2 * kept, _LEAST), MOST_KEPT)
    block = torch.empty(size, dtype=torch.uint8, device=device)
    BLOCKS[device.index, stream] = (size, block.data_ptr(), block)
    return block


def is_capturing(device: torch.device) -> bool:
    """Whether a CUDA graph is being captured on the current stream of a GPU."""
    if torch._C._cuda_getDevice() == device.index:
        return torch._C._cuda_isCurrentStreamCapturing()
    with torch.cuda.device(device):
        return torch._C._cuda_isCurrentStreamCapturing()
