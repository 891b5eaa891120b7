// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-hoist-buffers))' | FileCheck %s
// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-hoist-buffers{max-stack-bytes=0}))' | FileCheck %s --check-prefix=HEAP

// CHECK-LABEL: func.func @loop
func.func @loop(%n: index, %f: f32) {
  // CHECK-NEXT: %[[LARGE:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x64xf32>
  // CHECK-NEXT: %[[SMALL:.*]] = memref.alloca() : memref<16xf32>
  // HEAP: memref.alloc() {alignment = 64 : i64} : memref<16x64xf32>
  // HEAP: memref.alloc() : memref<16xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for
  scf.for %i = %c0 to %n step %c1 {
    // CHECK-NOT: memref.alloc
    %large = memref.alloc() {alignment = 64 : i64} : memref<16x64xf32>
    %small = memref.alloc() : memref<16xf32>
    // CHECK: memref.store %{{.*}}, %[[LARGE]]
    // CHECK: memref.store %{{.*}}, %[[SMALL]]
    memref.store %f, %large[%c0, %c0] : memref<16x64xf32>
    memref.store %f, %small[%c0] : memref<16xf32>
  }
  // CHECK: memref.dealloc %[[LARGE]]
  // CHECK-NEXT: return
  // HEAP-COUNT-2: memref.dealloc
  return
}
