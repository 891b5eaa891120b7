"""The compiler's shared library: its C interface, as passes/capi/pyflex.h has it."""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from pyflex.cache import stamp
from pyflex.errors import CompilerLibraryError

_ABI_VERSION = 10
_NAME = "libpyflex.so"
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
        ("combine", ctypes.c_void_p),
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
        ("step_keys", ctypes.c_uint32),
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
        ("splits", ctypes.c_int32),
        ("lse", ctypes.c_int32),
        ("max_scores", ctypes.c_int32),
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


@lru_cache(maxsize=1)
def shared_library() -> ctypes.CDLL:
    """The shared library, loaded at the first call.

    Raises:
        CompilerLibraryError: if it is missing or of another version.
    """
    path = library_path()
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


@lru_cache(maxsize=1)
def locked_library() -> Any:
    """The functions that read Python's objects, and so run under its lock.

    `pyflex_gpu_call` takes a PyflexGpuCall as bytes.
    """
    shared_library()
    library = ctypes.PyDLL(str(library_path()))
    call, remember = library.pyflex_gpu_call, library.pyflex_gpu_remember
    call.restype = remember.restype = ctypes.c_int32
    call.argtypes = (ctypes.c_char_p,)
    remember.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
    return library


def build_id() -> str:
    """What tells one build of the library from another."""
    named: bytes = shared_library().pyflex_build_id()
    return named.decode() or str(stamp(library_path()))


def library_path() -> Path:
    """The file of the library: of a checkout or an installed package, or the one that is named.

    Raises:
        CompilerLibraryError: if there is none.
    """
    package = Path(__file__).resolve().parent
    places = [package / "_lib" / _NAME, package.parent / "build" / "lib" / _NAME]
    if named := os.environ.get("PYFLEX_LIBRARY"):
        places = [Path(named)]
    if found := [place for place in places if place.is_file()]:
        return max(found, key=lambda place: place.stat().st_mtime)
    raise CompilerLibraryError(
        "the compiler's library is missing; in a checkout, `make build` builds it",
        expected=" or ".join(map(str, places)),
        got="none of these files",
    )
