"""Random decode workloads, seeded: no one has chosen them."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from benchmarks.workloads import Workload

_BYTES = (2e6, 1e9)
_LENGTHS = (128, 1 << 18)
_ITEMSIZE = {"float32": 4, "float16": 2, "bfloat16": 2}
#: Shapes that share a kernel, but for KV heads: compiling them takes minutes and not hours.
SHAPES_PER_KERNEL = 4


def random_workloads(
    count: int, seed: int, *, dtype: str | None = None, head_dim: int | None = None
) -> list[Workload]:
    """`count` workloads; of each kernel's four, batch, heads and lengths differ.

    All of this dtype and head dimension, if they are given.
    """
    source = random.Random(seed)
    found: list[Workload] = []
    kernel = None
    for index in range(count):
        if index % SHAPES_PER_KERNEL == 0:
            kernel = random_kernel(source, dtype, head_dim)
        assert kernel is not None
        found.append(replace(random_shape(source, kernel), name=f"random{seed}.{index}"))
    return found


def random_kernel(
    source: random.Random, dtype: str | None = None, head_dim: int | None = None
) -> Workload:
    """What a kernel is compiled for: dtype, head dimension, group, queries and mods.

    The result's `heads` is the group; `random_shape` multiplies it. Queries times group stay at
    64 or below, in float32 at 16: past that the arithmetic counts, and not the memory.
    """
    drawn = source.choice(["bfloat16"] * 4 + ["float16", "float32"])
    dtype = dtype or drawn
    group = source.choice([1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 12, 16])
    rows = 16 if dtype == "float32" else 64
    q_len = source.choice([m for m in (1, 1, 1, 1, 2, 4, 5, 8, 16) if m * group <= rows])
    mods = source.choice(["none", "none", "causal", "alibi", "softcap", "window"])
    width = source.choice([64, 64, 96, 128, 128, 128, 192, 256])
    return Workload(
        name="",
        batch=1,
        heads=group,
        kv_heads=1,
        q_len=q_len,
        kv_len=1,
        head_dim=head_dim or width,
        mods=f"window{source.choice([256, 512, 1024, 4096])}" if mods == "window" else mods,
        dtype=dtype,
    )


def random_shape(source: random.Random, kernel: Workload) -> Workload:
    """Batch, heads and lengths for 2 MB to 1 GB of K and V."""
    line = kernel.head_dim * 2 * _ITEMSIZE[kernel.dtype]
    while True:
        size = math.exp(source.uniform(*map(math.log, _BYTES)))
        kv_heads = source.choice([1, 2, 4, 8, 8, 8, 16, 32])
        batch = round(math.exp(source.uniform(0, math.log(128))))
        kv_len = int(size / (line * kv_heads * batch))
        if _LENGTHS[0] <= kv_len <= _LENGTHS[1]:
            break
    touched = 1.0
    if kernel.mods.startswith("window"):
        width = int(kernel.mods.removeprefix("window")) + kernel.q_len - 1
        touched = min(1.0, width / kv_len)
    return replace(
        kernel,
        batch=batch,
        heads=kernel.heads * kv_heads,
        kv_heads=kv_heads,
        kv_len=kv_len,
        touched=touched,
        # A window is counted from the end of the longest sequence.
        ragged=touched == 1.0 and batch > 1 and source.random() < 0.3,
    )
