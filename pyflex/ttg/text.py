"""A pipelined loop in the text of Triton's GPU IR: its ops, and those of its block ahead of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# An op begins a line of its own; what is inside its regions is further to the right.
_OP = re.compile(r'( *)(?:(%[\w-]+)(?::\d+)? = )?"?([a-z]\w*(?:\.\w+)+)"?(.*)')
_VALUE = re.compile(r"%[\w-]+(?:#\d+)?")
_FOR = re.compile(r"scf\.for (%\w+) = (\S+) to (\S+) step (\S+) iter_args\((.*?)\) ->")
_CARRIED = re.compile(r"(%\w+) = ([^,]+)")
_LOCATION = re.compile(r" loc\(.*\)$")

COPY, COMMIT, WAIT = (
    f"ttg.async_{name}" for name in ("copy_global_to_local", "commit_group", "wait")
)


@dataclass(frozen=True)
class Op:
    """One op: its first line's number, its result ("" for none), its name and what follows that."""

    line: int
    result: str
    name: str
    rest: str

    @property
    def operands(self) -> list[str]:
        """The values that its first line names, in order."""
        return _VALUE.findall(self.rest)


@dataclass(frozen=True)
class Loop:
    """An scf.for that waits for copies into shared memory.

    Attributes:
        start: the number of its first line; `end` is that of its last.
        index: its induction variable, from `lower` to `upper`.
        carried: the value with which each of its arguments begins.
        before: the ops of its block that come ahead of it.
        body: the ops of its own block.
    """

    start: int
    end: int
    index: str
    lower: str
    upper: str
    carried: dict[str, str]
    before: Sequence[Op]
    body: Sequence[Op]

    def definitions(self) -> dict[str, Op]:
        """Every value that an op of its two blocks makes, by name."""
        return {op.result: op for op in (*self.before, *self.body) if op.result}


def pipelined_loops(lines: Sequence[str]) -> Iterator[Loop]:
    """Those that wait for copies, the last one first.

    Each is looked for when it is asked for: the lines of those before may have changed by then.
    """
    for start in range(len(lines) - 1, -1, -1):
        found = _FOR.search(lines[start])
        if found is None:
            continue
        indent = _indent(lines[start])
        end = next(at for at in range(start + 1, len(lines)) if _indent(lines[at]) <= indent)
        body = _ops(lines, range(start + 1, end), indent + 2)
        if not any(op.name == WAIT for op in body):
            continue
        first = next((at for at in range(start, 0, -1) if _indent(lines[at - 1]) < indent), 0)
        index, lower, upper, _, carried = found.groups()
        yield Loop(
            start,
            end,
            index,
            lower,
            upper,
            dict(_CARRIED.findall(carried)),
            _ops(lines, range(first, start), indent),
            body,
        )


def uses_of(value: str) -> re.Pattern[str]:
    """What finds a value, and none whose name goes on."""
    return re.compile(rf"{re.escape(value)}(?![\w-])")


def location(line: str) -> str:
    """What a line says of its place in the source, to be said of another as well."""
    found = _LOCATION.search(line)
    return found[0] if found else ""


def indentation(line: str) -> str:
    """The spaces that a line begins with."""
    return " " * _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _ops(lines: Sequence[str], numbers: range, indent: int) -> list[Op]:
    found = ((at, _OP.match(lines[at])) for at in numbers)
    return [Op(at, op[2] or "", op[3], op[4]) for at, op in found if op and len(op[1]) == indent]
