"""The module that a problem is compiled from: the traced mods and one `flex.decode`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from pyflex import ttg
from pyflex.listing import depends_on_head
from pyflex.options import OPTIMISATIONS, Options
from pyflex.places import Schedule, Shape, cluster_bytes, most_registers
from pyflex.trace import TracedMod

#: Stands where the tile makes no difference.
ANY_TILE = Schedule(rows=16, keys=16, heads=1, num_warps=1, num_stages=1)
#: Warps of the kernel that finds the blocks to list: 8 keys a thread.
_LISTING_WARPS = 8

Element = Literal["f16", "bf16", "f32"]
ITEMSIZE: dict[str, int] = {"f16": 2, "bf16": 2, "f32": 4}


@dataclass(frozen=True)
class BlockShape:
    """What is compiled into a kernel about a BlockMask."""

    q_block: int
    kv_block: int
    per_head: bool
    has_full: bool


@dataclass(frozen=True)
class KernelSpec:
    """Everything that code depends on. Equal specs give equal kernels.

    `one_query` says that a call has one; else their number is an argument. `aligned`: every
    pointer and every stride but the last is a multiple of 16 bytes, and the last stride is 1.
    `key_line` and `value_line` are elements from one key or value of a head to the next, 0 where
    that is an argument. `offset_type` and `length_type` are the integer types behind the tensors
    q_offset and kv_len. `score_divisibility` and `mask_divisibility` are the mods'. `listed` says
    that a first kernel finds the blocks that the mask shows; `queries` is the most that a call of
    it has, 0 for any number.
    """

    element: Element
    kv_heads: int
    group: int
    head_dim: int
    value_dim: int
    score_key: str | None
    mask_key: str | None
    blocks: BlockShape | None
    lse: bool
    max_scores: bool
    one_query: bool
    aligned: bool
    key_line: int
    value_line: int
    offset_type: Literal["i32", "i64"]
    length_type: Literal["i32", "i64"]
    options: Options
    schedule: Schedule
    score: TracedMod | None = field(compare=False, repr=False)
    mask: TracedMod | None = field(compare=False, repr=False)
    kernel: Literal["decode", "decode_combine", "decode_blocks", "decode_bounds"] = "decode"
    listed: bool = False
    queries: int = 0
    score_divisibility: tuple[int, ...] = ()
    mask_divisibility: tuple[int, ...] = ()

    @property
    def splits_kv(self) -> bool:
        """Whether the kernel takes (splits, partial_acc, partial_state) as last arguments."""
        return self.options.enabled("flex-split-kv") and self.kernel != "decode_bounds"

    @property
    def listable(self) -> bool:
        """Whether a first kernel can list the blocks that the mask shows."""
        enabled = self.options.enabled("flex-list-blocks")
        return enabled and self.mask is not None and self.blocks is None

    @property
    def combines_in_cluster(self) -> bool:
        """Whether it takes cluster_memory behind them, where programs can form clusters."""
        return self.splits_kv and self.options.enabled("flex-combine-in-cluster")

    @property
    def most_registers(self) -> int | None:
        """What a thread may take, where that is worth telling an NVIDIA GPU's assembler."""
        if self.kernel != "decode":
            return None
        itemsize = ITEMSIZE[self.element]
        shape = Shape(itemsize, self.head_dim, self.value_dim, self.group, 1, packed=True)
        return most_registers(self.schedule, shape)

    def cluster_bytes(self, q_len: int) -> int:
        """Bytes in which a program of a cluster leaves its part of a split of so many queries."""
        return cluster_bytes(self.schedule, self.value_dim, q_len)

    @property
    def bounds(self) -> KernelSpec:
        """The kernel that takes a pointer more and writes there which keys this one visits.

        For a kernel without lists.
        """
        return replace(self, kernel="decode_bounds")

    @property
    def combine(self) -> KernelSpec:
        """The kernel that combines a split's results: one for all mods, groups and tiles."""
        overlap = "flex-overlap-kernels"
        options = Options() if self.options.enabled(overlap) else Options(disable_passes=(overlap,))
        return replace(
            self,
            kv_heads=1,
            group=1,
            head_dim=self.value_dim,
            score_key=None,
            mask_key=None,
            blocks=None,
            one_query=False,
            aligned=True,
            key_line=0,
            value_line=0,
            offset_type="i32",
            length_type="i32",
            options=options,
            schedule=ANY_TILE,  # one warp a row: it needs no barrier
            score=None,
            mask=None,
            kernel="decode_combine",
            listed=False,
            queries=0,
            score_divisibility=(),
            mask_divisibility=(),
        )

    @property
    def listing(self) -> KernelSpec:
        """The kernel that finds the blocks to list; it takes the arguments of this one."""
        schedule = replace(self.schedule, num_warps=_LISTING_WARPS, num_stages=1)
        return replace(self, schedule=schedule, kernel="decode_blocks")

    def pipeline(
        self, backend: str, *, sm_90: bool, matrix_units: bool, gfx: int | None = None
    ) -> str:
        """The passes that make the kernel for "cuda" or "hip".

        `sm_90` says whether the GPU has what came with NVIDIA's compute capability 9.0: clusters,
        and kernels that start before the one ahead has ended. `matrix_units` says whether it has
        some; NVIDIA's take float32 as TF32 only. `gfx` is the generation of one of AMD's.
        """
        settings = [f"kernel={self.kernel}", f"target={backend}", f"heads={self.schedule.heads}"]
        if gfx is not None:
            settings.append(f"gfx={gfx}")
        if self.queries:
            settings.append(f"queries={self.queries}")
        # A mask is either listed or solved. With lists, their number does not depend on what hides
        # keys of some heads in a score_mod.
        of_score = self.score is not None and depends_on_head(self.score)
        of_mask = self.mask is not None and depends_on_head(self.mask)
        off = {
            "flex-mask-from-score": self.listed and of_score and not of_mask,
            "flex-derive-bounds": self.listed,
            "flex-list-blocks": not self.listed,
            "flex-split-kv": not self.splits_kv,
            "flex-combine-in-cluster": not sm_90,
            "flex-overlap-kernels": not sm_90,
            "flex-split-products": not (matrix_units and backend == "cuda"),
            "flex-pad-products": not matrix_units,
        }
        assert off.keys() <= set(OPTIMISATIONS)
        for name in OPTIMISATIONS:
            if name in ttg.PASSES:
                continue
            enabled = self.options.enabled(name) and not off.get(name, False)
            settings.append(f"{name.removeprefix('flex-')}={int(enabled)}")
        if self.kernel == "decode_bounds":
            settings.append("report-bounds=1")
        return f"flex-decode-pipeline{{{' '.join(settings)}}}"


