"""A Python value that a mod reads is guarded, a tensor's contents are not."""

from __future__ import annotations

import ctypes
import enum
import functools
import multiprocessing
import sys
import threading
import timeit
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

WINDOW: Any = 128
SLOPES = torch.ones(8)
CONFIG = types.SimpleNamespace(window=64, inner=types.SimpleNamespace(depth=2), unused=0)
SETTINGS: dict[str, Any] = {"window": 3, "nested": [1, 2]}
FACTOR = 2.0


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


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slopes = torch.nn.Parameter(torch.ones(8))
        self.alpha = 2.0

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * self.slopes[h] * self.alpha


def changes(
    fn: Callable[..., Any], change: Callable[[], object], undo: Callable[[], object] | None = None
) -> bool:
    """Whether the guards of fn notice the change, and hold before it and after it is undone."""
    guards = Guards.of(fn)
    assert guards.hold()
    assert guards.hold()
    change()
    noticed = not guards.hold()
    if undo is not None:
        undo()
        assert guards.hold()
    return noticed


def set_global(name: str, value: Any) -> Callable[[], None]:
    return lambda: globals().__setitem__(name, value)


def test_closure_cell() -> None:
    window: Any = 5

    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < window

    guards = Guards.of(mod)
    assert guards.hold()
    window = 5 + int("0")
    assert guards.hold()
    window = 5.0
    assert not guards.hold()
    window = 5
    assert guards.hold()


def test_minus_zero_and_nan() -> None:
    value: Any = 0.0

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * value

    guards = Guards.of(mod)
    value = -0.0
    assert not guards.hold()
    value = float("nan")
    guards = Guards.of(mod)
    value = float("nan")
    assert guards.hold()


def test_global() -> None:
    assert changes(
        lambda b, h, q, kv: q - kv < WINDOW, set_global("WINDOW", 4), set_global("WINDOW", 128)
    )


def test_global_of_a_called_function() -> None:
    assert changes(
        lambda s, b, h, q, kv: scale(s), set_global("FACTOR", 3.0), set_global("FACTOR", 2.0)
    )


def test_replaced_function() -> None:
    old = scale
    assert changes(
        lambda s, b, h, q, kv: scale(s), set_global("scale", abs), set_global("scale", old)
    )


def test_inner_function_reads_a_global() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return sum([s * WINDOW for _ in range(2)]) + (lambda: WINDOW)()

    assert changes(mod, set_global("WINDOW", 4), set_global("WINDOW", 128))


def test_unread_global() -> None:
    assert not changes(lambda s, b, h, q, kv: s, set_global("WINDOW", 4), set_global("WINDOW", 128))


def test_attributes_of_a_namespace() -> None:
    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < CONFIG.window * CONFIG.inner.depth

    assert changes(mod, lambda: setattr(CONFIG, "window", 1), lambda: setattr(CONFIG, "window", 64))
    inner = CONFIG.inner
    assert changes(mod, lambda: setattr(inner, "depth", 1), lambda: setattr(inner, "depth", 2))
    assert not changes(mod, lambda: setattr(CONFIG, "unused", 1))


def test_name_in_a_string() -> None:
    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < getattr(CONFIG, "window")  # noqa: B009

    assert changes(mod, lambda: setattr(CONFIG, "window", 1), lambda: setattr(CONFIG, "window", 64))


def test_attributes_of_a_module() -> None:
    module = types.ModuleType("user_settings")
    module.window = 3  # type: ignore[attr-defined]

    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < module.window

    assert changes(mod, lambda: setattr(module, "window", 4), lambda: setattr(module, "window", 3))


def test_dicts_and_lists() -> None:
    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < SETTINGS["window"] + sum(SETTINGS["nested"])

    assert changes(mod, lambda: SETTINGS.update(window=4), lambda: SETTINGS.update(window=3))
    nested = SETTINGS["nested"]
    assert changes(mod, lambda: nested.append(1), lambda: nested.pop())
    assert changes(mod, lambda: SETTINGS.update(more=1), lambda: SETTINGS.pop("more"))


