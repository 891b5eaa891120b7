"""What a mod can read of Python, as it was found."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType
from typing import Any, Final

import torch
from torch.nn.parameter import is_lazy

from pyflex.memory import has_plain_memory

#: Stands for what is not there.
MISSING: Final = object()


@dataclass
class Reached:
    """What a mod can read, and what it found there; `complete` unless some cannot be watched."""

    cells: list[tuple[CellType, Any]] = field(default_factory=list)
    entries: list[tuple[Mapping[Any, Any], Any, Any]] = field(default_factory=list)
    attributes: list[tuple[Any, str, Any]] = field(default_factory=list)
    functions: list[tuple[FunctionType, CodeType, Any, Any]] = field(default_factory=list)
    lists: list[tuple[Sequence[Any], tuple[Any, ...]]] = field(default_factory=list)
    dicts: list[tuple[dict[Any, Any], tuple[Any, ...]]] = field(default_factory=list)
    sets: list[tuple[Any, frozenset[Any]]] = field(default_factory=list)
    arrays: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    tensors: list[tuple[Any, ...]] = field(default_factory=list)
    weak: list[weakref.ref[Any]] = field(default_factory=list)
    complete: bool = True

    def add(self, tensor: torch.Tensor) -> None:
        """A tensor, and where it is."""
        if not is_lazy(tensor) and has_plain_memory(tensor):
            layout = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
            self.tensors.append((tensor, *layout))


def contents_of(array: Any) -> tuple[Any, ...]:
    """What of an array a mod may read."""
    return (getattr(array, "shape", None), getattr(array, "dtype", None), array.tobytes())


def items_of(mapping: dict[Any, Any]) -> tuple[Any, ...]:
    """The keys and the values. Asked of dict itself: an object's own may have these names."""
    return (*dict.keys(mapping), *dict.values(mapping))
