"""ttg-reduce-once: what the warps find of a row is exchanged once.

The warps share the columns of a tile of scores. Triton's reduction of a row leaves what each warp
found in shared memory, has a few lanes reduce that with shuffles, and passes the result through
shared memory a second time: two barriers. Here each thread reads what all warps found. So

    %m = "tt.reduce"(%s) <{axis = 1}> : tensor<8x64, #scores> -> tensor<8, #rows>

becomes, of four warps with eight columns each,

    %0 = tt.reshape %s : tensor<8x64, #scores> -> tensor<8x2x4x8>
    %1 = "tt.reduce"(%0) <{axis = 1}>             // in a thread
    %2 = "tt.reduce"(%1) <{axis = 2}>             // in a warp
    %3 = ttg.convert_layout %2 : tensor<8x4>      // what each warp found, in every thread
    %4 = "tt.reduce"(%3) <{axis = 1}>             // in a thread
    %m = ttg.convert_layout %4 : tensor<8> -> tensor<8, #rows>  // where it was

Left as they are: rows that one warp has alone, and layouts of other kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyflex.ttg.layouts import Layout, Vector, aliases, layout_of
from pyflex.ttg.text import indentation, location

_REDUCE = re.compile(r' *(%[\w-]+) = "tt\.reduce"\((%[\w-]+(?:#\d+)?)\) <\{axis = 1 : i32\}> \(\{$')
_COMBINE = re.compile(r" *%[\w-]+ = (\w+\.\w+) (%[\w-]+), (%[\w-]+) : (\w+)")
_TYPES = re.compile(
    r" *\}\) : \(tensor<(\d+)x(\d+)x\w+, (#\w+)>\) -> (tensor<\d+x\w+, #.*>)( loc\(|$)"
)


@dataclass(frozen=True)
class _Reduction:
    """One of a row's columns, in five lines from `line` on."""

    line: int
    result: str
    source: str
    combine: str
    element: str
    rows: int
    columns: int
    name: str
    layout: Layout
    type: str


def rewrite(text: str) -> str:
    """The module with one exchange for each reduction among warps."""
    lines = text.split("\n")
    for number, found in enumerate(reversed([*_reductions(lines)])):
        last = lines[found.line + 4]
        lines[found.line : found.line + 5] = _once(found, f"%once_{number}", last)
    return "\n".join(lines)


def _reductions(lines: Sequence[str]) -> Iterator[_Reduction]:
    named = aliases(lines)
    for at in range(len(lines) - 4):
        first, last = _REDUCE.match(lines[at]), _TYPES.match(lines[at + 4])
        combine = _COMBINE.match(lines[at + 2])
        if first is None or last is None or combine is None:
            continue
        rows, columns, name, type_ = int(last[1]), int(last[2]), last[3], last[4]
        layout = layout_of(named.get(name, ""), rows, columns)
        if layout is not None and _divides_columns(layout.warp):
            yield _Reduction(
                at, first[1], first[2], combine[1], combine[4], rows, columns, name, layout, type_
            )


def _divides_columns(warp: Sequence[Vector]) -> bool:
    """Whether the warps have runs of columns next to each other, and all rows."""
    run = warp[0][1] if warp else 0
    return run > 0 and [*warp] == [(0, run << bit) for bit in range(len(warp))]


def _once(found: _Reduction, name: str, line: str) -> list[str]:
    space, place = indentation(line), location(line)
    run, warps = found.layout.warp[0][1], 1 << len(found.layout.warp)
    runs = found.columns // (run * warps)

    def divided(vectors: Sequence[Vector]) -> list[Vector]:
        return [(r, c // (run * warps), c // run % warps, c % run) for r, c in vectors]

    def each(vectors: Sequence[Vector]) -> list[Vector]:
        """Without columns: who differs by these has the same."""
        return [(row, 0) for row, _ in vectors]

    own = found.layout
    parts = Layout(divided(own.register), divided(own.lane), divided(own.warp))
    thread = f"#ttg.slice<{{dim = 1, parent = {parts}}}>"
    warp = f"#ttg.slice<{{dim = 2, parent = {thread}}}>"
    columns = [(0, 1 << bit) for bit in range(len(own.warp))]
    rows = [vector for vector in each(own.register) if any(vector)]
    everywhere = Layout([*columns, *rows], each(own.lane), each(own.warp))

    def tensor(shape: Sequence[int], layout: object) -> str:
        return f"tensor<{'x'.join(map(str, (*shape, found.element)))}, {layout}>"

    def reduce(result: str, source: str, axis: int, types: str) -> list[str]:
        one, other, both = (f"{result}_{part}" for part in "abc")
        return [
            f'{space}{result} = "tt.reduce"({source}) <{{axis = {axis} : i32}}> ({{',
            f"{space}^bb0({one}: {found.element}, {other}: {found.element}):",
            f"{space}  {both} = {found.combine} {one}, {other} : {found.element}{place}",
            f"{space}  tt.reduce.return {both} : {found.element}{place}",
            f"{space}}}) : {types}{place}",
        ]

    whole = tensor((found.rows, found.columns), found.name)
    four = tensor((found.rows, runs, warps, run), parts)
    three = tensor((found.rows, warps, run), thread)
    two, shared = (tensor((found.rows, warps), layout) for layout in (warp, everywhere))
    one = tensor((found.rows,), f"#ttg.slice<{{dim = 1, parent = {everywhere}}}>")
    return [
        f"{space}{name}_0 = tt.reshape {found.source} : {whole} -> {four}{place}",
        *reduce(f"{name}_1", f"{name}_0", 1, f"({four}) -> {three}"),
        *reduce(f"{name}_2", f"{name}_1", 2, f"({three}) -> {two}"),
        f"{space}{name}_3 = ttg.convert_layout {name}_2 : {two} -> {shared}{place}",
        *reduce(f"{name}_4", f"{name}_3", 1, f"({shared}) -> {one}"),
        f"{space}{found.result} = ttg.convert_layout {name}_4 : {one} -> {found.type}{place}",
    ]
