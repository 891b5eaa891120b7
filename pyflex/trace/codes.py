"""Which names a code object holds, which slots a class, and which of its methods operators call."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any, Final

# Methods that Python calls by itself, but not while a mod works with the object.
_NOT_IN_MODS: Final = frozenset(
    "__init__ __new__ __del__ __repr__ __str__ __reduce__ __reduce_ex__ __copy__ __deepcopy__ "
    "__getstate__ __setstate__ __setattr__ __delattr__ __init_subclass__ __post_init__".split()
)


def imports_of(code: CodeType) -> Iterator[str]:
    """The modules that a code object imports."""
    if _runs(code, "IMPORT_NAME"):
        for instruction in dis.get_instructions(code):
            if instruction.opname == "IMPORT_NAME":
                yield instruction.argval


def matches_positions(code: CodeType) -> bool:
    """Whether a code object has a `match` statement with a class, by its `__match_args__`."""
    return _runs(code, "MATCH_CLASS")


def _runs(code: CodeType, instruction: str) -> bool:
    """Whether a code object has such an instruction; by chance also a yes where it has none."""
    return dis.opmap[instruction] in code.co_code[::2]


def codes_of(code: CodeType) -> Iterator[CodeType]:
    """A code object and those of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_of(constant)


def strings_of(constants: tuple[object, ...]) -> Iterator[str]:
    """The strings among a code's constants: names for getattr, keys."""
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, (tuple, frozenset)):
            yield from strings_of(tuple(constant))


def slots_of(cls: type) -> Iterator[str]:
    """The names of attributes that objects of a class have no dictionary for."""
    for base in cls.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            is_private = name.startswith("__") and not name.endswith("__")
            yield f"_{base.__name__.lstrip('_')}{name}" if is_private else name


def operators_of(namespace: Mapping[str, Any]) -> set[str]:
    """The methods of a class that operators and statements call: `o[i]`, `float(o)`, `o(...)`."""
    found = {
        name
        for name, value in namespace.items()
        if name.startswith("__")
        and name.endswith("__")
        and (callable(value) or hasattr(type(value), "__get__"))
    }
    # What dataclasses write compares all fields, whether a mod reads them or not.
    if "__dataclass_fields__" in namespace:
        written = {name: getattr(namespace[name], "__code__", None) for name in found}
        found = {n for n, code in written.items() if not code or code.co_filename != "<string>"}
    return found - _NOT_IN_MODS
