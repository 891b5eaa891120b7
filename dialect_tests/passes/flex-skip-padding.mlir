// RUN: pyflex-opt %s --flex-skip-padding | FileCheck %s

// Four heads and one query are four rows of 16.
// CHECK-LABEL: tt.func @bias(
tt.func @bias(%table: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
              %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: %[[VALID:[a-z_]*]] = flex.rows
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.for
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %column = tt.expand_dims %0#4 {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
    %line = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
    // CHECK: %[[P:.*]] = tt.addptr
    %p = tt.addptr %table, %line : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
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
tt.func @guarded(%table: tensor<16x64x!tt.ptr<i32>>, %in_range: tensor<16x64xi1>,
                 %other: tensor<16x64xi32>, %n: i32, %blocks: !flex.blocks) -> tensor<16x64xi32> {
  %0:7 = flex.rows(%n, %n) group(18) tile(16 heads x 1 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.for
  %r = flex.for %blocks below %n init(%other : tensor<16x64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xi32>):
    %column = tt.expand_dims %0#5 {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
    %line = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
    %p = tt.addptr %table, %line : tensor<16x64x!tt.ptr<i32>>, tensor<16x64xi32>
    // CHECK: tt.addptr
    // CHECK: %[[ROWS:.*]] = tt.broadcast
    // CHECK: %[[MASK:.*]] = arith.andi %[[IN_RANGE]], %[[ROWS]]
    // CHECK: tt.load %{{.*}}, %[[MASK]], %[[OTHER]]
    %number = tt.load %p, %in_range, %other : tensor<16x64x!tt.ptr<i32>>
    %next = arith.addi %sum, %number : tensor<16x64xi32>
    flex.yield %next : tensor<16x64xi32>
  } -> tensor<16x64xi32>
  tt.return %r : tensor<16x64xi32>
}

// An index that is a row's score: of the row's query.
// CHECK-LABEL: tt.func @by_score(
tt.func @by_score(%table: !tt.ptr<f32>, %q: !flex.view<4 x f32>, %key: tensor<64x16xf32>, %start: tensor<16x64xf32>,
                  %scale: f32, %n: i32, %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: %[[VALID:[a-z_]*]] = flex.rows
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %query = flex.load %q[%0#0, %0#4, %0#5] if %0#6 columns 16
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x16xf32>
  %tables = tt.splat %table : !tt.ptr<f32> -> tensor<16x64x!tt.ptr<f32>>
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %scores = flex.scores %query, %key, %scale : tensor<16x16xf32>, tensor<64x16xf32> -> tensor<16x64xf32>
    %index = arith.fptosi %scores : tensor<16x64xf32> to tensor<16x64xi32>
    %p = tt.addptr %tables, %index : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
    // CHECK: tt.expand_dims %[[VALID]]
    // CHECK: tt.load %{{.*}}, %
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}
