"""What a mod reads from objects, of any class, is guarded."""

from __future__ import annotations

import ctypes
import enum
import functools
import multiprocessing
import threading
import types
import weakref
from collections import ChainMap, UserDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from pyflex.trace import Guards
from tests.trace.guarding import changes, setting

FACTOR = 2.0
set_global = functools.partial(setting, globals())


def scale(x: Any) -> Any:
    return x * FACTOR


class Base:
    limit = 5


class Mod(Base):
    def __init__(self) -> None:
        self.window: Any = 4
        self.table = torch.ones(8)
        self.unread = 0

    @property
    def doubled(self) -> Any:
        return self.window * 2

    def __call__(self, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (q - kv < self.doubled) & (self.table[h] > self.limit)


class Slotted:
    __slots__ = ("window",)

    def __init__(self) -> None:
        self.window = 1


@dataclass(frozen=True)
class Frozen:
    window: int = 3


class Color(enum.Enum):
    RED = 1


def test_callable_object() -> None:
    mod = Mod()
    assert changes(mod, lambda: setattr(mod, "window", 9), lambda: setattr(mod, "window", 4))
    assert changes(mod, lambda: setattr(Base, "limit", 9), lambda: setattr(Base, "limit", 5))
    assert not changes(mod, lambda: setattr(mod, "unread", 9))
    table = mod.table
    assert changes(
        mod, lambda: setattr(mod, "table", torch.ones(8)), lambda: setattr(mod, "table", table)
    )


def test_instance_attribute_hides_the_class() -> None:
    mod = Mod()
    guards = Guards.of(mod)
    mod.limit = 7
    assert not guards.hold()


def test_bound_method() -> None:
    mod = Mod()
    assert changes(
        mod.__call__, lambda: setattr(mod, "window", 9), lambda: setattr(mod, "window", 4)
    )


def test_slots() -> None:
    slotted = Slotted()

    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q < slotted.window

    assert changes(
        mod, lambda: setattr(slotted, "window", 2), lambda: setattr(slotted, "window", 1)
    )


def test_plain_objects() -> None:
    frozen, color, dtype = Frozen(), Color.RED, torch.float16

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s.to(dtype) * frozen.window * color.value

    guards = Guards.of(mod)
    assert guards.hold()
    dtype = torch.bfloat16
    assert not guards.hold()


class Operators:
    def __init__(self) -> None:
        self.inside = 2.0

    def __getitem__(self, key: int) -> float:
        return self.inside

    def __float__(self) -> float:
        return self.inside

    def __bool__(self) -> bool:
        return self.inside > 2.0


@pytest.mark.parametrize("use", [lambda o: o[0], float, lambda o: 1.0 if o else 0.0])
def test_operators_of_objects(use: Callable[[Any], float]) -> None:
    given = Operators()
    assert changes(lambda s, b, h, q, kv: s * use(given), lambda: setattr(given, "inside", 3.0))


def test_other_containers() -> None:
    row, table = deque([1.0, 2.0]), UserDict({"a": 1.0})
    assert changes(lambda s, b, h, q, kv: s * row[0], lambda: row.appendleft(3.0), row.popleft)
    assert changes(lambda s, b, h, q, kv: s * table["a"], lambda: table.update(a=2.0))
    unknown = (bytearray(b"a"), ChainMap({"a": 1.0}), np.array([[1.0], None], dtype=object))
    for value in unknown:
        assert not Guards.of(lambda s, b, h, q, kv: s * len(value)).hold()  # noqa: B023


class AttrDict(dict[str, Any]):
    __getattr__ = dict.__getitem__


class Answers:
    def __getattr__(self, name: str) -> Any:
        return 3


class Unloaded:
    __slots__ = ("value", "window")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("not loaded")


def test_attributes_that_an_object_makes_up() -> None:
    config, lazy = AttrDict(window=5), Unloaded()
    assert changes(lambda b, h, q, kv: kv < config.window, lambda: config.update(window=6))
    assert Guards.of(lambda b, h, q, kv: kv < Answers().window).hold()
    lazy.window = 5
    read = lambda b, h, q, kv: kv < (lazy.window or lazy.value)  # noqa: E731
    assert changes(read, lambda: setattr(lazy, "window", 6))
    assert changes(read, lambda: delattr(lazy, "window"))


def test_weak_references() -> None:
    mod = Mod()
    weak, proxy = weakref.ref(mod), weakref.proxy(mod)
    assert changes(lambda b, h, q, kv: kv < weak().window, lambda: setattr(mod, "window", 7))
    assert not Guards.of(lambda b, h, q, kv: kv < proxy.window).hold()


def test_the_death_of_what_a_weak_reference_points_to() -> None:
    kept = [Mod()]
    weak = weakref.ref(kept[0])

    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        found = weak()
        return kv < (9 if found is None else found.window)

    assert changes(mod, kept.clear)
    assert Guards.of(mod).hold()


class Adds:
    def __call__(self, x: Any) -> Any:
        return x + FACTOR


def made_with(**namespace: Any) -> Any:
    """An object of a class that has these methods."""
    return type("Made", (), {"__module__": __name__, **namespace})()


def test_operators_that_are_no_functions() -> None:
    """FACTOR is read by what stands under an operator's name, whatever kind of method it is."""
    called = lambda self, s, *rest: s * FACTOR  # noqa: E731
    by_type = made_with(__call__=functools.singledispatchmethod(called))
    assert not Guards.of(by_type).hold()  # what it dispatches to is in a weak dictionary
    for operator in (functools.partialmethod(called), staticmethod(scale), Adds()):
        mod = made_with(__call__=operator)
        assert changes(mod, set_global("FACTOR", 3.0), set_global("FACTOR", 2.0)), operator
    for operator in (staticmethod(scale), Adds()):
        item = made_with(__getitem__=operator)
        mod = lambda s, b, h, q, kv, item=item: s * item[2]  # noqa: E731
        assert changes(mod, set_global("FACTOR", 3.0), set_global("FACTOR", 2.0)), operator


@dataclass
class Config:
    window: int
    step: int


def test_fields_that_a_dataclass_only_compares_do_not_count() -> None:
    config = Config(window=3, step=0)
    guards = Guards.of(lambda b, h, q, kv: q - kv < config.window)
    config.step = 1
    assert guards.hold()


def test_memory_that_was_released() -> None:
    view = memoryview(bytearray(4))
    assert changes(lambda s, b, h, q, kv: s + view[0], view.release)


def test_attributes_of_tensors() -> None:
    table = torch.ones(8)
    table.gain = 1.0  # type: ignore[attr-defined]
    mod = lambda s, b, h, q, kv: s + table[h] * table.gain  # type: ignore[attr-defined]  # noqa: E731
    assert changes(mod, lambda: setattr(table, "gain", 2.0), lambda: setattr(table, "gain", 1.0))
    weight = torch.ones(8, requires_grad=True)
    weight.grad = torch.ones(8)
    assert changes(
        lambda s, b, h, q, kv: s * weight.grad[h],
        lambda: setattr(weight, "grad", torch.zeros(8)),
    )


class Looks(torch.Tensor):
    def look(self, index: Any) -> Any:
        return self[index] * FACTOR


class Scale(enum.Enum):
    LARGE = 3

    def gain(self) -> Any:
        return self.value * FACTOR


class Whole(int):
    unit: float

    def in_units(self) -> Any:
        return self * self.unit * FACTOR


def test_methods_of_tensors_and_plain_values() -> None:
    table, large, whole = torch.ones(8).as_subclass(Looks), Scale.LARGE, Whole(3)
    whole.unit = 1.0
    for mod in (
        lambda s, b, h, q, kv: s + table.look(h),
        lambda s, b, h, q, kv: s * large.gain(),
        lambda s, b, h, q, kv: s * whole.in_units(),
    ):
        assert changes(mod, set_global("FACTOR", 3.0), set_global("FACTOR", 2.0))
    assert changes(lambda s, b, h, q, kv: s * whole.in_units(), lambda: setattr(whole, "unit", 2.0))


def test_another_value_of_a_users_class_counts() -> None:
    """It may look like the one before."""
    whole = Whole(3)

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * whole.in_units()

    guards = Guards.of(mod)
    assert guards.hold()
    whole = Whole(3)
    whole.unit = 5.0
    assert not guards.hold()


def test_the_shape_of_an_array_counts() -> None:
    array = np.arange(4.0).reshape(2, 2)
    assert changes(lambda s, b, h, q, kv: s * array.shape[0], lambda: array.resize(4))


def test_foreign_memory_never_holds() -> None:
    for value in (ctypes.c_float(1.0), (ctypes.c_int * 2)(1, 2), multiprocessing.Value("d", 1.0)):
        assert not Guards.of(lambda s, b, h, q, kv, value=value: s * value.value).hold()
    kept, local = Mod(), threading.local()
    numbers, made = iter([1.0, 2.0]), (x for x in (1.0, 2.0))
    for value in (local, numbers, made, weakref.proxy(kept)):
        assert not Guards.of(lambda s, b, h, q, kv, value=value: s * value.window).hold()
    absolute = ctypes.CDLL(None).abs  # a function holds no memory that a mod reads
    assert Guards.of(lambda s, b, h, q, kv: s * absolute(-2)).hold()


def test_all_attributes_at_once() -> None:
    config = types.SimpleNamespace(scaled_by=1.0)
    mod = lambda s, b, h, q, kv: s * sum(vars(config).values())  # noqa: E731
    assert changes(mod, lambda: setattr(config, "scaled_by", 2.0))
    assert changes(mod, lambda: setattr(config, "and_by", 2.0))


def test_classes_without_a_file() -> None:
    made: dict[str, Any] = {"__name__": "__main__"}
    source = "class Mod:\n def __call__(self, s, b, h, q, kv): return s * self.window\nmod = Mod()"
    exec(source, made)
    made["mod"].window = 1.0
    assert changes(made["mod"], lambda: setattr(made["mod"], "window", 2.0))


class Private:
    __slots__ = ("__scale",)

    def __init__(self) -> None:
        self.__scale = 1.0

    def set(self, scale: float) -> None:
        self.__scale = scale

    def scaled(self, x: Any) -> Any:
        return x * self.__scale


class Attributes(dict[str, Any]):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.__dict__ = self


def test_slots_of_private_names_and_dicts_of_any_names() -> None:
    private, attributes = Private(), Attributes(window=1.0, keys=8, values=9)
    assert changes(lambda s, b, h, q, kv: private.scaled(s), lambda: private.set(2.0))
    assert changes(
        lambda s, b, h, q, kv: s * attributes.window, lambda: attributes.update(window=2.0)
    )


def test_arrays() -> None:
    array = np.arange(4)

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * float(array[1])

    assert changes(mod, lambda: array.__setitem__(1, 5), lambda: array.__setitem__(1, 1))


class Partly:
    def scaled(self, x: Any, by: float) -> Any:
        return x * by * FACTOR

    halved = functools.partialmethod(scaled, by=0.5)

    @functools.singledispatchmethod
    def by_type(self, x: Any) -> Any:
        return scale(x)


def test_functions_that_a_librarys_objects_hold() -> None:
    partly, vectorized = Partly(), np.vectorize(lambda x: x * FACTOR)
    nested = np.vectorize(functools.partial(lambda by, x: x * by * FACTOR, 2.0))
    for mod in (
        lambda s, b, h, q, kv: partly.halved(s),
        lambda s, b, h, q, kv: s * float(nested(2.0)),
        lambda s, b, h, q, kv: s * float(vectorized(2.0)),
    ):
        assert changes(mod, set_global("FACTOR", 3.0), set_global("FACTOR", 2.0))
    # It keeps what it found in a collection that cannot be watched.
    assert not Guards.of(lambda s, b, h, q, kv: partly.by_type(s)).hold()


class Pair:
    __match_args__ = ("first", "second")

    def __init__(self) -> None:
        self.first: Any = 1
        self.second: Any = 2


def test_attributes_that_a_match_takes_by_position() -> None:
    pair = Pair()

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        match pair:
            case Pair(one):
                return s * one

    assert changes(mod, lambda: setattr(pair, "first", 5), lambda: setattr(pair, "first", 1))
