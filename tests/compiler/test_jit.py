"""Kernels compiled for the CPU against torch."""

import math
from collections.abc import Callable
from itertools import permutations

import pytest
import torch

from tests.compiler.kernels import MLIR_TYPES, elementwise, kernel, launch, line, tile

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
SPECIAL = [0.0, -0.0, 1.0, -1.5, math.inf, -math.inf, math.nan, 3.4e38, 1e-40, 65504.0, 65520.0]


def special_values(dtype: torch.dtype, size: int = 64) -> torch.Tensor:
    torch.manual_seed(0)
    values = torch.randn(size, dtype=torch.float64) * 10
    values[: len(SPECIAL)] = torch.tensor(SPECIAL, dtype=torch.float64)
    return values.to(dtype)


def test_add_with_mask_touches_no_masked_lane() -> None:
    body = (
        line("x", "a", 1024, "f32")
        + line("y", "b", 1024, "f32")
        + line("z", "out", 1024, "f32")
        + """
        %bound = tt.splat %n : i32 -> tensor<1024xi32>
        %mask = arith.cmpi slt, %x.r, %bound : tensor<1024xi32>
        %u = tt.load %x.at, %mask : tensor<1024x!tt.ptr<f32>>
        %other = arith.constant dense<7.0> : tensor<1024xf32>
        %v = tt.load %y.at, %mask, %other : tensor<1024x!tt.ptr<f32>>
        %s = arith.addf %u, %v : tensor<1024xf32>
        tt.store %z.at, %s, %mask : tensor<1024x!tt.ptr<f32>>
        """
    )
    compiled = kernel("%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32", body)
    assert compiled.argument_types == ("ptr", "ptr", "ptr", "i32")
    a, b = torch.randn(2, 1000)
    out = torch.full((1024,), 3.0)
    launch(compiled, a, b, out, 1000)
    torch.testing.assert_close(out[:1000], a + b, rtol=0, atol=0)
    assert (out[1000:] == 3.0).all()
    # Addresses that are not mapped, with every lane off.
    compiled.launch((1, 1, 1), [0, 16, 32, 0])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(16, 16, 16), (16, 64, 128), (32, 256, 16)], ids=str)
