"""What a call is given, checked: nothing is computed on bad input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from numbers import Real
from operator import index
from typing import Any

import torch

from pyflex.blocks import BlockLists, check_block_lists
from pyflex.errors import (
    ConstantRangeError,
    DeviceError,
    DTypeError,
    GradientError,
    HeadCountError,
    LayoutError,
    ShapeError,
)
from pyflex.kernel import Element
from pyflex.memory import has_plain_memory, has_tangent, recorded_by, recorder

ELEMENTS: dict[torch.dtype, Element] = {
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
}
LEAST_DIM, MOST_DIM = 16, 256
_DEVICES = ("cuda", "cpu")
_INT32_MAX = 2**31 - 1
#: The largest scale: kernels multiply it by log2(e), and the product has to be a float32.
MOST_SCALE = 2.35e38
#: Positions are int32, and the last tile may reach 512 past the end.
MOST_LENGTH = _INT32_MAX - 512


@dataclass(frozen=True)
class Inputs:
    """One call's tensors and sizes. `kv_limit` is the most keys any row may see."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    blocks: BlockLists | None
    q_offset: int | torch.Tensor
    kv_len: int | torch.Tensor
    batch: int
    heads: int
    kv_heads: int
    q_len: int
    kv_max: int
    kv_limit: int


def check_inputs(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    blocks: BlockLists | None,
    q_offset: int | torch.Tensor | None,
    kv_len: int | torch.Tensor | None,
) -> Inputs:
    """The call as `Inputs`, or one of pyflex's errors."""
    if (recording := recorder()) is not None:
        raise recorded_by(recording)
    named = (("query", query), ("key", key), ("value", value))
    for name, tensor in named:
        if not isinstance(tensor, torch.Tensor):
            raise DTypeError(f"{name} is no tensor", expected="a tensor", got=type(tensor).__name__)
        check_memory(name, tensor)
        if tensor.dim() != 4:
            raise ShapeError(
                f"{name} has the wrong rank",
                expected="4 dimensions: batch, heads, length, head_dim",
                got=f"{tensor.dim()} dimensions, shape {tuple(tensor.shape)}",
            )
        if tensor.dtype not in ELEMENTS:
            raise DTypeError(
                f"{name} has a dtype that pyflex does not serve",
                expected="float16, bfloat16 or float32",
                got=tensor.dtype,
            )
        if tensor.dtype != query.dtype:
            raise DTypeError(
                f"{name} has another dtype than query", expected=query.dtype, got=tensor.dtype
            )
        if tensor.device != query.device:
            raise DeviceError(
                f"{name} is on another device than query",
                expected=query.device,
                got=tensor.device,
            )
        _check_no_derivative(
            name,
            tensor,
            plain="torch.no_grad() around the call, or tensors without requires_grad",
            primal="forward_ad.unpack_dual(...).primal",
        )
    if query.device.type not in _DEVICES:
        raise DeviceError(
            "pyflex does not serve this device",
            expected=" or ".join(_DEVICES),
            got=query.device.type,
        )
    batch, heads, q_len, _ = query.shape
    _, kv_heads, kv_max, _ = key.shape
    _check_shapes(query, key, value)
    offset = _per_batch("q_offset", q_offset, 0, query, None)
    length = _per_batch("kv_len", kv_len, kv_max, query, kv_max)
    kv_limit = length if isinstance(length, int) else kv_max
    if blocks is not None:
        check_block_lists(
            blocks,
            device=query.device,
            batch=batch,
            heads=heads,
            q_len=q_len,
            kv_len=kv_limit,
            q_offset=offset,
        )
    return Inputs(
        query=query,
        key=key,
        value=value,
        blocks=blocks,
        q_offset=offset,
        kv_len=length,
        batch=batch,
        heads=heads,
        kv_heads=kv_heads,
        q_len=q_len,
        kv_max=kv_max,
        kv_limit=kv_limit,
    )


def check_memory(name: str, tensor: torch.Tensor) -> None:
    """Raises LayoutError for a tensor that a kernel cannot be pointed at."""
    if not has_plain_memory(tensor):
        raise LayoutError(
            f"{name} has no plain strided memory",
            expected="a dense torch.Tensor, outside torch.func and FakeTensorMode; "
            "resolve_neg() gives one with the negative bit its own memory",
            got=f"{type(tensor).__name__}, {tensor.layout}",
        )


def check_no_gradient(captures: Iterable[torch.Tensor]) -> None:
    """Refuses captured tensors of which a derivative is recorded."""
    for tensor in captures:
        _check_no_derivative(
            f"a tensor of shape {list(tensor.shape)} that a mod reads",
            tensor,
            plain="torch.no_grad(), or the mod to read tensor.detach()",
            primal="the mod to read forward_ad.unpack_dual(tensor).primal",
        )


