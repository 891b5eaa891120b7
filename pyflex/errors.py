"""Every kind of mistake a user can make with pyflex, one exception class each.

A message has up to four parts: what is wrong, what was expected, what was given, and the user's
own source line. The classes also derive from the builtin that Python programmers would catch.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import Any


@dataclass(frozen=True)
class SourceLine:
    """A place in the user's code; `column` counts from 1, 0 where Python does not know it."""

    file: str
    line: int
    column: int = 0

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the source cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}\n    {self.text}" if self.text else place


def user_line(boundary: CodeType | None = None) -> SourceLine | None:
    """The innermost running line outside torch and pyflex, or None.

    The search stops at a frame that runs `boundary`, so that a function of torch's own is not
    blamed on whoever called pyflex.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not boundary:
        if (line := _line_in(frame, frame.f_lineno, frame.f_lasti)) is not None:
            return line
        frame = frame.f_back
    return None


def raising_line(error: BaseException) -> SourceLine | None:
    """The innermost line outside torch and pyflex that `error` came through, or None."""
    found = None
    step: TracebackType | None = error.__traceback__
    while step is not None:
        found = _line_in(step.tb_frame, step.tb_lineno, step.tb_lasti) or found
        step = step.tb_next
    return found


def definition_line(fn: object) -> SourceLine | None:
    """Where `fn` (a function, method, partial, module or callable object) is defined, or None."""
    for _ in range(16):  # partials of bound methods of objects: a short chain, or a cycle
        code = getattr(fn, "__code__", None)
        if isinstance(code, CodeType):
            return SourceLine(code.co_filename, code.co_firstlineno)
        for name in ("func", "__func__", "forward", "__call__"):
            if (inner := getattr(fn, name, None)) is not None and inner is not fn:
                fn = inner
                break
        else:
            return None
    return None


def name_of(fn: object) -> str:
    """What `fn` is called; a partial by what it is one of, an object by its class."""
    if isinstance(fn, partial):
        return f"partial of {name_of(fn.func)}"
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return name


def _line_in(frame: FrameType, line: int, instruction: int) -> SourceLine | None:
    """That place, or None in a frame of torch's or of pyflex's."""
    if _is_library(str(frame.f_globals.get("__name__"))):
        return None
    code = frame.f_code
    return SourceLine(code.co_filename, line, _column(code, instruction))


def _is_library(module: str) -> bool:
    return module in ("torch", "pyflex") or module.startswith(("torch.", "pyflex."))


@lru_cache(maxsize=4096)
def _column(code: CodeType, instruction: int) -> int:
    if sys.version_info < (3, 11):
        return 0
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    return 0 if position is None or position[2] is None else position[2] + 1


def in_parts(message: str, expected: object, got: object, *places: SourceLine | None) -> str:
    """What is wrong, with the other parts that there are, each on a line of its own."""
    parts = [message]
    if expected is not None:
        parts.append(f"  expected: {expected}")
    if got is not None:
        parts.append(f"  got: {_text(got)}")
    parts += [f"  at {place}" for place in places if place is not None]
    return "\n".join(parts)


class PyflexError(Exception):
    """Base of every error that pyflex raises for a user's mistake.

    `at` is the user's line; left out, it is the innermost running line outside torch and pyflex.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: object = None,
        got: object = None,
        at: SourceLine | None = None,
    ) -> None:
        self.message = message
        self.expected = expected
        self.got = got
        self.at = at if at is not None else user_line()
        super().__init__(in_parts(message, expected, got, self.at))

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, also in another process, says the same and points at the same line."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(cls: type[PyflexError], args: tuple[Any, ...], state: dict[str, Any]) -> PyflexError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


def literal(value: object) -> str:
    """A value as code writes it, for `got`."""
    return _text(value, repr)


def _text(value: object, write: Callable[[object], str] = str) -> str:
    try:
        return write(value)
    except ValueError:  # Python writes no int of many digits
        return f"{type(value).__name__} of too many digits to write"


