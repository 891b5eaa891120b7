"""Compiles kernels with the Triton of this process, with and without the passes between its own.

Each must find its loop, and cost no barrier; a reduction that is exchanged once saves one. No GPU
is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import torch
import triton

import pyflex
from pyflex.ttg import PASSES
from pyflex.ttg.text import COMMIT, WAIT, Op, pipelined_loops


@dataclass(frozen=True)
class Kernel:
    """A call, and what the passes make of its loop.

    Attributes:
        waits: waits in all: the loop's, its second one, and the one behind it.
        branches: around the copies of a tile, ahead of the loop and in it.
        exchanges: reductions among warps: of the maximum, and of the sum, in the loop or behind it.
    """

    tile: tuple[int, int, int]
    head_dim: int = 128
    dtype: torch.dtype = torch.bfloat16
    heads: tuple[int, int] = (4, 1)
    rows: int = 16
    waits: int = 3
    branches: int = 2
    exchanges: int = 2
    mods: dict[str, Any] = field(default_factory=dict)
    target: str = "cuda:90"

    def decode(self, disabled: tuple[str, ...]) -> pyflex.Decode:
        """Called on a CPU."""
        keys, num_warps, num_stages = self.tile
        options = pyflex.Options(
            rows=self.rows,
            keys=keys,
            num_warps=num_warps,
            num_stages=num_stages,
            disable_passes=disabled,
        )
        decode = pyflex.compile(**self.mods, options=options)
        query = torch.randn(1, self.heads[0], 1, self.head_dim, dtype=self.dtype)
        key = torch.randn(1, self.heads[1], 200, self.head_dim, dtype=self.dtype)
        decode(query, key, key, q_offset=199)
        return decode


#: From 3.9 on Triton does by itself what ttg-reduce-once does.
_TRITON_EXCHANGES_ONCE = tuple(map(int, triton.__version__.split(".")[:2])) >= (3, 9)

_BRANCH = re.compile(
    r"= scf\.if [^\n]*-> \(!ttg\.async\.token[^\n]*\n(.*?)\n *\} else \{\n(.*?)\n *\}", re.DOTALL
)
_VISIBLE = torch.rand(1, 200) < 0.5
KERNELS = [
    Kernel((32, 2, 3), mods={"mask_fn": lambda b, h, q, kv: kv <= q}),
    Kernel((128, 4, 3)),
    Kernel((64, 4, 2), branches=1, dtype=torch.float16),
    Kernel((64, 4, 4), branches=3, head_dim=80),
    Kernel((64, 4, 3), mods={"mask_fn": lambda b, h, q, kv: _VISIBLE[b, kv]}),
    Kernel((64, 4, 3), head_dim=256, target="cuda:80"),
    # The values of float32 are read ahead of the scores' maximum.
    Kernel((32, 4, 3), dtype=torch.float32, waits=2),
    # So are those of eight rows.
    Kernel((64, 4, 3), rows=8, waits=2),
    Kernel((32, 2, 3), rows=8, head_dim=80, waits=2),
    Kernel((64, 4, 3), heads=(32, 1), rows=32),
    # 64 rows: weights that stay in registers.
    Kernel((64, 4, 3), heads=(64, 1), rows=64, waits=2, exchanges=0),
]


def check_groups(text: str) -> None:
    """Each wait leaves the groups that were started behind those that its loads read, and no more.

    Of a module whose copies stand in the loop's own block.
    """
    for loop in pipelined_loops(text.split("\n")):
        made = loop.definitions()

        def buffer(view: str, made: dict[str, Op] = made) -> str:
            return made[view].operands[0]

        commits = [op for op in loop.body if op.name == COMMIT]
        order = [buffer(made[op.operands[0]].operands[1]) for op in commits]
        started = sum(op.name == COMMIT for op in loop.before)
        assert started % len(commits) == 0
        for wait in (op for op in loop.body if op.name == WAIT):
            loads = [op for op in loop.body if op.operands[1:] == [wait.result]]
            last = max(order.index(buffer(op.operands[0])) for op in loads)
            assert wait.line < min(op.line for op in loads)
            assert wait.rest.partition(" {num = ")[2].split(" ")[0] == str(started - last - 1)


def check(kernel: Kernel) -> None:
    """Raises AssertionError for a loop that is not as it should be."""
    once = [*PASSES][-1]
    barriers = []
    for disabled in (tuple(PASSES), (once,), ()):
        decode = kernel.decode(disabled)
        barriers.append(decode.ir("ptx", target=kernel.target).count("bar.sync"))
        if disabled == (once,):
            continue
        last = "ttgir" if disabled else once
        text = decode.ir(last, target=kernel.target)
        waits = text.count("= ttg.async_wait")
        branches = _BRANCH.findall(text)
        expected = (2, 0) if disabled else (kernel.waits, kernel.branches)
        assert (waits, len(branches)) == expected, (kernel, disabled, waits, branches)
        for copied, left_out in branches:  # which count as many groups
            assert copied.count(COMMIT) == left_out.count(COMMIT) > 0
        if kernel.waits == 3:
            before = "ttgir" if disabled else "ttg-wait-for-keys"
            check_groups(decode.ir(before, target=kernel.target))
    exchanges = text.count("_3 = ttg.convert_layout %once_")
    assert exchanges == kernel.exchanges, (kernel, exchanges)
    none, copies, every = barriers
    assert none == copies, (kernel, barriers)
    saved = 0 if _TRITON_EXCHANGES_ONCE else exchanges
    assert copies - every == saved, (kernel, barriers, saved)


if __name__ == "__main__":
    for each in KERNELS:
        check(each)
