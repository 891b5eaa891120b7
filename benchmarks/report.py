"""What every mode prints and writes: a progress bar, a table, a JSON file."""

from __future__ import annotations

import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import triton

T = TypeVar("T")


def progress(items: Sequence[T], name: Callable[[T], str], until: float = math.inf) -> Iterator[T]:
    """The items, with a bar on stderr that says which one is under way.

    None begins once time.perf_counter() is past `until`.
    Where stderr is no terminal, a new line comes only when the bar has grown.
    """
    terminal = sys.stderr.isatty()
    width = min(30, max(1, len(items)))
    shown = -1
    for done, item in enumerate(items):
        if time.perf_counter() > until:
            break
        filled = done * width // len(items)
        bar = "#" * filled + "." * (width - filled)
        line = f"[{bar}] {done + 1}/{len(items)} {name(item)}"
        if terminal:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif filled != shown:
            print(line, file=sys.stderr, flush=True)
        shown = filled
        yield item
    if terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first to the left, the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def geomean(values: Iterable[float]) -> float:
    """The geometric mean; not a number for no values."""
    listed = list(values)
    return statistics.geometric_mean(listed) if listed else math.nan


def machine() -> dict[str, Any]:
    """What a figure depends on beside the code."""
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "device": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "l2_mb": properties.L2_cache_size / 1e6,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": platform.python_version(),
    }


def write_json(path: Path, mode: str, rows: list[dict[str, Any]], **more: Any) -> None:
    """One file a run: the mode, the machine, and a row for each line of the table."""
    head = json.dumps({"mode": mode, "machine": machine(), **more})
    lines = ",\n".join(map(json.dumps, rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head[:-1]}, "rows": [\n{lines}\n]}}\n')
