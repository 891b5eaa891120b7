"""Tells of mods that become kernel after kernel, since Python values that they read change."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType

from pyflex.errors import RecompileWarning, SourceLine, in_parts, user_line
from pyflex.recent import keep_recent
from pyflex.trace import TracedMod

#: From so many kernels on, the user should know.
_MANY_KERNELS = 8
#: Mods that are known again.
_MOST_KNOWN = 256


@dataclass
class _Kernels:
    """What mods of the same code have become: hashes of all, and the last."""

    seen: set[int] = field(default_factory=set)
    last: tuple[str, ...] = ()


_KNOWN: dict[tuple[CodeType, ...], _Kernels] = {}


def count_kernel(codes: tuple[CodeType, ...], mods: Sequence[TracedMod]) -> None:
    """Warns, once, when mods have become many kernels, and says where the last one differs.

    Mods are the same where their code is, and that of the functions that they call: a lambda in a
    loop is another function at each turn, and so is the mask of a BlockMask made for each call.
    """
    if not codes:  # nothing by which to know them again
        return
    known = _KNOWN.pop(codes, None) or _Kernels()
    _KNOWN[codes] = known
    keep_recent(_KNOWN, _MOST_KNOWN)
    before, known.last = known.last, tuple(mod.key for mod in mods)
    count = len(known.seen)
    known.seen.add(hash(known.last))
    if not count < _MANY_KERNELS <= len(known.seen):
        return
    text = in_parts(
        f"mods of the same code have become {_MANY_KERNELS} kernels, each compiled anew",
        "numbers that change in 0-d tensors, which are read at each call",
        "Python values that change",
        *(mod.differs_from(key) for mod, key in zip(mods, before, strict=False)),
    )
    caller = user_line() or SourceLine("<unknown>", 0)
    warnings.warn_explicit(text, RecompileWarning, caller.file, caller.line)
