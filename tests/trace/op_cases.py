"""Every op a mod may use, as small score mods on values that are easy to get wrong.

`CASES` is shared: the trace tests parse each function's text, and numeric tests compare what a
kernel computes with eager torch. `eager(case, point)` gives the expected score.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

Mod = Callable[..., Any]
Point = tuple[float, int, int, int, int]

INF, NAN = math.inf, math.nan

SCORES: tuple[float, ...] = (
    0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 3.7, -7.25, 0.1, 19.9, 88.0, -88.0,
    1e-3, 1e-8, -1e-20, 1e-39, 12345.678, 1e30, -1e30, INF, -INF, NAN,
)  # fmt: skip
FINITE_SCORES = tuple(score for score in SCORES if math.isfinite(score))
# b, h, q_idx, kv_idx
INDICES: tuple[tuple[int, int, int, int], ...] = (
    (0, 0, 0, 0), (1, 3, 7, 2), (0, 7, 2, 7), (1, 5, 16, 33), (1, 1, 31, 130), (0, 2, 129, 64),
)  # fmt: skip


@dataclass(frozen=True)
class OpCase:
    """A score mod with the error allowed against eager torch.

    `expected` replaces `mod` for eager torch where that has no defined answer on a CPU.
    """

    family: str
    name: str
    mod: Mod
    rtol: float = 0.0
    scores: tuple[float, ...] = (1.0,)
    expected: Mod | None = None

    def points(self) -> list[Point]:
        """Scores and indices to try; a mod of scores alone is tried at one index."""
        if len(self.scores) > 1:
            return [(score, *INDICES[i % len(INDICES)]) for i, score in enumerate(self.scores)]
        return [(self.scores[0], *index) for index in INDICES]


def eager(case: OpCase, point: Point) -> float:
    """What eager torch gives for one point, as the f32 that the kernel should have."""
    score, *indices = point
    mod = case.expected or case.mod
    arguments = [torch.tensor(index, dtype=torch.int32) for index in indices]
    result = mod(torch.tensor(score, dtype=torch.float32), *arguments)
    return float(torch.as_tensor(result).to(torch.float32))


def _float_cases(family: str, rtol: float, mods: dict[str, Mod], scores: Any = SCORES) -> None:
    for name, mod in mods.items():
        CASES.append(OpCase(family, name, mod, rtol, tuple(scores)))


def _index_cases(family: str, mods: dict[str, Mod], rtol: float = 0.0) -> None:
    for name, mod in mods.items():
        CASES.append(OpCase(family, name, mod, rtol))


def _case(family: str, name: str, mod: Mod, expected: Mod) -> None:
    CASES.append(OpCase(family, name, mod, expected=expected))


def _f16(mod: Mod) -> Mod:
    """The mod of one score computed in half precision."""
    return lambda s, b, h, q, kv: mod(s.to(torch.float16)).float()


def _bf16(mod: Mod) -> Mod:
    return lambda s, b, h, q, kv: mod(s.to(torch.bfloat16)).float()


def _f64(mod: Mod) -> Mod:
    return lambda s, b, h, q, kv: mod(s.double()).float()


CASES: list[OpCase] = []

_float_cases("arithmetic", 0.0, {
    "add": lambda s, b, h, q, kv: s + 1.25,
    "add_tensor": lambda s, b, h, q, kv: s + q,
    "add_alpha": lambda s, b, h, q, kv: torch.add(s, s, alpha=2),
    "radd": lambda s, b, h, q, kv: 3 + s,
    "sub": lambda s, b, h, q, kv: s - kv,
    "sub_alpha": lambda s, b, h, q, kv: torch.sub(s, q, alpha=0.5),
    "rsub": lambda s, b, h, q, kv: 1 - s,
    "mul": lambda s, b, h, q, kv: s * 0.1,
    "mul_tensor": lambda s, b, h, q, kv: s * (q - kv),
    "neg": lambda s, b, h, q, kv: -s,
    "positive": lambda s, b, h, q, kv: +s,
    "abs": lambda s, b, h, q, kv: abs(s),
    "sign": lambda s, b, h, q, kv: torch.sign(s),
    "sgn": lambda s, b, h, q, kv: torch.sgn(s),
    "signbit": lambda s, b, h, q, kv: torch.signbit(s).float(),
    "square": lambda s, b, h, q, kv: torch.square(s),
    "copysign": lambda s, b, h, q, kv: torch.copysign(s, kv - q),
    "copysign_scalar": lambda s, b, h, q, kv: torch.copysign(s, -1.0),
    "maximum": lambda s, b, h, q, kv: torch.maximum(s, s.new_full((), 0.25)),
    "minimum": lambda s, b, h, q, kv: torch.minimum(s, s.new_full((), 0.25)),
    "max_binary": lambda s, b, h, q, kv: torch.max(s, q.float()),
    "fmax": lambda s, b, h, q, kv: torch.fmax(s, s.new_full((), 0.25)),
    "fmin": lambda s, b, h, q, kv: torch.fmin(s, s.new_full((), 0.25)),
    "clamp": lambda s, b, h, q, kv: s.clamp(-2.0, 3),
    "clamp_min": lambda s, b, h, q, kv: torch.clamp_min(s, 0.5),
    "clamp_max": lambda s, b, h, q, kv: torch.clamp_max(s, 0.5),
    "clamp_tensor": lambda s, b, h, q, kv: torch.clamp(s, min=-q.float(), max=kv.float()),
    "clip": lambda s, b, h, q, kv: torch.clip(s, max=1),
})  # fmt: skip
_float_cases("arithmetic", 3e-7, {
    "addcmul": lambda s, b, h, q, kv: torch.addcmul(s, s, q.float(), value=0.5),
    "addcdiv": lambda s, b, h, q, kv: torch.addcdiv(s, s, q.float() + 1, value=2),
    "lerp_small": lambda s, b, h, q, kv: torch.lerp(s, s.new_ones(()), 0.25),
    "lerp_large": lambda s, b, h, q, kv: torch.lerp(s, s.new_ones(()), 0.75),
    "lerp_tensor": lambda s, b, h, q, kv: torch.lerp(s, s + 1, q / 32),
    "deg2rad": lambda s, b, h, q, kv: torch.deg2rad(s),
    "rad2deg": lambda s, b, h, q, kv: torch.rad2deg(s),
    "hypot": lambda s, b, h, q, kv: torch.hypot(s, q.float()),
})  # fmt: skip
_index_cases("arithmetic", {
    "int_add": lambda s, b, h, q, kv: (q + kv * h - 5).float(),
    "int_neg": lambda s, b, h, q, kv: (-q).float(),
    "int_abs": lambda s, b, h, q, kv: (q - kv).abs().float(),
    "int_sign": lambda s, b, h, q, kv: torch.sign(q - kv).float(),
    "int_max": lambda s, b, h, q, kv: torch.maximum(q, kv).float(),
    "int_min": lambda s, b, h, q, kv: torch.minimum(q - kv, h).float(),
    "int_clamp": lambda s, b, h, q, kv: (q - kv).clamp(-3, 5).float(),
    "int_clamp_float": lambda s, b, h, q, kv: (q - kv).clamp(max=0.5),
    "int_square": lambda s, b, h, q, kv: torch.square(q - kv).float(),
    "int_rsub": lambda s, b, h, q, kv: (7 - q).float(),
    "int_wraps": lambda s, b, h, q, kv: ((q + 2**31 - 1) // 2**20).float(),
    "int_mul_wraps": lambda s, b, h, q, kv: ((q * 2654435761) // 2**12).float(),
    "int64": lambda s, b, h, q, kv: ((q.long() * 2**33 + kv) // 2**30).float(),
    "int_add_alpha": lambda s, b, h, q, kv: torch.add(q, kv, alpha=-3).float(),
    "int8_wraps": lambda s, b, h, q, kv: (q.to(torch.int8) * 3 + 100).float(),
    "uint8_wraps": lambda s, b, h, q, kv: (q.to(torch.uint8) * 3 - 200).float(),
    "uint8_max": lambda s, b, h, q, kv: torch.maximum(
        (q - kv).to(torch.uint8), kv.to(torch.uint8)
    ).float(),
    "int16_wraps": lambda s, b, h, q, kv: ((q.to(torch.int16) + 1) * 3000).float(),
    "bool_add": lambda s, b, h, q, kv: ((q > kv) + (h > 2)).float(),
    "bool_mul": lambda s, b, h, q, kv: ((q > kv) * (h > 2)).float(),
    "bool_times_score": lambda s, b, h, q, kv: s * (q > kv),
    "bool_max": lambda s, b, h, q, kv: torch.maximum(q > kv, h > 2).float(),
    "bool_plus_int": lambda s, b, h, q, kv: ((q > kv) + 2).float(),
    "promote_int64": lambda s, b, h, q, kv: (q.long() + kv).float(),
    "promote_float": lambda s, b, h, q, kv: q * 0.5,
})  # fmt: skip

_float_cases("division", 0.0, {
    "div": lambda s, b, h, q, kv: s / 3.0,
    "div_zero": lambda s, b, h, q, kv: s / 0.0,
    "div_int": lambda s, b, h, q, kv: s / (q - kv),
    "rdiv": lambda s, b, h, q, kv: 2 / s,
    "reciprocal": lambda s, b, h, q, kv: torch.reciprocal(s),
    "trunc_div": lambda s, b, h, q, kv: torch.div(s, 0.7, rounding_mode="trunc"),
})  # fmt: skip
_float_cases("division", 1e-6, {
    "floor_div": lambda s, b, h, q, kv: s // 0.7,
    "floor_div_negative": lambda s, b, h, q, kv: s // -0.7,
    "floor_div_zero": lambda s, b, h, q, kv: s // 0.0,
    "rfloor_div": lambda s, b, h, q, kv: 3 // s,
    "remainder": lambda s, b, h, q, kv: s % 0.7,
    "remainder_negative": lambda s, b, h, q, kv: s % -0.7,
    "remainder_zero": lambda s, b, h, q, kv: s % 0.0,
    "fmod": lambda s, b, h, q, kv: torch.fmod(s, 0.7),
    "fmod_negative": lambda s, b, h, q, kv: torch.fmod(s, -2),
}, [s for s in SCORES if not 1e-38 > abs(s) > 0 and abs(s) != 1e30])  # fmt: skip
_float_cases("division", 0.0, {
    "half_remainder": lambda s, b, h, q, kv: (s.half() % -0.7).float(),
    "half_fmod": lambda s, b, h, q, kv: torch.fmod(s.bfloat16(), 0.7).float(),
    "half_floor_div": lambda s, b, h, q, kv: (s.half() // -0.7).float(),
    "half_pow": lambda s, b, h, q, kv: (s.abs().bfloat16() ** 0.7).float(),
    "half_rpow": lambda s, b, h, q, kv: (0.7 ** s.bfloat16()).float(),
}, [0.7, -0.7, 1.5, 100.0, -33.25, 0.0])  # fmt: skip
_index_cases("division", {
    "int_true_div": lambda s, b, h, q, kv: (q - kv) / 7,
    "int_true_div_tensor": lambda s, b, h, q, kv: (q - kv) / (h + 1),
    "int_floor": lambda s, b, h, q, kv: ((q - kv) // 7).float(),
    "int_floor_negative": lambda s, b, h, q, kv: ((q - kv) // -7).float(),
    "int_floor_power": lambda s, b, h, q, kv: ((q - kv) // 16).float(),
    "int_floor_one": lambda s, b, h, q, kv: ((q - kv) // 1).float(),
    "int_floor_minus_one": lambda s, b, h, q, kv: ((q - kv) // -1).float(),
    "int_floor_tensor": lambda s, b, h, q, kv: ((q - kv) // (h - 4)).float(),
    "int_rfloor": lambda s, b, h, q, kv: (-100 // (h + 1)).float(),
    "int_trunc": lambda s, b, h, q, kv: torch.div(q - kv, 7, rounding_mode="trunc").float(),
    "int_trunc_power": lambda s, b, h, q, kv: torch.div(
        q - kv, 8, rounding_mode="trunc"
    ).float(),
    "int_floor_mode": lambda s, b, h, q, kv: torch.div(q - kv, 6, rounding_mode="floor").float(),
    "int_remainder": lambda s, b, h, q, kv: ((q - kv) % 7).float(),
    "int_remainder_negative": lambda s, b, h, q, kv: ((q - kv) % -7).float(),
    "int_remainder_power": lambda s, b, h, q, kv: ((q - kv) % 16).float(),
    "int_remainder_one": lambda s, b, h, q, kv: ((q - kv) % 1).float(),
    "int_remainder_tensor": lambda s, b, h, q, kv: ((q - kv) % (h - 4)).float(),
    "int_rremainder": lambda s, b, h, q, kv: (100 % (h + 3)).float(),
    "int_fmod": lambda s, b, h, q, kv: torch.fmod(q - kv, 7).float(),
    "int_fmod_tensor": lambda s, b, h, q, kv: torch.fmod(q - kv, h - 4).float(),
    "uint8_floor": lambda s, b, h, q, kv: ((q - kv).to(torch.uint8) // 7).float(),
    "uint8_floor_power": lambda s, b, h, q, kv: ((q - kv).to(torch.uint8) // 16).float(),
    "uint8_remainder": lambda s, b, h, q, kv: ((q - kv).to(torch.uint8) % 7).float(),
    "int64_floor": lambda s, b, h, q, kv: ((q - kv).long() * 2**34 // -(2**30)).float(),
    "int_floor_float": lambda s, b, h, q, kv: (q - kv) // 2.5,
    "int_remainder_float": lambda s, b, h, q, kv: (q - kv) % 2.5,
    "least_by_minus_one": lambda s, b, h, q, kv: (
        ((q * 0 - 2**30) * 2) // (q * 0 - 1)
    ).float(),
})  # fmt: skip
_case("division", "int_floor_by_zero", lambda s, b, h, q, kv: ((q - kv) // (h - 3)).float(),
      lambda s, b, h, q, kv: s * 0 if h == 3 else ((q - kv) // (h - 3)).float())  # fmt: skip
_case("division", "int_remainder_by_zero", lambda s, b, h, q, kv: ((q - kv) % (h - 3)).float(),
      lambda s, b, h, q, kv: s * 0 if h == 3 else ((q - kv) % (h - 3)).float())  # fmt: skip
_case("division", "int_fmod_by_zero",
      lambda s, b, h, q, kv: torch.fmod(q - kv, h - 3).float(),
      lambda s, b, h, q, kv: s * 0 if h == 3 else torch.fmod(q - kv, h - 3).float())  # fmt: skip

_float_cases("power", 2e-6, {
    f"pow_{str(exponent).replace('-', 'minus_').replace('.', '_')}": (
        lambda s, b, h, q, kv, exponent=exponent: s**exponent
    )
    for exponent in (0, 1, 2, 3, 4, -1, -2, -3, 0.5, -0.5, 1.5)
})  # fmt: skip
_float_cases("power", 5e-6, {
    "pow_tensor": lambda s, b, h, q, kv: torch.pow(s.abs(), q / 16),
    "pow_int_tensor": lambda s, b, h, q, kv: torch.pow(s, h),
    "two_to_the_score": lambda s, b, h, q, kv: 2.0**s,
    "three_to_the_score": lambda s, b, h, q, kv: 3.0**s,
    "one_to_the_score": lambda s, b, h, q, kv: 1.0**s,
    "float_power": lambda s, b, h, q, kv: torch.float_power(s, 2).float(),
    "ldexp": lambda s, b, h, q, kv: torch.ldexp(s, h),
    "ldexp_up": lambda s, b, h, q, kv: torch.ldexp(s * 1e-30, h + 90),
    "ldexp_of_zero": lambda s, b, h, q, kv: torch.ldexp(s * 0, h + 200),
    "ldexp_down": lambda s, b, h, q, kv: torch.ldexp(s * 2.0**100, h - 200),
    "ldexp_half": lambda s, b, h, q, kv: torch.ldexp(s, q / 2),
})  # fmt: skip
_index_cases("power", {
    "int_pow_0": lambda s, b, h, q, kv: (q**0).float(),
    "int_pow_5": lambda s, b, h, q, kv: ((h - 4) ** 5).float(),
    "int_pow_tensor": lambda s, b, h, q, kv: torch.pow(h - 4, b + 3).float(),
    "int_pow_negative": lambda s, b, h, q, kv: torch.pow(h - 2, b - 2).float(),
    "int_pow_wraps": lambda s, b, h, q, kv: (torch.pow(h + 1, q) >> 8).float(),
    "int64_pow": lambda s, b, h, q, kv: (torch.pow((h - 4).long(), h + 9) >> 4).float(),
    "two_to_the_int": lambda s, b, h, q, kv: (2**h).float(),
    "two_to_the_negative": lambda s, b, h, q, kv: (2 ** (h - 3)).float(),
    "three_to_the_int": lambda s, b, h, q, kv: (3**h).float(),
    "uint8_pow": lambda s, b, h, q, kv: torch.pow(h.to(torch.uint8), h.to(torch.uint8)).float(),
})  # fmt: skip
_index_cases("power", {
    "alibi_slope": lambda s, b, h, q, kv: s + 2.0 ** (-(h + 1) * 8 / 12) * (kv - q),
}, 1e-6)  # fmt: skip

_float_cases("comparison", 0.0, {
    "lt": lambda s, b, h, q, kv: (s < 1.0).float(),
    "le": lambda s, b, h, q, kv: (s <= 1).float(),
    "gt": lambda s, b, h, q, kv: (s > 1.0).float(),
    "ge": lambda s, b, h, q, kv: (s >= s).float(),
    "eq": lambda s, b, h, q, kv: (s == s).float(),
    "ne": lambda s, b, h, q, kv: (s != 0).float(),
    "rlt": lambda s, b, h, q, kv: (0.5 < s).float(),  # noqa: SIM300
    "isnan": lambda s, b, h, q, kv: torch.isnan(s).float(),
    "isinf": lambda s, b, h, q, kv: torch.isinf(s).float(),
    "isfinite": lambda s, b, h, q, kv: torch.isfinite(s).float(),
    "isposinf": lambda s, b, h, q, kv: torch.isposinf(s).float(),
    "isneginf": lambda s, b, h, q, kv: torch.isneginf(s).float(),
    "score_against_int": lambda s, b, h, q, kv: (s > q).float(),
    "heaviside": lambda s, b, h, q, kv: torch.heaviside(s, s.new_full((), 0.5)),
})  # fmt: skip
_index_cases("comparison", {
    "int_lt": lambda s, b, h, q, kv: (q < kv).float(),
    "int_ge": lambda s, b, h, q, kv: (q - kv >= -5).float(),
    "int_against_float": lambda s, b, h, q, kv: (h > 2.5).float(),
    "int_eq": lambda s, b, h, q, kv: (h == 7).float(),
    "uint8_gt": lambda s, b, h, q, kv: ((q - kv).to(torch.uint8) > 200).float(),
    "bool_lt": lambda s, b, h, q, kv: ((q > kv) < (h > 2)).float(),
    "bool_eq": lambda s, b, h, q, kv: ((q > kv) == (h > 2)).float(),
    "int_isnan": lambda s, b, h, q, kv: torch.isnan(q).float(),
    "int_isinf": lambda s, b, h, q, kv: torch.isinf(q).float(),
    "int_isfinite": lambda s, b, h, q, kv: torch.isfinite(q).float(),
})  # fmt: skip

_index_cases("logic", {
    "and": lambda s, b, h, q, kv: ((q > kv) & (h > 2)).float(),
    "or": lambda s, b, h, q, kv: ((q > kv) | (h > 2)).float(),
    "xor": lambda s, b, h, q, kv: ((q > kv) ^ (h > 2)).float(),
    "not": lambda s, b, h, q, kv: (~(q > kv)).float(),
    "logical_and": lambda s, b, h, q, kv: torch.logical_and(q, h - 3).float(),
    "logical_or": lambda s, b, h, q, kv: torch.logical_or(q, h - 3).float(),
    "logical_xor": lambda s, b, h, q, kv: torch.logical_xor(q, h - 3).float(),
    "logical_not": lambda s, b, h, q, kv: torch.logical_not(h - 3).float(),
    "and_constant": lambda s, b, h, q, kv: ((q > kv) & True).float(),
    "int_and": lambda s, b, h, q, kv: ((q - kv) & 12).float(),
    "int_or": lambda s, b, h, q, kv: ((q - kv) | 12).float(),
    "int_xor": lambda s, b, h, q, kv: ((q - kv) ^ kv).float(),
    "int_not": lambda s, b, h, q, kv: (~q).float(),
    "uint8_not": lambda s, b, h, q, kv: (~q.to(torch.uint8)).float(),
    "left_shift": lambda s, b, h, q, kv: (q << 3).float(),
    "left_shift_tensor": lambda s, b, h, q, kv: (1 << h).float(),
    "left_shift_too_far": lambda s, b, h, q, kv: (q << (h + 30)).float(),
    "left_shift_negative": lambda s, b, h, q, kv: (q << (h - 4)).float(),
    "right_shift": lambda s, b, h, q, kv: ((q - kv) >> 2).float(),
    "right_shift_tensor": lambda s, b, h, q, kv: ((q - kv) >> h).float(),
    "right_shift_too_far": lambda s, b, h, q, kv: ((q - kv) >> (h + 30)).float(),
    "right_shift_negative": lambda s, b, h, q, kv: ((q - kv) >> (h - 4)).float(),
    "uint8_right_shift": lambda s, b, h, q, kv: ((q - kv).to(torch.uint8) >> 3).float(),
    "uint8_shift_too_far": lambda s, b, h, q, kv: (
        (q - kv).to(torch.uint8) >> (h + 4).to(torch.uint8)
    ).float(),
})  # fmt: skip

_float_cases("selection", 0.0, {
    "where": lambda s, b, h, q, kv: torch.where(q >= kv, s, -INF),
    "where_numbers": lambda s, b, h, q, kv: torch.where(s > 0, 1.0, -1.0) + 0 * q,
    "where_mixed": lambda s, b, h, q, kv: torch.where(s > 0, s, q),
    "where_nan": lambda s, b, h, q, kv: torch.where(s > 0, s, NAN),
    "masked_fill": lambda s, b, h, q, kv: s.masked_fill(q < kv, -1e9),
    "nan_to_num": lambda s, b, h, q, kv: torch.nan_to_num(s),
    "nan_to_num_given": lambda s, b, h, q, kv: torch.nan_to_num(s, 1.0, 2.0, -3.0),
})  # fmt: skip

_float_cases("rounding", 0.0, {
    "floor": lambda s, b, h, q, kv: torch.floor(s),
    "ceil": lambda s, b, h, q, kv: torch.ceil(s),
    "round": lambda s, b, h, q, kv: torch.round(s),
    "trunc": lambda s, b, h, q, kv: torch.trunc(s),
    "fix": lambda s, b, h, q, kv: torch.fix(s),
    "frac": lambda s, b, h, q, kv: torch.frac(s),
})  # fmt: skip
_float_cases("rounding", 1e-6, {
    "round_decimals": lambda s, b, h, q, kv: torch.round(s, decimals=1),
    "round_tens": lambda s, b, h, q, kv: torch.round(s, decimals=-1),
}, [0.0, 0.26, -0.26, 3.14159, 12345.678, -7.0])  # fmt: skip
_index_cases("rounding", {
    "int_floor": lambda s, b, h, q, kv: torch.floor(q).float(),
    "int_round": lambda s, b, h, q, kv: torch.round(q - kv).float(),
})  # fmt: skip

_WHOLE = [s for s in FINITE_SCORES if abs(s) < 2e4]
_float_cases("cast", 0.0, {
    "to_int32": lambda s, b, h, q, kv: s.int().float(),
    "to_int64": lambda s, b, h, q, kv: s.long().float(),
    "to_int16": lambda s, b, h, q, kv: s.to(torch.int16).float(),
    "to_int8": lambda s, b, h, q, kv: s.clamp(-100, 100).to(torch.int8).float(),
    "to_uint8": lambda s, b, h, q, kv: s.clamp(0, 200).to(torch.uint8).float(),
}, _WHOLE)  # fmt: skip
_float_cases("cast", 0.0, {
    "to_bool": lambda s, b, h, q, kv: s.bool().float(),
    "to_float16": lambda s, b, h, q, kv: s.half().float(),
    "to_bfloat16": lambda s, b, h, q, kv: s.bfloat16().float(),
    "to_float64": lambda s, b, h, q, kv: s.double(),
    "float64_to_half": lambda s, b, h, q, kv: (s.double() * 1.0001).half().float(),
    "half_to_bfloat16": lambda s, b, h, q, kv: s.half().bfloat16().float(),
    "half_result": lambda s, b, h, q, kv: s.half(),
    "type_as": lambda s, b, h, q, kv: q.type_as(s) + s,
    "bitcast": lambda s, b, h, q, kv: (s.view(torch.int32) >> 23).float(),
    "bitcast_back": lambda s, b, h, q, kv: (s.view(torch.int32) & 0x7FFFFFFF).view(torch.float32),
})  # fmt: skip
_index_cases("cast", {
    "int_to_half": lambda s, b, h, q, kv: (q * 100).half().float(),
    "int_to_bool": lambda s, b, h, q, kv: h.bool().float(),
    "int_to_int8": lambda s, b, h, q, kv: (q - kv).to(torch.int8).float(),
    "int_to_uint8": lambda s, b, h, q, kv: (q - kv).to(torch.uint8).float(),
    "int8_to_int32": lambda s, b, h, q, kv: (q - kv).to(torch.int8).int().float(),
    "uint8_to_int32": lambda s, b, h, q, kv: (q - kv).to(torch.uint8).int().float(),
    "uint8_as_int8": lambda s, b, h, q, kv: (q - kv).to(torch.uint8).to(torch.int8).float(),
    "int64_to_int32": lambda s, b, h, q, kv: (q.long() * 2**31 + kv).int().float(),
    "bool_to_int": lambda s, b, h, q, kv: (q > kv).int().float(),
    "bool_to_half": lambda s, b, h, q, kv: (q > kv).half().float(),
})  # fmt: skip
_case("cast", "beyond_int32", lambda s, b, h, q, kv: (s * 1e10 * (q - kv)).int().float(),
      lambda s, b, h, q, kv: (s * 1e10 * (q - kv)).clamp(-(2.0**31), 2.0**31))  # fmt: skip
_case("cast", "nan_to_int", lambda s, b, h, q, kv: (s * NAN).int().float(),
      lambda s, b, h, q, kv: s * 0)  # fmt: skip

_UNARY = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh "
    "atanh sqrt rsqrt erf erfc sigmoid logit sinc"
).split()
# Beyond these, f32 argument reduction and the tails of erfc differ between libraries.
_MODERATE = [s for s in SCORES if not math.isfinite(s) or abs(s) <= 88.0]
_float_cases("math", 4e-6, {
    name: (lambda s, b, h, q, kv, name=name: getattr(torch, name)(s)) for name in _UNARY
}, _MODERATE)  # fmt: skip
_float_cases("math", 4e-6, {
    "atan2": lambda s, b, h, q, kv: torch.atan2(s, q - kv),
    "atan2_reversed": lambda s, b, h, q, kv: torch.atan2(q - kv, s),
    "logaddexp": lambda s, b, h, q, kv: torch.logaddexp(s, q.float()),
    "xlogy": lambda s, b, h, q, kv: torch.xlogy(s, q + 1),
}, _MODERATE)  # fmt: skip
_index_cases("math", {
    "int_exp": lambda s, b, h, q, kv: torch.exp(-h),
    "int_sqrt": lambda s, b, h, q, kv: torch.sqrt(q),
    "bool_exp": lambda s, b, h, q, kv: torch.exp(q > kv),
    "int_sigmoid": lambda s, b, h, q, kv: torch.sigmoid(q - kv),
    "int_log1p": lambda s, b, h, q, kv: torch.log1p((q - kv).abs()),
}, 4e-6)  # fmt: skip

_float_cases("activation", 4e-6, {
    "relu": lambda s, b, h, q, kv: F.relu(s),
    "relu6": lambda s, b, h, q, kv: F.relu6(s),
    "leaky_relu": lambda s, b, h, q, kv: F.leaky_relu(s, 0.1),
    "elu": lambda s, b, h, q, kv: F.elu(s, 0.5),
    "selu": lambda s, b, h, q, kv: F.selu(s),
    "celu": lambda s, b, h, q, kv: F.celu(s, 0.5),
    "silu": lambda s, b, h, q, kv: F.silu(s),
    "mish": lambda s, b, h, q, kv: F.mish(s),
    "softplus": lambda s, b, h, q, kv: F.softplus(s),
    "softplus_beta": lambda s, b, h, q, kv: F.softplus(s, beta=2.0, threshold=10.0),
    "log_sigmoid": lambda s, b, h, q, kv: F.logsigmoid(s),
    "hardtanh": lambda s, b, h, q, kv: F.hardtanh(s),
    "hardswish": lambda s, b, h, q, kv: F.hardswish(s),
    "hardsigmoid": lambda s, b, h, q, kv: F.hardsigmoid(s),
    "softsign": lambda s, b, h, q, kv: F.softsign(s),
    "softshrink": lambda s, b, h, q, kv: F.softshrink(s),
    "hardshrink": lambda s, b, h, q, kv: F.hardshrink(s),
    "threshold": lambda s, b, h, q, kv: F.threshold(s, 0.1, 20.0),
    "soft_cap": lambda s, b, h, q, kv: 20.0 * torch.tanh(s / 20.0),
}, _MODERATE)  # fmt: skip
# Eager torch has few digits left of the tails, which the kernels keep: fp64, and none far out.
for _name, _form in (("gelu", "none"), ("gelu_tanh", "tanh")):
    CASES.append(OpCase(
        "activation", _name, lambda s, b, h, q, kv, form=_form: F.gelu(s, approximate=form), 1e-5,
        tuple(s for s in _MODERATE if s != -7.25), expected=lambda s, b, h, q, kv,
        form=_form: F.gelu(s.double(), approximate=form),
    ))  # fmt: skip
_index_cases("activation", {"int_relu": lambda s, b, h, q, kv: F.relu(q - kv).float()})

_HALF = [s for s in FINITE_SCORES if abs(s) < 100] + [INF, -INF, NAN]
_float_cases("half", 0.0, {
    "f16_add": _f16(lambda x: x + 0.125),
    "f16_mul": _f16(lambda x: x * x),
    "f16_sub": _f16(lambda x: 1 - x),
    "f16_div": _f16(lambda x: x / 3),
    "f16_neg": _f16(lambda x: -x),
    "f16_max": _f16(lambda x: torch.maximum(x, x * 2)),
    "f16_relu": _f16(F.relu),
    "f16_round": _f16(torch.round),
    "f16_compare": _f16(lambda x: x > 0.25),
    "f16_where": _f16(lambda x: torch.where(x > 0, x, x.new_full((), 0.1))),
    "f16_plus_f32": lambda s, b, h, q, kv: s.half() + s,
    "f16_plus_int": _f16(lambda x: x + torch.tensor(3)),
    "f16_plus_bf16": lambda s, b, h, q, kv: s.half() + s.bfloat16(),
    "bf16_add": _bf16(lambda x: x + 0.125),
    "bf16_mul": _bf16(lambda x: x * x),
    "bf16_div": _bf16(lambda x: x / 3),
    "bf16_abs": _bf16(torch.abs),
}, _HALF)  # fmt: skip
_float_cases("half", 1e-3, {
    "f16_exp": _f16(torch.exp),
    "f16_sigmoid": _f16(torch.sigmoid),
    "f16_sqrt": _f16(torch.sqrt),
}, _HALF)  # fmt: skip
_float_cases("half", 8e-3, {
    "bf16_tanh": _bf16(torch.tanh),
    "bf16_silu": _bf16(F.silu),
}, _HALF)  # fmt: skip
_float_cases("double", 1e-7, {
    "f64_add": _f64(lambda x: x + 0.1),
    "f64_div": _f64(lambda x: x / 3),
    "f64_exp": _f64(torch.exp),
    "f64_floor_div": _f64(lambda x: x // 0.3),
    "f64_to_int": _f64(lambda x: torch.nan_to_num(x, 0.0, 1.0, 1.0).clamp(-1e9, 1e9).long()),
    "f64_signbit": _f64(torch.signbit),
}, _HALF)  # fmt: skip

_float_cases("constant", 0.0, {
    "tensor": lambda s, b, h, q, kv: s + torch.tensor(2.5),
    "tensor_int": lambda s, b, h, q, kv: s + torch.tensor(2),
    "scalar_tensor": lambda s, b, h, q, kv: s + torch.scalar_tensor(1.5),
    "full": lambda s, b, h, q, kv: s + torch.full((), 1.5),
    "full_like": lambda s, b, h, q, kv: s + torch.full_like(s, 3),
    "zeros_like": lambda s, b, h, q, kv: torch.maximum(torch.zeros_like(s), s),
    "ones_like": lambda s, b, h, q, kv: s + torch.ones_like(q),
    "new_zeros": lambda s, b, h, q, kv: s + s.new_zeros(()),
    "new_ones": lambda s, b, h, q, kv: s + q.new_ones(()),
    "new_tensor": lambda s, b, h, q, kv: s + s.new_tensor(0.1),
    "number": lambda s, b, h, q, kv: 2.5,
    "whole_number": lambda s, b, h, q, kv: 3,
    "infinity": lambda s, b, h, q, kv: torch.minimum(s, s.new_full((), INF)),
})  # fmt: skip

_float_cases("shape", 0.0, {
    "clone": lambda s, b, h, q, kv: s.clone(),
    "detach": lambda s, b, h, q, kv: s.detach(),
    "contiguous": lambda s, b, h, q, kv: s.contiguous(),
    "view": lambda s, b, h, q, kv: s.view(()),
    "reshape": lambda s, b, h, q, kv: s.reshape(()),
    "squeeze": lambda s, b, h, q, kv: s.squeeze(),
})  # fmt: skip
