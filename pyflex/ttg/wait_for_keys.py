"""ttg-wait-for-keys: the scores of a tile wait for its keys alone.

Triton's pipeliner waits once a tile, for all that was copied for it. But its values, whose copies
were started behind those of its keys, are not needed before the scores' weights are. So

    %w = ttg.async_wait %keys, %values {num = 2}
    .. ttg.local_load %k token %w ..               // the scores
    .. "tt.reduce"(%scores) ..                     // their maximum
    %p = ttg.local_alloc %weights
    .. ttg.local_load %v token %w ..

becomes

    %w = ttg.async_wait %keys {num = 3}
    .. ttg.local_load %k token %w ..
    .. "tt.reduce"(%scores) ..
    %later = ttg.async_wait %values {num = 2}
    %p = ttg.local_alloc %weights
    .. ttg.local_load %v token %later ..

It costs nothing: Triton puts a barrier behind a wait, and has one before the weights are stored,
whose memory others may still be reading; the wait's takes its place. Where the weights stay in
registers there is none, and the loop is left as it is. So is one whose values are read ahead of the
maximum, as those of float32 and of eight rows are, or by the matrix units themselves.
"""

from __future__ import annotations

import re

from pyflex.ttg.text import (
    COMMIT,
    COPY,
    WAIT,
    Loop,
    Op,
    indentation,
    location,
    pipelined_loops,
    uses_of,
)

_PENDING = re.compile(r"\{num = (\d+) : i32\}")


def rewrite(text: str) -> str:
    """The module with a second wait in each loop that can have one."""
    lines = text.split("\n")
    for loop in pipelined_loops(lines):
        _divide(lines, loop)
    return "\n".join(lines)


def _divide(lines: list[str], loop: Loop) -> None:
    waits = [op for op in loop.body if op.name == WAIT]
    maximum = next((op for op in loop.body if op.name == "tt.reduce"), None)
    if len(waits) != 1 or maximum is None:
        return
    (wait,) = waits
    loads = _loads(lines, loop, wait)
    if loads is None:
        return
    tokens = list(loads)
    late = [token for token in tokens if all(op.line > maximum.line for op in loads[token])]
    first = min((op.line for token in late for op in loads[token]), default=0)
    stores = [
        op
        for op in loop.body
        if op.name == "ttg.local_alloc" and op.operands and maximum.line < op.line < first
    ]
    early = tokens[: len(tokens) - len(late)]
    # Copies end in the order in which they were started.
    if not early or not stores or tokens != early + late:
        return
    pending = _PENDING.search(lines[wait.line])
    assert pending is not None  # the op's one attribute
    space, place = indentation(lines[wait.line]), location(lines[wait.line])
    for op in (op for token in late for op in loads[token]):
        lines[op.line] = uses_of(wait.result).sub("%later", lines[op.line])
    left = int(pending[1])
    lines[wait.line] = _wait(space, wait.result, early, left + len(late)) + place
    lines.insert(stores[0].line, _wait(space, "%later", late, left) + place)


def _wait(space: str, result: str, tokens: list[str], pending: int) -> str:
    return f"{space}{result} = ttg.async_wait {', '.join(tokens)} {{num = {pending} : i32}}"


def _loads(lines: list[str], loop: Loop, wait: Op) -> dict[str, list[Op]] | None:
    """The reads of each copy that is waited for, by its token, in the order of the copies.

    None where it is not clear which is which, or something else reads what is copied.
    """
    made = loop.definitions()
    # The first tile's copies: the loop hands its arguments on from one to the next.
    first: dict[str, Op] = {}
    for token in wait.operands:
        commit = made.get(loop.carried.get(token, ""))
        if commit is None:
            return None
        first[token] = commit
    commits = [op for op in loop.body if op.name == COMMIT]
    tokens = sorted(first, key=lambda token: first[token].line)
    buffers = [_copied(made, first[token]) for token in tokens]
    if None in buffers or buffers != [_copied(made, commit) for commit in commits]:
        return None
    loads: dict[str, list[Op]] = {token: [] for token in tokens}
    for op in loop.body:
        read = {_buffer(made, value) for value in op.operands} & {*buffers}
        if not read or op.name in (COPY, "ttg.memdesc_index"):
            continue
        is_load = op.name == "ttg.local_load" and op.operands[1:] == [wait.result]
        if not is_load or op.line > commits[0].line:
            return None
        loads[tokens[buffers.index(read.pop())]].append(op)
    waited = uses_of(wait.result)
    uses = sum(len(waited.findall(line)) for line in lines[loop.start : loop.end])
    known = all(loads.values()) and uses == 1 + sum(map(len, loads.values()))
    return loads if known else None


def _copied(made: dict[str, Op], commit: Op) -> str | None:
    """The allocation that a group's one copy writes to; None for another group."""
    copy = made.get(commit.operands[0]) if len(commit.operands) == 1 else None
    return _buffer(made, copy.operands[1]) if copy is not None and copy.name == COPY else None


def _buffer(made: dict[str, Op], view: str) -> str:
    """The allocation that a view is one place of; the view itself where it is none."""
    op = made.get(view)
    return op.operands[0] if op is not None and op.name == "ttg.memdesc_index" else view
