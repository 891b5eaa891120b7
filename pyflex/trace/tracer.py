"""Runs a mod once on traced values and closes its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

import torch

from pyflex.errors import (
    ModArityError,
    ModOperandError,
    ModResultError,
    PyflexError,
    SourceLine,
    definition_line,
    name_of,
    raising_line,
)
from pyflex.trace.builder import MLIR_TYPES, Value
from pyflex.trace.captures import CaptureView, describe
from pyflex.trace.casts import cast
from pyflex.trace.dispatch import DispatchMode, FunctionMode
from pyflex.trace.program import ModKind, TracedMod
from pyflex.trace.state import Trace
from pyflex.trace.values import TracedScalar, TracedTensor, TracedView

# The arguments of each kind: (name in the function, torch's name, dtype, index variable).
_INDICES: Final = (
    ("%b", "b", torch.int32, "b"),
    ("%h", "h", torch.int32, "h"),
    ("%q", "q_idx", torch.int32, "q"),
    ("%kv", "kv_idx", torch.int32, "kv"),
)
_ARGUMENTS: Final = {
    "score_mod": (("%score", "score", torch.float32, None), *_INDICES),
    "mask_mod": _INDICES,
}


def trace_score_mod(
    fn: Callable[..., Any] | None,
    device: torch.device | str,
    mask_fn: Callable[..., Any] | None = None,
) -> TracedMod:
    """Traces `fn(score, b, h, q_idx, kv_idx)`, which gives the new score as a 0-d float.

    score is f32 and the rest i32, all 0-d; captured tensors must be on `device`. Where a `mask_fn`
    is False the score is -inf; fn may be None then, and the score as it is elsewhere. Raises a
    TraceError that names the user's line.
    """
    origin = definition_line(fn if fn is not None else mask_fn)
    # This frame ends the search for the user's line.
    trace = Trace(torch.device(device), trace_score_mod.__code__, origin)
    build, arguments = trace.builder, _arguments(trace, "score_mod")
    if fn is None and mask_fn is not None:
        value = trace.own(arguments[0]).value
    else:
        value = _nan_unless(trace, _run(trace, fn, "score_mod", arguments))
    if mask_fn is not None:
        shown = _run(trace, mask_fn, "mask_mod", arguments[1:])
        value = build.select(shown, value, build.constant(float("-inf"), torch.float32))
        value = _nan_unless(trace, value)
    return _close(trace, "score_mod", [value], origin)


def trace_mask_mod(fn: Callable[..., Any], device: torch.device | str) -> TracedMod:
    """Traces `fn(b, h, q_idx, kv_idx)`, which says as a 0-d bool whether to keep the score.

    The arguments are i32 and 0-d; captured tensors must be on `device`. Raises a TraceError that
    names the user's line.
    """
    origin = definition_line(fn)
    trace = Trace(torch.device(device), trace_mask_mod.__code__, origin)
    value = _run(trace, fn, "mask_mod", _arguments(trace, "mask_mod"))
    in_bounds = trace.captures.take_in_bounds()
    results = [value] if in_bounds is None else [value, in_bounds]
    return _close(trace, "mask_mod", results, origin)


def _arguments(trace: Trace, kind: ModKind) -> list[torch.Tensor]:
    names = _ARGUMENTS[kind]
    return [trace.scalar(Value(name, dtype, variable)) for name, _, dtype, variable in names]


def _nan_unless(trace: Trace, value: Value) -> Value:
    """NaN in place of a score where an index that it came by was out of range."""
    in_bounds = trace.captures.take_in_bounds()
    if in_bounds is None:
        return value
    nan = trace.builder.constant(float("nan"), torch.float32)
    return trace.builder.select(in_bounds, value, nan)


def _run(trace: Trace, fn: Any, kind: ModKind, arguments: list[torch.Tensor]) -> Value:
    """What a mod gives for these arguments."""
    origin = definition_line(fn)
    _check_arity(fn, kind, origin)
    # Neither inference mode nor autocast may change which ops the dispatch mode sees.
    with (
        torch.inference_mode(False),
        torch.no_grad(),
        torch._C._DisableAutocast(),
        DispatchMode(trace),
        FunctionMode(trace),
    ):
        try:
            result = fn(*arguments)
        except (AttributeError, NotImplementedError, TypeError) as error:
            _check_called(error, fn, kind)
            if (text := _told_of_tensors(error)) is None:
                raise
            raise ModOperandError(
                f"a {kind} does what cannot be done with one score or index",
                expected="operators and torch functions of 0-d tensors and numbers",
                got=text,
                at=raising_line(error) or origin,
            ) from error
        except RuntimeError as error:
            if isinstance(error, PyflexError) or trace.refusal is None:
                raise
            raise trace.refusal from error
    return _result_value(trace, kind, result, origin)


def _check_called(error: Exception, fn: Any, kind: ModKind) -> None:
    """Raises ModArityError where a function without a line of Python refuses its arguments."""
    if isinstance(error, PyflexError) or raising_line(error) is not None:
        return
    told, expected = _told_of_tensors(error) or error, _signature(kind)
    raise ModArityError(
        f"a {kind} cannot be called with its arguments: {told}", expected=expected, got=name_of(fn)
    ) from None


def _told_of_tensors(error: Exception) -> str | None:
    """What Python or torch says of a traced value's type, with the name that users know it by.

    None for an error of another origin, which is the mod's own.
    """
    text = str(error)
    told = text
    for cls in (TracedScalar, TracedView):
        # torch puts exclamation marks around what it does not take.
        told = told.replace(f"!{cls.__name__}!", "Tensor").replace(cls.__name__, "Tensor")
    return None if isinstance(error, PyflexError) or told == text else told


def _check_arity(fn: Any, kind: ModKind, origin: SourceLine | None) -> None:
    names, expected = [name for _, name, _, _ in _ARGUMENTS[kind]], _signature(kind)
    if not callable(fn):
        raise ModArityError(
            f"a {kind} must be callable", expected=expected, got=type(fn).__name__, at=origin
        )
    target: Any = fn.forward if isinstance(fn, torch.nn.Module) else fn
    if not inspect.isroutine(target) and not isinstance(target, (partial, type)):
        target = target.__call__  # which may be a static method
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):  # a builtin that does not tell
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        raise ModArityError(
            f"a {kind} cannot be called with {len(names)} arguments: {error}",
            expected=expected,
            got=f"{name_of(fn)}{signature}",
            at=origin,
        ) from None


def _signature(kind: ModKind) -> str:
    return f"{kind}({', '.join(name for _, name, _, _ in _ARGUMENTS[kind])})"


def _result_value(trace: Trace, kind: ModKind, result: Any, origin: SourceLine | None) -> Value:
    expected = "one 0-d float" if kind == "score_mod" else "one 0-d bool"

    def refuse(problem: str, got: object) -> ModResultError:
        return ModResultError(f"a {kind} gives {problem}", expected=expected, got=got, at=origin)

    if kind == "score_mod" and type(result) in (float, int):
        return trace.builder.constant(result, torch.float32)
    if kind == "mask_mod" and type(result) is bool:
        return trace.builder.constant(result, torch.bool)
    if result is None:
        raise refuse("nothing; is a return missing?", "None")
    if not isinstance(result, torch.Tensor):
        raise refuse("the wrong type", type(result))
    if result.ndim > 0:
        raise refuse("a whole tensor", describe(result))
    if kind == "score_mod" and not result.is_floating_point():
        raise refuse("the wrong dtype; add .float()", result.dtype)
    if kind == "mask_mod" and result.dtype is not torch.bool:
        raise refuse("the wrong dtype; compare it, or add .bool()", result.dtype)
    if isinstance(result, TracedTensor):
        value = trace.own(result).value
    else:
        value = trace.captures.load(CaptureView.of(result))
    return cast(trace.builder, value, torch.float32) if kind == "score_mod" else value


def _close(
    trace: Trace, kind: ModKind, results: list[Value], origin: SourceLine | None
) -> TracedMod:
    build = trace.builder
    parameters = trace.captures.parameters
    arguments = [f"{name}: {MLIR_TYPES[dtype]}" for name, _, dtype, _ in _ARGUMENTS[kind]]
    arguments += [f"{parameter.name}: {parameter.type}" for parameter in parameters]
    types = ", ".join(result.type for result in results)
    result_types = types if len(results) == 1 else f"({types})"
    head = f"tt.func private @{kind}({', '.join(arguments)}) -> {result_types} {{"
    returned = f"tt.return {', '.join(result.name for result in results)} : {types}"

    body = [*build.body, (returned, origin)]
    text = "\n".join(
        [head, *(f"  {line}{_location(at)}" for line, at in body), f"}}{_location(origin)}", ""]
    )
    return TracedMod(
        kind=kind,
        text=text,
        key="\n".join([head, *(f"  {line}" for line, _ in body), "}", ""]),
        parameters=parameters,
        captures=tuple(trace.captures.tensors),
        host_checks=trace.captures.host_checks,
        result_count=len(results),
        origins=tuple(at for _, at in build.body),
    )


def _location(at: SourceLine | None) -> str:
    if at is None:
        return ""
    return f" loc({_quoted(at.file)}:{at.line}:{at.column})"


@cache
def _quoted(text: str) -> str:
    """An MLIR string: ASCII that needs no escape, and hex for every other byte."""
    parts = (
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\{byte:02X}"
        for byte in text.encode(errors="surrogateescape")
    )
    return f'"{"".join(parts)}"'
