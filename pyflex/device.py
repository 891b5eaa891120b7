"""The GPUs of this machine: as the schedule's model sees them, and kernels loaded into them."""

from __future__ import annotations

from functools import cache, lru_cache

import torch

from pyflex.cache import Binary
from pyflex.errors import ScheduleError
from pyflex.launch import GpuKernel
from pyflex.places import Device
from pyflex.steps import step
from pyflex.target import current_target


@cache
def load(binary: Binary, device: torch.device) -> GpuKernel:
    """Loads a kernel into a GPU, once.

    Raises:
        ScheduleError: for one that needs more shared memory than the GPU has.
        DeviceError: when the driver refuses it.
    """
    available = _shared_bytes(device)
    if binary.shared > available:
        raise ScheduleError(
            "the kernel's tiles do not fit the GPU's shared memory: fewer rows, keys or stages do",
            expected=f"at most {available} bytes",
            got=binary.shared,
        )
    driver = "hip" if torch.version.hip else "cuda"
    room = available - binary.shared - 16 if binary.clusters else 0
    with step("load"):
        return GpuKernel(binary, driver, device.index, max(room, 0))


def _shared_bytes(device: torch.device) -> int:
    properties = torch.cuda.get_device_properties(device)
    optin: int = getattr(properties, "shared_memory_per_block_optin", 0)
    return max(optin, properties.shared_memory_per_block)


#: Bytes a microsecond for each multiprocessor, where torch knows nothing of the memory: between an
#: integrated GPU's 6,000 and an H200's 36,000.
_USUAL_BANDWIDTH = 15e3


@lru_cache(maxsize=64)
def describe(device: torch.device) -> Device:
    """A GPU as the schedule's model sees it."""
    properties = torch.cuda.get_device_properties(device)
    multiprocessors: int = properties.multi_processor_count
    # Two transfers a clock (kHz) of a bus of so many bits.
    nominal = 2 * properties.memory_clock_rate * properties.memory_bus_width / 8 / 1e3
    return Device(
        multiprocessors=multiprocessors,
        shared=properties.shared_memory_per_multiprocessor,
        bandwidth=nominal or _USUAL_BANDWIDTH * multiprocessors,
        clusters=current_target(device).sm_90,
    )
