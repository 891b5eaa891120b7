"""Compiles each `<kernel>.<backend>.ttir` of a folder with the Triton of this process.

A kernel with sm_90 in its name is left out for older GPUs of NVIDIA's. Arguments: the folder, then
targets such as cuda:90 and hip:gfx942. No GPU is needed.
"""

import sys
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget


def compile_kernel(path: Path, backend: str, arch: str) -> None:
    if backend == "cuda":
        kernel = triton.compile(str(path), target=GPUTarget("cuda", int(arch), 32))
        text, wanted = kernel.asm["ptx"], f".target sm_{arch}"
    else:
        kernel = triton.compile(str(path), target=GPUTarget("hip", arch, 64))
        text, wanted = kernel.asm["amdgcn"], f"-{arch}"
    if wanted not in text:
        sys.exit(f"expected {wanted!r} in its assembly, which begins:\n{text[:400]}")


def main(folder: Path, targets: list[str]) -> None:
    for target in targets:
        backend, arch = target.split(":")
        for path in sorted(folder.glob(f"*.{backend}.ttir")):
            if "sm_90" in path.name and backend == "cuda" and int(arch) < 90:
                continue
            print(path.name, target, flush=True)
            compile_kernel(path, backend, arch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
