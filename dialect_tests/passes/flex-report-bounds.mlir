// RUN: pyflex-opt %s --flex-report-bounds | FileCheck %s

// The kernel itself stays as it is.
// CHECK-LABEL: tt.func public @decode(
// CHECK: flex.for
// CHECK: flex.store

// CHECK-LABEL: tt.func public @decode_bounds(
// CHECK-SAME: %[[BEGIN:[^:]*]]: i32, %[[END:[^:]*]]: i32, {{.*}}, %[[BOUNDS:[^:]*]]: !tt.ptr<i32>) {
// CHECK: %[[PROGRAM:.*]] = tt.get_program_id x : i32
// CHECK: %[[WIDE:.*]] = arith.extsi %[[PROGRAM]] : i32 to i64
// CHECK: %[[PLACE:.*]] = arith.muli %[[WIDE]], %c4_i64 : i64
// CHECK: %[[LINE:.*]] = tt.addptr %[[BOUNDS]], %[[PLACE]] : !tt.ptr<i32>, i64
// CHECK: tt.store %{{.*}}, %[[BEGIN]] : !tt.ptr<i32>
// CHECK: %[[SECOND:.*]] = tt.addptr %[[LINE]], %c1_i32
// CHECK: tt.store %[[SECOND]], %[[END]] : !tt.ptr<i32>
// CHECK: tt.store %{{.*}}, %[[BEGIN]] : !tt.ptr<i32>
// CHECK: tt.store %{{.*}}, %[[END]] : !tt.ptr<i32>
// CHECK-NEXT: tt.return
tt.func public @decode(%begin: i32, %end: i32, %view: !flex.view<4 x f32>, %column: tensor<16xf32>) {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%end, %end) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %tile = flex.load %view[%batch, %head, %query] if %valid columns 16
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x16xf32>
  %range = flex.range from %begin to %end sure %begin to %end
  %s = flex.for %range below %end init(%tile : tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16x16xf32>):
    flex.yield %in : tensor<16x16xf32>
  } -> tensor<16x16xf32>
  flex.store %s -> %view[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// Without a begin it is 0; where nothing is sure, no key is.
// CHECK-LABEL: tt.func public @all_keys_bounds(
// CHECK-SAME: %[[END:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<i32>) {
// CHECK: tt.store %{{.*}}, %c0_i32 : !tt.ptr<i32>
// CHECK: tt.store %{{.*}}, %[[END]] : !tt.ptr<i32>
// CHECK: tt.store %{{.*}}, %c0_i32{{.*}} : !tt.ptr<i32>
// CHECK: tt.store %{{.*}}, %c0_i32{{.*}} : !tt.ptr<i32>
// CHECK-NEXT: tt.return
tt.func public @all_keys(%end: i32) {
  %range = flex.range %end
  %s = flex.for %range below %end init(%end : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return
}

// CHECK-LABEL: tt.func private @no_loop(
// CHECK-NOT: @no_loop_bounds
tt.func private @no_loop(%x: i32) -> i32 {
  tt.return %x : i32
}
