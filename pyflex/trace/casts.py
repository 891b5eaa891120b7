"""Conversion between dtypes as torch converts, with no undefined result."""

from __future__ import annotations

from dataclasses import replace

import torch

from pyflex.trace.builder import Builder, Value, bits, compute_dtype


def cast(build: Builder, x: Value, dtype: torch.dtype) -> Value:
    """x as `dtype`. Floats beyond an integer's range saturate and NaN gives 0, as on a GPU."""
    if x.dtype is dtype:
        return x
    if dtype is torch.bool:
        return _to_bool(build, x)
    if x.dtype.is_floating_point and dtype.is_floating_point:
        return _float_to_float(build, x, dtype)
    if dtype.is_floating_point:
        return _int_to_float(build, x, dtype)
    if x.dtype.is_floating_point:
        return _float_to_int(build, x, dtype)
    return _int_to_int(build, x, dtype)


def _to_bool(build: Builder, x: Value) -> Value:
    zero = build.constant(0, x.dtype)
    return build.compare("une" if x.dtype.is_floating_point else "ne", x, zero)


def _float_to_float(build: Builder, x: Value, dtype: torch.dtype) -> Value:
    # Between f64 and a half type, and between the half types, torch goes through f32.
    source, target = x.dtype.itemsize, dtype.itemsize
    if source == target or {source, target} == {2, 8}:
        x = _float_to_float(build, x, torch.float32)
        source = 4
    return build.convert("arith.extf" if source < target else "arith.truncf", x, dtype)


def _int_to_float(build: Builder, x: Value, dtype: torch.dtype) -> Value:
    unsigned = not x.dtype.is_signed
    wide = build.convert("arith.uitofp" if unsigned else "arith.sitofp", x, compute_dtype(dtype))
    return cast(build, wide, dtype)


def _float_to_int(build: Builder, x: Value, dtype: torch.dtype) -> Value:
    x = cast(build, x, compute_dtype(x.dtype))
    if dtype not in (torch.int32, torch.int64):
        # The narrow ones wrap: torch converts through a wider integer.
        return cast(build, _float_to_int(build, x, torch.int32), dtype)
    limits = torch.iinfo(dtype)
    low = build.constant(float(limits.min), x.dtype)
    high = build.constant(float(limits.max + 1), x.dtype)  # a power of two, so exact
    at_least = build.compare("oge", x, low)
    below = build.compare("olt", x, high)
    safe = build.select(build.op("arith.andi", at_least, below), x, build.constant(0.0, x.dtype))
    whole = build.convert("arith.fptosi", safe, dtype)
    too_high = build.compare("oge", x, high)
    too_low = build.compare("olt", x, low)
    whole = build.select(too_high, build.constant(limits.max, dtype), whole)
    return build.select(too_low, build.constant(limits.min, dtype), whole)


def _int_to_int(build: Builder, x: Value, dtype: torch.dtype) -> Value:
    source, target = bits(x.dtype), bits(dtype)
    if source == target:  # int8 and uint8: the same bits, read otherwise
        return Value(x.name, dtype)
    if source > target:
        return build.convert("arith.trunci", x, dtype)
    unsigned = not x.dtype.is_signed
    widened = build.convert("arith.extui" if unsigned else "arith.extsi", x, dtype)
    return replace(widened, variable=x.variable)
