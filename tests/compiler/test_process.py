"""The library beside torch's and Triton's own LLVM, and what it needs and shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyflex.library import library_path

ROOT = Path(__file__).resolve().parents[2]

BESIDE_TRITON = """
import sys
import torch
order = sys.argv[1]
if order == "triton-first":
    import triton
    from triton._C.libtriton import ir, llvm
from pyflex.compiler import jit, run_pipeline
SOURCE = '''tt.func public @k(%p: !tt.ptr<f32>, %x: f32) {
  %y = math.exp2 %x : f32
  tt.store %p, %y : !tt.ptr<f32>
  tt.return
}'''
def ours():
    out = torch.zeros(1)
    jit(SOURCE).launch((1, 1, 1), [out.data_ptr(), 3.0])
    assert out.item() == 8.0
    return run_pipeline(SOURCE, "canonicalize", generic=True).text
text = ours()
import tempfile, triton
from triton.backends.compiler import GPUTarget
with tempfile.NamedTemporaryFile("w", suffix=".ttir") as file:
    file.write(text)
    file.flush()
    compiled = triton.compile(file.name, target=GPUTarget("cuda", 80, 32))
assert "ex2" in compiled.asm["ptx"]
assert ours() == text
print("both work")
"""


@pytest.mark.parametrize("order", ["triton-first", "pyflex-first"])
def test_beside_triton_in_one_process(order: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BESIDE_TRITON, order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "both work\n", done.stderr


def tool(name: str, *args: str | Path) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    done = subprocess.run([name, *map(str, args)], capture_output=True, text=True, check=True)
    return done.stdout


def test_needs_the_system_libraries_alone() -> None:
    needed = [
        line.split("[")[1].split("]")[0].split(".so")[0]
        for line in tool("readelf", "--dynamic", library_path()).splitlines()
        if "(NEEDED)" in line
    ]
    allowed = {"libstdc++", "libm", "libgcc_s", "libc", "libpthread", "libdl", "ld-linux-x86-64"}
    assert set(needed) <= allowed


def test_shows_the_c_interface_alone() -> None:
    listed = tool("nm", "--dynamic", "--defined-only", library_path()).splitlines()
    names = {line.split()[-1] for line in listed}
    header = (ROOT / "passes" / "capi" / "pyflex.h").read_text()
    assert names == set(re.findall(r"\b(pyflex_\w+)\(", header))


def test_size_when_stripped(tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    tool("strip", "-o", stripped, library_path())
    assert stripped.stat().st_size < 48e6
