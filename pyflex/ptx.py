"""What LLVM's PTX does not say, or says in a way that ptxas reads otherwise."""

from __future__ import annotations

import re

# Triton's name for a program's shared memory, and how it is declared.
_SHARED = "global_smem"
_DECLARED = re.compile(rf"^\.extern \.shared .*\b{_SHARED}\[", re.MULTILINE)
_ABSOLUTE = re.compile(r"\babs\.(s16|s32|s64)\s+(%\w+), (%\w+);")


def corrected(ptx: str) -> str:
    """A kernel's PTX, such that ptxas makes of it what LLVM meant."""
    return _absolute(_with_shared_memory(ptx))


def _with_shared_memory(ptx: str) -> str:
    """Declares shared memory that only instructions of ours name.

    LLVM does not read these, and drops the name from a kernel that has no other use for it: one
    whose mask turns out to be false everywhere.
    """
    if _SHARED not in ptx or _DECLARED.search(ptx):
        return ptx
    head, entry, rest = ptx.partition(".visible .entry")
    return f"{head}.extern .shared .align 16 .b8 {_SHARED}[];\n{entry}{rest}"


def _absolute(ptx: str) -> str:
    """Absolute values in two instructions.

    That of the least integer is itself, in torch as in LLVM. ptxas takes no result of abs.s32 or
    abs.s64 for negative, and leaves a comparison of it with 0 out.
    """
    return _ABSOLUTE.sub(r"{ .reg .\1 minus; neg.\1 minus, \3; max.\1 \2, \3, minus; }", ptx)