def test_sets_and_tuples() -> None:
    members, pair = {1, 2}, ([1], 2)

    def mod(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < len(members) + sum(pair[0])

    assert changes(mod, lambda: members.add(3), lambda: members.remove(3))
    assert changes(mod, lambda: pair[0].append(3), lambda: pair[0].pop())


def test_arrays() -> None:
    array = np.arange(4)

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * float(array[1])

    assert changes(mod, lambda: array.__setitem__(1, 5), lambda: array.__setitem__(1, 1))


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


def test_defaults() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any, scale: Any = 2, *, by: Any = 3) -> Any:
        return s * scale * by

    guards = Guards.of(mod)
    mod.__defaults__ = (3,)
    assert not guards.hold()
    guards = Guards.of(mod)
    mod.__kwdefaults__ = {"by": 4}
    assert not guards.hold()


def test_partial() -> None:
    options = {"window": 3}

    def mod(settings: Any, b: Any, h: Any, q: Any, kv: Any, *, extra: Any) -> Any:
        return q - kv < settings["window"] + extra

    bound = functools.partial(mod, options, extra=1)
    assert changes(bound, lambda: options.update(window=4), lambda: options.update(window=3))
    assert changes(
        bound, lambda: bound.keywords.update(extra=2), lambda: bound.keywords.update(extra=1)
    )


def test_wrapped_and_composed() -> None:
    from torch.nn.attention.flex_attention import and_masks

    def windowed(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q - kv < WINDOW

    @functools.wraps(windowed)
    def wrapper(*args: Any) -> Any:
        return windowed(*args)

    mod = and_masks(wrapper, lambda b, h, q, kv: q >= kv)
    assert changes(mod, set_global("WINDOW", 4), set_global("WINDOW", 128))


def test_tensor_contents_do_not_count() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + SLOPES[h]

    assert not changes(mod, lambda: SLOPES.mul_(2))


def test_rebound_tensor_counts() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + SLOPES[h]

    old = SLOPES
    assert changes(mod, set_global("SLOPES", old.clone()), set_global("SLOPES", old))


def test_tensor_metadata_counts() -> None:
    net = Net()
    assert Guards.of(net).hold()
    assert changes(net, lambda: net.half())
    assert changes(net, lambda: setattr(net, "alpha", 3.0), lambda: setattr(net, "alpha", 2.0))
    table = torch.zeros(4, 4)

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + table[h, kv]

    assert changes(mod, lambda: table.t_(), lambda: table.t_())
    assert changes(mod, lambda: table.resize_(2, 2))


def test_default_dtype() -> None:
    assert changes(
        lambda s, b, h, q, kv: q / 2,
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_dtype(torch.float32),
    )


def test_unbound_cells_never_hold() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return later(s)

    assert not Guards.of(mod).hold()
    later = abs
    assert Guards.of(mod).hold()


def test_too_much_to_remember_never_holds() -> None:
    many = [[number] for number in range(20_000)]
    assert not Guards.of(lambda s, b, h, q, kv: s * many[3][0]).hold()
    large = np.zeros(1 << 20)
    assert not Guards.of(lambda s, b, h, q, kv: s * large[3]).hold()


def test_cycles() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert Guards.of(lambda s, b, h, q, kv: s * len(loop)).hold()


def test_cheap() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + torch.where(q - kv < WINDOW, SLOPES[h], 0.0)

    guards = Guards.of(mod)
    seconds = min(timeit.repeat(guards.hold, number=1000, repeat=5)) / 1000
    assert seconds < 20e-6  # a microsecond or two, on a machine that is not busy


class Layers(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.nets = torch.nn.ModuleList([Net()])
        self.each = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(8))])
        self.clip = torch.nn.Hardtanh(-1.0, 1.0)

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        for net in self.nets:
            s = net(s, b, h, q, kv)
        return self.clip(s + self.each[0][h])


def test_what_modules_hold() -> None:
    layers = Layers()
    net, clip = layers.nets[0], layers.clip
    assert changes(layers, lambda: setattr(net, "alpha", 3.0), lambda: setattr(net, "alpha", 2.0))
    assert changes(layers, lambda: setattr(clip, "max_val", 2.0))
    assert changes(layers, lambda: setattr(net, "slopes", torch.nn.Parameter(torch.ones(8))))
    assert changes(layers, lambda: layers.each.__setitem__(0, torch.nn.Parameter(torch.ones(8))))
    assert changes(layers, lambda: layers.nets.append(Net()))
    assert changes(layers, lambda: layers.nets.__setitem__(0, Net()))


