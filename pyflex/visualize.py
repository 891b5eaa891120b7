"""`pyflex.visualize`: which blocks of a mask are empty, partial or full."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch._C._functorch import is_batchedtensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only
from torch.utils.weak import WeakTensorKeyDictionary

from pyflex.arguments import check_captures
from pyflex.errors import CaptureIndexError, DeviceError, DTypeError, ModArityError, ShapeError
from pyflex.picture import MaskPicture, Panel
from pyflex.trace import Guards, trace_mask_mod

#: Scores for which the mask is asked at a time, and the keys of these.
_MOST_SCORES, _MOST_KEYS = 1 << 21, 1 << 16
_INT32_MAX = 2**31 - 1


def visualize(
    mask_fn: Callable[..., Any],
    q_len: int,
    kv_len: int | torch.Tensor,
    *,
    b: int | Sequence[int] = 0,
    h: int | Sequence[int] = 0,
    q_offset: int | torch.Tensor = 0,
    block_size: int | tuple[int, int] = 128,
    device: torch.device | str | None = None,
    path: str | os.PathLike[str] | None = None,
) -> MaskPicture:
    """Draws a mask: which blocks of its q x kv grid hold no visible score, some, or no other.

    The mask itself is asked for every score, a part of them at a time: the picture is exact, and
    the memory that it takes does not grow with `kv_len`. A block at the end of a sequence is full
    if all of its keys that exist are visible.

    Args:
        mask_fn: `mask_mod(b, h, q_idx, kv_idx)`, True where the key is visible.
        q_len: queries.
        kv_len: keys; or a tensor of integers, one for each batch entry or a single one.
        b: the batch entry to draw, or several.
        h: the query head to draw, or several. Each pair of entry and head gives a panel.
        q_offset: position of the first query, as in a call: an int, or such a tensor.
        block_size: queries and keys of a block, or one number for both.
        device: where a call's tensors would be, and those that the mask captures have to be; by
            default where these are. The mask is evaluated on the CPU, with copies of them.
        path: where to save the picture as PNG.

    Returns:
        A `MaskPicture`: print it, `save` it, or read its panels.

    Raises:
        ModArityError: for a mask that is not callable.
        TraceError: one of its classes for a mask that a call would refuse, and for one that reads
            past a captured tensor (CaptureIndexError).
        ShapeError: for a length, offset, index or block size out of range.
        DTypeError: for one that is no integer, and for a `path` that is none.
        DeviceError: for a device that is not there.

    Example:
        >>> print(pyflex.visualize(lambda b, h, q, kv: (kv <= q) & (q - kv < 512), 1024, 1024))
    """
    if not callable(mask_fn):
        raise ModArityError(
            "a mask_mod must be callable",
            expected="mask_mod(b, h, q_idx, kv_idx)",
            got=type(mask_fn).__name__,
        )
    if path is not None and not isinstance(path, (str, os.PathLike)):
        raise DTypeError("path is no path", expected="a str or Path", got=type(path).__name__)
    q_block, kv_block = _block_sizes(block_size)
    q_len = _whole("q_len", q_len, 1)
    entries, heads = _indices("b", b), _indices("h", h)
    lengths = [_of_entry("kv_len", kv_len, entry, 0) for entry in entries]
    offsets = [_of_entry("q_offset", q_offset, entry, -_INT32_MAX) for entry in entries]
    longest = _whole("kv_len of the longest sequence", max(lengths), 1)
    _whole("q_offset + q_len", max(offsets) + q_len, -_INT32_MAX)
    where = _device(device) if device is not None else _device_of(mask_fn)
    traced = trace_mask_mod(mask_fn, where)
    check_captures(traced, max(entries) + 1, max(heads) + 1, longest)

    queries = _sizes(q_len, q_block, -(-q_len // q_block))
    panels, copies = [], WeakTensorKeyDictionary()
    sequences = zip(entries, offsets, lengths, strict=True)
    for (entry, offset, length), head in product(sequences, heads):
        keys = _sizes(length, kv_block, -(-longest // kv_block))
        seen = torch.zeros(len(queries), len(keys), dtype=torch.int64, device="cpu")
        for rows, columns, counts in _counted(
            _on_grid(mask_fn, entry, head, copies), range(offset, offset + q_len), length, kv_block
        ):
            seen[:, columns].index_add_(0, (rows - offset) // q_block, counts)
        full = (seen > 0) & (seen == queries[:, None] * keys)
        kinds = (seen > 0).to(torch.int8) + full.to(torch.int8)
        panels.append(Panel(entry, head, offset, length, kinds, int(seen.sum())))
    picture = MaskPicture(tuple(panels), q_len, longest, q_block, kv_block)
    if path is not None:
        picture.save(path)
    return picture


def _on_grid(
    mask_fn: Callable[..., Any], b: int, h: int, copies: WeakTensorKeyDictionary
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The mask on int32 vectors of q_idx and kv_idx: bool [queries, keys].

    As in torch's create_block_mask the mask is asked for one score, and vmap makes that many. On
    the CPU, where an index past a captured tensor is an error: a GPU would be lost by it.
    """
    entry, head = (torch.tensor(index, dtype=torch.int32, device="cpu") for index in (b, h))

    def one(q: torch.Tensor, kv: torch.Tensor) -> torch.Tensor:
        with _OfEachKey(kv == kv, copies):
            return torch.as_tensor(mask_fn(entry, head, q, kv), device="cpu")

    grid: Callable[..., torch.Tensor] = torch.vmap(torch.vmap(one, (None, 0)), (0, None))

    def evaluate(q: torch.Tensor, kv: torch.Tensor) -> torch.Tensor:
        try:
            return grid(q, kv)
        except IndexError as error:
            raise CaptureIndexError(
                f"the mask reads past a captured tensor: {error}",
                got=f"q_idx {int(q[0])} to {int(q[-1])}, kv_idx {int(kv[0])} to {int(kv[-1])}",
            ) from None

    return evaluate


