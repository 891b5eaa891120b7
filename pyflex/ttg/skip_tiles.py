"""ttg-skip-tiles: nothing is copied for a tile behind the loop's end, but for the first.

Triton's pipeliner starts the copies of a tile some tiles ahead, and masks those that would be
behind the end. A masked copy still is an instruction, and fills its place with zeros: a program of
one tile copies two more so, one of four tiles two of its six. Nobody reads these zeros: the mask is
false for the whole tile, and the loop has ended by then. So

    %exists = arith.cmpi slt, %i, %last
    %mask = arith.andi (tt.splat %exists), %rows
    %c = ttg.async_copy_global_to_local %from, %to mask %mask other %zeros
    %t = ttg.async_commit_group tokens %c

becomes

    %tiles = scf.if %exists -> (!ttg.async.token) {
      %c = ttg.async_copy_global_to_local %from, %to mask %mask other %zeros
      %t = ttg.async_commit_group tokens %c
      scf.yield %t : !ttg.async.token
    } else {
      %t = ttg.async_commit_group                 // waits count groups
      scf.yield %t : !ttg.async.token
    }

What stands between the copies comes ahead of them. A loop is left as it is where loads stand there
(indices of a table that are read from one), or where Triton has taken its last rounds out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pyflex.ttg.text import COMMIT, COPY, Loop, Op, indentation, location, pipelined_loops, uses_of

# Ops that may as well come ahead of the copies that they stand between.
_PURE = re.compile(
    r"(arith\.\w+|tt\.(addptr|bitcast|broadcast|expand_dims|ptr_to_int|splat)|ttg\.memdesc_index)$"
)
_MASK = re.compile(r" mask (%\w+)")
_CONSTANT = re.compile(r"%c-?\d+_i\d+(_\d+)?")
_TOKEN = "!ttg.async.token"


@dataclass
class _Tile:
    """The copies of one tile, which `exists` says to be one, and what stands between them."""

    exists: str
    ops: list[Op] = field(default_factory=list)

    def named(self, name: str) -> list[Op]:
        """Its ops of one name."""
        return [op for op in self.ops if op.name == name]


def rewrite(text: str) -> str:
    """The module with a branch around the copies of each tile that may not exist."""
    lines = text.split("\n")
    for loop in pipelined_loops(lines):
        made = loop.definitions()
        inside = [*_tiles(loop, made, loop.body)]
        ahead = [*_tiles(loop, made, loop.before)]
        if len(inside) != 1:
            continue
        _branches(lines, inside, loop.end)
        # The first tile exists: a program without keys is rare.
        others = [tile for tile in ahead if tile.exists != ahead[0].exists]
        _branches(lines, others, loop.start + 1)
    return "\n".join(lines)


def _tiles(loop: Loop, made: dict[str, Op], ops: Sequence[Op]) -> Iterator[_Tile]:
    """The runs of copies that one condition masks, each up to the last one's commit."""
    tile: _Tile | None = None
    for op in ops:
        if op.name == COPY:
            found = _MASK.search(op.rest)
            exists = _condition(loop, made, found[1]) if found else None
            if tile is not None and tile.exists != exists:
                yield from _whole(tile)
                tile = None
            if tile is None and exists is not None:
                tile = _Tile(exists)
        elif tile is not None and op.name != COMMIT and not _PURE.match(op.name):
            yield from _whole(tile)
            tile = None
        if tile is not None:
            tile.ops.append(op)
    if tile is not None:
        yield from _whole(tile)


def _whole(tile: _Tile) -> Iterator[_Tile]:
    """The tile up to its last commit; none where a copy has no commit of its own."""
    copies = [op.result for op in tile.named(COPY)]
    if copies == [token for op in tile.named(COMMIT) for token in op.operands]:
        while tile.ops[-1].name != COMMIT:
            tile.ops.pop()
        yield tile


def _condition(loop: Loop, made: dict[str, Op], mask: str) -> str | None:
    """What in a mask says that the tile exists; None if nothing does."""
    op = made.get(mask)
    if op is None:
        return None
    if op.name == "arith.andi":
        found = (_condition(loop, made, part) for part in op.operands)
        return next((part for part in found if part is not None), None)
    compared = made.get(op.operands[0]) if op.name == "tt.splat" else None
    if compared is None or compared.name != "arith.cmpi":
        return None
    return compared.result if _is_before_end(loop, made, compared) else None


def _is_before_end(loop: Loop, made: dict[str, Op], compared: Op) -> bool:
    """Whether a comparison is that of a tile's number with the loop's end.

    In the loop the number is its index, and the end is nearer by as many tiles as it copies ahead.
    """
    order = compared.rest.strip().partition(",")[0]
    small, large = compared.operands if order == "slt" else reversed(compared.operands)
    if order not in ("slt", "sgt"):
        return False
    nearer = made.get(large)
    if small == loop.index:
        return (
            nearer is not None and nearer.name == "arith.subi" and nearer.operands[0] == loop.upper
        )
    number = made.get(small)
    ahead = number is not None and number.name == "arith.addi" and loop.lower in number.operands
    return large == loop.upper and (
        ahead or _CONSTANT.fullmatch(small) is not None or small == loop.lower
    )


def _branches(lines: list[str], tiles: Sequence[_Tile], end: int) -> None:
    """Puts the copies of each tile into a branch; their tokens are used ahead of line `end`."""
    before = len(lines)
    # From the last one to the first: to change it moves no line of the others.
    for tile in reversed(tiles):
        _branch(lines, tile, end + len(lines) - before)


def _branch(lines: list[str], tile: _Tile, end: int) -> None:
    first, last = tile.ops[0].line, tile.ops[-1].line
    space, place = indentation(lines[first]), location(lines[first])
    commits = [op.result for op in tile.named(COMMIT)]
    types = ", ".join([_TOKEN] * len(commits))
    tokens = f"%tiles_{first}"
    for at in range(last + 1, end):
        for number, commit in enumerate(commits):
            lines[at] = uses_of(commit).sub(f"{tokens}#{number}", lines[at])
    passed = f"{space}  scf.yield {', '.join(commits)} : {types}{place}"
    lines[first : last + 1] = [
        *(lines[op.line] for op in tile.ops if op.name not in (COPY, COMMIT)),
        f"{space}{tokens}:{len(commits)} = scf.if {tile.exists} -> ({types}) {{",
        *("  " + lines[op.line] for op in tile.ops if op.name in (COPY, COMMIT)),
        passed,
        f"{space}}} else {{",
        *(f"{space}  {commit} = {COMMIT}{place}" for commit in commits),
        passed,
        f"{space}}}{place}",
    ]
