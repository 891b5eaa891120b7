"""Which Python values a mod can read: those that its code, and code that it can reach, names.

Closure cells, globals, defaults, partial arguments, attributes of objects, modules and functions,
contents of containers, and arrays. Which names code may read is taken from the code object itself,
every name and string in it; that is more than it does read, never less, short of names computed at
run time.
"""

from __future__ import annotations

import builtins
import ctypes
import enum
import functools
import mmap
import sys
import sysconfig
import threading
import weakref
from collections import UserDict, UserList, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, Final

import torch

from pyflex.trace.codes import (
    codes_of,
    imports_of,
    matches_positions,
    operators_of,
    slots_of,
    strings_of,
)
from pyflex.trace.reached import MISSING, Reached, contents_of, items_of

_MAX_VALUES: Final = 10_000
_MAX_ARRAY_BYTES: Final = 1 << 16
#: Values that are the same if they print the same.
PLAIN: Final = (
    bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice,
    torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, enum.Enum,
)  # fmt: skip
#: Memory that is not Python's own, or not every thread's.
_FOREIGN: Final = (ctypes.c_int.__mro__[-2], mmap.mmap, threading.local)
_INERT: Final = (MemberDescriptorType, GetSetDescriptorType, CodeType)
_MODULE_CONTAINERS: Final = (
    torch.nn.ModuleList, torch.nn.ModuleDict, torch.nn.Sequential, torch.nn.ParameterList,
    torch.nn.ParameterDict,
)  # fmt: skip
_HOOKS_OF_ALL: Final = (
    torch.nn.modules.module._global_forward_hooks,
    torch.nn.modules.module._global_forward_pre_hooks,
)
# Names by which a module's parameters, buffers and modules are read without their own.
_READS_ALL: Final = frozenset(
    "parameters named_parameters buffers named_buffers children named_children modules "
    "named_modules get_parameter get_buffer get_submodule state_dict".split()
)
# Names by which all attributes of an object are read without their own.
_READS_ATTRIBUTES: Final = frozenset(("vars", "__dict__", "asdict", "astuple", "fields"))
# Modules whose own state no mod depends on; their names are not followed.
_PACKAGES: Final = frozenset(("torch", "numpy", "pyflex"))
_LIBRARIES: Final = (sys.stdlib_module_names | _PACKAGES) - {"__main__"}
#: Those of Python, and not what a user put beside them.
_BUILTINS: Final = frozenset(dir(builtins))
_PYTHON: Final = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


def reached_by(fn: Callable[..., Any]) -> Reached:
    """What a mod, any callable that pyflex can trace, can read."""
    names = {"forward"}  # which calling a module reads by no name
    while True:
        known = len(names)
        found = Reached()
        _Walk(found, names).run(fn)
        # A function found late may read names from an object that was found early.
        if len(names) == known:
            return found


