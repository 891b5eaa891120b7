"""Where the time of a kind's first call goes.

>>> with pyflex.steps.collect() as seconds:
...     decode(query, key, value)
>>> seconds
{'trace': 0.004, 'passes': 0.012, 'cache': 0.005, 'triton': 0.61, 'load': 0.002}
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import Literal

#: trace: mods to IR; cache: reading and writing the disk cache; passes: this compiler's own;
#: triton: Triton's import and compiler; load: into the GPU's memory; jit: machine code of a CPU.
Step = Literal["trace", "cache", "passes", "triton", "load", "jit"]

_COLLECTING: list[dict[str, float]] = []
_LOCK = Lock()


@contextmanager
def collect() -> Iterator[dict[str, float]]:
    """Gathers the seconds of each step that runs meanwhile, in any thread.

    Two kernels that are compiled at the same time count both: the sum may pass the time by the
    clock.
    """
    seconds: dict[str, float] = {}
    with _LOCK:
        _COLLECTING.append(seconds)
    try:
        yield seconds
    finally:
        with _LOCK:
            _COLLECTING[:] = [other for other in _COLLECTING if other is not seconds]


@contextmanager
def step(name: Step) -> Iterator[None]:
    """What runs inside belongs to step `name`."""
    start = perf_counter()
    try:
        yield
    finally:
        taken = perf_counter() - start
        with _LOCK:
            for seconds in _COLLECTING:
                seconds[name] = seconds.get(name, 0.0) + taken
