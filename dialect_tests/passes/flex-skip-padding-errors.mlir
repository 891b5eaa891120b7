// RUN: pyflex-opt %s --flex-skip-padding | FileCheck %s

// What is left alone: no load here gets a mask.
// CHECK-NOT: tt.load %{{.*}}, %

// All rows are heads of one query.
tt.func @full(%table: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
              %blocks: !flex.blocks) -> tensor<16x64xf32> {
  %0:7 = flex.rows(%n, %n) group(32) tile(16 heads x 1 queries) : tensor<16xi32>, tensor<16xi1>
  %column = tt.expand_dims %0#4 {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %line = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
  %p = tt.addptr %table, %line : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// Less than four bytes; a value for each key; and outside of the loop.
tt.func @others(%narrow: tensor<16x64x!tt.ptr<bf16>>, %keys: tensor<1x64x!tt.ptr<bf16>>,
                %table: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xbf16>, %n: i32,
                %blocks: !flex.blocks) -> (tensor<16x64xbf16>, tensor<16x64xf32>) {
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %column = tt.expand_dims %0#4 {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %line = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
  %p = tt.addptr %table, %line : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
  %q = tt.addptr %narrow, %line : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi32>
  %r = flex.for %blocks below %n init(%start : tensor<16x64xbf16>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xbf16>):
    %bias = tt.load %q : tensor<16x64x!tt.ptr<bf16>>
    %row = tt.load %keys : tensor<1x64x!tt.ptr<bf16>>
    %rows = tt.broadcast %row : tensor<1x64xbf16> -> tensor<16x64xbf16>
    %both = arith.addf %bias, %rows : tensor<16x64xbf16>
    %next = arith.addf %sum, %both : tensor<16x64xbf16>
    flex.yield %next : tensor<16x64xbf16>
  } -> tensor<16x64xbf16>
  %before = tt.load %p : tensor<16x64x!tt.ptr<f32>>
  tt.return %r, %before : tensor<16x64xbf16>, tensor<16x64xf32>
}

// Whose rows they are is not known.
tt.func @no_rows(%p: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
                 %blocks: !flex.blocks) -> tensor<16x64xf32> {
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// The rows are named behind the loop.
tt.func @too_late(%p: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
                  %blocks: !flex.blocks) -> tensor<16x64xf32> {
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %exists: tensor<64xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return %r : tensor<16x64xf32>
}

// Sixteen keys, and the dimensions of each.
tt.func @lines_are_keys(%table: tensor<16x64x!tt.ptr<f32>>, %start: tensor<16x64xf32>, %n: i32,
                        %blocks: !flex.blocks) -> tensor<16x64xf32> {
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %head = tt.splat %0#1 : i32 -> tensor<16x64xi32>
  %keys_of_head = tt.addptr %table, %head : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
  %r = flex.for %blocks below %n init(%start : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<16xi32>, %exists: tensor<16xi1>, %unmasked: i1, %sum: tensor<16x64xf32>):
    %column = tt.expand_dims %kv {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
    %line = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
    %p = tt.addptr %keys_of_head, %line : tensor<16x64x!tt.ptr<f32>>, tensor<16x64xi32>
    %keys = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %keys : tensor<16x64xf32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// Keys are the lines, and rows the columns.
tt.func @columns_are_rows(%table: tensor<16x16x!tt.ptr<f32>>, %start: tensor<16x16xf32>, %n: i32,
                          %blocks: !flex.blocks) -> tensor<16x16xf32> {
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %column = tt.expand_dims %0#4 {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %lines = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x16xi32>
  %columns = tt.trans %lines {order = array<i32: 1, 0>} : tensor<16x16xi32> -> tensor<16x16xi32>
  %p = tt.addptr %table, %columns : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %r = flex.for %blocks below %n init(%start : tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %exists: tensor<16xi1>, %unmasked: i1, %sum: tensor<16x16xf32>):
    %bias = tt.load %p : tensor<16x16x!tt.ptr<f32>>
    %next = arith.addf %sum, %bias : tensor<16x16xf32>
    flex.yield %next : tensor<16x16xf32>
  } -> tensor<16x16xf32>
  tt.return %r : tensor<16x16xf32>
}
