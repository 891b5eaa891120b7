"""The compiler's shared library, reached through ctypes: passes and kernels.

To the passes everything crosses as text: a module and a pipeline in, a module and diagnostics out.
A GPU's launch, or a repeated call, crosses as one block of bytes.
"""

from __future__ import annotations

import ctypes
import os
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pyflex.errors import CompilerError, CompilerLibraryError, SourceLine

_ABI_VERSION = 7
_NAME = "libpyflex.so"
_SNAPSHOTS, _GENERIC, _DEBUG_INFO = 1, 2, 4
_SEVERITIES = ("note", "remark", "warning", "error")
#: How one argument of a kernel lies in its slot of eight bytes, for `struct`.
SLOTS = {
    "ptr": "Q",
    "i64": "q",
    "i32": "i4x",
    "i16": "h6x",
    "i8": "b7x",
    "i1": "?7x",
    "f64": "d",
    "f32": "f4x",
    "f16": "e6x",
}


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
    handle: int | None = library.pyflex_jit(ttir.encode(), ctypes.byref(result))
    try:
        if handle is None:
            diagnostics = _diagnostics(library, result)
            raise DiagnosedError("the kernel cannot be compiled for the CPU", diagnostics)
    finally:
        library.pyflex_result_free(result)
    return CpuKernel(handle)


@lru_cache(maxsize=1)
def locked_library() -> Any:
    """The functions that read Python's objects, and so run under its lock.

    `pyflex_gpu_call` takes a PyflexGpuCall as bytes.
    """
    shared_library()
    library = ctypes.PyDLL(str(_library_path()))
    call, remember = library.pyflex_gpu_call, library.pyflex_gpu_remember
    call.restype = remember.restype = ctypes.c_int32
    call.argtypes = (ctypes.c_char_p,)
    remember.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    return library


def build_id() -> str:
    """What tells one build of the library from another."""
    named: bytes = shared_library().pyflex_build_id()
    return named.decode() or str(_library_path().stat())


class _Diagnostic(ctypes.Structure):
    _fields_ = (
        ("severity", ctypes.c_int32),
        ("line", ctypes.c_int32),
        ("column", ctypes.c_int32),
        ("message", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
    )


class _Snapshot(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("text", ctypes.c_char_p))


class GpuImage(ctypes.Structure):
    """PyflexGpuImage of the C interface."""

    _fields_ = (
        ("driver", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_char_p),
        ("sizes", ctypes.c_char_p),
        ("num_arguments", ctypes.c_int32),
        ("device", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("shared_bytes", ctypes.c_int32),
        ("cluster_bytes", ctypes.c_int32),
    )


class GpuKind(ctypes.Structure):
    """PyflexGpuKind of the C interface."""

    _fields_ = (
        ("read", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("acquire", ctypes.c_void_p),
        ("kernel", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("listing", ctypes.c_void_p),
        ("arguments", ctypes.c_char_p),
        ("parts", ctypes.POINTER(ctypes.c_uint32)),
        ("guarded", ctypes.POINTER(ctypes.c_void_p)),
        ("remembered", ctypes.POINTER(ctypes.c_uint64)),
        ("query", ctypes.c_int64 * 4),
        ("key", ctypes.c_int64 * 4),
        ("value", ctypes.c_int64 * 4),
        ("most_keys", ctypes.c_int64),
        ("key_line", ctypes.c_int64),
        ("value_line", ctypes.c_int64),
        ("num_arguments", ctypes.c_uint32),
        ("num_parts", ctypes.c_uint32),
        ("num_fixed", ctypes.c_uint32),
        ("tile_keys", ctypes.c_uint32),
        ("programs", ctypes.c_uint32),
        ("overlap", ctypes.c_uint32),
        ("lists", ctypes.c_uint32),
        ("blocks_at_once", ctypes.c_uint32),
        ("device_type", ctypes.c_int32),
        ("device", ctypes.c_int32),
        ("dtype_code", ctypes.c_int32),
        ("dtype_bits", ctypes.c_int32),
        ("offset_bits", ctypes.c_int32),
        ("length_bits", ctypes.c_int32),
        ("aligned", ctypes.c_int32),
        ("lse", ctypes.c_int32),
        ("splits", ctypes.c_int32),
        ("cluster_at", ctypes.c_int32),
        ("cluster_bytes", ctypes.c_uint32),
        ("num_guarded", ctypes.c_uint32),
    )


class _GpuFigures(ctypes.Structure):
    _fields_ = (
        ("registers", ctypes.c_int32),
        ("spilled_bytes", ctypes.c_int32),
        ("programs", ctypes.c_int32),
    )


def _diagnostics(library: ctypes.CDLL, result: object) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for index in range(library.pyflex_result_num_diagnostics(result)):
        raw = library.pyflex_result_diagnostic(result, index)
        severity, file = _SEVERITIES[raw.severity], raw.file.decode()
        one = Diagnostic(severity, raw.message.decode(), file, raw.line, raw.column)
        if severity == "note" and found:
            last = found.pop()
            one = Diagnostic(
                last.severity, last.message, last.file, last.line, last.column, (*last.notes, one)
            )
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


def _library_path() -> Path:
    package = Path(__file__).resolve().parent
    places = [package / "_lib" / _NAME, package.parent / "build" / "lib" / _NAME]
    if named := os.environ.get("PYFLEX_LIBRARY"):
        places = [Path(named)]
    for place in places:
        if place.is_file():
            return place
    raise CompilerLibraryError(
        "the compiler's library is missing; in a checkout, `make build` builds it",
        expected=" or ".join(map(str, places)),
        got="none of these files",
    )


@lru_cache(maxsize=1)
def shared_library() -> ctypes.CDLL:
    """The shared library, loaded at the first call.

    Raises:
        CompilerLibraryError: if it is missing or of another version.
    """
    path = _library_path()
    try:
        library = ctypes.CDLL(str(path))
        version = library.pyflex_abi_version()
    except (OSError, AttributeError) as error:
        raise CompilerLibraryError(f"cannot load {path}: {error}") from error
    if version != _ABI_VERSION:
        raise CompilerLibraryError(
            f"{path} is of another version of pyflex; `make build` builds it anew",
            expected=f"interface {_ABI_VERSION}",
            got=f"interface {version}",
        )
    handle, text, index = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    i32, u32 = ctypes.c_int32, ctypes.c_uint32
    signatures: dict[str, tuple[object, tuple[object, ...]]] = {
        "build_id": (text, ()),
        "result_ok": (i32, (handle,)),
        "result_text": (text, (handle,)),
        "result_num_snapshots": (index, (handle,)),
        "result_snapshot": (_Snapshot, (handle, index)),
        "result_num_diagnostics": (index, (handle,)),
        "result_diagnostic": (_Diagnostic, (handle, index)),
        "result_free": (None, (handle,)),
        "run": (handle, (text, text, i32)),
        "jit": (handle, (text, ctypes.POINTER(handle))),
        "jit_argument_types": (text, (handle,)),
        "jit_launch": (None, (handle, text, i32, i32, i32, u32, i32, u32)),
        "jit_free": (None, (handle,)),
        "gpu_load": (handle, (ctypes.POINTER(GpuImage),)),
        "gpu_figures": (_GpuFigures, (handle,)),
        "gpu_clusters": (i32, (handle, u32)),
        "gpu_launch": (i32, (text,)),
        "gpu_error": (text, ()),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"pyflex_{name}")
        function.restype, function.argtypes = result, arguments
    return library
