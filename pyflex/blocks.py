"""torch's BlockMask as the kernel reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn.attention.flex_attention import BlockMask

from pyflex.errors import BlockMaskError
from pyflex.memory import has_plain_memory
from pyflex.places import power_of_two
from pyflex.workspace import is_capturing


@dataclass(frozen=True, eq=False)
class BlockLists:
    """The lists of a BlockMask: int32, contiguous, [batch, head, q_block(, entry)].

    Attributes:
        counts, indices: the blocks in which mask_mod is asked.
        full_counts, full_indices: the blocks that are visible as a whole, if any are listed.
        q_block, kv_block: queries and keys of a block.
        q_len, kv_len: the lengths that the BlockMask was made for.
        mask_mod: the BlockMask's own.
    """

    counts: torch.Tensor
    indices: torch.Tensor
    full_counts: torch.Tensor | None
    full_indices: torch.Tensor | None
    q_block: int
    kv_block: int
    q_len: int
    kv_len: int
    mask_mod: Callable[..., Any]

    @property
    def most_blocks(self) -> int:
        """The blocks of the longest list, to choose a split; read from the device once.

        A CUDA graph under capture cannot be waited for; there an upper bound has to do.
        """
        if not self.is_counted and self.is_captured():
            return self._bound
        return self._counted

    @property
    def is_counted(self) -> bool:
        """Whether `most_blocks` has been read."""
        return "_counted" in self.__dict__

    @cached_property
    def _counted(self) -> int:
        total = self.counts if self.full_counts is None else self.counts + self.full_counts
        return min(self._bound, int(total.max())) if total.numel() else 0

    @property
    def _bound(self) -> int:
        return -(-self.kv_len // self.kv_block)

    def is_captured(self) -> bool:
        """Whether a CUDA graph is being captured on the device's current stream."""
        return self.counts.is_cuda and is_capturing(self.counts.device)

    def are_rows_of(self, q_len: int, q_offset: object) -> bool:
        """Whether the first rows of blocks are those of so many queries, moved by `q_offset`.

        What was made for more queries has the rows of the first ones first.
        """
        unmoved = q_offset is None or (isinstance(q_offset, int) and q_offset == 0)
        return self.q_len == q_len or unmoved

    @property
    def strides(self) -> tuple[int, int]:
        """Rows of lists from one batch entry, and one head, to the next; 0 broadcasts."""
        batch, heads, rows = self.counts.shape
        return (heads * rows if batch > 1 else 0), (rows if heads > 1 else 0)


@dataclass(frozen=True, eq=False)
class _Known:
    """What was read, of what, how its tensors lay, and the versions of those that were copied.

    No versions where they are not counted: made under torch.inference_mode.
    """

    sources: tuple[Any, ...]
    tensors: tuple[torch.Tensor, ...]
    layouts: tuple[Any, ...]
    copied: tuple[torch.Tensor, ...]
    versions: tuple[int, ...] | None
    lists: BlockLists

    def holds(self, sources: tuple[Any, ...]) -> bool:
        """Whether `lists` are what a call would read now."""
        if self.versions is None or not all(map(is_, sources, self.sources)):
            return False
        if tuple(map(_layout_of, self.tensors)) != self.layouts:
            return False
        if self.copied and self.versions != _versions(self.copied):
            return False
        # A CUDA graph under capture makes its own copies, which live as long as it does.
        return (not self.copied and self.lists.is_counted) or not self.lists.is_captured()


def _layout_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride()


#: The least block that one larger than all keys or queries is taken for.
_LEAST_WHOLE = 128

_KNOWN: WeakKeyDictionary[BlockMask, _Known] = WeakKeyDictionary()


def read_block_mask(block_mask: BlockMask) -> BlockLists:
    """The lists of `block_mask`, converted once until it changes.

    Raises:
        BlockMaskError: for anything but a BlockMask, and for one without a usable mask_mod.
    """
    if not isinstance(block_mask, BlockMask):
        raise BlockMaskError(
            "block_mask is no BlockMask",
            expected="torch.nn.attention.flex_attention.BlockMask",
            got=type(block_mask).__name__,
        )
    known, sources = _KNOWN.get(block_mask), _sources(block_mask)
    if known is None or not known.holds(sources):
        known = _know(block_mask, sources)
        # Copies that a graph makes are there when it is replayed, and its lists are not counted.
        if not known.lists.is_captured():
            _KNOWN[block_mask] = known
    return known.lists


def _sources(block_mask: BlockMask) -> tuple[Any, ...]:
    return (
        block_mask.kv_num_blocks,
        block_mask.kv_indices,
        block_mask.full_kv_num_blocks,
        block_mask.full_kv_indices,
        block_mask.BLOCK_SIZE,
        block_mask.seq_lengths,
        block_mask.mask_mod,
    )


def _know(block_mask: BlockMask, sources: tuple[Any, ...]) -> _Known:
    lists = _read(block_mask)
    made = (lists.counts, lists.indices, lists.full_counts, lists.full_indices)
    pairs = [(source, own) for source, own in zip(sources, made, strict=False) if own is not None]
    copied = tuple(source for source, own in pairs if own.data_ptr() != source.data_ptr())
    tensors = tuple(source for source, _ in pairs)
    layouts = tuple(map(_layout_of, tensors))
    return _Known(sources, tensors, layouts, copied, _versions(copied), lists)


