"""Compiled kernels on disk, so that a process does not compile what another one did.

The folder is $PYFLEX_CACHE_DIR, or else pyflex/ in $XDG_CACHE_HOME or ~/.cache. An empty
PYFLEX_CACHE_DIR switches the cache off. Files may be deleted at any time. Processes need no lock:
a file appears whole or not at all, and one that is damaged counts as missing and is written anew.
A folder that cannot be read or written is as good as none; the logger "pyflex" warns once of each.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from uuid import uuid4

_log = logging.getLogger("pyflex")
# Changes with the layout of a file.
_MAGIC = b"pyflex-kernel-1\n"
_DIGEST = hashlib.sha256
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Binary:
    """Machine code of a kernel and what its launch depends on.

    Attributes:
        image: a cubin or hsaco.
        name: the kernel's in it.
        arguments: their types, "ptr", "i32", "f32" and so on.
        threads: of one program.
        shared: bytes of shared memory of one program.
        waits: whether it may be launched before what it depends on has ended, because it waits
            itself (CUDA's programmatic dependent launch).
        clusters: whether its programs may form clusters.
    """

    image: bytes
    name: str
    arguments: tuple[str, ...]
    threads: int
    shared: int
    waits: bool
    clusters: bool = False


def folder() -> Path | None:
    """Where kernels are kept; None where the cache is off."""
    named = os.environ.get("PYFLEX_CACHE_DIR")
    if named == "":
        return None
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with suppress(RuntimeError):  # no home
        if named is not None:
            return Path(named).expanduser()
        # Its specification has a relative path ignored.
        return (base if base.is_absolute() else Path.home() / ".cache") / "pyflex"
    return None


def key_of(parts: Iterable[str]) -> str:
    """A name for what is compiled from `parts`, in this order."""
    digest = _DIGEST()
    for part in parts:
        encoded = part.encode()
        digest.update(_LENGTH.pack(len(encoded)))
        digest.update(encoded)
    return digest.hexdigest()


def load(key: str) -> Binary | None:
    """The kernel stored under `key`, or None."""
    place = folder()
    if place is None:
        return None
    path = place / key
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(f"cannot read the kernel cache in {place}: {error.strerror}")
        return None
    binary = _decode(content)
    if binary is None:
        _log.info("%s is damaged; the kernel is compiled anew", path)
    return binary


def store(key: str, binary: Binary) -> None:
    """Keeps a kernel under `key`."""
    place = folder()
    if place is None:
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        # Not by tempfile, whose files no other user can read.
        temporary = place / f".{uuid4().hex}"
        try:
            with temporary.open("xb") as file:
                file.write(_encode(binary))
            temporary.replace(place / key)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        _warn(f"cannot write the kernel cache in {place}: {error.strerror}")


@cache
def _warn(message: str) -> None:
    _log.warning(message)


def stamp(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _encode(binary: Binary) -> bytes:
    values = asdict(binary)
    image: bytes = values.pop("image")
    header = json.dumps(values).encode()
    body = _LENGTH.pack(len(header)) + header + image
    return _MAGIC + _DIGEST(body).digest() + body


def _decode(content: bytes) -> Binary | None:
    start = len(_MAGIC) + _DIGEST().digest_size
    body = content[start:]
    if content[:start] != _MAGIC + _DIGEST(body).digest():
        return None
    (length,) = _LENGTH.unpack_from(body)
    end = _LENGTH.size + length
    values = json.loads(body[_LENGTH.size : end])
    values["arguments"] = tuple(values["arguments"])
    if values.keys() | {"image"} != {field.name for field in fields(Binary)}:
        return None
    return Binary(image=body[end:], **values)
