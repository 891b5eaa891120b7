"""What a mod reads from torch.nn's modules is guarded."""

from __future__ import annotations

from typing import Any

import torch

from pyflex.trace import Guards
from tests.trace.guarding import changes


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slopes = torch.nn.Parameter(torch.ones(8))
        self.alpha = 2.0

    def forward(self, s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return s * self.slopes[h] * self.alpha


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


def test_hooks_of_all_modules_and_parameters_without_values() -> None:
    module = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.LazyLinear(3))
    hooks: list[Any] = []
    register = torch.nn.modules.module.register_module_forward_hook
    assert changes(
        module,
        lambda: hooks.append(register(lambda module, given, out: out * 2)),
        lambda: hooks[0].remove(),
    )
