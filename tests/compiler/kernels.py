"""Small TTIR kernels as text, and torch tensors as their arguments."""

from __future__ import annotations

import torch

from pyflex.compiler import CpuKernel, jit

MLIR_TYPES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
}


def kernel(arguments: str, body: str) -> CpuKernel:
    """Compiles a kernel of these arguments and this body."""
    return jit(f"module {{\ntt.func public @kernel({arguments}) {{\n{body}\ntt.return\n}}\n}}")


def launch(
    compiled: CpuKernel,
    *args: torch.Tensor | int | float,
    grid: tuple[int, int, int] = (1, 1, 1),
    threads: int = 1,
) -> None:
    slots = [arg.data_ptr() if isinstance(arg, torch.Tensor) else arg for arg in args]
    compiled.launch(grid, slots, threads=threads)


def tile(name: str, pointer: str, rows: int, columns: int, dtype: str) -> str:
    """Pointers %name.at to a contiguous matrix at the argument %pointer."""
    shape, at = f"{rows}x{columns}", f"tensor<{rows}x{columns}x!tt.ptr<{dtype}>>"
    column, row = f"tensor<{rows}x1xi32>", f"tensor<1x{columns}xi32>"
    return f"""
%{name}.r = tt.make_range {{start = 0 : i32, end = {rows} : i32}} : tensor<{rows}xi32>
%{name}.c = tt.make_range {{start = 0 : i32, end = {columns} : i32}} : tensor<{columns}xi32>
%{name}.r1 = tt.expand_dims %{name}.r {{axis = 1 : i32}} : tensor<{rows}xi32> -> {column}
%{name}.c1 = tt.expand_dims %{name}.c {{axis = 0 : i32}} : tensor<{columns}xi32> -> {row}
%{name}.w = arith.constant dense<{columns}> : {column}
%{name}.r2 = arith.muli %{name}.r1, %{name}.w : {column}
%{name}.r3 = tt.broadcast %{name}.r2 : {column} -> tensor<{shape}xi32>
%{name}.c3 = tt.broadcast %{name}.c1 : {row} -> tensor<{shape}xi32>
%{name}.o = arith.addi %{name}.r3, %{name}.c3 : tensor<{shape}xi32>
%{name}.p = tt.splat %{pointer} : !tt.ptr<{dtype}> -> {at}
%{name}.at = tt.addptr %{name}.p, %{name}.o : {at}, tensor<{shape}xi32>
"""


def line(name: str, pointer: str, size: int, dtype: str) -> str:
    """Pointers %name.at to a contiguous vector at the argument %pointer."""
    at = f"tensor<{size}x!tt.ptr<{dtype}>>"
    return f"""
%{name}.r = tt.make_range {{start = 0 : i32, end = {size} : i32}} : tensor<{size}xi32>
%{name}.p = tt.splat %{pointer} : !tt.ptr<{dtype}> -> {at}
%{name}.at = tt.addptr %{name}.p, %{name}.r : {at}, tensor<{size}xi32>
"""


def elementwise(body: str, size: int, source: str, result: str) -> CpuKernel:
    """A kernel out[i] = body(%x)[i] over `size` elements; the body defines %y."""
    load = f"%x = tt.load %a.at : tensor<{size}x!tt.ptr<{source}>>"
    store = f"tt.store %b.at, %y : tensor<{size}x!tt.ptr<{result}>>"
    parts = [line("a", "in", size, source), line("b", "out", size, result), load, body, store]
    return kernel(f"%in: !tt.ptr<{source}>, %out: !tt.ptr<{result}>", "\n".join(parts))