class _Walk:
    """Visits every value that can be reached, and writes down how to see that it changed."""

    def __init__(self, found: Reached, names: set[str]) -> None:
        self._found = found
        self._names = names
        self._seen: dict[int, Any] = {}  # keeps what it has seen alive, so ids stay unique
        self._pending: list[Any] = []

    def run(self, root: Any) -> None:
        self._pending.append(root)
        while self._pending:
            if len(self._seen) > _MAX_VALUES:
                self._found.complete = False
                return
            value = self._pending.pop()
            if type(value) in weakref.ProxyTypes:  # which says that it is what it stands for
                self._found.complete = False
                continue
            if isinstance(value, enum.Enum):
                self._pending.append(value.value)
            # A user's class of plain values may have methods, and its values attributes.
            is_plain = isinstance(value, PLAIN) and is_library(type(value))
            if is_plain or isinstance(value, _INERT) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            self._visit(value)

    def _visit(self, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            self._found.add(value)
            self._instance(value)
            if "grad" in self._names and value.is_leaf:
                self._attribute(value, "grad")
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self._pending += [value.__func__, value.__self__]
        elif isinstance(value, (BuiltinFunctionType, MethodWrapperType)):
            self._pending.append(value.__self__)
        elif isinstance(value, (functools.partial, functools.partialmethod)):
            self._pending += [value.func, *value.args, value.keywords]
            self._instance(value)
        elif isinstance(value, ModuleType):
            if not _is_library(str(getattr(value, "__name__", ""))):
                self._module(value)
        elif isinstance(value, type):
            if not is_library(value):
                self._class(value)
        else:
            self._object(value)

    def _function(self, fn: FunctionType) -> None:
        self._found.functions.append((fn, fn.__code__, fn.__defaults__, fn.__kwdefaults__))
        self._pending += [fn.__defaults__, fn.__kwdefaults__]
        for cell in fn.__closure__ or ():
            self._cell(cell)
        # Inside a library only what a closure was given can be the user's. The globals are asked:
        # functools.wraps gives a function another's module.
        if not _is_library(str(fn.__globals__.get("__name__"))):
            self._named_in(fn)
        wrapped = getattr(fn, "__wrapped__", None)
        if wrapped is not None:
            self._pending.append(wrapped)

    def _named_in(self, fn: FunctionType) -> None:
        for name in sorted(fn.__dict__):
            self._entry(fn.__dict__, name)
        for code in codes_of(fn.__code__):
            self._names.update(code.co_names, strings_of(code.co_consts))
            if matches_positions(code):
                self._names.add("__match_args__")
            for name in code.co_names:
                if name in fn.__globals__:
                    self._entry(fn.__globals__, name)
                elif name in vars(builtins) and name not in _BUILTINS:
                    self._entry(vars(builtins), name)
            for name in imports_of(code):
                self._import(name, str(fn.__globals__.get("__package__") or ""))

    def _import(self, name: str, package: str) -> None:
        """A module that a function imports itself, by its name or by that within a package."""
        names = (name, f"{package}.{name}".strip("."))
        imported = [one for one in names if one in sys.modules]
        if not imported:  # until it has been imported
            self._found.complete = False
        for one in imported:
            self._entry(sys.modules, one)

    def _cell(self, cell: CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            self._found.complete = False
            return
        self._found.cells.append((cell, value))
        self._pending.append(value)

    def _entry(self, mapping: Mapping[Any, Any], key: Any) -> None:
        value = mapping[key]
        self._found.entries.append((mapping, key, value))
        self._pending.append(value)

    def _attribute(self, owner: Any, name: str) -> None:
        value = attribute(owner, name)
        if value is MISSING:
            return
        self._found.attributes.append((owner, name, value))
        self._pending.append(value)

    def _module(self, module: ModuleType) -> None:
        # Its own __getattr__ gives what its names do not.
        for name in sorted((self._names | {"__getattr__"}) & module.__dict__.keys()):
            self._entry(module.__dict__, name)

    def _class(self, cls: type) -> None:
        for base in cls.__mro__:
            if is_library(base):
                continue
            namespace: MappingProxyType[str, Any] = base.__dict__
            if "__match_args__" in self._names:
                self._names.update(strings_of(namespace.get("__match_args__", ())))
            for name in sorted((self._names & namespace.keys()) | operators_of(namespace)):
                self._entry(namespace, name)

    def _class_names(self, cls: type) -> set[str]:
        """The names read that a user's class gives a plain value to."""
        return {
            name
            for base in cls.__mro__
            if not is_library(base)
            for name in self._names & base.__dict__.keys()
            if not hasattr(base.__dict__[name], "__set__")  # a property or slot goes first
        }

    def _object(self, value: Any) -> None:
        if isinstance(value, (tuple, list, set, frozenset, dict, deque)):
            self._container(value)
        elif isinstance(value, (UserDict, UserList)):
            self._pending.append(value.data)
        elif _has_unknown_contents(value):
            self._found.complete = False
        if isinstance(value, property):
            self._pending += [f for f in (value.fget, value.fset) if f is not None]
        elif isinstance(value, (staticmethod, classmethod)):
            self._pending.append(value.__func__)
        elif isinstance(value, weakref.ref):
            if (referred := value()) is not None:
                self._found.weak.append(value)
                self._pending.append(referred)
        elif _is_array(value):
            self._array(value)
        elif not isinstance(value, torch.nn.Module) and any(
            map(is_library, type(value).__mro__[:-1])
        ):
            # It may call what it was given, as np.vectorize does.
            held = attribute(value, "__dict__")
            held = dict.values(held) if isinstance(held, dict) else ()
            self._pending += [fn for fn in held if callable(fn)]
        self._instance(value)
        if isinstance(value, torch.nn.Module):
            self._torch_module(value)

    def _instance(self, value: Any) -> None:
        """The attributes of an object, and its class."""
        self._pending.append(type(value))
        namespace = attribute(value, "__dict__")
        if isinstance(namespace, dict):
            if not self._names.isdisjoint(_READS_ATTRIBUTES):
                self._container(namespace)
            for name in sorted(self._names & dict.keys(namespace)):
                self._entry(namespace, name)
            # An attribute found on the class, until the object gets one of its own.
            for name in sorted(self._class_names(type(value)) - dict.keys(namespace)):
                self._found.entries.append((namespace, name, MISSING))
        for name in slots_of(type(value)):
            if name in self._names:
                self._attribute(value, name)

    def _torch_module(self, value: torch.nn.Module) -> None:
        by_library = _has_library_code(type(value))
        reads_all = by_library or not self._names.isdisjoint(_READS_ALL)
        for group in (value._parameters, value._buffers, value._modules):
            if isinstance(value, _MODULE_CONTAINERS):
                self._pending.append(group)
            if not isinstance(group, dict):  # a scripted module's, which are torch's own objects
                self._found.complete = False
                continue
            names = group.keys()
            for name in sorted(names if reads_all else self._names.intersection(names)):
                self._entry(group, name)
        self._pending += [value._forward_hooks, value._forward_pre_hooks, *_HOOKS_OF_ALL]
        if by_library:
            for name, own in sorted(value.__dict__.items()):
                if isinstance(own, PLAIN):
                    self._entry(value.__dict__, name)

    def _container(self, value: Any) -> None:
        found = self._found
        held = items_of(value) if isinstance(value, dict) else tuple(value)
        if isinstance(value, (list, deque)):
            found.lists.append((value, held))
        elif isinstance(value, dict):
            found.dicts.append((value, held))
        elif isinstance(value, set):
            found.sets.append((value, frozenset(held)))
        self._pending += held

    def _array(self, value: Any) -> None:
        holds_objects = getattr(getattr(value, "dtype", None), "hasobject", False)
        if holds_objects or getattr(value, "nbytes", 0) > _MAX_ARRAY_BYTES:
            self._found.complete = False
            return
        self._found.arrays.append((value, contents_of(value)))


def _has_unknown_contents(value: Any) -> bool:
    """A library's collection or memory, with contents in no place that is known here."""
    if isinstance(value, _FOREIGN) and not callable(value):  # a function of ctypes' holds none
        return True
    if str(type(value).__module__).startswith("multiprocessing."):
        return True
    return (
        isinstance(value, (Collection, Iterator))
        and is_library(type(value))
        and not isinstance(value, (torch.nn.Module, PLAIN))
        and not _is_array(value)
    )


def _is_array(value: Any) -> bool:
    """NumPy's, array.array or memoryview. The class is asked: an object may make up attributes."""
    return all(hasattr(type(value), name) for name in ("tobytes", "itemsize"))


def attribute(owner: Any, name: str) -> Any:
    """An attribute, or MISSING. A class's own __getattr__ may raise what it likes."""
    try:
        return getattr(owner, name, MISSING)
    except Exception:
        return MISSING


def is_library(cls: type) -> bool:
    """Whether a class is of Python, torch, numpy or pyflex."""
    return _is_library(str(cls.__module__))


def _is_library(module: str) -> bool:
    name = module.partition(".")[0]
    if name not in _LIBRARIES:
        return False
    # A user's file may have the name of one of Python's.
    file = getattr(sys.modules.get(name), "__file__", None)
    return name in _PACKAGES or file is None or file.startswith(_PYTHON)


def _has_library_code(cls: type) -> bool:
    """Whether a module class has methods of torch's own, whose code is not read for names."""
    return any(
        is_library(base) and base is not torch.nn.Module
        for base in cls.__mro__
        if issubclass(base, torch.nn.Module)
    )
