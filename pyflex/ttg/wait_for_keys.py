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
registers there is none, and the loop is left as it is.
"""

from __future__ import annotations

import re

from pyflex.ttg.text import Loop, Op, indentation, location, pipelined_loops

_PENDING = re.compile(r"\{num = (\d+) : i32\}")


def wait_for_keys(text: str) -> str:
    """The module with a second wait in each loop that can have one."""
    lines = text.split("\n")
    for loop in pipelined_loops(lines):
        _divide(lines, loop)
    return "\n".join(lines)


def _divide(lines: list[str], loop: Loop) -> None:
    waits = [op for op in loop.body if op.name == "ttg.async_wait"]
    maximum = next((op for op in loop.body if op.name == "tt.reduce"), None)
    if len(waits) != 1 or maximum is None:
        return
    (wait,) = waits
    loads = _loads(loop, wait)
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
        lines[op.line] = lines[op.line].replace(f"token {wait.result} ", "token %later ")
    left = int(pending[1])
    lines[wait.line] = _wait(space, wait.result, early, left + len(late)) + place
    lines.insert(stores[0].line, _wait(space, "%later", late, left) + place)


def _wait(space: str, result: str, tokens: list[str], pending: int) -> str:
    return f"{space}{result} = ttg.async_wait {', '.join(tokens)} {{num = {pending} : i32}}"


def _loads(loop: Loop, wait: Op) -> dict[str, list[Op]] | None:
    """The reads of each copy that is waited for, by its token, in the order of the copies.

    None where it is not clear which is which.
    """
    made = loop.definitions()
    started: dict[str, Op] = {}
    buffers: dict[str, str] = {}
    for token in wait.operands:
        # The first tile's: the loop hands its arguments on from one to the next.
        commit = made.get(loop.carried.get(token, ""))
        copy = made.get(commit.operands[0]) if commit and len(commit.operands) == 1 else None
        if commit is None or copy is None or copy.name != "ttg.async_copy_global_to_local":
            return None
        started[token] = commit
        buffers[_buffer(made, copy.operands[1])] = token
    commits = [op for op in loop.body if op.name == "ttg.async_commit_group"]
    if not len(started) == len(buffers) == len(commits):
        return None
    loads: dict[str, list[Op]] = {
        token: [] for token in sorted(started, key=lambda token: started[token].line)
    }
    for op in loop.body:
        if op is wait or wait.result not in op.operands:
            continue
        read = buffers.get(_buffer(made, op.operands[0]))
        if op.name != "ttg.local_load" or read is None or op.line > commits[0].line:
            return None
        loads[read].append(op)
    return loads if all(loads.values()) else None


def _buffer(made: dict[str, Op], view: str) -> str:
    """The allocation that a view is one place of; the view itself where it is none."""
    op = made.get(view)
    return op.operands[0] if op is not None and op.name == "ttg.memdesc_index" else view
