// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-carry-in-place))' | FileCheck %s

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @for
func.func @for(%n: index, %init: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[SAME:.*]] = %{{.*}})
  // CHECK: %[[NEXT:.*]] = linalg.generic
  // CHECK: %[[KEPT:.*]] = bufferization.materialize_in_destination %[[NEXT]] in %[[ACC]]
  // CHECK: scf.yield %[[KEPT]], %[[SAME]]
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %init, %same = %init) -> (tensor<8xf32>, tensor<8xf32>) {
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%acc : tensor<8xf32>) outs(%acc : tensor<8xf32>) {
    ^bb0(%x: f32, %out: f32):
      %y = arith.addf %x, %x : f32
      linalg.yield %y : f32
    } -> tensor<8xf32>
    scf.yield %next, %same : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0 : tensor<8xf32>
}

// Both are saved before either is overwritten.
// CHECK-LABEL: func.func @swap
func.func @swap(%n: index, %a: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}}, %[[T:.*]] = %{{.*}})
  // CHECK: %[[COPY_T:.*]] = linalg.copy ins(%[[T]]
  // CHECK: %[[COPY_S:.*]] = linalg.copy ins(%[[S]]
  // CHECK: materialize_in_destination %[[COPY_T]] in %[[S]]
  // CHECK: materialize_in_destination %[[COPY_S]] in %[[T]]
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %a, %t = %b) -> (tensor<8xf32>, tensor<8xf32>) {
    scf.yield %t, %s : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0 : tensor<8xf32>
}

// CHECK-LABEL: func.func @while
func.func @while(%more: i1, %init: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: scf.while (%[[BEFORE:.*]] = %{{.*}})
  // CHECK: scf.condition(%{{.*}}) %[[BEFORE]]
  // CHECK: ^bb0(%[[AFTER:.*]]: tensor<8xf32>)
  // CHECK: %[[NEXT:.*]] = linalg.generic
  // CHECK: %[[KEPT:.*]] = bufferization.materialize_in_destination %[[NEXT]] in %[[AFTER]]
  // CHECK: scf.yield %[[KEPT]]
  %r = scf.while (%v = %init) : (tensor<8xf32>) -> tensor<8xf32> {
    scf.condition(%more) %v : tensor<8xf32>
  } do {
  ^bb0(%v: tensor<8xf32>):
    %next = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%v : tensor<8xf32>) {
    ^bb0(%out: f32):
      %y = arith.addf %out, %out : f32
      linalg.yield %y : f32
    } -> tensor<8xf32>
    scf.yield %next : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}
