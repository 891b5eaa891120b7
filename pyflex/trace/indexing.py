"""`tensor[...]` on captured tensors, with traced indices among the plain ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pyflex.errors import (
    CaptureIndexError,
    IndexDTypeError,
    IndexRankError,
    UnsupportedOpError,
    WholeTensorOpError,
)
from pyflex.trace.builder import Value
from pyflex.trace.captures import CaptureView, describe
from pyflex.trace.values import TracedScalar, TracedTensor, TracedView

if TYPE_CHECKING:
    from pyflex.trace.state import Trace


def index_capture(trace: Trace, tensor: torch.Tensor, index: Any) -> torch.Tensor:
    """`tensor[index]` for a captured or partly indexed tensor.

    Plain entries (ints, slices, None, ...) make a view of the same memory; then the traced entries
    consume their dimensions. With none left the element is loaded.
    """
    if isinstance(tensor, TracedView):
        view = tensor.capture
    else:
        trace.captures.check(tensor)
        view = CaptureView.of(tensor)
    entries = _expand_ellipsis(view, index if isinstance(index, tuple) else (index,))

    plain: list[Any] = []
    traced: dict[int, Value] = {}
    out_dim = 0
    for entry in entries:
        if isinstance(entry, torch.Tensor):
            traced[out_dim] = _index_value(trace, entry)
            plain.append(slice(None))
        else:
            plain.append(entry)
        if entry is None or isinstance(entry, (slice, torch.Tensor)):
            out_dim += 1

    if any(entry != slice(None) for entry in plain):
        view = CaptureView.of(_plain_getitem(view.plain(), tuple(plain)), view.terms)
    return as_tensor(trace, view.consume(traced))


def as_tensor(trace: Trace, view: CaptureView) -> torch.Tensor:
    """The tensor that stands for a view in the mod: loaded if it has no dimensions left."""
    if not view.terms:
        return view.source
    if view.axes:
        return TracedView.create(trace, view)
    return TracedScalar.create(trace, trace.captures.load(view))


def _expand_ellipsis(view: CaptureView, entries: tuple[Any, ...]) -> list[Any]:
    consumed = sum(1 for entry in entries if entry is not None and entry is not Ellipsis)
    rank = len(view.axes)
    if consumed > rank:
        raise IndexRankError(
            "more indices than the captured tensor has dimensions",
            expected=f"at most {rank}, for shape {list(view.shape)}",
            got=consumed,
        )
    expanded: list[Any] = []
    for entry in entries:
        if entry is Ellipsis:
            # torch takes several; the first one stands for all dimensions that are not named.
            expanded += [slice(None)] * (rank - consumed)
            consumed = rank
        elif isinstance(entry, (list, tuple)):
            raise UnsupportedOpError("indexing by a list", "is not supported", got=entry)
        else:
            expanded.append(entry)
    return expanded


def _index_value(trace: Trace, entry: torch.Tensor) -> Value:
    if entry.ndim > 0:
        raise WholeTensorOpError(
            "a captured tensor is indexed by a tensor that still has dimensions; index that first",
            expected="a 0-d index",
            got=describe(entry),
        )
    if entry.dtype not in (torch.int8, torch.int16, torch.int32, torch.int64):
        raise IndexDTypeError(
            "an index must be a signed integer",
            expected="int8, int16, int32 or int64",
            got=entry.dtype,
        )
    if isinstance(entry, TracedTensor):
        return trace.own(entry).value
    return trace.captures.load(CaptureView.of(entry))


def _plain_getitem(tensor: torch.Tensor, index: tuple[Any, ...]) -> torch.Tensor:
    try:
        return tensor[index]
    except IndexError as error:
        raise CaptureIndexError(str(error), got=f"{index} into {describe(tensor)}") from None
