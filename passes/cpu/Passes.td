//===- Passes.td - The passes of the CPU backend --------------------------===//

#ifndef PYFLEX_CPU_PASSES
#define PYFLEX_CPU_PASSES

include "mlir/Pass/PassBase.td"

def ConvertTritonToLinalg : Pass<"convert-tt-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lowers a kernel in tt to linalg on tensors";
  let description = [{
    Each public `tt.func` becomes a `func.func` that takes a pointer to its
    arguments (one slot of 8 bytes each), the program's three indices and the
    grid's three extents. Private functions are gone: their calls have been
    inlined before.

    A pointer becomes `!llvm.ptr`; a tensor of pointers becomes one base pointer
    and a tensor of byte offsets, so that neighbouring lanes stay visibly
    neighbours. Memory is touched in the bodies of `linalg.generic`, under an
    `scf.if` where there is a mask: a lane whose mask is false touches nothing.
    Arithmetic on tensors stays as it is, for `convert-elementwise-to-linalg`.

    ```mlir
    %v = tt.load %pointers, %mask, %other : tensor<16x!tt.ptr<f32>>
    ==>
    %v = linalg.generic ins(%offsets, %mask, %other) outs(%empty) {
    ^bb0(%offset: i64, %bit: i1, %default: f32, %out: f32):
      %lane = scf.if %bit -> f32 {
        %address = llvm.getelementptr %base[%offset] : (!llvm.ptr, i64) -> !llvm.ptr, i8
        %loaded = llvm.load %address : !llvm.ptr -> f32
        scf.yield %loaded : f32
      } else {
        scf.yield %default : f32
      }
      linalg.yield %lane : f32
    } -> tensor<16xf32>
    ```

    Assumes structured control flow. An op without a CPU lowering is an error
    that names it.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def CpuFuseTiles : Pass<"cpu-fuse-tiles", "::mlir::func::FuncOp"> {
  let summary = "Fuses elementwise loops over tiles";
  let description = [{
    A producer is fused into its consumer in the same block when that is its
    only use and no element would be computed twice. One whose body is a few
    integer operations (offsets and masks) is cheaper to repeat than to keep in
    memory, and is fused wherever it is used. A producer that reads memory moves
    only past operations that write none, and into none that writes.

    ```mlir
    %1 = linalg.generic ins(%0) { extf }
    %2 = linalg.generic ins(%1, %scale) { mulf }
    ==>
    %2 = linalg.generic ins(%0, %scale) { extf, mulf }
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let statistics = [
    Statistic<"numFused", "fused", "Number of producers fused">
  ];
}

def CpuLowerMatmul : Pass<"cpu-lower-matmul", "::mlir::func::FuncOp"> {
  let summary = "Lowers matrix products on buffers to register-blocked loops";
  let description = [{
    A `linalg.matmul` becomes a loop over blocks of the result that fit the
    vector registers; the block is carried through the loop over k, so memory
    sees one load of each operand and no traffic for the result.

    ```mlir
    linalg.matmul ins(%a, %b : memref<16x64xf32>, memref<64x32xf32>)
                  outs(%c : memref<16x32xf32>)
    ==>
    scf.for %m = 0 to 16 step 4
      scf.for %n = 0 to 32 step 16
        %rows:4 = scf.for %k = 0 to 64 iter_args(4 x vector<16xf32> of %c) {
          %right = vector.load %b[%k, %n]
          // for each row: row + splat(%a[%m + row, %k]) * %right
        }
        // store the rows to %c
    ```

    Assumes operands of one float type, of which the right one and the result
    lie row by row, and no indexing maps. Sizes that no block divides get smaller
    blocks, down to single elements.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def CpuCarryInPlace : Pass<"cpu-carry-in-place", "::mlir::func::FuncOp"> {
  let summary = "Keeps each loop-carried tensor in one buffer";
  let description = [{
    Writes what a loop yields into the buffer of the value that it carries, so
    that bufferization allocates nothing that outlives an iteration.

    ```mlir
    scf.for ... iter_args(%acc = %init) {
      scf.yield %next
    ==>
    scf.for ... iter_args(%acc = %init) {
      %kept = bufferization.materialize_in_destination %next in %acc
      scf.yield %kept
    ```
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def CpuHoistBuffers : Pass<"cpu-hoist-buffers", "::mlir::func::FuncOp"> {
  let summary = "Allocates every buffer once, at the start of the function";
  let description = [{
    Moves allocations of static size out of all loops. Buffers of up to
    `max-stack-bytes` go to the stack, others to the heap, freed at the return.
    Assumes a function of one block that returns no buffer, in which nothing is
    freed yet, and that no buffer allocated in a loop is carried to the next
    iteration (see `cpu-carry-in-place`).
  }];
  let options = [
    Option<"maxStackBytes", "max-stack-bytes", "int64_t", /*default=*/"1024",
           "Largest buffer to keep on the stack">
  ];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def CpuLegalizeScalars : Pass<"cpu-legalize-scalars", "::mlir::func::FuncOp"> {
  let summary = "Makes scalar operations total and exact on the CPU";
  let description = [{
    A GPU returns some number for an integer division by zero or of the smallest
    integer by -1; a CPU traps, also in lanes whose result is not used. Such a
    divisor is replaced by one. Conversions between bf16 and f64, which have no
    expansion of their own, go through f32, as they do in torch. No conversion
    keeps a fast-math flag: upstream's emulation of small floats would let a
    rounding be dropped between two operations. `math.expm1`, which upstream
    lowers to exp(x) - 1, is computed without that cancellation.

    ```mlir
    %q = arith.divsi %x, %y : i32
    ==>
    %bad = (%y == 0) or (%y == -1 and %x == min)
    %safe = arith.select %bad, 1, %y
    %q = arith.divsi %x, %safe : i32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
}

def CpuStoreBf16AsBits : Pass<"cpu-store-bf16-as-bits", "::mlir::ModuleOp"> {
  let summary = "Replaces the type bf16 by i16 in all that is left of a module";
  let description = [{
    Where the processor lacks bf16, LLVM widens a bf16 that is only selected or
    moved and narrows it again with a function of newer compiler runtimes. As an
    integer it is moved as it is.

    ```mlir
    %0 = llvm.load %address : !llvm.ptr -> bf16
    ==>
    %0 = llvm.load %address : !llvm.ptr -> i16
    ```

    Assumes that arithmetic on bf16 has been expanded, and that all is in the
    LLVM dialect: what is left moves a bf16, and types and constants of any op
    are replaced.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // PYFLEX_CPU_PASSES
