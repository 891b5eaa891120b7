// RUN: pyflex-opt %s --flex-pack-gqa=heads=5 --verify-diagnostics --split-input-file
// RUN: not pyflex-opt %s --flex-pack-gqa=heads=-1 --split-input-file 2>&1 | FileCheck %s
// RUN: pyflex-opt %s --flex-pack-gqa --split-input-file 2>&1 | FileCheck %s --check-prefix=LEFT

// A kernel for which no number of heads is asked is left as it is.
// LEFT: remark: query heads are not packed: their block lists differ
// LEFT: flex.rows({{.*}}) group(8) tile(1 heads x 16 queries)

tt.func @more_heads_than_the_group(%n: i32) {
  // CHECK: error: expected between 1 and 4 heads in a tile of 16 rows for a group of 4, got -1
  // expected-error @+1 {{expected between 1 and 4 heads in a tile of 16 rows for a group of 4, got 5}}
  %0:7 = flex.rows(%n, %n) group(4) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @more_heads_than_rows(%n: i32) {
  // expected-error @+1 {{expected between 1 and 4 heads in a tile of 4 rows for a group of 8, got 5}}
  %0:7 = flex.rows(%n, %n) group(8) tile(1 heads x 4 queries) : tensor<4xi32>, tensor<4xi1>
  tt.return
}

// -----

tt.func @lists_differ_by_head(%n: i32, %p: !tt.ptr<i32>, %s: i64) {
  // expected-note @+1 {{the lists are given here}}
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 128) per_head
  // expected-error @+1 {{query heads are not packed: their block lists differ}}
  %0:7 = flex.rows(%n, %n) group(8) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// A kernel need not be a tt.func.
func.func @lists_differ_in_another_function(%n: i32, %p: !tt.ptr<i32>, %s: i64) {
  // expected-note @+1 {{the lists are given here}}
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 128) per_head
  // expected-error @+1 {{query heads are not packed: their block lists differ}}
  %0:7 = flex.rows(%n, %n) group(8) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  return
}

// -----

tt.func @a_slope_of_the_first_head(%n: i32, %slopes: !tt.ptr<f32>) -> f32 {
  // expected-error @+1 {{query heads are not packed: more than block lists depend on the first head}}
  %0:7 = flex.rows(%n, %n) group(4) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  // expected-note @+1 {{the first head is used here}}
  %at = tt.addptr %slopes, %0#2 : !tt.ptr<f32>, i32
  %slope = tt.load %at : !tt.ptr<f32>
  tt.return %slope : f32
}

// -----

tt.func @positions_from_the_first_query(%n: i32) -> tensor<16xi32> {
  // expected-error @+1 {{query heads are not packed: more than block lists depend on the first query}}
  %0:7 = flex.rows(%n, %n) group(4) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  // expected-note @+1 {{the first query is used here}}
  %first = tt.splat %0#3 : i32 -> tensor<16xi32>
  %positions = arith.addi %first, %range : tensor<16xi32>
  tt.return %positions : tensor<16xi32>
}

// -----

tt.func @lists_are_found_for_the_rows(%n: i32, %kinds: !tt.ptr<i64>, %p: !tt.ptr<i32>) {
  // expected-note @+1 {{it is made for these rows}}
  %blocks = flex.compact %kinds below %n in %p blocks(32 x 64)
  // expected-error @+1 {{query heads are not packed: other programs know the rows as they are}}
  %0:7 = flex.rows(%n, %n) group(8) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}
