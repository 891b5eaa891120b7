"""The compiler, reached through its shared library: passes, and kernels for the CPU.

To the passes everything crosses as text: a module and a pipeline in, a module and diagnostics out.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pyflex.errors import CompilerError, SourceLine
from pyflex.library import SLOTS, shared_library
from pyflex.steps import step

_SNAPSHOTS, _GENERIC, _DEBUG_INFO = 1, 2, 4
_SEVERITIES = ("note", "remark", "warning", "error")


@dataclass(frozen=True)
class Diagnostic:
    """One message of the compiler; `line` and `column` count from 1, 0 where unknown."""

    severity: str
    message: str
    file: str
    line: int
    column: int
    notes: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        own = f"{place}{self.severity}: {self.message}"
        return "\n".join([own, *(f"  {note}" for note in self.notes)])


class DiagnosedError(CompilerError):
    """The compiler refused a module or a pipeline; `diagnostics` says why."""

    def __init__(self, doing: str, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        reasons = "\n".join(map(str, diagnostics)) or "no diagnostic was given"
        super().__init__(f"{doing}:\n{reasons}", at=_user_line(diagnostics))


class Snapshot(NamedTuple):
    """The module after one pass, named by its argument, such as "canonicalize"."""

    name: str
    text: str


@dataclass(frozen=True)
class PipelineResult:
    """A module after a pipeline and, where asked for, after each pass."""

    text: str
    snapshots: tuple[Snapshot, ...]


class CpuKernel:
    """A kernel compiled for this machine's CPU."""

    def __init__(self, handle: int) -> None:
        library = shared_library()
        self._handle = handle
        self._launch = library.pyflex_jit_launch
        self._finalizer = weakref.finalize(self, library.pyflex_jit_free, handle)
        self._finalizer.atexit = False  # a daemon thread may still run it
        types: bytes = library.pyflex_jit_argument_types(handle)
        self.argument_types = tuple(types.decode().split(",")) if types else ()
        self._slots = struct.Struct("=" + "".join(SLOTS[name] for name in self.argument_types))

    def launch(
        self,
        grid: tuple[int, int, int],
        args: Sequence[int | float],
        *,
        threads: int = 0,
        cluster: int = 1,
        cluster_bytes: int = 0,
    ) -> None:
        """Runs every program of the grid and returns when all are done.

        Args:
            grid: programs along x, y and z.
            args: the kernel's arguments in order; a pointer is an address. The memory it means
                must stay alive during the call and be as large as the kernel expects.
            threads: how many to run on; 0 for one each core.
            cluster: programs next to each other along y that run together; y is a multiple of it.
            cluster_bytes: what each of these has for the others to read.

        Raises:
            TypeError: if the number of arguments, or one's type or range, is not the kernel's.
        """
        try:
            slots = self._slots.pack(*args)
        except struct.error as error:
            expected = ", ".join(self.argument_types)
            raise TypeError(f"expected arguments ({expected}), got {tuple(args)}") from error
        self._launch(self._handle, slots, *grid, threads, cluster, cluster_bytes)


def run_pipeline(
    source: str,
    pipeline: str,
    *,
    snapshots: bool = False,
    generic: bool = False,
    debug_info: bool = False,
) -> PipelineResult:
    """Parses a module, runs passes on it and prints it.

    Args:
        source: a module in MLIR's text form.
        pipeline: passes and pipelines, such as "flex-decode-pipeline{split-kv=false},cse".
        snapshots: keep the module after each pass.
        generic: print MLIR's generic form.
        debug_info: print source locations.

    Raises:
        CompilerError: if the module or the pipeline is not valid, or a pass refuses the module.
        CompilerLibraryError: if the library is missing or of another version.
    """
    library = shared_library()
    flags = _SNAPSHOTS * snapshots + _GENERIC * generic + _DEBUG_INFO * debug_info
    result = library.pyflex_run(source.encode(), pipeline.encode(), flags)
    try:
        if not library.pyflex_result_ok(result):
            raise DiagnosedError("the compiler refused the module", _diagnostics(library, result))
        text: bytes = library.pyflex_result_text(result)
        return PipelineResult(text.decode(), _snapshots(library, result))
    finally:
        library.pyflex_result_free(result)


def jit(ttir: str) -> CpuKernel:
    """Compiles the one public tt.func of a module for this machine's CPU.

    Raises:
        CompilerError: if the module is not valid or has an op without a CPU lowering.
        CompilerLibraryError: if the library is missing or of another version.
    """
    library = shared_library()
    result = ctypes.c_void_p()
    with step("jit"):
        handle: int | None = library.pyflex_jit(ttir.encode(), ctypes.byref(result))
    try:
        if handle is None:
            diagnostics = _diagnostics(library, result)
            raise DiagnosedError("the kernel cannot be compiled for the CPU", diagnostics)
    finally:
        library.pyflex_result_free(result)
    return CpuKernel(handle)


def _diagnostics(library: ctypes.CDLL, result: object) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for index in range(library.pyflex_result_num_diagnostics(result)):
        raw = library.pyflex_result_diagnostic(result, index)
        severity, file = _SEVERITIES[raw.severity], raw.file.decode()
        one = Diagnostic(severity, raw.message.decode(), file, raw.line, raw.column)
        if severity == "note" and found:
            last = found.pop()
            one = replace(last, notes=(*last.notes, one))
        found.append(one)
    return found


def _snapshots(library: ctypes.CDLL, result: object) -> tuple[Snapshot, ...]:
    raw = (
        library.pyflex_result_snapshot(result, index)
        for index in range(library.pyflex_result_num_snapshots(result))
    )
    return tuple(Snapshot(one.name.decode(), one.text.decode()) for one in raw)


def _user_line(diagnostics: Sequence[Diagnostic]) -> SourceLine | None:
    """The first place that is a file of the user's, not the module's text."""
    for one in diagnostics:
        if one.file.endswith(".py"):
            return SourceLine(one.file, one.line, one.column)
    return None
