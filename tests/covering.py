"""Pairwise test design: few cases in which every two values of two factors meet at least once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def covering(factors: Mapping[str, Sequence[Any]], seed: int = 0) -> list[Row]:
    """Rows of one value a factor that hold every pair of values of different factors.

    Greedy: each row starts from a pair that is still missing and takes for each other factor the
    value that adds most missing pairs. The same factors and seed give the same rows.
    """
    order = random.Random(seed)
    names = list(factors)
    missing = {
        ((a, i), (b, j))
        for a, b in itertools.combinations(names, 2)
        for i in range(len(factors[a]))
        for j in range(len(factors[b]))
    }
    place = {name: number for number, name in enumerate(names)}

    def pair(a: tuple[str, int], b: tuple[str, int]) -> tuple[tuple[str, int], tuple[str, int]]:
        return (a, b) if place[a[0]] < place[b[0]] else (b, a)

    rows = []
    while missing:
        row = dict(min(missing))
        rest = [name for name in names if name not in row]
        order.shuffle(rest)
        for name in rest:
            gains = [
                sum(pair((name, value), other) in missing for other in row.items())
                for value in range(len(factors[name]))
            ]
            most = max(gains)
            row[name] = order.choice([v for v, gain in enumerate(gains) if gain == most])
        missing -= {pair(a, b) for a, b in itertools.combinations(row.items(), 2)}
        rows.append({name: factors[name][row[name]] for name in names})
    return rows
