"""Draws the file that `run.py --json` wrote as bars of time over floor, on a logarithmic axis.

python benchmarks/plot.py results.json [results.svg]

The picture is SVG text, so that nothing has to be installed for it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_COLOURS = ("#2b5c8a", "#c8553d", "#e0a458", "#7a9e7e", "#8d6a9f", "#777777")
_BAR, _GAP, _HEIGHT, _LEFT, _TOP, _BOTTOM = 12, 16, 300, 60, 40, 110
_TICKS = (1, 1.1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)


def draw(rows: Sequence[dict[str, Any]], title: str = "") -> str:
    """The picture of a comparison's rows; the floor is the line at 1."""
    systems = list(dict.fromkeys(name for row in rows for name in row["us"]))
    ratios = [us / row["floor"] for row in rows for us in row["us"].values()]
    top = next((tick for tick in _TICKS if tick >= max(ratios, default=1)), max(ratios, default=1))
    top, low = max(top, 1.1), min(1.0, *ratios) if ratios else 1.0
    span = math.log(top / low)

    def y(ratio: float) -> float:
        return _TOP + _HEIGHT * (1 - math.log(ratio / low) / span)

    group = _BAR * len(systems) + _GAP
    width = _LEFT + group * len(rows) + _GAP
    parts = [_text(_LEFT, 16, title, size=13)]
    for tick in (t for t in _TICKS if t <= top):
        stroke = "#000" if tick == 1 else "#ddd"
        parts.append(f'<path d="M{_LEFT} {y(tick):.1f}H{width}" stroke="{stroke}"/>')
        parts.append(_text(_LEFT - 6, y(tick) + 4, f"{tick:g}", anchor="end"))
    for i, row in enumerate(rows):
        left = _LEFT + _GAP / 2 + i * group
        for j, name in enumerate(systems):
            if name in row["us"]:
                ratio = row["us"][name] / row["floor"]
                parts.append(_bar(left + j * _BAR, y(ratio), y(low), j, name, row["us"][name]))
        middle = left + _BAR * len(systems) / 2
        parts.append(_text(middle, _TOP + _HEIGHT + 14, row["workload"], anchor="end", turn=-40))
    for j, name in enumerate(systems):
        x = _LEFT + 110 * j
        parts.append(f'<rect x="{x}" y="24" width="10" height="10" fill="{_colour(j)}"/>')
        parts.append(_text(x + 14, 33, name))
    parts.append(_text(14, _TOP + _HEIGHT / 2, "time / floor", anchor="middle", turn=-90))
    height = _TOP + _HEIGHT + _BOTTOM
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _colour(index: int) -> str:
    return _COLOURS[index % len(_COLOURS)]


def _bar(x: float, top: float, bottom: float, index: int, name: str, us: float) -> str:
    height = max(bottom - top, 1.0)
    return (
        f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{_BAR - 1}" height="{height:.1f}" '
        f'fill="{_colour(index)}"><title>{escape(name)}: {us:.1f} us</title></rect>'
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", turn: int = 0, size: int = 11
) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" '
        f'text-anchor="{anchor}"{turned}>{escape(text)}</text>'
    )


def plot_file(source: Path, target: Path) -> None:
    """Draws a JSON file of the mode `compare`."""
    content = json.loads(source.read_text())
    if content["mode"] != "compare":
        raise SystemExit(f"{source} is of mode {content['mode']}; only compare can be drawn")
    target.write_text(draw(content["rows"], content["machine"]["device"]))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    given = Path(sys.argv[1])
    plot_file(given, Path(sys.argv[2]) if len(sys.argv) == 3 else given.with_suffix(".svg"))