def test_dot(dtype: torch.dtype, shape: tuple[int, int, int]) -> None:
    rows, columns, depth = shape
    short = MLIR_TYPES[dtype]
    acc = "f64" if dtype == torch.float64 else "f32"
    body = (
        tile("x", "a", rows, depth, short)
        + tile("y", "b", columns, depth, short)
        + tile("z", "out", rows, columns, acc)
        + f"""
        %u = tt.load %x.at : tensor<{rows}x{depth}x!tt.ptr<{short}>>
        %v = tt.load %y.at : tensor<{columns}x{depth}x!tt.ptr<{short}>>
        %t = tt.trans %v {{order = array<i32: 1, 0>}}
            : tensor<{columns}x{depth}x{short}> -> tensor<{depth}x{columns}x{short}>
        %c = arith.constant dense<0.5> : tensor<{rows}x{columns}x{acc}>
        %d = tt.dot %u, %t, %c : tensor<{rows}x{depth}x{short}> * tensor<{depth}x{columns}x{short}>
            -> tensor<{rows}x{columns}x{acc}>
        tt.store %z.at, %d : tensor<{rows}x{columns}x!tt.ptr<{acc}>>
        """
    )
    compiled = kernel(f"%a: !tt.ptr<{short}>, %b: !tt.ptr<{short}>, %out: !tt.ptr<{acc}>", body)
    a, b = torch.randn(rows, depth).to(dtype), torch.randn(columns, depth).to(dtype)
    out = torch.empty(rows, columns, dtype=torch.float64 if acc == "f64" else torch.float32)
    launch(compiled, a, b, out)
    expected = a.double() @ b.double().T + 0.5
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("combine", ["maxnumf", "maximumf", "minnumf", "addf"])
@pytest.mark.parametrize("axis", [0, 1])
def test_reduce(combine: str, axis: int) -> None:
    kept = (32, 16)[axis]
    body = (
        tile("x", "a", 16, 32, "f32")
        + line("z", "out", kept, "f32")
        + f"""
        %u = tt.load %x.at : tensor<16x32x!tt.ptr<f32>>
        %r = "tt.reduce"(%u) <{{axis = {axis} : i32}}> ({{
        ^bb0(%p: f32, %q: f32):
          %s = arith.{combine} %p, %q : f32
          tt.reduce.return %s : f32
        }}) : (tensor<16x32xf32>) -> tensor<{kept}xf32>
        tt.store %z.at, %r : tensor<{kept}x!tt.ptr<f32>>
        """
    )
    compiled = kernel("%a: !tt.ptr<f32>, %out: !tt.ptr<f32>", body)
    a = torch.randn(16, 32)
    a[3, :], a[:, 5] = -math.inf, -math.inf  # a masked row, a masked column
    a[7, 9] = math.nan
    a[11, :], a[:, 13] = math.nan, math.nan
    out = torch.empty(kept)
    launch(compiled, a, out)
    if combine == "addf":
        expected = a.double().sum(axis).float()
    elif combine == "maximumf":
        expected = a.amax(axis)
    else:
        # Skips NaN, unless there is nothing else.
        lowest = -math.inf if combine == "maxnumf" else math.inf
        known = a.nan_to_num(nan=lowest, posinf=math.inf, neginf=-math.inf)
        expected = known.amax(axis) if combine == "maxnumf" else known.amin(axis)
        expected[a.isnan().all(axis)] = math.nan
    torch.testing.assert_close(out, expected, equal_nan=True, rtol=1e-5, atol=1e-5)


