"""Kernels for a target: TTIR text through Triton's own backend."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from pyflex import ptx, ttg
from pyflex.cache import Binary, stamp
from pyflex.errors import TargetError
from pyflex.kernel import KernelSpec
from pyflex.library import build_id
from pyflex.steps import step
from pyflex.target import Target

# Pointers to scratch memory that Triton adds to every kernel's arguments.
_HIDDEN_ARGUMENTS = 2
# Environment variables that Triton and its LLVM read, apart from where they keep files.
_VARIABLES = re.compile(r"(TRITON|DISABLE|ALLOW|LLVM|MLIR|AMDGCN|NVPTX|PTXAS)_")
# Two threads must not import Triton at once: its modules import each other.
_IMPORTING = Lock()
_PLACES = {"TRITON_CACHE_DIR", "TRITON_HOME", "TRITON_DUMP_DIR"}


def backend_options(spec: KernelSpec, target: Target) -> dict[str, Any]:
    """What Triton is told about a kernel beside its text."""
    options: dict[str, Any] = {
        "num_warps": spec.schedule.num_warps,
        "num_stages": spec.schedule.num_stages,
        # A score times log2 e, less the largest one rounded, must be 0 where the two are the same:
        # fused, the score is not rounded, and scores of 1e9 give weights of 2**100.
        "enable_fp_fusion": False,
    }
    if target.backend == "cuda" and spec.most_registers is not None:
        # ptxas does not know how many programs shared memory holds. Left to guess, it loads
        # operands late, to save registers that nobody else takes.
        options["maxnreg"] = spec.most_registers
    return options


def passes_for(spec: KernelSpec, target: Target) -> tuple[str, ...]:
    """The names of the passes that run between Triton's; see `pyflex.ttg`."""
    if target.backend != "cuda":
        return ()
    return tuple(name for name in ttg.PASSES if spec.options.enabled(name))


def toolchain() -> str:
    """What machine code depends on beside its module: compilers and their settings.

    Cheap enough for every new kernel; Triton is not imported.
    """
    settings = []
    for name, value in sorted(os.environ.items()):
        if _VARIABLES.match(name) and name not in _PLACES:
            # A tool that a variable names may be replaced under the same name.
            settings.append((name, value, stamp(Path(value)) if value else None))
    return json.dumps([build_id(), _triton_id(), _OWN_ID, settings])


@lru_cache(maxsize=1)
def _triton_id() -> str:
    """Triton's version and build, without an import."""
    found = find_spec("triton")
    if found is None or found.origin is None:
        return "none"
    init = Path(found.origin)
    return f"{init.read_text()}{stamp(init.parent / '_C' / 'libtriton.so')}"