def _versions(tensors: tuple[torch.Tensor, ...]) -> tuple[int, ...] | None:
    """None where they are not counted: made under torch.inference_mode."""
    if any(tensor.is_inference() for tensor in tensors):
        return None
    return tuple(tensor._version for tensor in tensors)


def _read(block_mask: BlockMask) -> BlockLists:
    if getattr(block_mask.mask_mod, "__name__", "") == "_sliced_mask_mod_error":
        raise BlockMaskError(
            "a sliced BlockMask has lost its mask_mod",
            expected="its mask_mod and seq_lengths set, or a BlockMask made for these queries",
            got="a slice of a BlockMask",
        )
    has_full = block_mask.full_kv_num_blocks is not None
    q_block, kv_block = _two_sizes("BLOCK_SIZE", block_mask.BLOCK_SIZE, 1)
    q_len, kv_len = _two_sizes("seq_lengths", block_mask.seq_lengths, 0)
    return BlockLists(
        counts=_normal(block_mask, "kv_num_blocks", 3),
        indices=_normal(block_mask, "kv_indices", 4),
        full_counts=_normal(block_mask, "full_kv_num_blocks", 3) if has_full else None,
        full_indices=_normal(block_mask, "full_kv_indices", 4) if has_full else None,
        # The part of a block behind all keys would be visited for nothing.
        q_block=min(q_block, power_of_two(max(q_len, _LEAST_WHOLE))),
        kv_block=min(kv_block, power_of_two(max(kv_len, _LEAST_WHOLE))),
        q_len=q_len,
        kv_len=kv_len,
        mask_mod=block_mask.mask_mod,
    )


def _normal(block_mask: BlockMask, name: str, rank: int) -> torch.Tensor:
    """The tensor of that name in int32, contiguous, with leading dimensions of one up to `rank`."""
    tensor = getattr(block_mask, name)
    if not isinstance(tensor, torch.Tensor):
        raise BlockMaskError(
            f"the BlockMask's {name} is no tensor", expected="a tensor", got=type(tensor).__name__
        )
    if not has_plain_memory(tensor) or tensor.is_floating_point() or tensor.is_complex():
        raise BlockMaskError(
            f"the BlockMask's {name} cannot be read",
            expected="a dense tensor of integers",
            got=f"{type(tensor).__name__}, {tensor.layout}, {tensor.dtype}",
        )
    if tensor.dim() > rank:
        raise BlockMaskError(
            f"the BlockMask's {name} has the wrong rank",
            expected=f"at most {rank} dimensions",
            got=list(tensor.shape),
        )
    missing = (1,) * (rank - tensor.dim())
    return tensor.to(torch.int32).reshape(missing + tuple(tensor.shape)).contiguous()


def _two_sizes(name: str, given: Any, least: int) -> tuple[int, int]:
    """Of queries and of keys."""
    sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(sizes) != 2 or not all(type(size) is int and size >= least for size in sizes):
        raise BlockMaskError(
            f"the BlockMask's {name} does not fit",
            expected=f"two whole numbers from {least} on, of queries and of keys",
            got=repr(given),
        )
    return sizes[0], sizes[1]


def check_block_lists(
    lists: BlockLists,
    *,
    device: torch.device,
    batch: int,
    heads: int,
    q_len: int,
    kv_len: int,
    q_offset: int | torch.Tensor | None,
) -> None:
    """Raises BlockMaskError where `lists` do not cover a call of this shape."""
    mask_batch, mask_heads, rows = lists.counts.shape
    for tensor in (lists.counts, lists.indices, lists.full_counts, lists.full_indices):
        if tensor is None:
            continue
        if tensor.device != device:
            raise BlockMaskError(
                "the BlockMask is on another device", expected=device, got=tensor.device
            )
        if tensor.shape[:3] != lists.counts.shape:
            raise BlockMaskError(
                "the BlockMask's tensors do not fit together",
                expected=f"[batch, head, row] {list(lists.counts.shape)} of all",
                got=list(tensor.shape[:3]),
            )
    for name, got, wanted in (("batch entries", mask_batch, batch), ("heads", mask_heads, heads)):
        if got not in (1, wanted):
            raise BlockMaskError(
                f"the BlockMask's {name} do not fit", expected=f"1 or {wanted}", got=got
            )
    for name, got, wanted in (("queries", lists.q_len, q_len), ("keys", lists.kv_len, kv_len)):
        if got < wanted:
            raise BlockMaskError(
                f"the BlockMask is too small: it was made for fewer {name}",
                expected=f"at least {wanted}",
                got=got,
            )
    if not lists.are_rows_of(q_len, q_offset):
        raise BlockMaskError(
            "q_offset moves the queries, but not the rows of a BlockMask that was made for more",
            expected=f"one of {q_len} queries (of a slice: with mask_mod and seq_lengths set)",
            got=lists.q_len,
        )
    if rows < (wanted := -(-q_len // lists.q_block)):
        raise BlockMaskError(
            "the BlockMask is too small: it has fewer rows of blocks",
            expected=f"at least {wanted}",
            got=rows,
        )