# Raised while a mod is traced. What an op can raise is no TypeError: torch's operators take that as
# "not my operand", and Python then tries another way, or says something else.


class TraceError(PyflexError):
    """Base of what can go wrong while a score_mod or mask_mod is traced."""


class UnsupportedOpError(TraceError, NotImplementedError):
    """A torch op that has no meaning for one score, or none for these dtypes; `op` names it."""

    def __init__(
        self,
        op: str,
        reason: str = "has no lowering",
        *,
        expected: object = None,
        got: object = None,
        at: SourceLine | None = None,
    ) -> None:
        self.op = op
        super().__init__(f"{op} {reason}", expected=expected, got=got, at=at)


class DataDependentControlFlowError(TraceError, RuntimeError):
    """Python asked for the value of a traced or captured tensor: `if`, `while`, int(), item()."""


class MutationError(TraceError, RuntimeError):
    """An in-place change of a traced value or a captured tensor."""


class LeakedValueError(TraceError, RuntimeError):
    """A traced value was kept and used after its trace had ended."""


class ModArityError(TraceError, TypeError):
    """A mod that cannot be called with the arguments of its kind."""


class ModSizeError(TraceError, ValueError):
    """A mod of so many operations that no compiler takes it in reasonable time."""


class ModResultError(TraceError, TypeError):
    """A mod whose result is not one float (score_mod) or one bool (mask_mod)."""


class ModOperandError(TraceError, TypeError):
    """An operator or torch function in a mod that takes no such operands; no such attribute."""


class IndexRankError(TraceError, IndexError):
    """More indices than the captured tensor has dimensions."""


class IndexDTypeError(TraceError, IndexError):
    """An index that is not a signed integer."""


class CaptureIndexError(TraceError, IndexError):
    """An index outside a captured tensor's extent."""


class CaptureDeviceError(TraceError, ValueError):
    """A captured tensor on another device than the kernel's."""


class CaptureDtypeError(TraceError, ValueError):
    """A captured tensor of a dtype or layout that a kernel cannot read."""


class WholeTensorOpError(TraceError, ValueError):
    """An op on a captured tensor that still has dimensions: index first."""


class ConstantRangeError(TraceError, OverflowError):
    """A Python number outside the range of the dtype it would take: in a mod, or `scale`."""


# Raised when a kernel is compiled or called.


class ShapeError(PyflexError, ValueError):
    """A tensor of the wrong rank or extents, or a length, position or index out of range."""


class DTypeError(PyflexError, TypeError):
    """A wrong dtype, dtypes that do not go together, or an input or flag of the wrong type."""


class LayoutError(PyflexError, ValueError):
    """A tensor whose elements do not lie in memory as its strides say.

    Or one that something records instead of running: torch.export, make_fx, jit.trace, vmap.
    """


class DeviceError(PyflexError, ValueError):
    """Tensors on different devices, or on one that pyflex does not serve."""


class HeadCountError(ShapeError):
    """Query heads that are no multiple of the KV heads; unequal ones without `enable_gqa`."""


class BlockMaskError(PyflexError, ValueError):
    """A BlockMask that does not fit the call: too small, another device, damaged tensors."""


class GradientError(PyflexError, ValueError):
    """An input or captured tensor that requires a gradient, or carries a forward-mode derivative.

    Decode attention has no derivatives.
    """


class ScheduleError(PyflexError, ValueError):
    """An option or argument that is unknown, does not fit the problem, or excludes another.

    Also where options or a request for results are of another type.
    """


class TargetError(PyflexError, ValueError):
    """A device or architecture that the compiler cannot generate code for."""


class CompilerLibraryError(PyflexError, ImportError):
    """The compiler's shared library is missing, too old or cannot be loaded."""


class CompilerError(PyflexError, RuntimeError):
    """The compiler refused a module; the message carries its diagnostics."""


class RecompileWarning(UserWarning):
    """Mods that became another kernel again and again: Python values that they read change."""
