"""What pyflex prints is read, verified and compiled by each installed Triton.

`tt` mirrors a part of Triton's dialect; these tests are what keeps the mirror true.
"""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT, TritonPython

HERE = Path(__file__).resolve().parent
PYFLEX_OPT = ROOT / "build" / "bin" / "pyflex-opt"
KERNELS = ROOT / "dialect_tests" / "passes" / "flex-decode-pipeline.mlir"
MATH = ROOT / "dialect_tests" / "passes" / "flex-legalize-math.mlir"
SEPARATOR = "// -----"
TARGETS = ("cuda:80", "cuda:90", "cuda:100", "hip:gfx942")
OP = re.compile(r'"((?:arith|math|scf|tt)\.[\w.]+)"\(')


def pyflex_opt(source: Path | str, *flags: str) -> str:
    """Generic-form text that pyflex-opt prints for a file, or for a text."""
    is_file = isinstance(source, Path)
    done = subprocess.run(
        [PYFLEX_OPT, str(source) if is_file else "-", *flags, "--mlir-print-op-generic"],
        input=None if is_file else source,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def cases() -> dict[str, str]:
    """Each case of emitted_ops.mlir in generic form, by the name of its last function."""
    chunks = pyflex_opt(HERE / "emitted_ops.mlir", "--split-input-file").split(SEPARATOR)
    return {re.findall(r'sym_name = "(\w+)"', chunk)[-1]: chunk.strip() for chunk in chunks}


def kernels(target: str) -> dict[str, str]:
    """Whole kernels in generic form: bf16 with a mask, fp32 block-sparse, and its combine.

    And the first one again over the blocks that a kernel ahead of it lists, and with what NVIDIA's
    newer GPUs have.
    """

    def kernel(name: str, settings: str = "") -> str:
        options = f"kernel={name} target={target} {settings}"
        return pyflex_opt(KERNELS, f"--flex-decode-pipeline={options}")

    made = {name: kernel(name) for name in ("dense", "decode", "decode_combine")}
    listed = "derive-bounds=0 list-blocks=1"
    return made | {
        "dense_listed": kernel("dense", listed),
        "dense_blocks": kernel("dense_blocks", listed),
        "dense_sm_90": kernel("dense", "combine-in-cluster=1 overlap-kernels=1"),
        "decode_matrix_units": kernel("decode", "split-products=1 pad-products=1"),
    }


def ops_in(text: str) -> set[str]:
    return set(OP.findall(text))


def test_every_op_of_the_mirror_has_a_case() -> None:
    defined = re.findall(r'TT_Op<"([\w.]+)"', (ROOT / "passes/tt/TritonOps.td").read_text())
    assert defined
    assert {f"tt.{name}" for name in defined} - ops_in("".join(cases().values())) == set()


def test_every_op_of_the_kernels_has_a_case() -> None:
    covered = ops_in("".join(cases().values()))
    for target in ("cuda", "hip"):
        for kernel in kernels(target).values():
            assert ops_in(kernel) - covered == set()


def test_no_kernel_names_a_cache_policy() -> None:
    """Triton 3.6 reads it from `cache` and `evict`; 3.9 from `cachePolicy`, and ignores those."""
    for kernel in kernels("cuda").values():
        assert set(re.findall(r"cache = (\d+)", kernel)) == {"1"}
        assert set(re.findall(r"evict = (\d+)", kernel)) == {"1"}


def test_emitted_ops_round_trip(triton_python: TritonPython, tmp_path: Path) -> None:
    """pyflex's text, read and printed by Triton, read again by pyflex: the same module."""
    texts = cases() | {f"kernel_{name}": text for name, text in kernels("cuda").items()}
    for name, text in texts.items():
        (tmp_path / f"{name}.mlir").write_text(text)
    triton_python.run(HERE / "parse.py", tmp_path)
    for name, text in texts.items():
        seen = (tmp_path / f"{name}.ops").read_text().split("\n")
        assert sorted(op for op in seen if op != "builtin.module") == sorted(OP.findall(text)), name
        printed = (tmp_path / f"{name}.printed").read_text()
        assert pyflex_opt(printed) == pyflex_opt(text), name


def math_kernel(backend: str) -> str:
    """A kernel that stores every math function of a tile, with those of a library called."""
    functions = sorted(set(re.findall(r"= (math\.\w+) ([^:]*) : f32", MATH.read_text())))
    tile = "tensor<128xf32>"
    lines = []
    for index, (op, operands) in enumerate(functions):
        tiles = re.sub(r"%\w+", "%x", operands)
        lines.append(f"%{index} = {op} {tiles} : {tile}")
        lines.append(f"tt.store %ps, %{index} : tensor<128x!tt.ptr<f32>>")
    body = "\n".join(lines)
    return pyflex_opt(
        f"""tt.func public @math(%p: !tt.ptr<f32>) {{
          %range = tt.make_range {{start = 0 : i32, end = 128 : i32}} : tensor<128xi32>
          %base = tt.splat %p : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
          %ps = tt.addptr %base, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
          %x = tt.load %ps : tensor<128x!tt.ptr<f32>>
          {body}
          tt.return
        }}""",
        f"--flex-legalize-math=target={backend}",
    )


@pytest.mark.slow
def test_kernels_compile(triton_python: TritonPython, tmp_path: Path) -> None:
    """To PTX and to AMDGCN, without a GPU."""
    for backend in ("cuda", "hip"):
        for name, text in (kernels(backend) | {"math": math_kernel(backend)}).items():
            (tmp_path / f"{name}.{backend}.ttir").write_text(text)
    env = {**os.environ, **triton_python.env, "TRITON_CACHE_DIR": str(tmp_path / "cache")}
    replace(triton_python, env=env).run(HERE / "compile.py", tmp_path, *TARGETS)
    shutil.rmtree(tmp_path / "cache")
