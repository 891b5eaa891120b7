// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-fuse-tiles))' --split-input-file | FileCheck %s

// What is left as it is.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @load_before_a_write
// CHECK: llvm.load
// CHECK: llvm.store
// CHECK: math.exp
func.func @load_before_a_write(%p: !llvm.ptr, %f: f32) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%e : tensor<16xf32>) {
  ^bb0(%out: f32):
    %y = llvm.load %p : !llvm.ptr -> f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  llvm.store %f, %p : f32, !llvm.ptr
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// -----

#id = affine_map<(i) -> (i)>
#scalar = affine_map<(i) -> ()>

// One element is stored where the next one is read.
// CHECK-LABEL: func.func @load_and_a_store
// CHECK: linalg.generic
// CHECK: llvm.load
// CHECK: linalg.generic
// CHECK: llvm.store
func.func @load_and_a_store(%p: !llvm.ptr, %from: tensor<16xi64>, %to: tensor<16xi64>) {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#scalar, #id, #id], iterator_types = ["parallel"]} ins(%p, %from : !llvm.ptr, tensor<16xi64>) outs(%e : tensor<16xf32>) {
  ^bb0(%base: !llvm.ptr, %at: i64, %out: f32):
    %address = llvm.getelementptr %base[%at] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %y = llvm.load %address : !llvm.ptr -> f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  linalg.generic {indexing_maps = [#scalar, #id, #id], iterator_types = ["parallel"]} ins(%p, %to, %0 : !llvm.ptr, tensor<16xi64>, tensor<16xf32>) {
  ^bb0(%base: !llvm.ptr, %at: i64, %x: f32):
    %address = llvm.getelementptr %base[%at] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    llvm.store %x, %address : f32, !llvm.ptr
    linalg.yield
  }
  return
}

// -----

#id = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>

// One exponential a row, not one for each of its elements.
// CHECK-LABEL: func.func @work_under_a_broadcast
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK: arith.mulf
func.func @work_under_a_broadcast(%a: tensor<16xf32>, %b: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  %1 = linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<16xf32>) outs(%b : tensor<16x8xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.mulf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<16x8xf32>
  return %1 : tensor<16x8xf32>
}

// -----

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @work_with_two_uses
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
func.func @work_with_two_uses(%a: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.negf %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  return %0, %1 : tensor<16xf32>, tensor<16xf32>
}
