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

Left as they are: rows that one warp has alone, columns that several warps have or that lie apart,
layouts of other kinds, and what is neither a sum nor a maximum.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyflex.ttg.layouts import Layout, Vector, aliases, layout_of
from pyflex.ttg.text import indentation, location

_PLACE = r"(?: loc\([^\n]*\))?"
#: A sum or a maximum of a row, in five lines.
_REDUCTION = re.compile(
    r' *(?P<result>%[\w-]+) = "tt\.reduce"\((?P<source>%[\w-]+(?:#\d+)?)\)'
    r" <\{axis = 1 : i32\}> \(\{\n"
    r" *\^\w+\((?P<one>%[\w-]+): (?P<element>\w+)[^,\n]*, (?P<other>%[\w-]+): [^,\n]*\):\n"
    r" *(?P<both>%[\w-]+) = (?P<combine>arith\.(?:addf|maxnumf)) (?P=one), (?P=other) : \w+"
    rf"{_PLACE}\n"
    rf" *tt\.reduce\.return (?P=both) : \w+{_PLACE}\n"
    r" *\}\) : \(tensor<(?P<rows>\d+)x(?P<columns>\d+)x\w+, (?P<layout>#\w+)>\)"
    rf" -> (?P<type>tensor<\d+x\w+, #[^\n]*>){_PLACE}"
)
_LINES = 5


@dataclass(frozen=True)
class _Reduction:
    """One of a row's columns.

    Attributes:
        line: the number of its first line.
        result: what it gives, of `type`.
        source: the tile, `rows` by `columns`, in the layout with the name `alias`.
        combine: the op that combines two of its elements, of type `element`.
        layout: where the tile's elements are.
    """

    line: int
    result: str
    type: str
    source: str
    rows: int
    columns: int
    alias: str
    combine: str
    element: str
    layout: Layout


def rewrite(text: str) -> str:
    """The module with one exchange for each reduction among warps."""
    lines = text.split("\n")
    for number, found in enumerate(reversed([*_reductions(lines)])):
        first, last = found.line, found.line + _LINES - 1
        lines[first : last + 1] = _once(found, f"%once_{number}", lines[last])
    return "\n".join(lines)


def _reductions(lines: Sequence[str]) -> Iterator[_Reduction]:
    named = aliases(lines)
    for at in range(len(lines) - _LINES + 1):
        if '"tt.reduce"' not in lines[at]:
            continue
        found = _REDUCTION.fullmatch("\n".join(lines[at : at + _LINES]))
        if found is None:
            continue
        rows, columns, alias = int(found["rows"]), int(found["columns"]), found["layout"]
        layout = layout_of(named.get(alias, ""), rows, columns)
        if layout is not None and _divides_columns(layout.warp):
            tile = (found["source"], rows, columns, alias)
            op = (found["combine"], found["element"])
            yield _Reduction(at, found["result"], found["type"], *tile, *op, layout)


def _divides_columns(warp: Sequence[Vector]) -> bool:
    """Whether the warps have runs of columns next to each other, and all rows."""
    run = warp[0][1] if warp else 0
    return run > 0 and [*warp] == [(0, run << bit) for bit in range(len(warp))]


def _once(found: _Reduction, name: str, line: str) -> list[str]:
    """What stands for it: values whose names begin with `name`, at the place of `line`."""
    space, place = indentation(line), location(line)
    run, warps = found.layout.warp[0][1], 1 << len(found.layout.warp)
    runs = found.columns // (run * warps)

    def divided(vectors: Sequence[Vector]) -> list[Vector]:
        return [(r, c // (run * warps), c // run % warps, c % run) for r, c in vectors]

    def each(vectors: Sequence[Vector]) -> list[Vector]:
        """Without columns: threads that differ in them alone have the same."""
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

    whole = tensor((found.rows, found.columns), found.alias)
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