@dataclass(frozen=True)
class _Parameter:
    name: str
    type: str
    divisibility: int = 0

    def __str__(self) -> str:
        if not self.divisibility:
            return f"%{self.name}: {self.type}"
        return f"%{self.name}: {self.type} {{tt.divisibility = {self.divisibility} : i32}}"


def _parameters(spec: KernelSpec) -> list[_Parameter]:
    """The kernel's arguments, in the order in which `plan.py` gives their values."""
    element = f"!tt.ptr<{spec.element}>"
    pointers = 16 if spec.aligned else 0
    strides = 16 // ITEMSIZE[spec.element] if spec.aligned else 0
    out = [_Parameter(name, element, pointers) for name in ("query", "key", "value")]
    # The results are pyflex's own: contiguous, and as aligned as their last dimension lets them.
    out_lines = spec.value_dim * ITEMSIZE[spec.element] % 16 == 0
    out.append(_Parameter("out", element, 16))
    if spec.lse:
        out.append(_Parameter("lse", "!tt.ptr<f32>", 16))
    if spec.max_scores:
        out.append(_Parameter("max_scores", "!tt.ptr<f32>", 16))
    lines = {"query": 0, "key": spec.key_line, "value": spec.value_line}
    for name, line in lines.items():
        out += [_Parameter(f"{name}_s{d}", "i64", strides) for d in ("bh" if line else "bhn")]
        if not spec.aligned:
            out.append(_Parameter(f"{name}_sd", "i64"))
    out_strides = 16 // ITEMSIZE[spec.element] if out_lines else 0
    out += [_Parameter(f"out_s{d}", "i64", out_strides) for d in "bhn"]
    if spec.lse or spec.max_scores:
        out += [_Parameter(f"row_s{d}", "i64") for d in "bh"]
    if not spec.one_query:
        out.append(_Parameter("q_len", "i32"))
    out.append(_Parameter("kv_max", "i32"))
    out.append(_Parameter("scale", "f32"))
    for name, type_ in (("q_offset", spec.offset_type), ("kv_len", spec.length_type)):
        out += [
            _Parameter(name, "i32"),
            _Parameter(f"{name}_tensor", f"!tt.ptr<{type_}>"),
            _Parameter(f"{name}_given", "i32"),
        ]
    if spec.blocks:
        for name in ("partial", "full") if spec.blocks.has_full else ("partial",):
            out += [
                _Parameter(f"{name}_counts", "!tt.ptr<i32>"),
                _Parameter(f"{name}_indices", "!tt.ptr<i32>"),
                _Parameter(f"{name}_row", "i64"),
            ]
        out += [_Parameter("blocks_sb", "i64"), _Parameter("blocks_sh", "i64")]
    for mod in (spec.score, spec.mask):
        if mod:
            known = _divisibility(spec, mod)
            for p in mod.parameters:
                divisibility = 16 if known.get(p.name) == 16 else 0
                out.append(_Parameter(_capture_name(mod, p.name), p.type, divisibility))
    return out