class _OfEachKey(TorchFunctionMode):
    """Takes copies on the CPU of what is elsewhere, and gives a number of all keys to each key.

    Where one operand of a comparison (torch.where, clamp) has vmap's dimensions and the other none,
    torch converts the latter to the former's dtype, of two numbers the narrower one to the wider.
    """

    def __init__(self, keys: torch.Tensor, copies: WeakTensorKeyDictionary) -> None:
        """Takes True for each key, and the copies that there are, to which it adds."""
        super().__init__()
        self._keys, self._copies = keys, copies

    def _here(self, value: torch.Tensor) -> torch.Tensor:
        if is_batchedtensor(value):
            return value
        if value.device.type != "cpu":
            if value not in self._copies:
                self._copies[value] = value.cpu()
            value = self._copies[value]
        return value if value.dim() else torch.where(self._keys, value, value)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        args, kwargs = tree_map_only(torch.Tensor, self._here, (args, kwargs or {}))
        return func(*args, **kwargs)


def _counted(
    grid: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    queries: range,
    kv_len: int,
    kv_block: int,
) -> Iterator[tuple[torch.Tensor, slice, torch.Tensor]]:
    """The visible keys of each query in each block, a part of the grid at a time.

    Yields:
        The queries of the part, its KV blocks, and int64 counts [queries, blocks].
    """
    at_once = kv_block * max(1, _MOST_KEYS // kv_block)  # keys: whole blocks, or one block
    starts = (
        (start, min(start + _MOST_KEYS, first + at_once, kv_len))
        for first in range(0, kv_len, at_once)
        for start in range(first, min(first + at_once, kv_len), _MOST_KEYS)
    )
    for start, end in starts:
        kv = torch.arange(start, end, dtype=torch.int32, device="cpu")
        blocks = -(-len(kv) // kv_block)
        width = min(kv_block, len(kv))
        step = max(1, _MOST_SCORES // len(kv))
        for chunk in range(queries.start, queries.stop, step):
            last = min(chunk + step, queries.stop)
            q = torch.arange(chunk, last, dtype=torch.int32, device="cpu")
            padded = torch.nn.functional.pad(grid(q, kv), (0, blocks * width - len(kv)))
            counts = padded.reshape(len(q), blocks, width).sum(-1)
            yield q, slice(start // kv_block, start // kv_block + blocks), counts


def _sizes(length: int, block: int, blocks: int) -> torch.Tensor:
    """How many of `length` positions lie in each block."""
    return (length - block * torch.arange(blocks, device="cpu")).clamp(0, block)


def _device(given: torch.device | str) -> torch.device:
    try:
        device = torch.device(given)
        torch.zeros(1, device=device).tolist()
    except (AssertionError, RuntimeError, TypeError) as error:  # NotImplementedError, too
        raise DeviceError(
            "no such device", expected="such as 'cuda' or 'cpu'", got=f"{given}: {error}"
        ) from None
    return device


def _device_of(mask_fn: Callable[..., Any]) -> torch.device:
    """The device of the tensors that a mask may read: a GPU before the CPU."""
    devices = {tensor.device for tensor in Guards.of(mask_fn).tensors}
    return min(devices, key=lambda device: device.type == "cpu", default=torch.device("cpu"))


def _block_sizes(given: int | tuple[int, int]) -> tuple[int, int]:
    sizes = given if isinstance(given, (tuple, list)) else (given, given)
    if len(sizes) != 2:
        raise ShapeError(
            "block_size has the wrong length", expected="an int or two of them", got=given
        )
    return _whole("block_size", sizes[0], 1), _whole("block_size", sizes[1], 1)


def _indices(name: str, given: int | Sequence[int]) -> list[int]:
    if not isinstance(given, (int, list, tuple, range)):
        raise DTypeError(
            f"{name} is no index", expected="an int or a list of them", got=type(given).__name__
        )
    listed = [given] if isinstance(given, int) else list(given)
    if not listed:
        raise ShapeError(f"{name} lists nothing to draw", expected="at least one index", got=given)
    return [_whole(name, index, 0) for index in listed]


def _of_entry(name: str, given: int | torch.Tensor, entry: int, least: int) -> int:
    """The value of a batch entry."""
    if not isinstance(given, torch.Tensor):
        return _whole(name, given, least)
    if given.is_floating_point() or given.is_complex() or given.dtype is torch.bool:
        raise DTypeError(f"{name} has the wrong dtype", expected="integers", got=given.dtype)
    if given.is_meta:
        raise DeviceError(f"{name} has no values", expected="a tensor with memory", got="meta")
    if given.dim() > 1 or (given.dim() and entry >= len(given)):
        raise ShapeError(
            f"{name} has no value for batch entry {entry}",
            expected=f"at least {entry + 1} values in one dimension",
            got=f"shape {list(given.shape)}",
        )
    return _whole(name, int(given[entry] if given.dim() else given), least)


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise DTypeError(f"{name} is no int", expected="an int", got=type(value).__name__)
    if not least <= value <= _INT32_MAX:
        raise ShapeError(f"{name} is out of range", expected=f"{least} to {_INT32_MAX}", got=value)
    return value
