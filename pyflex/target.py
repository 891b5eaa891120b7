"""The GPUs that a kernel can be compiled for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from pyflex.errors import TargetError
from pyflex.places import UNIT_ROWS

# NVIDIA's GPUs from the oldest that is served on, and AMD's with matrix products. LLVM ends the
# process for an architecture that it does not know.
_NVIDIA = (80, 86, 87, 89, 90, 100, 101, 103, 110, 120, 121)
_AMD = re.compile(r"gfx(908|90a|942|950|1[0-2][0-9a-f]{2})")


@dataclass(frozen=True)
class Target:
    """A GPU to compile for, such as "cuda:90" or "hip:gfx942"."""

    backend: str
    arch: int | str
    warp_size: int

    def __str__(self) -> str:
        return f"{self.backend}:{self.arch}"

    @property
    def sm_90(self) -> bool:
        """Whether it has what came with NVIDIA's compute capability 9.0."""
        return self.backend == "cuda" and isinstance(self.arch, int) and self.arch >= 90

    @property
    def gfx(self) -> int | None:
        """The generation of one of AMD's GPUs, from 9 on."""
        if not isinstance(self.arch, str):
            return None
        return 9 if self.arch.startswith("gfx9") else int(self.arch[3:5])

    @property
    def matrix_units(self) -> bool:
        """Whether it has matrix units; AMD's graphics cards have since gfx11."""
        return self.gfx != 10


@lru_cache(maxsize=64)
def current_target(device: torch.device) -> Target:
    """The target that a GPU of this machine is.

    Raises:
        TargetError: for a GPU that Triton or pyflex does not serve.
    """
    properties = torch.cuda.get_device_properties(device)
    name = f"cuda:{properties.major * 10 + properties.minor}"
    if torch.version.hip:
        name = f"hip:{properties.gcnArchName.split(':')[0]}"
    try:
        return replace(parse_target(name), warp_size=properties.warp_size)
    except TargetError as error:
        raise TargetError(
            f"{properties.name} is no GPU that kernels are made for",
            expected=error.expected,
            got=name,
        ) from None


def least_rows(device: torch.device) -> int:
    """Rows of the smallest tiles of a device, where no options ask for fewer.

    Of a product's 16 rows a thread of NVIDIA's GPUs holds one in each half, and can leave one
    half out at no cost. AMD's hold the halves in different threads, which would exchange what
    remains through shared memory: 10 to 19 barriers a tile for two (Triton 3.6, gfx942).
    """
    is_amd = device.type == "cuda" and torch.version.hip
    return UNIT_ROWS if is_amd else UNIT_ROWS // 2


def parse_target(name: str) -> Target:
    """A target named "cuda:90" or "hip:gfx942".

    Raises:
        TargetError: for any other form.
    """
    backend, _, arch = name.partition(":") if isinstance(name, str) else ("", "", "")
    if backend == "cuda" and arch in map(str, _NVIDIA):
        return Target("cuda", int(arch), 32)
    if backend == "hip" and _AMD.fullmatch(arch):
        # AMD's data-centre GPUs have wide warps, its graphics cards narrow ones.
        return Target("hip", arch, 64 if arch.startswith("gfx9") else 32)
    raise TargetError(
        "no such target",
        expected=f'"cuda:N", N one of {", ".join(map(str, _NVIDIA))}; or "hip:{_AMD.pattern}"',
        got=repr(name),
    )
