"""Attention problems by their features, filled with fresh random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, noop_mask

import pyflex
from tests.golden import Errors, Problem
from tests.mods import MASK_MODS, SCORE_MODS, TABLES, Mod, Sizes, make_score_mod

#: With fewer rows of results, or rows times keys, mean errors are too noisy to compare: draw again.
ENOUGH_ROWS, ENOUGH_SCORES = 2048, 1 << 14
MOST_DRAWS = 64

LAYOUTS = ("contiguous", "transposed", "padded", "unaligned", "spread", "one_batch")


def features(
    *,
    dtype: list[torch.dtype],
    heads: list[tuple[int, int]],
    keys: list[int],
    dims: list[tuple[int, int]],
) -> dict[str, list[Any]]:
    """The values of each field of a `Case` that a matrix covers; a device has its own sizes."""
    return {
        "score": list(SCORE_MODS),
        "table": list(TABLES),
        "mask": list(MASK_MODS),
        "dtype": dtype,
        "heads": heads,
        "q_len": [1, 3, 17, 130],
        "keys": keys,
        "dims": dims,
        "layout": list(LAYOUTS),
        "block": [None, 16, 64, 128, (128, 64)],
        "block_heads": [False, True],
        "q_offset": ["end", "none", "int32", "int64"],
        "kv_len": ["all", "int", "int32", "int64"],
    }


@dataclass(frozen=True)
class Case:
    """One problem without its numbers.

    Attributes:
        score, table, mask: names in `tests.mods`.
        heads: query heads and KV heads.
        dims: D and Dv.
        layout: one of `LAYOUTS`, of query, key and value.
        block: block size of a block mask (an int or a pair), or None for no block mask.
        block_heads: the block mask has lists for each head even if the mask needs none.
        q_offset: "end" puts the queries at the end of the keys; "int32" and "int64" are tensors.
        kv_len: "all", "int" (fewer than there are), "int32", "int64" or "zero".
    """

    score: str = "none"
    table: str = "none"
    mask: str = "none"
    dtype: torch.dtype = torch.float32
    batch: int = 2
    heads: tuple[int, int] = (8, 2)
    q_len: int = 1
    keys: int = 65
    dims: tuple[int, int] = (64, 64)
    layout: str = "contiguous"
    block: Any = None
    block_heads: bool = False
    q_offset: str = "end"
    kv_len: str = "all"

    def __str__(self) -> str:
        default = Case()
        names = self.__dataclass_fields__
        values = {name: getattr(self, name) for name in names}
        return ",".join(
            f"{name}={str(value).removeprefix('torch.').replace(' ', '')}"
            for name, value in values.items()
            if value != getattr(default, name)
        )


def lay_out(tensor: torch.Tensor, layout: str) -> torch.Tensor:
    """The same numbers at other addresses."""
    batch, heads, length, dim = tensor.shape
    if layout == "transposed":
        return tensor.transpose(1, 2).contiguous().transpose(1, 2)
    if layout == "padded":
        buffer = tensor.new_full((batch, heads + 1, length + 3, dim + 8), torch.nan)
        view = buffer[:, :heads, :length, :dim]
    elif layout == "unaligned":
        buffer = tensor.new_full((tensor.numel() + 1,), torch.nan)
        view = buffer[1:].view(tensor.shape)
    elif layout == "spread":
        view = tensor.new_full((batch, heads, length, dim, 2), torch.nan)[..., 1]
    else:
        return tensor
    return view.copy_(tensor)


class Drawn:
    """A case with its mods; `problem()` gives new numbers for each call of them."""

    def __init__(self, case: Case, device: torch.device | str, seed: int) -> None:
        self.case = case
        self.device = torch.device(device)
        self.generator = torch.Generator().manual_seed(seed)
        self.numbers = torch.Generator(self.device).manual_seed(seed + 1)
        self.q_offset = self._q_offset()
        self.kv_len = self._kv_len()
        mask = MASK_MODS[case.mask]
        last = self.q_offset if isinstance(self.q_offset, int) else int(self.q_offset.max())
        positions = max(case.keys, last + case.q_len, 1)
        sizes = Sizes(case.batch, case.heads[0], positions, self.device, self.generator)
        self.score = make_score_mod(case.score, case.table, sizes)
        self.mask = mask.make(sizes)
        self.block_mask: BlockMask | None = None
        if case.block is not None:
            self.block_mask = self._blocks(self.mask or noop_mask)
            self.mask = None

    def _tensor(self, low: int, high: int, dtype: str) -> torch.Tensor:
        numbers = torch.randint(low, high + 1, (self.case.batch,), generator=self.generator)
        return numbers.to(self.device, getattr(torch, dtype))

    def _q_offset(self) -> Any:
        case = self.case
        if case.q_offset == "none":
            return 0
        end = max(case.keys - case.q_len, 0)
        return end if case.q_offset == "end" else self._tensor(0, end, case.q_offset)

    def _kv_len(self) -> Any:
        kind, keys = self.case.kv_len, self.case.keys
        fixed = {"all": None, "zero": 0, "int": keys - keys // 3}
        return fixed[kind] if kind in fixed else self._tensor(0, keys, kind)

    def _blocks(self, mask: Mod) -> BlockMask:
        """The block mask of `mask` as the kernel asks it: q_idx counts from q_offset."""
        case, kind = self.case, MASK_MODS[self.case.mask]
        offset = torch.as_tensor(self.q_offset, dtype=torch.int32, device=self.device)
        by_batch = kind.by_batch or offset.dim() == 1
        at = offset if offset.dim() == 1 else offset.reshape(1).expand(case.batch)
        lists = create_block_mask(
            lambda b, h, q, kv: mask(b, h, q + at[b], kv),
            case.batch if by_batch else None,
            case.heads[0] if kind.by_head or case.block_heads else None,
            case.q_len,
            case.keys,
            device=str(self.device),
            BLOCK_SIZE=case.block,
        )
        return BlockMask.from_kv_blocks(
            lists.kv_num_blocks,
            lists.kv_indices,
            lists.full_kv_num_blocks,
            lists.full_kv_indices,
            BLOCK_SIZE=case.block,
            mask_mod=mask,
            seq_lengths=(case.q_len, case.keys),
        )

    def problem(self) -> Problem:
        """The case with new numbers in query, key and value."""
        case = self.case
        kv_batch = 1 if case.layout == "one_batch" else case.batch
        shapes = (
            (case.batch, case.heads[0], case.q_len, case.dims[0]),
            (kv_batch, case.heads[1], case.keys, case.dims[0]),
            (kv_batch, case.heads[1], case.keys, case.dims[1]),
        )
        tensors = [
            torch.randn(shape, generator=self.numbers, device=self.device).to(case.dtype)
            for shape in shapes
        ]
        if self.kv_len is not None and kv_batch == case.batch:
            length = torch.as_tensor(self.kv_len, device=self.device).reshape(-1, 1, 1, 1)
            past = torch.arange(case.keys, device=self.device).reshape(1, 1, -1, 1) >= length
            tensors[1:] = [torch.where(past, torch.nan, tensor) for tensor in tensors[1:]]
        query, key, value = (lay_out(tensor, case.layout) for tensor in tensors)
        return Problem(
            query,
            key,
            value,
            self.score,
            self.mask,
            self.block_mask,
            q_offset=None if case.q_offset == "none" else self.q_offset,
            kv_len=self.kv_len,
        )


def hold_to_rule(drawn: Drawn, decode: pyflex.Decode) -> None:
    """Calls `decode` with new numbers until their mean errors mean something; asserts the rule."""
    errors = Errors(drawn.case.dtype)
    for _ in range(MOST_DRAWS):
        problem = drawn.problem()
        errors.add(problem, *problem.run(decode))
        scores = errors.rows * min(drawn.case.keys, 64)
        if errors.rows == 0 or errors.rows >= ENOUGH_ROWS or scores > ENOUGH_SCORES:
            break
    errors.check()


def check_case(
    case: Case, device: torch.device | str, seed: int, options: pyflex.Options | None = None
) -> None:
    """Compiles the case's mods and holds the kernel to the rule of `tests.golden`."""
    drawn = Drawn(case, device, seed)
    hold_to_rule(drawn, pyflex.compile(drawn.score, drawn.mask, options=options))
