"""The forms of flex-fast-math stay within their stated errors on the CPU."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import pyflex
from tests.fast_math import FORMS, GROUP, Form, worst


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_error(form: Form) -> None:
    error = worst(form, "cpu", kv_heads=2, keys=4096)
    assert error <= form.cpu


#: The reciprocals of some are infinite or subnormal.
DIVISORS = torch.tensor([1e-45, 1e-39, -3e-39, 1e-38, 1e-30, 1e-19, -6e-20, 1, 1e38, -3e38] * 2)
DIVISIONS = {
    "by_head": lambda s, b, h, q, kv: s / (h + 1),
    "by_position": lambda s, b, h, q, kv: s / (kv - q + 0.5),
    "by_distance": lambda s, b, h, q, kv: s / (kv - 2 * h),
    "by_any_size": lambda s, b, h, q, kv: (s * 1e-9) / DIVISORS[h],
    "zero_by_any_size": lambda s, b, h, q, kv: (s * 0) / DIVISORS[h],
    "zero_by_zero": lambda s, b, h, q, kv: torch.nan_to_num((s * 0) / (kv - kv), 3.0),
    "rounded": lambda s, b, h, q, kv: torch.trunc((kv * (h + 1)) / (h + 1)),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_division(name: str) -> None:
    """The largest score of a row is a quotient of two roundings; where it is rounded, exact."""
    mod: Any = DIVISIONS[name]
    keys = 61
    query = torch.linspace(-3, 3, GROUP).reshape(1, GROUP, 1, 1).expand(1, GROUP, 1, 16)
    key = torch.linspace(1, 2, keys).reshape(1, 1, keys, 1).expand(1, 1, keys, 16)
    results = pyflex.compile(mod).run(query, key, key, scale=1 / 16, max_scores=True)
    assert results.max_scores is not None
    head = torch.arange(GROUP, dtype=torch.int32).reshape(GROUP, 1)
    position = torch.arange(keys, dtype=torch.int32)
    score = query[0, :, 0, :1].double() * key[0, 0, :, 0].double()
    expected = mod(score, 0, head, 0, position).amax(1)
    assert torch.allclose(results.max_scores[0, :, 0].double(), expected.double(), rtol=1e-6)


DECISIONS = {
    "equal": lambda b, h, q, kv: kv / q == 1.0,
    "below": lambda b, h, q, kv: kv / q < 1.0,
    "of_each": lambda b, h, q, kv: kv / (kv + h) == 1.0,
    "remainder": lambda b, h, q, kv: (kv / (h + q - 40)) % 1 == 0,
    "floor_of_sum": lambda b, h, q, kv: ((kv / q) + 0.0).floor() == 1,
    "clamped": lambda b, h, q, kv: torch.clamp(kv / q, max=100.0).to(torch.int32) == 1,
    "chosen": lambda b, h, q, kv: torch.where(kv > q, kv / q, 0.0) == 2.0,
    "power": lambda b, h, q, kv: kv < (10.0**h).to(torch.int32),
    "power_of_sum": lambda b, h, q, kv: kv < (5.0 ** (h + 1)).floor(),
}


@pytest.mark.parametrize("name", DECISIONS)
@pytest.mark.parametrize("position", [45, 49, 97])
def test_decisions_are_exact(name: str, position: int) -> None:
    """49 * (1 / 49) is not 1: where that decides what is visible, it is a division."""
    mask: Any = DECISIONS[name]
    heads, keys = 4, 256
    head = torch.arange(heads, dtype=torch.int32).reshape(heads, 1)
    key = torch.arange(keys, dtype=torch.int32)
    visible = mask(0, head, torch.tensor(position, dtype=torch.int32), key).expand(heads, keys)
    zeros = torch.zeros(1, heads, keys, 16)
    decode = pyflex.compile(mask_fn=mask)
    _, lse = decode(zeros[:, :, :1], zeros, zeros, q_offset=position, return_lse=True)
    assert torch.allclose(lse[0, :, 0].exp(), visible.sum(1).float())


SPECIAL = (0.0, -0.0, 1e-39, -1e-39, 1e-20, 100.0, -100.0, 1e30, -1e30, math.inf, -math.inf)


@pytest.mark.parametrize(
    "name", ["tanh", "exp", "expm1", "sigmoid", "softplus", "logsigmoid", "silu", "gelu", "mish"]
)
def test_special_values(name: str) -> None:
    """Signs of zero, infinities and what overflows, beside fp64; NaN stays NaN."""
    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    points = torch.tensor([*SPECIAL, math.nan])
    exact = function(points.double()).float()
    table = points.clone()

    def wrong(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        got, wanted = function(table[kv]), exact[kv]
        bound = wanted.abs() * 1e-6 + 1e-37
        same_sign = torch.signbit(got) == torch.signbit(wanted)
        close = ((got - wanted).abs() <= bound) & same_sign
        both_nan = torch.isnan(got) & torch.isnan(wanted)
        return torch.where((got == wanted) & same_sign | close | both_nan, 0.0, 1.0 + kv)

    zeros = torch.zeros(1, 1, len(points), 16)
    results = pyflex.compile(wrong).run(zeros[:, :, :1], zeros, zeros, max_scores=True)
    assert results.max_scores is not None
    worst_at = round(float(results.max_scores)) - 1
    assert worst_at < 0, f"{name}({points[worst_at]}) is not {exact[worst_at]}"


def test_a_factor_that_leaves_no_room_for_another() -> None:
    """3e38 times log2(e) is infinite; the tiny score times it is not."""
    query, key = torch.randn(1, 2, 1, 16), torch.randn(1, 2, 64, 16)
    tiny = pyflex.compile(lambda s, b, h, q, kv: (s * 1e-38) * 3e38)(query, key, key)
    plain = pyflex.compile(lambda s, b, h, q, kv: s * 3)(query, key, key)
    assert torch.allclose(tiny, plain, atol=1e-5)
    large = torch.tensor(3e38)
    read = pyflex.compile(lambda s, b, h, q, kv: (s * 1e-38) * large)(query, key, key)
    assert torch.allclose(read, plain, atol=1e-5)