def test_reduce_to_scalar_and_two_results() -> None:
    body = (
        line("x", "a", 64, "f32")
        + """
        %u = tt.load %x.at : tensor<64x!tt.ptr<f32>>
        %r:2 = "tt.reduce"(%u, %x.r) <{axis = 0 : i32}> ({
        ^bb0(%p: f32, %i: i32, %q: f32, %j: i32):
          %more = arith.cmpf ogt, %q, %p : f32
          %s = arith.select %more, %q, %p : f32
          %k = arith.select %more, %j, %i : i32
          tt.reduce.return %s, %k : f32, i32
        }) : (tensor<64xf32>, tensor<64xi32>) -> (f32, i32)
        tt.store %best, %r#0 : !tt.ptr<f32>
        tt.store %where, %r#1 : !tt.ptr<i32>
        """
    )
    compiled = kernel("%a: !tt.ptr<f32>, %best: !tt.ptr<f32>, %where: !tt.ptr<i32>", body)
    a, best, where = torch.randn(64), torch.empty(1), torch.empty(1, dtype=torch.int32)
    launch(compiled, a, best, where)
    assert best.item() == a.max().item()
    assert where.item() == a.argmax().item()


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64], ids=str)
def test_gather_with_64_bit_offsets(dtype: torch.dtype) -> None:
    short = MLIR_TYPES[dtype]
    body = (
        line("i", "index", 64, short)
        + line("z", "out", 64, "f32")
        + f"""
        %i = tt.load %i.at : tensor<64x!tt.ptr<{short}>>
        %far = tt.addptr %table, %shift : !tt.ptr<f32>, i64
        %p = tt.splat %far : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
        %at = tt.addptr %p, %i : tensor<64x!tt.ptr<f32>>, tensor<64x{short}>
        %u = tt.load %at : tensor<64x!tt.ptr<f32>>
        tt.store %z.at, %u : tensor<64x!tt.ptr<f32>>
        """
    )
    arguments = f"%table: !tt.ptr<f32>, %index: !tt.ptr<{short}>, %out: !tt.ptr<f32>, %shift: i64"
    compiled = kernel(arguments, body)
    table, out = torch.randn(1000), torch.empty(64)
    index = torch.randint(-500, 500, (64,), dtype=dtype)
    launch(compiled, table, index, out, 500)
    torch.testing.assert_close(out, table[index.long() + 500])
    # The sum is taken in 64 bits: far off and back again.
    far = -(2**33)
    launch(compiled, table.data_ptr() - 4 * far, index, out, far + 500)
    torch.testing.assert_close(out, table[index.long() + 500])


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_loop_carries_tensors_pointers_and_swaps(steps: int) -> None:
    body = (
        line("x", "a", 32, "f32")
        + line("z", "out", 32, "f32")
        + line("w", "out2", 32, "f32")
        + """
        %c0 = arith.constant 0 : i32
        %c1 = arith.constant 1 : i32
        %zero = arith.constant dense<0.0> : tensor<32xf32>
        %one = arith.constant dense<1.0> : tensor<32xf32>
        %stride = arith.constant dense<32> : tensor<32xi32>
        %r:4 = scf.for %i = %c0 to %n step %c1
            iter_args(%acc = %zero, %p = %x.at, %s = %zero, %t = %one)
            -> (tensor<32xf32>, tensor<32x!tt.ptr<f32>>, tensor<32xf32>, tensor<32xf32>) : i32 {
          %v = tt.load %p : tensor<32x!tt.ptr<f32>>
          %w = arith.mulf %v, %t : tensor<32xf32>
          %sum = arith.addf %acc, %w : tensor<32xf32>
          %next = tt.addptr %p, %stride : tensor<32x!tt.ptr<f32>>, tensor<32xi32>
          scf.yield %sum, %next, %t, %s
            : tensor<32xf32>, tensor<32x!tt.ptr<f32>>, tensor<32xf32>, tensor<32xf32>
        }
        tt.store %z.at, %r#0 : tensor<32x!tt.ptr<f32>>
        tt.store %w.at, %r#2 : tensor<32x!tt.ptr<f32>>
        """
    )
    arguments = "%a: !tt.ptr<f32>, %out: !tt.ptr<f32>, %out2: !tt.ptr<f32>, %n: i32"
    compiled = kernel(arguments, body)
    a, out, out2 = torch.randn(max(steps, 1), 32), torch.empty(32), torch.empty(32)
    launch(compiled, a, out, out2, steps)
    torch.testing.assert_close(out, a[:steps:2].sum(0))
    assert (out2 == steps % 2).all()


def test_while_carries_a_tensor() -> None:
    body = (
        line("x", "a", 16, "f32")
        + """
        %c1 = arith.constant 1 : i32
        %c0 = arith.constant 0 : i32
        %two = arith.constant dense<2.0> : tensor<16xf32>
        %u = tt.load %x.at : tensor<16x!tt.ptr<f32>>
        %r:2 = scf.while (%v = %u, %i = %c0) : (tensor<16xf32>, i32) -> (tensor<16xf32>, i32) {
          %more = arith.cmpi slt, %i, %n : i32
          scf.condition(%more) %v, %i : tensor<16xf32>, i32
        } do {
        ^bb0(%v: tensor<16xf32>, %i: i32):
          %w = arith.mulf %v, %two : tensor<16xf32>
          %j = arith.addi %i, %c1 : i32
          scf.yield %w, %j : tensor<16xf32>, i32
        }
        tt.store %x.at, %r#0 : tensor<16x!tt.ptr<f32>>
        """
    )
    compiled = kernel("%a: !tt.ptr<f32>, %n: i32", body)
    a = torch.randn(16)
    expected = a * 32
    launch(compiled, a, 5)
    torch.testing.assert_close(a, expected)


