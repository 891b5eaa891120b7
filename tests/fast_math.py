"""The functions that `flex-fast-math` rewrites, and how far a kernel's values are from fp64's.

A kernel computes a function of a table's entries, one for each query head and key, and takes the
fp64 result from it, in units in the last place. Its largest score is then the largest error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

import pyflex

Function = Callable[[Any], Any]

GROUP = 16
#: What NaN, or no number where there should be one, counts as.
LOST = 1e9
#: Errors below the least normal number count in units of that number: a GPU flushes them.
LEAST_UNIT = 2.0**-126


@dataclass(frozen=True)
class Form:
    """A function of a score, and the errors it may have.

    Attributes:
        mod: the function, as a mod computes it.
        reference: the same, without cancellation, on fp64; None if `mod` does.
        low, high: where it is measured.
        cpu, gpu: the largest error in units in the last place.
    """

    name: str
    mod: Function
    low: float
    high: float
    cpu: float
    gpu: float
    reference: Function | None = None

    def exact(self, x: torch.Tensor) -> torch.Tensor:
        """The fp64 results for fp64 arguments."""
        result: torch.Tensor = (self.reference or self.mod)(x)
        return result


def _softplus(x: torch.Tensor) -> torch.Tensor:
    return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))


def _gelu(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * torch.special.erfc(-x * math.sqrt(0.5))


def _gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


FORMS = (
    Form("tanh(s)", torch.tanh, -20, 20, 3, 5),
    Form("50 * tanh(s / 50)", lambda s: 50.0 * torch.tanh(s / 50.0), -500, 500, 4, 7),
    Form("1 + tanh(s)", lambda s: 1 + torch.tanh(s), -8, 20, 17, 20,
         lambda s: 2 * torch.sigmoid(2 * s)),
    Form("exp(s)", torch.exp, -8, 8, 9, 12),
    Form("exp(s), far", torch.exp, -87, 87, 66, 70),
    Form("3 ** s", lambda s: 3.0**s, -8, 8, 9, 12),
    Form("expm1(s)", torch.expm1, -20, 8, 9, 12),
    Form("sigmoid(s)", torch.sigmoid, -8, 20, 9, 12),
    Form("silu(s)", F.silu, -8, 20, 10, 13),
    Form("softplus(s)", F.softplus, -8, 20, 9, 12, _softplus),
    Form("logsigmoid(s)", F.logsigmoid, -20, 8, 9, 12, lambda s: -_softplus(-s)),
    Form("log1p(exp(s))", lambda s: torch.log1p(torch.exp(s)), -8, 20, 9, 12, _softplus),
    Form("gelu(s)", F.gelu, -4, 20, 30, 34, _gelu),
    Form("gelu(s), tanh form", lambda s: F.gelu(s, approximate="tanh"), -4, 20, 24, 28, _gelu_tanh),
    Form("mish(s)", F.mish, -8, 20, 16, 20, lambda s: s * torch.tanh(_softplus(s))),
    Form("s ** 7", lambda s: s**7, -100, 100, 5, 5),
    Form("s / 50", lambda s: s / 50.0, -1000, 1000, 1, 2),
)  # fmt: skip


def points(form: Form, count: int) -> torch.Tensor:
    """`count` f32 arguments: half evenly spaced, half evenly spaced among the floats' bits."""
    line = torch.linspace(form.low, form.high, count // 2, dtype=torch.float64).float()
    signs = [edge for edge in (form.low, form.high) if edge != 0]
    bits = [
        torch.linspace(
            int(torch.tensor(2.0**-40).view(torch.int32)),
            int(torch.tensor(abs(edge), dtype=torch.float32).view(torch.int32)),
            count // 4,
            dtype=torch.float64,
        )
        .to(torch.int32)
        .view(torch.float32)
        .copysign(torch.tensor(edge))
        for edge in signs
    ]
    return torch.cat([line, *bits])[:count].sort().values


def unit(exact: torch.Tensor) -> torch.Tensor:
    """One unit in the last place of f32 at an fp64 value."""
    exponent = torch.frexp(exact).exponent
    return torch.ldexp(torch.ones_like(exact), exponent - 24).clamp(min=LEAST_UNIT)


class Meter:
    """One form's kernel, for arguments of [16 * kv_heads, keys]."""

    def __init__(self, form: Form, device: str, kv_heads: int, keys: int) -> None:
        self.form = form
        heads = GROUP * kv_heads
        self.shape = (heads, keys)
        x, high, low, scale = (torch.zeros(heads, keys, device=device) for _ in range(4))
        self._tables = (x, high, low, scale)

        def score_mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
            distance = form.mod(x[h, kv]) - high[h, kv]
            error = (distance * scale[h, kv] - low[h, kv]).abs()
            return torch.where(error < LOST, error, LOST)

        self._decode = pyflex.compile(score_mod)
        self._query = torch.zeros(1, heads, 1, 16, device=device)
        self._key = torch.zeros(1, kv_heads, keys, 16, device=device)

    def error(self, x: torch.Tensor) -> torch.Tensor:
        """Each head's largest error at its arguments x [heads, keys], f32 on the CPU."""
        exact = self.form.exact(x.double())
        one = unit(exact)
        high = exact.float()
        for table, values in zip(
            self._tables, (x, high, (exact - high.double()) / one, 1 / one), strict=True
        ):
            table.copy_(values)
        results = self._decode.run(self._query, self._key, self._key, max_scores=True)
        assert results.max_scores is not None
        return results.max_scores[0, :, 0].cpu()


def worst(form: Form, device: str, kv_heads: int, keys: int) -> float:
    """The largest error over 16 * kv_heads * keys arguments."""
    meter = Meter(form, device, kv_heads, keys)
    x = points(form, GROUP * kv_heads * keys).reshape(meter.shape)
    return float(meter.error(x).max())
