// RUN: pyflex-opt %s --pyflex-cpu-pipeline | FileCheck %s
// RUN: pyflex-opt %s --pyflex-cpu-pipeline --mlir-disable-threading --mlir-print-ir-after=cpu-hoist-buffers 2>&1 | FileCheck %s --check-prefix=BUFFERS

// Nothing but the LLVM dialect is left, and no bf16.
// CHECK-NOT: {{(tt|arith|math|scf|linalg|memref|tensor|func|vector)\.}}
// CHECK-NOT: bf16
// CHECK: llvm.func @accumulate(%{{.*}}: !llvm.ptr, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32)
// CHECK-NOT: {{(tt|arith|math|scf|linalg|memref|tensor|func|vector)\.}}
// CHECK-NOT: bf16

// The accumulator stays in one buffer; no loop allocates or copies.
// BUFFERS: func.func @accumulate
// BUFFERS: scf.for
// BUFFERS-NOT: memref.alloc
// BUFFERS-NOT: memref.copy
// BUFFERS: linalg.matmul
// BUFFERS-NOT: memref.copy
// BUFFERS: memref.dealloc
// BUFFERS: return
tt.func public @accumulate(%p: !tt.ptr<bf16>, %out: !tt.ptr<bf16>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %r = tt.make_range {start = 0 : i32, end = 32 : i32} : tensor<32xi32>
  %c = tt.expand_dims %r {axis = 0 : i32} : tensor<32xi32> -> tensor<1x32xi32>
  %b = tt.broadcast %c : tensor<1x32xi32> -> tensor<32x32xi32>
  %s = tt.splat %p : !tt.ptr<bf16> -> tensor<32x32x!tt.ptr<bf16>>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<32x32xf32>) : i32 {
    %k = tt.splat %i : i32 -> tensor<32x32xi32>
    %o = arith.addi %b, %k : tensor<32x32xi32>
    %at = tt.addptr %s, %o : tensor<32x32x!tt.ptr<bf16>>, tensor<32x32xi32>
    %a = tt.load %at : tensor<32x32x!tt.ptr<bf16>>
    %next = tt.dot %a, %a, %acc : tensor<32x32xbf16> * tensor<32x32xbf16> -> tensor<32x32xf32>
    scf.yield %next : tensor<32x32xf32>
  }
  %t = arith.truncf %sum : tensor<32x32xf32> to tensor<32x32xbf16>
  %os = tt.splat %out : !tt.ptr<bf16> -> tensor<32x32x!tt.ptr<bf16>>
  %oat = tt.addptr %os, %b : tensor<32x32x!tt.ptr<bf16>>, tensor<32x32xi32>
  tt.store %oat, %t : tensor<32x32x!tt.ptr<bf16>>
  tt.return
}