def test_if_yields_tensors_and_pointers() -> None:
    body = (
        line("x", "a", 32, "f32")
        + line("y", "b", 32, "f32")
        + line("z", "out", 32, "f32")
        + """
        %c0 = arith.constant 0 : i32
        %positive = arith.cmpi sgt, %n, %c0 : i32
        %which = arith.select %positive, %a, %b : !tt.ptr<f32>
        %first = tt.load %which : !tt.ptr<f32>
        %head = tt.splat %first : f32 -> tensor<32xf32>
        %r:2 = scf.if %positive -> (tensor<32xf32>, tensor<32x!tt.ptr<f32>>) {
          %u = tt.load %x.at : tensor<32x!tt.ptr<f32>>
          scf.yield %u, %y.at : tensor<32xf32>, tensor<32x!tt.ptr<f32>>
        } else {
          scf.yield %head, %x.at : tensor<32xf32>, tensor<32x!tt.ptr<f32>>
        }
        %v = tt.load %r#1 : tensor<32x!tt.ptr<f32>>
        %s = arith.addf %r#0, %v : tensor<32xf32>
        tt.store %z.at, %s : tensor<32x!tt.ptr<f32>>
        """
    )
    arguments = "%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32"
    compiled = kernel(arguments, body)
    a, b, out = torch.randn(32), torch.randn(32), torch.empty(32)
    launch(compiled, a, b, out, 1)
    torch.testing.assert_close(out, a + b)
    launch(compiled, a, b, out, -1)
    torch.testing.assert_close(out, b[0] + a)


def test_store_is_seen_by_a_later_load() -> None:
    body = (
        line("x", "a", 64, "f32")
        + """
        %u = tt.load %x.at : tensor<64x!tt.ptr<f32>>
        %zero = arith.constant dense<0.0> : tensor<64xf32>
        tt.store %x.at, %zero : tensor<64x!tt.ptr<f32>>
        %v = tt.load %x.at : tensor<64x!tt.ptr<f32>>
        %w = arith.subf %u, %v : tensor<64xf32>
        tt.store %x.at, %w : tensor<64x!tt.ptr<f32>>
        """
    )
    compiled = kernel("%a: !tt.ptr<f32>", body)
    a = torch.randn(64)
    expected = a.clone()
    launch(compiled, a)
    torch.testing.assert_close(a, expected, rtol=0, atol=0)


@pytest.mark.parametrize(("source", "target"), list(permutations(FLOATS, 2)), ids=str)
def test_float_conversions_round_as_torch(source: torch.dtype, target: torch.dtype) -> None:
    wide, narrow = MLIR_TYPES[source], MLIR_TYPES[target]
    sizes = {"f64": 64, "f32": 32, "f16": 16, "bf16": 16}
    if sizes[wide] == sizes[narrow]:
        convert = f"%w = arith.extf %x : tensor<64x{wide}> to tensor<64xf32>\n"
        convert += f"%y = arith.truncf %w : tensor<64xf32> to tensor<64x{narrow}>"
    else:
        name = "extf" if sizes[wide] < sizes[narrow] else "truncf"
        convert = f"%y = arith.{name} %x : tensor<64x{wide}> to tensor<64x{narrow}>"
    compiled = elementwise(convert, 64, wide, narrow)
    x, y = special_values(source), torch.empty(64, dtype=target)
    launch(compiled, x, y)
    torch.testing.assert_close(y, x.to(target), rtol=0, atol=0, equal_nan=True)


