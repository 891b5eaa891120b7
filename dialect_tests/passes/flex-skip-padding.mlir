// RUN: pyflex-opt %s --flex-skip-padding | FileCheck %s

// Four heads and one query are four rows of 16.
// CHECK-LABEL: tt.func @bias(
// CHECK-SAME: %[[P:[^:]*]]: tensor<16x64x!tt.ptr<f32>>
tt.func @bias(%p: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
              %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: %[[VALID:[a-z_]*]] = flex.rows
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.for
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    // CHECK: %[[COLUMN:.*]] = tt.expand_dims %[[VALID]] {axis = 1 : i32} : tensor<16xi1> -> tensor<16x1xi1>
    // CHECK: %[[MASK:.*]] = tt.broadcast %[[COLUMN]] : tensor<16x1xi1> -> tensor<16x64xi1>
    // CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16x64xf32>
    // CHECK: %[[BIAS:.*]] = tt.load %[[P]], %[[MASK]], %[[ZERO]]
    // CHECK: arith.addf %{{.*}}, %[[BIAS]]
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// What is loaded for some scores only, and has a value elsewhere; portions of 16
// heads, of which the last one has two.
// CHECK-LABEL: tt.func @guarded(
// CHECK-SAME: %[[IN_RANGE:[^:]*]]: tensor<16x64xi1>, %[[OTHER:[^:]*]]: tensor<16x64xi32>
tt.func @guarded(%p: tensor<16x64x!tt.ptr<i32>>, %in_range: tensor<16x64xi1>,
                 %other: tensor<16x64xi32>, %n: i32, %blocks: !flex.blocks) -> tensor<16x64xi32> {
  %0:7 = flex.rows(%n, %n) group(18) tile(16 heads x 1 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.for
  %r = flex.for %blocks below %n init(%other : tensor<16x64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xi32>):
    // CHECK: %[[ROWS:.*]] = tt.broadcast
    // CHECK: %[[MASK:.*]] = arith.andi %[[IN_RANGE]], %[[ROWS]]
    // CHECK: tt.load %{{.*}}, %[[MASK]], %[[OTHER]]
    %number = tt.load %p, %in_range, %other : tensor<16x64x!tt.ptr<i32>>
    %next = arith.addi %sum, %number : tensor<16x64xi32>
    flex.yield %next : tensor<16x64xi32>
  } -> tensor<16x64xi32>
  tt.return %r : tensor<16x64xi32>
}
