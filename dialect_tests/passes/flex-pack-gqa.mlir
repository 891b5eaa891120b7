// RUN: pyflex-opt %s --flex-pack-gqa | FileCheck %s
// RUN: pyflex-opt %s --flex-pack-gqa=heads=2 | FileCheck %s --check-prefix=TWO

// CHECK-LABEL: tt.func @group_divides_rows
// TWO-LABEL: tt.func @group_divides_rows
tt.func @group_divides_rows(%kv_heads: i32, %q_len: i32) {
  // CHECK: flex.rows(%{{.*}}, %{{.*}}) group(4) tile(4 heads x 4 queries) : tensor<16xi32>
  // TWO: flex.rows(%{{.*}}, %{{.*}}) group(4) tile(2 heads x 8 queries) : tensor<16xi32>
  %0:7 = flex.rows(%kv_heads, %q_len) group(4) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// The sixteenth row has no head.
// CHECK-LABEL: tt.func @group_does_not_divide_rows
tt.func @group_does_not_divide_rows(%kv_heads: i32, %q_len: i32) {
  // CHECK: group(5) tile(5 heads x 3 queries) : tensor<16xi32>
  %0:7 = flex.rows(%kv_heads, %q_len) group(5) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// Two programs: 16 heads, and the 4 that are left.
// CHECK-LABEL: tt.func @group_exceeds_rows
tt.func @group_exceeds_rows(%kv_heads: i32, %q_len: i32) {
  // CHECK: group(20) tile(16 heads x 1 queries) : tensor<16xi32>
  %0:7 = flex.rows(%kv_heads, %q_len) group(20) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @within_block_of_queries
tt.func @within_block_of_queries(%kv_heads: i32, %q_len: i32) {
  // CHECK: group(4) tile(4 heads x 4 queries) within(128)
  %0:7 = flex.rows(%kv_heads, %q_len) group(4) tile(1 heads x 16 queries) within(128) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @lists_shared_by_heads
tt.func @lists_shared_by_heads(%kv_heads: i32, %q_len: i32, %p: !tt.ptr<i32>, %s: i64) {
  // CHECK: tile(4 heads x 4 queries)
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 128)
  %0:7 = flex.rows(%kv_heads, %q_len) group(4) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @group_of_one
// TWO-LABEL: tt.func @group_of_one
tt.func @group_of_one(%kv_heads: i32, %q_len: i32) {
  // CHECK: group(1) tile(1 heads x 16 queries)
  // TWO: group(1) tile(1 heads x 16 queries)
  %0:7 = flex.rows(%kv_heads, %q_len) group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @packed_already
// TWO-LABEL: tt.func @packed_already
tt.func @packed_already(%kv_heads: i32, %q_len: i32) {
  // CHECK: group(8) tile(4 heads x 4 queries)
  // TWO: group(8) tile(4 heads x 4 queries)
  %0:7 = flex.rows(%kv_heads, %q_len) group(8) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}
