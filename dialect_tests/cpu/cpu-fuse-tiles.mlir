// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-fuse-tiles))' --split-input-file | FileCheck %s

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @single_use
// CHECK-COUNT-1: linalg.generic
// CHECK: math.exp
// CHECK-NEXT: arith.mulf
// CHECK-NOT: linalg.generic
func.func @single_use(%a: tensor<16xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.mulf %x, %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// -----

#id = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>

// Offsets are computed where they are used: twice, in a loop, stretched over columns.
// CHECK-LABEL: func.func @offsets_are_repeated
// CHECK-NOT: tensor<16xi32>
// CHECK: scf.for
// CHECK: linalg.generic
// CHECK: linalg.index 0
// CHECK: arith.addi
// CHECK: return
func.func @offsets_are_repeated(%n: index, %init: tensor<16x8xi32>) -> tensor<16x8xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<16xi32>
  %range = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%e : tensor<16xi32>) {
  ^bb0(%out: i32):
    %k = linalg.index 0 : index
    %y = arith.index_cast %k : index to i32
    linalg.yield %y : i32
  } -> tensor<16xi32>
  %r = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %init) -> tensor<16x8xi32> {
    %next = linalg.generic {indexing_maps = [#i, #ij], iterator_types = ["parallel", "parallel"]} ins(%range : tensor<16xi32>) outs(%acc : tensor<16x8xi32>) {
    ^bb0(%x: i32, %out: i32):
      %y = arith.addi %x, %out : i32
      linalg.yield %y : i32
    } -> tensor<16x8xi32>
    scf.yield %next : tensor<16x8xi32>
  }
  return %r : tensor<16x8xi32>
}

// -----

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @load_sinks_past_a_read
// CHECK: llvm.load
// CHECK: linalg.generic
// CHECK: llvm.load
// CHECK: math.exp
// CHECK-NOT: linalg.generic
func.func @load_sinks_past_a_read(%p: !llvm.ptr) -> (tensor<16xf32>, f32) {
  %e = tensor.empty() : tensor<16xf32>
  %0 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%e : tensor<16xf32>) {
  ^bb0(%out: f32):
    %y = llvm.load %p : !llvm.ptr -> f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  %read = llvm.load %p : !llvm.ptr -> f32
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%0 : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<16xf32>
  return %1, %read : tensor<16xf32>, f32
}

// -----

#id = affine_map<(i) -> (i)>
#scalar = affine_map<(i) -> ()>

// The last operand that gives the extent stays, though it is a constant.
// CHECK-LABEL: func.func @store_of_constants
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : !llvm.ptr, tensor<16xi{{32|64}}>)
// CHECK: llvm.store
func.func @store_of_constants(%p: !llvm.ptr) {
  %value = arith.constant dense<3> : tensor<16xi32>
  %offset = arith.constant dense<4> : tensor<16xi64>
  linalg.generic {indexing_maps = [#scalar, #id, #id], iterator_types = ["parallel"]} ins(%p, %offset, %value : !llvm.ptr, tensor<16xi64>, tensor<16xi32>) {
  ^bb0(%base: !llvm.ptr, %at: i64, %x: i32):
    %to = llvm.getelementptr %base[%at] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    llvm.store %x, %to : i32, !llvm.ptr
    linalg.yield
  }
  return
}
