"""A Python value that a mod reads is guarded, a tensor's contents are not."""

from __future__ import annotations

import builtins
import enum
import functools
import sys
import timeit
import types
from typing import Any

import numpy as np
import pytest
import torch

from pyflex.trace import Guards
from tests.trace.guarding import changes, setting

WINDOW: Any = 128
SLOPES = torch.ones(8)
CONFIG = types.SimpleNamespace(window=64, inner=types.SimpleNamespace(depth=2), unused=0)
SETTINGS: dict[str, Any] = {"window": 3, "nested": [1, 2]}
FACTOR = 2.0
set_global = functools.partial(setting, globals())


def scale(x: Any) -> Any:
    return x * FACTOR


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


def test_attributes_of_functions() -> None:
    def mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * mod.factor  # type: ignore[attr-defined]

    mod.factor = 2.0  # type: ignore[attr-defined]
    assert changes(mod, lambda: setattr(mod, "factor", 3.0), lambda: setattr(mod, "factor", 2.0))


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
        anew = types.ModuleType("settings_of_a_test")
        anew.window = 6  # type: ignore[attr-defined]
        assert changes(mod, setting(sys.modules, "settings_of_a_test", anew))
        sys.modules["settings_of_a_test"] = settings


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


def test_a_users_module_of_a_librarys_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("profile")
    module.__file__ = __file__
    exec("W = 1.0\ndef score(s, b, h, q, kv): return s * W", module.__dict__)
    monkeypatch.setitem(sys.modules, "profile", module)
    assert changes(module.score, lambda: setattr(module, "W", 2.0))


def test_what_a_module_makes_up() -> None:
    module = types.ModuleType("settings_of_a_user")
    exec("STATE = {'width': 3}\ndef __getattr__(name): return STATE[name]", module.__dict__)
    state: dict[str, Any] = module.__dict__["STATE"]
    assert changes(
        lambda b, h, q, kv: kv < module.width,
        lambda: state.update(width=5),
        lambda: state.update(width=3),
    )


def test_what_a_user_puts_among_the_builtins() -> None:
    builtins.__dict__["WIDTH_OF_A_USER"] = 3
    put = builtins.__dict__.__setitem__
    try:
        assert changes(
            lambda b, h, q, kv: kv < WIDTH_OF_A_USER,  # type: ignore[name-defined]  # noqa: F821
            lambda: put("WIDTH_OF_A_USER", 5),
            lambda: put("WIDTH_OF_A_USER", 3),
        )
    finally:
        del builtins.__dict__["WIDTH_OF_A_USER"]