def _own_id() -> str:
    files = [Path(__file__), Path(ptx.__file__), *sorted(Path(ttg.__path__[0]).glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


#: What is done here with Triton's texts; of the files as they were imported.
_OWN_ID = _own_id()


@dataclass(frozen=True)
class Compiled:
    """A kernel for one target: its machine code, and the texts that Triton went through."""

    binary: Binary
    texts: dict[str, str] = field(repr=False)

    @property
    def stages(self) -> tuple[str, ...]:
        """Names that `text` knows."""
        return (*self.texts, "sass") if "ptx" in self.texts else tuple(self.texts)

    def text(self, stage: str) -> str:
        """The kernel after one of Triton's stages."""
        if stage != "sass":
            return self.texts[stage]
        from triton.tools.disasm import get_sass

        return str(get_sass(self.binary.image))


def compile_ttir(ttir: str, target: Target, spec: KernelSpec) -> Compiled:
    """`ttir` (MLIR's generic form) through Triton.

    Triton's stages are run one by one, not by triton.compile: that one hashes all of Triton to
    name its own cache, 0.3 s of a process's first kernel.

    Raises:
        TargetError: when Triton cannot compile for the target, or makes a kernel that cannot be
            launched from here.
    """
    with step("triton"):
        with _IMPORTING:
            import triton.compiler  # noqa: F401
            from triton.runtime.errors import TritonError

        try:
            passes = passes_for(spec, target)
            return _run_stages(ttir, target, backend_options(spec, target), passes)
        except (TritonError, RuntimeError) as error:
            raise TargetError(
                f"Triton cannot compile the kernel for {target}", got=error
            ) from error


def _run_stages(
    ttir: str, target: Target, options: dict[str, Any], passes: Sequence[str]
) -> Compiled:
    from triton._C.libtriton import ir
    from triton.backends.compiler import GPUTarget
    from triton.compiler.compiler import IRSource, make_backend

    triton_target = GPUTarget(target.backend, target.arch, target.warp_size)
    backend = make_backend(triton_target)
    context = ir.context()
    source = _from_file(ttir, "ttir", lambda path: IRSource(path, context, backend))
    parsed = backend.parse_options({**options, **source.parse_options()})
    stages: dict[str, Callable[[Any, dict[str, Any]], Any]] = {}
    backend.add_stages(stages, parsed, source.language)
    metadata: dict[str, Any] = {"target": triton_target, **vars(parsed)}
    implementation = backend.get_codegen_implementation(parsed)
    module = source.make_ir(
        triton_target, parsed, implementation, backend.get_module_map(), context
    )
    texts: dict[str, str] = {}
    # The module has come as far as the first stage leaves it.
    for name in list(stages)[1:]:
        module = stages[name](module, metadata)
        if name == "ptx":
            module = ptx.corrected(module)
        if not isinstance(module, bytes):
            texts[name] = str(module)  # a later stage changes a module in place
        if name == "ttgir" and passes:
            after = ttg.run(texts[name], passes)
            texts.update(after)
            if after[passes[-1]] != texts[name]:
                module = _module(after, context, passes)
    arguments = tuple(map(_type_name, source.signature.values()))
    _check_launch(target, metadata, texts, len(arguments))
    binary = Binary(
        image=module,
        name=metadata["name"],
        arguments=arguments,
        threads=metadata["num_warps"] * target.warp_size,
        shared=metadata["shared"],
        waits="griddepcontrol.wait" in texts.get("ptx", ""),
        clusters="barrier.cluster" in texts.get("ptx", ""),
    )
    return Compiled(binary, texts)


def _module(after: dict[str, str], context: Any, passes: Sequence[str]) -> Any:
    """Triton's module for the last of these texts."""
    from triton._C.libtriton import ir

    try:
        text = after[passes[-1]]
        module = _from_file(text, "ttgir", lambda path: ir.parse_mlir_module(path, context))
    except RuntimeError as error:
        raise TargetError(
            "this version of Triton does not read what passes make of its IR",
            expected=f"another version, or disable_passes={tuple(passes)}",
            got=error,
        ) from error
    module.context = context  # which a module does not keep alive
    return module


def _from_file(text: str, kind: str, read: Callable[[str], Any]) -> Any:
    """Triton reads IR from a file."""
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    with tempfile.TemporaryDirectory(prefix="pyflex-") as folder:
        path = Path(folder) / f"{name}.{kind}"
        path.write_text(text)
        return read(str(path))


def _type_name(triton_type: str) -> str:
    if triton_type.startswith("*"):
        return "ptr"
    return triton_type.replace("fp", "f")


def _check_launch(
    target: Target, metadata: dict[str, Any], texts: dict[str, str], arguments: int
) -> None:
    """Refuses a kernel that expects more of its launch than `GpuKernel` gives it."""
    # What a version does not mention, it does not have.
    scratch = metadata.get("global_scratch_size", 0) + metadata.get("profile_scratch_size", 0)
    if scratch or metadata["num_ctas"] != 1 or metadata.get("launch_cooperative_grid", False):
        raise TargetError(
            f"the kernel for {target} needs a launch that pyflex does not make",
            expected="no scratch memory, no clusters, no cooperative grid",
            got=f"{scratch} bytes of scratch memory, {metadata['num_ctas']} programs a cluster",
        )
    declared = _declared_arguments(texts)
    if declared != arguments + _HIDDEN_ARGUMENTS:
        raise TargetError(
            "this version of Triton calls kernels in another way",
            expected=f"{arguments + _HIDDEN_ARGUMENTS} arguments",
            got=declared,
        )


def _declared_arguments(texts: dict[str, str]) -> int:
    """How many arguments the machine code declares, those of Triton's own included."""
    if "ptx" in texts:
        entry = texts["ptx"].partition(".entry")[2]
        return entry.partition(")")[0].count(".param")
    kinds = re.findall(r"\.value_kind:\s*(\w+)", texts["amdgcn"])
    return sum(not kind.startswith("hidden_") for kind in kinds)
