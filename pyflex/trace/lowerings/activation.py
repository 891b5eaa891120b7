"""Activation functions, by the formulas of torch's own kernels."""

from __future__ import annotations

import math
from typing import Any

import torch

from pyflex.trace.builder import Operand, Value
from pyflex.trace.lowering import Lowering, lowers


def _sigmoid(low: Lowering, a: Value) -> Value:
    one = low.constant(1.0)
    decay = low.math("exp", low.build.op("arith.negf", a))
    return low.arith("div", one, low.arith("add", one, decay))


@lowers("sigmoid")
def sigmoid(low: Lowering, x: Operand) -> Value:
    low.require_float()
    return low.narrow(_sigmoid(low, low.operand(x)))


@lowers("log_sigmoid_forward")
def log_sigmoid(low: Lowering, x: Operand) -> Value:
    low.require_float()
    a = low.operand(x)
    at_most_zero = low.build.op("arith.minimumf", a, low.constant(0.0))
    decay = low.math("exp", low.build.op("arith.negf", low.math("absf", a)))
    return low.narrow(low.arith("sub", at_most_zero, low.math("log1p", decay)))


@lowers("softplus")
def softplus(low: Lowering, x: Operand, beta: float = 1, threshold: float = 20) -> Value:
    low.require_float()
    a = low.operand(x)
    scale = low.constant(beta)
    scaled = low.arith("mul", a, scale)
    soft = low.arith("div", low.math("log1p", low.math("exp", scaled)), scale)
    is_linear = low.compare("gt", scaled, low.constant(threshold))
    return low.narrow(low.select(is_linear, a, soft))


@lowers("silu")
def silu(low: Lowering, x: Operand) -> Value:
    low.require_float()
    a = low.operand(x)
    return low.narrow(low.arith("mul", a, _sigmoid(low, a)))


@lowers("mish")
def mish(low: Lowering, x: Operand) -> Value:
    low.require_float()
    a = low.operand(x)
    soft = low.math("log1p", low.math("exp", a))
    return low.narrow(low.arith("mul", a, low.math("tanh", soft)))


@lowers("gelu")
def gelu(low: Lowering, x: Operand, *, approximate: str = "none") -> Value:
    low.require_float()
    a = low.operand(x)
    one, half = low.constant(1.0), low.constant(0.5)
    if approximate == "tanh":
        cube = low.arith("mul", low.arith("mul", a, a), a)
        inner = low.arith("add", a, low.arith("mul", low.constant(0.044715), cube))
        scale = low.constant(math.sqrt(2 / math.pi))
        curve = low.math("tanh", low.arith("mul", scale, inner))
    else:
        curve = low.math("erf", low.arith("mul", a, low.constant(math.sqrt(0.5))))
    weight = low.arith("add", one, curve)
    return low.narrow(low.arith("mul", low.arith("mul", half, a), weight))


@lowers("relu")
def relu(low: Lowering, x: Operand) -> Value:
    low.refuse_bool()
    a = low.operand(x)
    zero = low.constant(0)
    # Not a maximum: NaN is not <= 0, so it stays.
    return low.narrow(low.select(low.compare("le", a, zero), zero, a))


@lowers("leaky_relu")
def leaky_relu(low: Lowering, x: Operand, negative_slope: float = 0.01) -> Value:
    low.require_float()
    return _slope(low, low.operand(x), low.constant(negative_slope))


@lowers("_prelu_kernel")
def prelu(low: Lowering, x: Operand, weight: Operand) -> Value:
    low.require_float()
    return _slope(low, *low.operands(x, weight))


def _slope(low: Lowering, a: Value, slope: Value) -> Value:
    is_positive = low.compare("gt", a, low.constant(0.0))
    return low.narrow(low.select(is_positive, a, low.arith("mul", a, slope)))


@lowers("elu")
def elu(
    low: Lowering, x: Operand, alpha: float = 1, scale: float = 1, input_scale: float = 1
) -> Value:
    low.require_float()
    a = low.operand(x)
    inner = a if input_scale == 1 else low.arith("mul", a, low.constant(input_scale))
    below = low.arith("mul", low.math("expm1", inner), low.constant(alpha * scale))
    above = a if scale == 1 else low.arith("mul", a, low.constant(scale))
    return low.narrow(low.select(low.compare("le", a, low.constant(0.0)), below, above))


@lowers("nan_to_num")
def nan_to_num(
    low: Lowering, x: Operand, nan: Any = None, posinf: Any = None, neginf: Any = None
) -> Value:
    a = low.to(x, low.out)
    if not low.out.is_floating_point:
        return a
    limits = torch.finfo(low.out)
    a = low.to(a, low.wide)
    infinity, minus_infinity = low.constant(math.inf), low.constant(-math.inf)
    high = low.constant(limits.max if posinf is None else posinf)
    least = low.constant(limits.min if neginf is None else neginf)
    is_nan = low.build.compare("uno", a, a)
    a = low.select(is_nan, low.constant(0.0 if nan is None else nan), a)
    a = low.select(low.compare("eq", a, infinity), high, a)
    return low.narrow(low.select(low.compare("eq", a, minus_infinity), least, a))
