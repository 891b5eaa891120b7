"""Whether the Python values that a mod read while it was traced are still the same.

A trace bakes Python values in. `Guards.of(fn)` remembers everything that `fn` may read (`reach`).
A tensor counts as changed when it is another tensor, or has other memory, shape, strides or dtype;
its contents do not count, since a kernel reads them anew at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from types import CodeType, MethodType
from typing import Any

import torch

from pyflex.trace.reach import PLAIN, attribute, is_library, reached_by
from pyflex.trace.reached import MISSING, Reached, contents_of, items_of


class Guards:
    """A snapshot of what a mod can read from Python; see the module's description."""

    def __init__(self, found: Reached) -> None:
        self._found = found
        self._default_dtype = torch.get_default_dtype()
        contents = (
            found.attributes,
            found.lists,
            found.dicts,
            found.sets,
            found.arrays,
            found.weak,
        )
        self._has_contents = any(contents)

    @staticmethod
    def of(fn: Callable[..., Any]) -> Guards:
        """The guards of a mod: any callable that pyflex can trace."""
        return Guards(reached_by(fn))

    @staticmethod
    def of_tensors(tensors: Iterable[torch.Tensor]) -> Guards:
        """Whether these tensors are where they were."""
        found = Reached()
        for tensor in tensors:
            found.add(tensor)
        return Guards(found)

    @staticmethod
    def of_nothing_known() -> Guards:
        """Those that never hold."""
        return Guards(Reached(complete=False))

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors that the mod may read."""
        return tuple(found[0] for found in self._found.tensors)

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """Of the functions that the mod may call."""
        return tuple(code for _, code, *_ in self._found.functions)

    def hold(self) -> bool:
        """Whether nothing has changed. False also where not everything can be watched."""
        return self.values_hold() and self._tensors_hold()

    def _tensors_hold(self) -> bool:
        for tensor, pointer, dtype, shape, stride in self._found.tensors:
            if (
                tensor.data_ptr() != pointer
                or tensor.dtype is not dtype
                or tensor.shape != shape
                or tensor.stride() != stride
            ):
                return False
        return True

    def values_hold(self) -> bool:
        """As `hold`, but for the memory and layout of `tensors`."""
        found = self._found
        if not found.complete or torch.get_default_dtype() is not self._default_dtype:
            return False
        for cell, old in found.cells:
            try:
                new = cell.cell_contents
            except ValueError:  # the variable was deleted
                return False
            if new is not old and not _same(new, old):
                return False
        for mapping, key, old in found.entries:
            new = mapping.get(key, MISSING)
            if new is not old and not _same(new, old):
                return False
        for fn, code, defaults, keyword_defaults in found.functions:
            if (
                fn.__code__ is not code
                or fn.__defaults__ is not defaults
                or fn.__kwdefaults__ is not keyword_defaults
            ):
                return False
        return not self._has_contents or self._contents_hold()

    def _contents_hold(self) -> bool:
        for owner, name, old in self._found.attributes:
            new = attribute(owner, name)
            if new is not old and not _same(new, old):
                return False
        for values, items in self._found.lists:
            if not _all_same(values, items):
                return False
        for mapping, items in self._found.dicts:
            if not _all_same(items_of(mapping), items):
                return False
        if any(reference() is None for reference in self._found.weak):
            return False
        for members, before in self._found.sets:
            if members != before:
                return False
        try:
            return all(contents_of(array) == before for array, before in self._found.arrays)
        except ValueError:  # a memoryview that was released
            return False


def _same(new: Any, old: Any) -> bool:
    """Identity, or for plain values equality of type and text (so that 0.0 is not -0.0)."""
    if new is old:
        return True
    if type(new) is not type(old):
        return False
    if isinstance(old, MethodType):  # made anew at each access
        return new.__func__ is old.__func__ and new.__self__ is old.__self__
    if type(old) is int:  # one of many digits has no text
        return bool(new == old)
    # A user's class writes what it likes, and may have attributes.
    return isinstance(old, PLAIN) and is_library(type(old)) and repr(new) == repr(old)


def _all_same(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return len(new) == len(old) and (all(map(is_, new, old)) or all(map(_same, new, old)))
