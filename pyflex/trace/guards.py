"""Whether the Python values that a mod read while it was traced are still the same.

A trace bakes Python values in. `Guards.of(fn)` remembers everything that the code of `fn`, and of
the functions it can reach, may read: closure cells, globals, defaults, partial arguments,
attributes of objects, contents of lists, tuples, dicts and sets, and arrays. Which names code may
read is taken from the code object itself, every name and string in it; that is more than it does
read, never less, short of names computed at run time.

A tensor counts as changed when it is another tensor, or has other memory, shape, strides or dtype;
its contents do not count, since a kernel reads them anew at each call.
"""

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

import torch

from pyflex.memory import has_plain_memory

_MISSING: Final = object()
_MAX_VALUES: Final = 10_000
_MAX_ARRAY_BYTES: Final = 1 << 16
_PLAIN: Final = (
    bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice,
    torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, enum.Enum,
)  # fmt: skip
_INERT: Final = (BuiltinFunctionType, MemberDescriptorType, GetSetDescriptorType, CodeType)
# Modules whose own state no mod depends on; their names are not followed.
_LIBRARIES: Final = (sys.stdlib_module_names | {"torch", "numpy", "pyflex"}) - {"__main__"}


class Guards:
    """A snapshot of what a mod can read from Python; see the module's description."""

    def __init__(self) -> None:
        self._cells: list[tuple[CellType, Any]] = []
        self._entries: list[tuple[Mapping[Any, Any], Any, Any]] = []
        self._attributes: list[tuple[Any, str, Any]] = []
        self._functions: list[tuple[FunctionType, CodeType, Any, Any]] = []
        self._lists: list[tuple[list[Any], tuple[Any, ...]]] = []
        self._dicts: list[tuple[dict[Any, Any], tuple[Any, ...]]] = []
        self._sets: list[tuple[Any, frozenset[Any]]] = []
        self._arrays: list[tuple[Any, bytes]] = []
        self._tensors: list[tuple[Any, ...]] = []
        self._default_dtype = torch.get_default_dtype()
        self._complete = True
        self._has_contents = False

    @staticmethod
    def of(fn: Callable[..., Any]) -> Guards:
        """The guards of a mod: any callable that pyflex can trace."""
        names: set[str] = set()
        while True:
            known = len(names)
            guards = Guards()
            _Walk(guards, names).run(fn)
            # A function found late may read names from an object that was found early.
            if len(names) == known:
                guards._has_contents = bool(
                    guards._attributes
                    or guards._lists
                    or guards._dicts
                    or guards._sets
                    or guards._arrays
                )
                return guards

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The tensors that the mod may read."""
        return tuple(found[0] for found in self._tensors)

    def hold(self) -> bool:
        """Whether nothing has changed. False also where there was too much to remember."""
        return self.values_hold() and self._tensors_hold()

    def _tensors_hold(self) -> bool:
        for tensor, pointer, dtype, shape, stride in self._tensors:
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
        if not self._complete or torch.get_default_dtype() is not self._default_dtype:
            return False
        for cell, old in self._cells:
            try:
                new = cell.cell_contents
            except ValueError:  # the variable was deleted
                return False
            if new is not old and not _same(new, old):
                return False
        for mapping, key, old in self._entries:
            new = mapping.get(key, _MISSING)
            if new is not old and not _same(new, old):
                return False
        for fn, code, defaults, keyword_defaults in self._functions:
            if (
                fn.__code__ is not code
                or fn.__defaults__ is not defaults
                or fn.__kwdefaults__ is not keyword_defaults
            ):
                return False
        return not self._has_contents or self._contents_hold()

    def _contents_hold(self) -> bool:
        for owner, name, old in self._attributes:
            new = getattr(owner, name, _MISSING)
            if new is not old and not _same(new, old):
                return False
        for values, items in self._lists:
            if not _all_same(values, items):
                return False
        for mapping, items in self._dicts:
            if not _all_same((*mapping.keys(), *mapping.values()), items):
                return False
        for members, before in self._sets:
            if members != before:
                return False
        return all(array.tobytes() == before for array, before in self._arrays)


def _same(new: Any, old: Any) -> bool:
    """Identity, or for plain values equality of type and text (so that 0.0 is not -0.0)."""
    if new is old:
        return True
    if type(new) is not type(old):
        return False
    if isinstance(old, MethodType):  # made anew at each access
        return new.__func__ is old.__func__ and new.__self__ is old.__self__
    return isinstance(old, _PLAIN) and repr(new) == repr(old)


def _all_same(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return len(new) == len(old) and (all(map(is_, new, old)) or all(map(_same, new, old)))


class _Walk:
    """Visits every value that can be reached, and writes down how to see that it changed."""

    def __init__(self, guards: Guards, names: set[str]) -> None:
        self._guards = guards
        self._names = names
        self._seen: dict[int, Any] = {}  # keeps what it has seen alive, so ids stay unique
        self._pending: list[Any] = []

    def run(self, root: Any) -> None:
        self._pending.append(root)
        while self._pending:
            if len(self._seen) > _MAX_VALUES:
                self._guards._complete = False
                return
            value = self._pending.pop()
            if isinstance(value, (_PLAIN, _INERT)) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            self._visit(value)

    def _visit(self, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            self._tensor(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self._pending += [value.__func__, value.__self__]
        elif isinstance(value, functools.partial):
            self._pending += [value.func, *value.args, value.keywords]
        elif isinstance(value, ModuleType):
            if not _is_library(value.__name__):
                self._module(value)
        elif isinstance(value, type):
            if not _is_library(value.__module__):
                self._class(value)
        else:
            self._object(value)

    def _tensor(self, tensor: torch.Tensor) -> None:
        if has_plain_memory(tensor):
            layout = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
            self._guards._tensors.append((tensor, *layout))

    def _function(self, fn: FunctionType) -> None:
        self._guards._functions.append((fn, fn.__code__, fn.__defaults__, fn.__kwdefaults__))
        self._pending += [fn.__defaults__, fn.__kwdefaults__]
        for cell in fn.__closure__ or ():
            self._cell(cell)
        # Inside a library only what a closure was given can be the user's.
        in_library = _is_library(fn.__module__ or "")
        for code in _codes(fn.__code__):
            if in_library:
                break
            self._names.update(code.co_names, _strings(code.co_consts))
            for name in code.co_names:
                if name in fn.__globals__:
                    self._entry(fn.__globals__, name)
        wrapped = getattr(fn, "__wrapped__", None)
        if wrapped is not None:
            self._pending.append(wrapped)

    def _cell(self, cell: CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            self._guards._complete = False
            return
        self._guards._cells.append((cell, value))
        self._pending.append(value)

    def _entry(self, mapping: Mapping[Any, Any], key: Any) -> None:
        value = mapping[key]
        self._guards._entries.append((mapping, key, value))
        self._pending.append(value)

    def _attribute(self, owner: Any, name: str) -> None:
        value = getattr(owner, name, _MISSING)
        if value is _MISSING:
            return
        self._guards._attributes.append((owner, name, value))
        self._pending.append(value)

    def _module(self, module: ModuleType) -> None:
        for name in sorted(self._names & module.__dict__.keys()):
            self._entry(module.__dict__, name)

    def _class(self, cls: type) -> None:
        for base in cls.__mro__:
            if _is_library(base.__module__):
                continue
            namespace: MappingProxyType[str, Any] = base.__dict__
            special = {"__call__", "forward"} & namespace.keys()
            for name in sorted((self._names & namespace.keys()) | special):
                self._entry(namespace, name)

    def _class_names(self, cls: type) -> set[str]:
        """The names read that a user's class gives a plain value to."""
        return {
            name
            for base in cls.__mro__
            if not _is_library(base.__module__)
            for name in self._names & base.__dict__.keys()
            if not hasattr(base.__dict__[name], "__set__")  # a property or slot goes first
        }

    def _object(self, value: Any) -> None:
        if isinstance(value, (tuple, list, set, frozenset, dict)):
            self._container(value)
        if isinstance(value, property):
            self._pending += [f for f in (value.fget, value.fset) if f is not None]
        elif isinstance(value, (staticmethod, classmethod)):
            self._pending.append(value.__func__)
        elif hasattr(value, "tobytes"):  # NumPy, array.array, memoryview
            self._array(value)
        self._pending.append(type(value))
        namespace = getattr(value, "__dict__", None)
        if isinstance(namespace, dict):
            for name in sorted(self._names & namespace.keys()):
                self._entry(namespace, name)
            # An attribute found on the class, until the object gets one of its own.
            for name in sorted(self._class_names(type(value)) - namespace.keys()):
                self._guards._entries.append((namespace, name, _MISSING))
        if isinstance(value, torch.nn.Module):
            for group in (value._parameters, value._buffers, value._modules):
                for name in sorted(self._names & group.keys()):
                    self._entry(group, name)
        for name in _slots(type(value)):
            if name in self._names:
                self._attribute(value, name)

    def _container(self, value: Any) -> None:
        guards = self._guards
        if isinstance(value, list):
            guards._lists.append((value, tuple(value)))
        elif isinstance(value, dict):
            guards._dicts.append((value, (*value.keys(), *value.values())))
        elif isinstance(value, set):
            guards._sets.append((value, frozenset(value)))
        self._pending += [*value.keys(), *value.values()] if isinstance(value, dict) else value

    def _array(self, value: Any) -> None:
        data = value.tobytes() if getattr(value, "nbytes", 0) <= _MAX_ARRAY_BYTES else None
        if data is None:
            self._guards._complete = False
            return
        self._guards._arrays.append((value, data))


def _is_library(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and those of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _strings(constants: tuple[object, ...]) -> Iterator[str]:
    """The strings among a code's constants: names for getattr, keys."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, (tuple, frozenset)):
            yield from _strings(tuple(constant))


def _slots(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
