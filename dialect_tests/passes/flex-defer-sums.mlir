// RUN: pyflex-opt %s --flex-defer-sums | FileCheck %s

// The loop carries the tile; its columns are added up behind it.
// CHECK-LABEL: tt.func @running_softmax(
// CHECK-SAME: %[[MAX:.*]]: tensor<16xf32>, %[[DECAY:.*]]: tensor<16xf32>, %[[WEIGHTS:.*]]: tensor<16x64xf32>
tt.func @running_softmax(%max: tensor<16xf32>, %decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %n: i32)
    -> (tensor<16xf32>, tensor<16xf32>) {
  // CHECK-DAG: %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : tensor<16x64xf32>
  // CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[M:.*]] = %[[MAX]], %[[SUMS:.*]] = %[[ZEROS]])
  // CHECK-NEXT: %[[COLUMN:.*]] = tt.expand_dims %[[DECAY]] {axis = 1 : i32}
  // CHECK-NEXT: %[[DECAYS:.*]] = tt.broadcast %[[COLUMN]] : tensor<16x1xf32> -> tensor<16x64xf32>
  // CHECK-NEXT: %[[KEPT:.*]] = arith.mulf %[[SUMS]], %[[DECAYS]]
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addf %[[KEPT]], %[[WEIGHTS]]
  // CHECK-NEXT: scf.yield %[[M]], %[[NEXT]] : tensor<16xf32>, tensor<16x64xf32>
  // CHECK: %[[SUM:.*]] = "tt.reduce"(%[[LOOP]]#1) <{axis = 1 : i32}>
  // CHECK: arith.addf
  // CHECK: tt.return %[[LOOP]]#0, %[[SUM]]
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %max, %l = %zero) -> (tensor<16xf32>, tensor<16xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %m, %next : tensor<16xf32>, tensor<16xf32>
  }
  tt.return %0#0, %0#1 : tensor<16xf32>, tensor<16xf32>
}

// Of eight rows all warps have keys, too.
// CHECK-LABEL: tt.func @eight_rows(
// CHECK:         scf.for {{.*}} -> (tensor<8x64xf32>)
// CHECK:         "tt.reduce"
tt.func @eight_rows(%decay: tensor<8xf32>, %weights: tensor<8x64xf32>, %n: i32) -> tensor<8xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<8xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<8xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<8x64xf32>) -> tensor<8xf32>
    %next = arith.addf %kept, %added : tensor<8xf32>
    scf.yield %next : tensor<8xf32>
  }
  tt.return %0 : tensor<8xf32>
}