def test_how_modules_are_called() -> None:
    for change in (
        lambda net: setattr(net, "forward", lambda s, *_: s),
        lambda net: net.register_forward_hook(lambda *_: None),
        lambda net: net.register_forward_pre_hook(lambda *_: None),
    ):
        net = Net()
        assert changes(net, lambda: change(net))  # noqa: B023


def test_attributes_of_functions() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * mod.factor  # type: ignore[attr-defined]

    mod.factor = 2.0  # type: ignore[attr-defined]
    assert changes(mod, lambda: setattr(mod, "factor", 3.0), lambda: setattr(mod, "factor", 2.0))


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


@dataclass
class Config:
    window: int
    step: int


def test_fields_that_a_dataclass_only_compares_do_not_count() -> None:
    config = Config(window=3, step=0)
    guards = Guards.of(lambda b, h, q, kv: q - kv < config.window)
    config.step = 1
    assert guards.hold()


def test_imports_of_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = types.ModuleType("settings_of_a_test")
    settings.window = 4  # type: ignore[attr-defined]

    def named(b: Any, h: Any, q: Any, kv: Any) -> Any:
        import settings_of_a_test as own  # type: ignore[import-not-found]

        return q - kv < own.window

    def taken(b: Any, h: Any, q: Any, kv: Any) -> Any:
        from settings_of_a_test import window

        return q - kv < window

    assert not Guards.of(named).hold()  # until it has been imported
    monkeypatch.setitem(sys.modules, "settings_of_a_test", settings)
    for mod in (named, taken):
        settings.window = 4  # type: ignore[attr-defined]
        assert changes(mod, lambda: setattr(settings, "window", 5))


class Rectified(torch.nn.LeakyReLU):
    pass


class Iterated(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(2, 2)

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s + next(self.parameters())[h, 0]


def test_what_torchs_own_modules_hold() -> None:
    table, slope, iterated = torch.nn.Embedding(8, 1), Rectified(), Iterated()

    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return slope(s + table(h)[0])

    new = torch.nn.Parameter(torch.ones(8, 1))
    assert changes(mod, lambda: setattr(table, "weight", new))
    assert changes(mod, lambda: setattr(slope, "negative_slope", 0.5))
    weight = torch.nn.Parameter(torch.ones(2, 2))
    assert changes(iterated, lambda: setattr(iterated.inner, "weight", weight))


def test_scripted_modules_never_hold() -> None:
    """What they hold cannot be watched."""
    for module in (torch.nn.ReLU(), torch.nn.Linear(2, 2)):
        assert not Guards.of(torch.jit.script(module)).hold()


def test_bound_methods_of_containers() -> None:
    settings, numbers = {"window": 4}, [1.0, 2.0]
    get, at = settings.get, numbers.__getitem__
    assert changes(
        lambda b, h, q, kv: q - kv < get("window"), lambda: settings.__setitem__("window", 5)
    )
    assert changes(lambda s, b, h, q, kv: s * at(0), lambda: numbers.__setitem__(0, 3.0))


@functools.wraps(torch.nn.functional.softplus)
def as_softplus(x: Any) -> Any:
    return x * FACTOR


class Setting(enum.Enum):
    USED = types.SimpleNamespace(window=3)


def test_what_looks_like_a_librarys() -> None:
    mod = lambda s, b, h, q, kv: as_softplus(s)  # noqa: E731
    assert changes(mod, set_global("FACTOR", 3.0), set_global("FACTOR", 2.0))
    window = lambda b, h, q, kv: q - kv < Setting.USED.value.window  # noqa: E731
    assert changes(window, lambda: setattr(Setting.USED.value, "window", 4))


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


def test_a_users_module_of_a_librarys_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("profile")
    module.__file__ = __file__
    exec("W = 1.0\ndef score(s, b, h, q, kv): return s * W", module.__dict__)
    monkeypatch.setitem(sys.modules, "profile", module)
    assert changes(module.score, lambda: setattr(module, "W", 2.0))


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


def test_hooks_of_all_modules_and_parameters_without_values() -> None:
    module = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.LazyLinear(3))
    hooks: list[Any] = []
    register = torch.nn.modules.module.register_module_forward_hook
    assert changes(
        module,
        lambda: hooks.append(register(lambda module, given, out: out * 2)),
        lambda: hooks[0].remove(),
    )
