// RUN: pyflex-opt %s --cpu-store-bf16-as-bits | FileCheck %s

// CHECK: llvm.mlir.global private constant @table(dense<[16256, -16384]> : tensor<2xi16>) {{.*}} : !llvm.array<2 x i16>
llvm.mlir.global private constant @table(dense<[1.0, -2.0]> : tensor<2xbf16>) {addr_space = 0 : i32} : !llvm.array<2 x bf16>

// CHECK-LABEL: llvm.func @moves
llvm.func @moves(%p: !llvm.ptr, %c: i1) {
  // CHECK: llvm.mlir.constant(16256 : i16) : i16
  // CHECK: llvm.load %{{.*}} : !llvm.ptr -> i16
  // CHECK: llvm.select %{{.*}} : i1, i16
  // CHECK: llvm.br ^bb1(%{{.*}} : i16)
  // CHECK: ^bb1(%{{.*}}: i16)
  // CHECK: llvm.store %{{.*}} : i16, !llvm.ptr
  %one = llvm.mlir.constant(1.0 : bf16) : bf16
  %x = llvm.load %p : !llvm.ptr -> bf16
  %s = llvm.select %c, %x, %one : i1, bf16
  llvm.br ^bb1(%s : bf16)
^bb1(%y: bf16):
  llvm.store %y, %p : bf16, !llvm.ptr
  llvm.return
}
