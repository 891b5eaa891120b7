"""An exhaustive sweep of schedules for given inputs, beside the model that needs none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask

from pyflex.blocks import read_block_mask
from pyflex.decode import Decode
from pyflex.errors import DeviceError, PyflexError, ScheduleError
from pyflex.kernel import KernelSpec
from pyflex.lowered import lowered_for
from pyflex.options import Options
from pyflex.places import Schedule
from pyflex.plan import Results
from pyflex.run import runner_for
from pyflex.timing import TURN, capture, replay

_KEYS = (16, 32, 64, 128, 256)
#: Bytes of K and V in a tile: smaller ones cost more steps, larger ones leave no room for stages.
_TILE_BYTES = (8 * 1024, 96 * 1024)
_WARPS = (2, 4, 8)
_STAGES = (2, 3, 4)
_SPLITS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
#: Programs on each multiprocessor that a split may bring, whatever number of parts that takes.
_FILLING = (1, 2, 3, 4)
#: Programs on a multiprocessor, over the whole run, past which a finer split gains nothing.
_MOST_WAVES = 32

#: Every candidate is timed once, those that are not hopeless a few times more, the best often; each
#: time after a replay that does not count, whose code comes from memory.
_HOPELESS, _QUICK, _PRECISE, _FINALISTS = 1.5, 3, 20, 8

#: Norm of the difference of two results over that of the result, by what rounding explains.
_TOLERANCE = {torch.float32: 1e-4, torch.float16: 4e-3, torch.bfloat16: 3e-2}
_TF32_TOLERANCE = 4e-3


@dataclass(frozen=True)
class Trial:
    """One candidate.

    Attributes:
        options: the candidate.
        us: its time in microseconds; None where it cannot be used.
        reason: why it cannot be used.
        precise: whether it was among the best, which are timed more often.
        resident: programs of its kernel that fit a multiprocessor at the same time.
    """

    options: Options
    us: float | None
    reason: str | None = None
    precise: bool = False
    resident: int | None = None


@dataclass(frozen=True)
class Tuned:
    """What a sweep found.

    Attributes:
        options: the fastest; the given Decode's own where nothing is faster.
        table: every candidate, the given Decode's own options first.
        schedule: what the model chose for the given Decode's kernel.
        default_us: time of the given Decode.
        best_us: time of `options`, from the same passes.
    """

    options: Options
    table: tuple[Trial, ...] = field(repr=False)
    schedule: Schedule
    default_us: float
    best_us: float

    @property
    def regret(self) -> float:
        """How much longer the given Decode takes than the best candidate: 0.03 is 3%."""
        return self.default_us / self.best_us - 1


def tune(
    decode: Decode,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    q_offset: int | torch.Tensor | None = None,
    kv_len: int | torch.Tensor | None = None,
    return_lse: bool = False,
    candidates: Sequence[Options] | None = None,
) -> Tuned:
    """Times many schedules for these inputs; the arguments are those of a call of `decode`.

    What `decode.options` fixes stays fixed. A candidate that cannot run, or gives another result
    than `decode` does, is listed with its reason and never chosen.

    Args:
        decode: what `pyflex.compile` gave.
        query: [B, Hq, M, D] on a GPU.
        key: [B or 1, Hkv, N, D].
        value: [B or 1, Hkv, N, Dv].
        block_mask: as in a call.
        scale: as in a call.
        q_offset: as in a call.
        kv_len: as in a call.
        return_lse: as in a call.
        candidates: the schedules to try; by default tiles of 16 to 256 keys (8 to 96 KB of K and V)
            on 2, 4 or 8 warps in 2 to 4 stages, in up to 64 parts or as many as fill the GPU one to
            four times, with the rows of the model.

    Returns:
        `Tuned`; `decode.with_options(tuned.options)` has the best kernel for calls like these: the
        number of parts is fixed, too, whatever batch and length later calls have.

    Raises:
        DeviceError: for tensors that are not on a GPU.
        ScheduleError: for candidates that are no `Options`, or change what `decode.options` fixes.
        PyflexError: what the call of `decode` itself raises.

    Example:
        >>> tuned = pyflex.tune(decode, query, key, value, q_offset=3000)
        >>> fastest = decode.with_options(tuned.options)
    """
    if not isinstance(decode, Decode):
        raise ScheduleError(
            "nothing to tune", expected="what pyflex.compile gave", got=type(decode).__name__
        )
    for options in [] if candidates is None else _checked(candidates):
        _check_fixed(decode.options, options)
    arguments = (query, key, value, block_mask, scale, q_offset, kv_len)
    if isinstance(query, torch.Tensor) and not query.is_cuda:
        raise DeviceError("only a GPU's schedule can be tuned", expected="cuda", got=query.device)
    expected = decode.run(*arguments, lse=return_lse)
    if candidates is None:
        candidates = _candidates(decode.options, query, key, value, block_mask, kv_len)
    with torch.cuda.device(query.device):
        return _sweep(decode, candidates, arguments, expected)


def candidates_for(
    options: Options, *, line_bytes: int, length: int, programs: int, multiprocessors: int
) -> list[Options]:
    """Every schedule that is worth a try, within what `options` fixes.

    Args:
        options: what is fixed.
        line_bytes: bytes of one key and its value.
        length: the most keys that one row sees.
        programs: programs of a grid without a split: batch times KV heads.
        multiprocessors: those of the GPU.
    """
    least, most = _TILE_BYTES
    open_keys = [k for k in _KEYS if least <= k * line_bytes <= most and k < 2 * max(length, 16)]
    programs = max(programs, 1)
    counts = sorted({*_SPLITS, *(multiprocessors * each // programs for each in _FILLING)})
    found = []
    for keys, warps, stages in product(
        [options.keys] if options.keys else open_keys or [_KEYS[0]],
        [options.num_warps] if options.num_warps else _WARPS,
        [options.num_stages] if options.num_stages else _STAGES,
    ):
        most_parts = min(-(-length // keys), _MOST_WAVES * multiprocessors // programs)
        useful = [1]
        if options.enabled("flex-split-kv"):
            useful += [s for s in counts if 1 < s <= most_parts]
        found += [
            replace(options, keys=keys, num_warps=warps, num_stages=stages, splits=splits)
            for splits in ([options.splits] if options.splits else useful)
        ]
    return found


def _candidates(
    options: Options,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    block_mask: BlockMask | None,
    kv_len: int | torch.Tensor | None,
) -> list[Options]:
    length = key.shape[2]
    if kv_len is not None:
        length = min(length, int(kv_len.max()) if isinstance(kv_len, torch.Tensor) else kv_len)
    if block_mask is not None:
        lists = read_block_mask(block_mask)
        length = min(length, lists.most_blocks * lists.kv_block)
    return candidates_for(
        options,
        line_bytes=(key.shape[3] + value.shape[3]) * key.element_size(),
        length=length,
        programs=query.shape[0] * key.shape[1],
        multiprocessors=torch.cuda.get_device_properties(query.device).multi_processor_count,
    )


def _checked(candidates: object) -> Sequence[Options]:
    if not isinstance(candidates, Sequence) or not all(isinstance(c, Options) for c in candidates):
        raise ScheduleError(
            "candidates are no schedules",
            expected="a sequence of pyflex.Options",
            got=repr(candidates),
        )
    return candidates


def _check_fixed(fixed: Options, candidate: Options) -> None:
    for name in ("rows", "keys", "num_warps", "num_stages", "splits"):
        wanted, got = getattr(fixed, name), getattr(candidate, name)
        if wanted is not None and got != wanted:
            raise ScheduleError(
                f"a candidate changes {name}, which the compiled options fix",
                expected=wanted,
                got=got,
            )
    for name in ("precision", "disable_passes"):
        if getattr(fixed, name) != getattr(candidate, name):
            raise ScheduleError(
                f"a candidate has another {name} than the compiled options",
                expected=getattr(fixed, name),
                got=getattr(candidate, name),
            )


def _sweep(
    decode: Decode, candidates: Sequence[Options], arguments: Any, expected: Results
) -> Tuned:
    lse = expected.lse is not None
    variants = {options: decode.with_options(options) for options in dict.fromkeys(candidates)}
    variants.pop(decode.options, None)
    reasons = _prepare(variants, arguments, expected)
    runs = {decode.options: decode, **{o: v for o, v in variants.items() if o not in reasons}}
    # One pool for all: no result is read, and no two graphs run at the same time.
    pool = torch.cuda.graph_pool_handle()
    graphs = {o: _capture(v, arguments, lse, pool) for o, v in runs.items()}
    times = dict(zip(graphs, replay(list(graphs.values()), 1, 1), strict=True))
    hopeful = [options for options in times if times[options] <= _HOPELESS * min(times.values())]
    quick = replay([graphs[options] for options in hopeful], _QUICK, _QUICK)
    times.update(zip(hopeful, quick, strict=True))
    best = sorted(times, key=lambda options: times[options])[:_FINALISTS]
    finalists = list(dict.fromkeys([decode.options, *best]))
    precise = replay([graphs[options] for options in finalists], _PRECISE, TURN)
    times.update(zip(finalists, precise, strict=True))
    device = expected.out.device
    table = tuple(
        Trial(
            options,
            times.get(options),
            reasons.get(options),
            options in finalists,
            _resident(runs[options], device) if options in runs else None,
        )
        for options in (decode.options, *variants)
    )
    winner = min(finalists, key=lambda options: times[options])
    schedule = _spec(decode).schedule
    return Tuned(winner, table, schedule, times[decode.options], times[winner])


def _capture(variant: Decode, arguments: Any, lse: bool, pool: Any) -> torch.cuda.CUDAGraph:
    return capture(partial(variant.run, *arguments, lse=lse), pool, ready=True)


def _spec(decode: Decode) -> KernelSpec:
    assert decode._last is not None, "every Decode in a sweep has been called"
    return decode._last


def _resident(decode: Decode, device: torch.device) -> int:
    return runner_for(lowered_for(_spec(decode)), device).places(0).resident


def _prepare(
    variants: dict[Options, Decode], arguments: Any, expected: Results
) -> dict[Options, str]:
    """Compiles and runs every variant; why some cannot be used.

    Variants that differ in splits alone share their code. One of each code compiles first, many
    at the same time: Triton leaves the interpreter to others for most of its work.
    """
    families: dict[Options, list[Options]] = {}
    for options in variants:
        families.setdefault(replace(options, splits=None), []).append(options)
    # Threads of their own have torch's defaults.
    stream = torch.cuda.current_stream(arguments[0].device)
    inference, grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def run(first: Decode) -> str | None:
        modes = torch.inference_mode(inference)
        with torch.cuda.stream(stream), modes, torch.set_grad_enabled(grad):
            return _outcome(first, arguments, expected)

    with ThreadPoolExecutor(os.cpu_count(), "tune") as pool:
        outcomes = list(pool.map(run, (variants[family[0]] for family in families.values())))
    reasons: dict[Options, str] = {}
    for (first, *others), outcome in zip(families.values(), outcomes, strict=True):
        if outcome is not None:
            reasons[first] = outcome
        if variants[first]._last is None:  # no split of it can be compiled
            reasons.update(dict.fromkeys(others, str(outcome)))
            continue
        for options in others:
            if (reason := _outcome(variants[options], arguments, expected)) is not None:
                reasons[options] = reason
    return reasons


def _outcome(variant: Decode, arguments: Any, expected: Results) -> str | None:
    """Why a variant cannot be used; None where it gives what is expected."""
    lse = expected.lse is not None
    from triton.runtime.errors import TritonError

    try:
        results = variant.run(*arguments, lse=lse)
    except (PyflexError, TritonError, RuntimeError) as error:
        return _say(error)
    tolerance = _TOLERANCE[expected.out.dtype]
    if variant.options.precision == "tf32":
        tolerance = max(tolerance, _TF32_TOLERANCE)
    difference = _difference(results.out, expected.out)
    if results.lse is not None and expected.lse is not None:
        difference = max(difference, _difference(results.lse, expected.lse))
    if difference <= tolerance:
        return None
    return f"gives another result: relative difference {difference:.1e}, allowed {tolerance:.1e}"


def _difference(result: torch.Tensor, expected: torch.Tensor) -> float:
    """Norm of the difference over the norm of `expected`; equal infinities and NaNs count 0."""
    same = (result == expected) | (result.isnan() & expected.isnan())
    wanted = expected.float()
    apart = torch.where(same, 0.0, result.float() - wanted).norm()
    scale = torch.where(wanted.isfinite(), wanted, 0.0).norm()
    return float(apart / scale.clamp_min(1e-30))


def _say(error: Exception) -> str:
    """The error in one line; of pyflex's own, without the line of code it points at."""
    text = str(error).partition("\n")[0]
    if isinstance(error, PyflexError):
        parts = (("expected", error.expected), ("got", error.got))
        text = ", ".join([error.message, *(f"{k} {v}" for k, v in parts if v is not None)])
    return " ".join(f"{type(error).__name__}: {text}".split())