def _check_no_derivative(name: str, tensor: torch.Tensor, *, plain: str, primal: str) -> None:
    if tensor.requires_grad and torch.is_grad_enabled():
        raise GradientError(
            f"{name} requires a gradient, which decode attention does not give",
            expected=plain,
            got="requires_grad=True",
        )
    if has_tangent(tensor):
        raise GradientError(
            f"{name} has a tangent, which decode attention does not carry on",
            expected=primal,
            got="a dual tensor",
        )


def as_positions(given: Any, query: Any) -> Any:
    """An integer of another library's, such as NumPy's, as Python's; anything else as it is.

    A number that is on the device is given to each batch entry.
    """
    if isinstance(given, torch.Tensor):
        is_single = given.dim() == 0 and isinstance(query, torch.Tensor) and query.dim() > 0
        return given.expand(query.shape[0]) if is_single else given
    if given is None or isinstance(given, int):
        return given
    try:
        return index(given)
    except TypeError:
        return given


def check_flag(name: str, given: object) -> None:
    """Refuses what is no bool where a result is asked for."""
    if not isinstance(given, bool):
        raise DTypeError(f"{name} has the wrong type", expected="a bool", got=type(given).__name__)


def check_scale(scale: Any) -> float:
    """The factor on the dot products as a number for a kernel."""
    if isinstance(scale, bool) or not isinstance(scale, Real):
        raise DTypeError(
            "scale has the wrong type", expected="a number or None", got=type(scale).__name__
        )
    size: Any = abs(scale)
    if MOST_SCALE < size < inf:
        raise ConstantRangeError(
            "scale is out of range", expected=f"a size of at most {MOST_SCALE}", got=scale
        )
    return float(scale)


def _check_shapes(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> None:
    batch, heads, q_len, head_dim = query.shape
    kv_batch, kv_heads, kv_max, key_dim = key.shape
    if key_dim != head_dim:
        raise ShapeError("key has another head_dim than query", expected=head_dim, got=f"{key_dim}")
    if value.shape[:3] != key.shape[:3]:
        raise ShapeError(
            "value does not match key in batch, heads and length",
            expected=tuple(key.shape[:3]),
            got=tuple(value.shape[:3]),
        )
    if kv_batch not in (1, batch):
        raise ShapeError(
            "key and value do not match query in batch", expected=f"1 or {batch}", got=kv_batch
        )
    if kv_heads == 0 or heads == 0 or heads % kv_heads:
        raise HeadCountError(
            "query heads are no multiple of KV heads",
            expected=f"a multiple of {kv_heads}; shapes are [batch, heads, length, head_dim]",
            got=heads,
        )
    for name, dim in (("head_dim", head_dim), ("value's head_dim", value.shape[3])):
        if not LEAST_DIM <= dim <= MOST_DIM:
            raise ShapeError(
                f"{name} is out of range", expected=f"{LEAST_DIM} to {MOST_DIM}", got=dim
            )
    for name, length in (("query", q_len), ("key", kv_max)):
        if length > MOST_LENGTH:
            raise ShapeError(f"{name} is too long", expected=f"at most {MOST_LENGTH}", got=length)


def _per_batch(
    name: str,
    given: int | torch.Tensor | None,
    default: int,
    query: torch.Tensor,
    most: int | None,
) -> int | torch.Tensor:
    """An int, or an int32 or int64 tensor [batch] on the query's device."""
    if given is None:
        return default
    if isinstance(given, torch.Tensor):
        check_memory(name, given)
        if given.dtype not in (torch.int32, torch.int64):
            raise DTypeError(
                f"{name} has the wrong dtype", expected="int32 or int64", got=given.dtype
            )
        if given.device != query.device:
            raise DeviceError(
                f"{name} is on another device than query", expected=query.device, got=given.device
            )
        if given.shape != query.shape[:1]:
            raise ShapeError(
                f"{name} has the wrong shape",
                expected=f"one for each batch entry, [{query.shape[0]}], or a 0-d tensor",
                got=list(given.shape),
            )
        return given.contiguous()
    if isinstance(given, bool) or not isinstance(given, int):
        raise DTypeError(
            f"{name} has the wrong type",
            expected="Python's int, or a tensor of int32 or int64",
            got=f"{type(given).__module__}.{type(given).__name__}",
        )
    low, high = (0, most) if most is not None else (-_INT32_MAX, _INT32_MAX)
    if not low <= given <= high:
        raise ShapeError(f"{name} is out of range", expected=f"{low} to {high}", got=given)
    return given