def test_bf16_rounds_to_nearest_even_for_all_sorts_of_patterns() -> None:
    compiled = elementwise(
        "%y = arith.truncf %x : tensor<64xf32> to tensor<64xbf16>", 64, "f32", "bf16"
    )
    high = torch.arange(-(2**15), 2**15, 61, dtype=torch.int32)
    low = torch.tensor([0x0000, 0x7FFF, 0x8000, 0x8001, 0xFFFF], dtype=torch.int32)
    bits = ((high[:, None] << 16) | low).flatten()
    x = bits[: len(bits) // 64 * 64].view(torch.float32).view(-1, 64)
    for row in x:
        y = torch.empty(64, dtype=torch.bfloat16)
        launch(compiled, row, y)
        torch.testing.assert_close(y, row.bfloat16(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_small_float_arithmetic_rounds_after_each_operation(dtype: torch.dtype) -> None:
    short = MLIR_TYPES[dtype]
    tensor = f"tensor<64x{short}>"
    body = f"""
    %a1 = arith.mulf %x, %x : {tensor}
    %a2 = arith.addf %a1, %x : {tensor}
    %big = arith.cmpf ogt, %a2, %x : {tensor}
    %a3 = arith.select %big, %a2, %a1 : tensor<64xi1>, {tensor}
    %y = arith.negf %a3 : {tensor}
    """
    x, y = torch.randn(64).to(dtype), torch.empty(64, dtype=dtype)
    launch(elementwise(body, 64, short, short), x, y)
    square = x * x
    total = square + x
    expected = -torch.where(total > x, total, square)
    torch.testing.assert_close(y, expected, rtol=0, atol=0)


MATH = {
    "math.exp2": torch.exp2,
    "math.exp": torch.exp,
    "math.log2": torch.log2,
    "math.sin": torch.sin,
    "math.cos": torch.cos,
    "math.tanh": torch.tanh,
    "math.erf": torch.erf,
    "math.sqrt": torch.sqrt,
    "math.rsqrt": torch.rsqrt,
    "math.floor": torch.floor,
    "math.roundeven": torch.round,
    "math.absf": torch.abs,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", MATH)
def test_math(name: str, dtype: torch.dtype) -> None:
    short = MLIR_TYPES[dtype]
    x, y = special_values(dtype), torch.empty(64, dtype=dtype)
    launch(elementwise(f"%y = {name} %x : tensor<64x{short}>", 64, short, short), x, y)
    expected = MATH[name](x.double()).to(dtype)
    tolerance = {"rtol": 1e-2, "atol": 1e-2} if dtype == torch.bfloat16 else {}
    if name in ("math.sin", "math.cos"):
        x, y, expected = x[20:], y[20:], expected[20:]  # huge arguments differ
    torch.testing.assert_close(y, expected, equal_nan=True, **tolerance)


@pytest.mark.parametrize(
    ("symbol", "reference"),
    [("tanh", torch.tanh), ("erf", torch.erf), ("acosh", torch.acosh), ("fabs", torch.abs)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_device_functions(
    symbol: str, reference: Callable[..., torch.Tensor], dtype: torch.dtype
) -> None:
    short = MLIR_TYPES[dtype]
    name = f"__nv_{symbol}" + ("f" if dtype == torch.float32 else "")
    body = f"""
    %y = tt.extern_elementwise %x {{libname = "libdevice", libpath = "", pure = true,
      symbol = "{name}"}} : (tensor<64x{short}>) -> tensor<64x{short}>
    """
    x, y = special_values(dtype), torch.empty(64, dtype=dtype)
    launch(elementwise(body, 64, short, short), x, y)
    torch.testing.assert_close(y, reference(x), equal_nan=True)


def test_integer_division_does_not_trap() -> None:
    body = (
        line("x", "a", 16, "i32")
        + line("y", "b", 16, "i32")
        + line("q", "quotient", 16, "i32")
        + line("r", "remainder", 16, "i32")
        + """
        %u = tt.load %x.at : tensor<16x!tt.ptr<i32>>
        %v = tt.load %y.at : tensor<16x!tt.ptr<i32>>
        %q = arith.divsi %u, %v : tensor<16xi32>
        %r = arith.remsi %u, %v : tensor<16xi32>
        tt.store %q.at, %q : tensor<16x!tt.ptr<i32>>
        tt.store %r.at, %r : tensor<16x!tt.ptr<i32>>
        """
    )
    pointer = "!tt.ptr<i32>"
    arguments = f"%a: {pointer}, %b: {pointer}, %quotient: {pointer}, %remainder: {pointer}"
    compiled = kernel(arguments, body)
    a = torch.arange(-8, 8, dtype=torch.int32)
    b = torch.full((16,), 3, dtype=torch.int32)
    a[0], b[0] = -(2**31), -1
    b[1] = 0
    b[2] = -3
    quotient, remainder = torch.empty_like(a), torch.empty_like(a)
    launch(compiled, a, b, quotient, remainder)
    assert quotient[0] == -(2**31)
    assert remainder[0] == 0
    expected = torch.div(a[2:], b[2:], rounding_mode="trunc")
    torch.testing.assert_close(quotient[2:], expected)
    torch.testing.assert_close(remainder[2:], torch.fmod(a[2:], b[2:]))


def test_grid_covers_three_axes_over_threads() -> None:
    body = """
    %x = tt.get_program_id x : i32
    %y = tt.get_program_id y : i32
    %z = tt.get_program_id z : i32
    %nx = tt.get_num_programs x : i32
    %ny = tt.get_num_programs y : i32
    %nz = tt.get_num_programs z : i32
    %zy = arith.muli %z, %ny : i32
    %zy1 = arith.addi %zy, %y : i32
    %zyx = arith.muli %zy1, %nx : i32
    %i = arith.addi %zyx, %x : i32
    %at = tt.addptr %out, %i : !tt.ptr<i32>, i32
    %old = tt.load %at : !tt.ptr<i32>
    %v = arith.addi %i, %nz : i32
    %w = arith.addi %v, %old : i32
    tt.store %at, %w : !tt.ptr<i32>
    """
    compiled = kernel("%out: !tt.ptr<i32>", body)
    for grid in [(7, 5, 3), (1, 1, 1), (10000, 1, 2), (3, 0, 1)]:
        for threads in (0, 1, 5):
            total = grid[0] * grid[1] * grid[2]
            out = torch.zeros(total + 1, dtype=torch.int32)
            launch(compiled, out, grid=grid, threads=threads)
            # A program that ran twice would have added to what it found.
            expected = torch.arange(total, dtype=torch.int32) + grid[2]
            torch.testing.assert_close(out[:total], expected)
            assert out[total] == 0


def test_scalar_arguments_of_every_type() -> None:
    types = {"i8": -3, "i16": -300, "i32": -70000, "i64": -(2**40), "f32": 0.5, "f64": 0.1}
    arguments = ", ".join(f"%{t}: {t}, %o{t}: !tt.ptr<{t}>" for t in types)
    body = "\n".join(f"tt.store %o{t}, %{t} : !tt.ptr<{t}>" for t in types)
    dtypes = {short: dtype for dtype, short in MLIR_TYPES.items()}
    outs = {t: torch.zeros(2, dtype=dtypes[t]) for t in types}
    launch(kernel(arguments, body), *(x for t in types for x in (types[t], outs[t])))
    for t, value in types.items():
        assert outs[t].tolist() == [torch.tensor(value, dtype=dtypes[t]).item(), 0]


def test_large_tiles_are_not_kept_on_the_stack() -> None:
    body = tile("x", "a", 128, 256, "f32") + tile("z", "out", 128, 256, "f32")
    body += "%s0 = tt.load %x.at : tensor<128x256x!tt.ptr<f32>>\n"
    for step in range(40):
        body += f"%t{step} = math.cos %s{step} : tensor<128x256xf32>\n"
        body += f"%s{step + 1} = arith.mulf %t{step}, %s{max(step - 1, 0)} : tensor<128x256xf32>\n"
    body += "tt.store %z.at, %s40 : tensor<128x256x!tt.ptr<f32>>"
    compiled = kernel("%a: !tt.ptr<f32>, %out: !tt.ptr<f32>", body)
    a = torch.randn(128, 256)
    out = torch.empty_like(a)
    launch(compiled, a, out, grid=(4, 1, 1), threads=4)
    previous, current = a, a
    for _ in range(40):
        previous, current = current, current.cos() * previous
    torch.testing.assert_close(out, current, rtol=1e-3, atol=1e-3)  # errors grow at first
