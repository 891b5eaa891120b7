"""What a user may fix about a kernel; everything left open is chosen by `schedule`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from pyflex.errors import ScheduleError, literal

Precision = Literal["ieee", "tf32", "tf32x3"]

#: The optimisation passes, in the order in which they run. Each can be left out. The last ones come
#: between those of Triton's, for NVIDIA's GPUs (pyflex/ttg).
OPTIMISATIONS = (
    "flex-mask-from-score",
    "flex-derive-bounds",
    "flex-pack-gqa",
    "flex-list-blocks",
    "flex-fuse-block-loops",
    "flex-split-kv",
    "flex-combine-in-cluster",
    "flex-inline-mods",
    "flex-skip-padding",
    "flex-overlap-kernels",
    "flex-fast-math",
    "flex-defer-sums",
    "flex-widen-loads",
    "flex-split-products",
    "flex-pad-products",
    "ttg-wait-for-keys",
    "ttg-skip-tiles",
    "ttg-reduce-once",
)


@dataclass(frozen=True)
class Options:
    """How to make a kernel. None leaves the choice to pyflex.

    Attributes:
        rows: rows of a tile of scores (queries times packed heads), a power of two from 8 to 128.
        keys: keys of a tile of scores, a power of two from 16 to 512.
        num_warps: warps of a GPU program, a power of two up to 32; for float32 with "tf32x3" and
            64 rows or more at most rows / 16.
        num_stages: depth of the GPU's software pipeline, from 1 to 8.
        splits: programs that share one KV loop, from 1 to 65535.
        precision: how float32 products are computed on a GPU: "tf32x3" by three products of
            the matrix units, with about the error of float32 itself; "ieee" exactly, on NVIDIA's
            ordinary units, 2 to 5 times slower; "tf32" with the 11 bits of one product. A CPU
            and AMD's matrix units compute in float32.
        disable_passes: names out of `OPTIMISATIONS` that are not run.

    Raises:
        ScheduleError: for a value outside its range or an unknown name.
    """

    rows: int | None = None
    keys: int | None = None
    num_warps: int | None = None
    num_stages: int | None = None
    splits: int | None = None
    precision: Precision = "tf32x3"
    disable_passes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least, most in (("rows", 8, 128), ("keys", 16, 512), ("num_warps", 1, 32)):
            value = getattr(self, name)
            if value is not None and not (_is_whole(value, least, most) and value.bit_count() == 1):
                raise ScheduleError(
                    f"{name} does not fit",
                    expected=f"a power of two, {least} to {most}",
                    got=literal(value),
                )
        for name, most in (("num_stages", 8), ("splits", 65535)):
            value = getattr(self, name)
            if value is not None and not _is_whole(value, 1, most):
                raise ScheduleError(
                    f"{name} does not fit",
                    expected=f"a whole number, 1 to {most}",
                    got=literal(value),
                )
        if self.precision not in ("ieee", "tf32", "tf32x3"):
            raise ScheduleError(
                "unknown precision",
                expected="'ieee', 'tf32' or 'tf32x3'",
                got=literal(self.precision),
            )
        if not isinstance(self.disable_passes, (tuple, list, set, frozenset)):
            raise ScheduleError(
                "disable_passes is no collection",
                expected="a tuple of names",
                got=literal(self.disable_passes),
            )
        for name in self.disable_passes:
            if name not in OPTIMISATIONS:
                raise ScheduleError(
                    "no such optimisation pass",
                    expected=", ".join(OPTIMISATIONS),
                    got=literal(name),
                )
        given = frozenset(self.disable_passes)
        object.__setattr__(self, "disable_passes", tuple(n for n in OPTIMISATIONS if n in given))
        if "flex-split-kv" in given and self.splits not in (None, 1):
            raise ScheduleError(
                "splits need flex-split-kv", expected="splits=1 or None", got=self.splits
            )

    def enabled(self, name: str) -> bool:
        """Whether an optimisation pass runs."""
        return name not in self.disable_passes

    @property
    def of_code(self) -> Options:
        """The part of the options that code depends on, the schedule aside."""
        return Options(precision=self.precision, disable_passes=self.disable_passes)

    def __repr__(self) -> str:
        given = (
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if getattr(self, f.name) != f.default
        )
        return f"Options({', '.join(given)})"


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