def _divisibility(spec: KernelSpec, mod: TracedMod) -> dict[str, int]:
    """What is known of each of a mod's capture parameters."""
    known = spec.score_divisibility if mod is spec.score else spec.mask_divisibility
    return dict(zip((p.name for p in mod.parameters), known, strict=True))


def _capture_name(mod: TracedMod, name: str) -> str:
    return f"{mod.kind}_{name.removeprefix('%')}"


def _captures(spec: KernelSpec, mod: TracedMod) -> str:
    if not mod.parameters:
        return f"{mod.kind} @{mod.kind}"
    known = _divisibility(spec, mod)
    names = ", ".join(
        "%one" if known.get(p.name) == 0 else f"%{_capture_name(mod, p.name)}"
        for p in mod.parameters
    )
    types = ", ".join(p.type for p in mod.parameters)
    short = mod.kind.removesuffix("_mod")
    return f"{mod.kind} @{mod.kind} {short}_captures({names} : {types})"


def build_module(spec: KernelSpec, *, located: bool = True) -> str:
    """The text of the module that `spec.pipeline` starts from.

    With the mods' lines in the user's source, for messages, unless it is not to be `located`.
    """
    view = f"!flex.view<4 x {spec.element}>"
    row_view = "!flex.view<3 x f32>"
    last = "%one" if spec.aligned else "%{}_sd"
    lines = [
        "%one = arith.constant 1 : i64",
        "%zero = arith.constant 0 : i32",
        f"%kv_heads = arith.constant {spec.kv_heads} : i32",
    ]
    if spec.one_query:
        lines.append("%q_len = arith.constant 1 : i32")
    for name, line in (("key", spec.key_line), ("value", spec.value_line)):
        if line:
            lines.append(f"%{name}_sn = arith.constant {line} : i64")
    for name in ("query", "key", "value", "out"):
        strides = ", ".join(f"%{name}_s{d}" for d in "bhn")
        column = "%one" if name == "out" else last.format(name)
        lines.append(
            f"%{name}_view = flex.view %{name}[{strides}, {column}]"
            f" : !tt.ptr<{spec.element}> -> {view}"
        )
    results = ""
    for name, wanted in (("lse", spec.lse), ("max_scores", spec.max_scores)):
        if wanted:
            lines.append(
                f"%{name}_view = flex.view %{name}[%row_sb, %row_sh, %one]"
                f" : !tt.ptr<f32> -> {row_view}"
            )
            results += f" {name}(%{name}_view : {row_view})"
    for name, type_ in (("q_offset", spec.offset_type), ("kv_len", spec.length_type)):
        lines.append(f"%{name}_is_tensor = arith.cmpi ne, %{name}_given, %zero : i32")
        lines.append(
            f"%{name}s = flex.per_batch %{name}, %{name}_tensor if %{name}_is_tensor"
            f" : !tt.ptr<{type_}>"
        )
    mods = " ".join(_captures(spec, mod) for mod in (spec.score, spec.mask) if mod)
    tables = ""
    if spec.blocks:
        for name in ("partial", "full") if spec.blocks.has_full else ("partial",):
            per_head = " per_head" if spec.blocks.per_head else ""
            lines.append(
                f"%{name} = flex.block_table %{name}_counts, %{name}_indices"
                f" strides(%blocks_sb, %blocks_sh, %{name}_row)"
                f" blocks({spec.blocks.q_block} x {spec.blocks.kv_block}){per_head}"
            )
            tables += f" {name}(%{name})"
    attributes = ", ".join(
        f"{name} = {value} : i32"
        for name, value in (
            ("group", spec.group),
            ("head_dim", spec.head_dim),
            ("value_dim", spec.value_dim),
            ("rows", spec.schedule.rows),
            ("keys", spec.schedule.keys),
        )
    )
    lines.append(
        f"flex.decode %query_view, %key_view, %value_view -> %out_view{results}"
        " kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)"
        f" q_offset(%q_offsets) kv_len(%kv_lens) {mods}{tables}"
        f" precision {spec.options.precision} {{{attributes}}} : {view}, {view}, {view} -> {view}"
    )
    lines.append("tt.return")
    body = "\n".join(f"    {line}" for line in lines)
    parameters = ",\n      ".join(map(str, _parameters(spec)))
    functions = "\n".join(
        mod.text if located else mod.key for mod in (spec.score, spec.mask) if mod
    )
    return (
        f"module {{\n{functions}\n"
        f"  tt.func public @decode(\n      {parameters}) {{\n{body}\n  }}\n}}\n"
    )
