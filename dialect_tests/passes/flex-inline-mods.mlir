// RUN: pyflex-opt %s --flex-inline-mods | FileCheck %s

// s + slopes[h] * (kv - q)
tt.func private @alibi(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  %slopes_at_head = tt.addptr %slopes, %h : !tt.ptr<f32>, i32
  %slope = tt.load %slopes_at_head : !tt.ptr<f32>
  %distance = arith.subi %kv, %q : i32
  %distance_f = arith.sitofp %distance : i32 to f32
  %bias = arith.mulf %slope, %distance_f : f32
  %result = arith.addf %s, %bias : f32
  tt.return %result : f32
}

// The slope, which depends on the row alone, is loaded once for each row before the loop.
// CHECK-LABEL: tt.func @score_mod_in_loop(
// CHECK-SAME: %[[S0:[^:]*]]: tensor<16x64xf32>, %{{[^:]*}}: i32, %[[HEAD:[^:]*]]: tensor<16xi32>, %[[Q:[^:]*]]: tensor<16xi32>, %[[SLOPES:[^:]*]]: !tt.ptr<f32>
tt.func @score_mod_in_loop(%s0: tensor<16x64xf32>, %b: i32, %head: tensor<16xi32>, %q: tensor<16xi32>,
                           %slopes: !tt.ptr<f32>, %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK-DAG: %[[HEAD_COLUMN:.*]] = tt.expand_dims %[[HEAD]] {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  // CHECK-DAG: %[[Q_COLUMN:.*]] = tt.expand_dims %[[Q]] {axis = 1 : i32}
  // CHECK-DAG: %[[SLOPES_COLUMN:.*]] = tt.splat %[[SLOPES]] : !tt.ptr<f32> -> tensor<16x1x!tt.ptr<f32>>
  // CHECK-DAG: %[[ADDRESS:.*]] = tt.addptr %[[SLOPES_COLUMN]], %[[HEAD_COLUMN]]
  // CHECK-DAG: %[[SLOPE:.*]] = tt.load %[[ADDRESS]] : tensor<16x1x!tt.ptr<f32>>
  // CHECK-DAG: %[[Q_TILE:.*]] = tt.broadcast %[[Q_COLUMN]] : tensor<16x1xi32> -> tensor<16x64xi32>
  // CHECK-DAG: %[[SLOPE_TILE:.*]] = tt.broadcast %[[SLOPE]] : tensor<16x1xf32> -> tensor<16x64xf32>
  // CHECK: flex.for
  // CHECK-NEXT: ^bb0(%[[KV:.*]]: tensor<64xi32>, %{{.*}}: tensor<64xi1>, %{{.*}}: i1, %[[S:.*]]: tensor<16x64xf32>):
  // CHECK-NEXT: %[[KV_ROW:.*]] = tt.expand_dims %[[KV]] {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
  // CHECK-NEXT: %[[KV_TILE:.*]] = tt.broadcast %[[KV_ROW]] : tensor<1x64xi32> -> tensor<16x64xi32>
  // CHECK-NEXT: %[[DISTANCE:.*]] = arith.subi %[[KV_TILE]], %[[Q_TILE]]
  // CHECK-NEXT: %[[DISTANCE_TILE:.*]] = arith.sitofp %[[DISTANCE]]
  // CHECK-NEXT: %[[BIAS:.*]] = arith.mulf %[[SLOPE_TILE]], %[[DISTANCE_TILE]] : tensor<16x64xf32>
  // CHECK-NEXT: %[[RESULT:.*]] = arith.addf %[[S]], %[[BIAS]]
  // CHECK-NEXT: flex.yield %[[RESULT]]
  %r = flex.for %blocks below %b init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.score_mod @alibi(%s, %b, %head, %q, %kv) captures(%slopes : !tt.ptr<f32>)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// What the loop may change is loaded in it.
// CHECK-LABEL: tt.func @loop_that_writes(
tt.func @loop_that_writes(%s0: tensor<16x64xf32>, %b: i32, %head: tensor<16xi32>, %q: tensor<16xi32>,
                          %slopes: !tt.ptr<f32>, %one: f32, %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: tt.addptr
  // CHECK-NOT: tt.load
  // CHECK: flex.for
  // CHECK: tt.load %{{.*}} : tensor<16x1x!tt.ptr<f32>>
  // CHECK: tt.store
  %r = flex.for %blocks below %b init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.score_mod @alibi(%s, %b, %head, %q, %kv) captures(%slopes : !tt.ptr<f32>)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    tt.store %slopes, %one : !tt.ptr<f32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// A position that all rows share leaves a row of keys.
// CHECK-LABEL: tt.func @one_position(
// CHECK-SAME: %{{[^:]*}}: tensor<16x64xf32>, %{{[^:]*}}: i32, %{{[^:]*}}: tensor<16xi32>, %[[Q:[^:]*]]: i32
tt.func @one_position(%s0: tensor<16x64xf32>, %b: i32, %head: tensor<16xi32>, %q: i32,
                      %slopes: !tt.ptr<f32>, %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: %[[Q_ROW:.*]] = tt.splat %[[Q]] : i32 -> tensor<1x64xi32>
  // CHECK: flex.for
  // CHECK: %[[DISTANCE:.*]] = arith.subi %{{.*}}, %[[Q_ROW]] : tensor<1x64xi32>
  // CHECK: arith.sitofp %[[DISTANCE]] : tensor<1x64xi32> to tensor<1x64xf32>
  %all = tt.splat %q : i32 -> tensor<16xi32>
  %r = flex.for %blocks below %b init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.score_mod @alibi(%s, %b, %head, %all, %kv) captures(%slopes : !tt.ptr<f32>)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

// Batch alone: once, a scalar. kv alone: a row of keys. Constants: scalars.
tt.func private @all_shapes(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %two = arith.constant 2 : i32
  %from_batch = arith.muli %b, %two : i32
  %from_kv = arith.muli %kv, %two : i32
  %from_rows = arith.addi %h, %q : i32
  %mixed = arith.addi %from_kv, %from_rows : i32
  %all = arith.addi %mixed, %from_batch : i32
  %f = arith.sitofp %all : i32 to f32
  tt.return %f : f32
}

// CHECK-LABEL: tt.func @smallest_shapes(
tt.func @smallest_shapes(%s0: tensor<16x64xf32>, %b: i32, %head: tensor<16xi32>, %q: tensor<16xi32>,
                         %blocks: !flex.blocks) -> tensor<16x64xf32> {
  // CHECK: %[[TWO:.*]] = arith.constant 2 : i32
  // CHECK: arith.muli %{{.*}}, %[[TWO]] : i32
  // CHECK: arith.addi %{{.*}}, %{{.*}} : tensor<16x1xi32>
  // CHECK: flex.for
  // CHECK: arith.muli %{{.*}}, %{{.*}} : tensor<1x64xi32>
  // CHECK: arith.addi %{{.*}}, %{{.*}} : tensor<16x64xi32>
  // CHECK: arith.addi %{{.*}}, %{{.*}} : tensor<16x64xi32>
  // CHECK: arith.sitofp %{{.*}} : tensor<16x64xi32>
  %r = flex.for %blocks below %b init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.score_mod @all_shapes(%s, %b, %head, %q, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %r : tensor<16x64xf32>
}

tt.func private @constant_score(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %half = arith.constant 0.5 : f32
  tt.return %half : f32
}

// CHECK-LABEL: tt.func @result_of_no_argument(
tt.func @result_of_no_argument(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>)
    -> tensor<16x64xf32> {
  // CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK: %[[R:.*]] = tt.splat %[[HALF]] : f32 -> tensor<16x64xf32>
  // CHECK: tt.return %[[R]]
  %r = flex.score_mod @constant_score(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return %r : tensor<16x64xf32>
}

tt.func private @causal(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// CHECK-LABEL: tt.func @mask(
// CHECK-SAME: %[[S:[^:]*]]: tensor<16x64xf32>
tt.func @mask(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) -> tensor<16x64xf32> {
  // CHECK: %[[KEEP:.*]] = arith.cmpi sge, {{.*}} : tensor<16x64xi32>
  // CHECK: %[[NONE:.*]] = arith.constant 0xFF800000 : f32
  // CHECK: %[[NONES:.*]] = tt.splat %[[NONE]]
  // CHECK: %[[R:.*]] = arith.select %[[KEEP]], %[[S]], %[[NONES]]
  // CHECK-NEXT: tt.return %[[R]]
  %r = flex.mask_mod @causal(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return %r : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @mask_unless(
// CHECK-SAME: %[[UNLESS:[^:]*]]: i1)
tt.func @mask_unless(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %unless: i1)
    -> tensor<16x64xf32> {
  // CHECK: %[[KEEP:.*]] = arith.cmpi sge
  // CHECK: %[[ALL:.*]] = tt.splat %[[UNLESS]] : i1 -> tensor<16x64xi1>
  // CHECK: %[[EITHER:.*]] = arith.ori %[[KEEP]], %[[ALL]]
  // CHECK: arith.select %[[EITHER]]
  %r = flex.mask_mod @causal(%s, %b, %row, %row, %kv) unless %unless
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return %r : tensor<16x64xf32>
}

tt.func private @looked_up(%b: i32, %h: i32, %q: i32, %kv: i32, %length: i32) -> (i1, i1) {
  %keep = arith.cmpi sge, %q, %kv : i32
  %in_bounds = arith.cmpi slt, %kv, %length : i32
  tt.return %keep, %in_bounds : i1, i1
}

// A mask that read past a table's end gives NaN, which shows, and not a wrong number.
// CHECK-LABEL: tt.func @mask_with_bounds(
tt.func @mask_with_bounds(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %length: i32)
    -> tensor<16x64xf32> {
  // CHECK: %[[KEEP:.*]] = arith.cmpi sge
  // CHECK: %[[IN_BOUNDS:.*]] = arith.cmpi slt, {{.*}} : tensor<1x64xi32>
  // CHECK: %[[MASKED:.*]] = arith.select %[[KEEP]]
  // CHECK: %[[NAN:.*]] = arith.constant 0x7FC00000 : f32
  // CHECK-DAG: %[[TILE:.*]] = tt.broadcast %[[IN_BOUNDS]]
  // CHECK-DAG: %[[NANS:.*]] = tt.splat %[[NAN]]
  // CHECK: arith.select %[[TILE]], %[[MASKED]], %[[NANS]]
  %r = flex.mask_mod @looked_up(%s, %b, %row, %row, %kv) captures(%length : i32)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return %r : tensor<16x64xf32>
}

// Attributes and properties of the scalar ops are kept.
tt.func private @with_attributes(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<f32>) -> f32 {
  %0 = arith.mulf %s, %s fastmath<nnan> : f32
  %1 = tt.load %p evictionPolicy = evict_last : !tt.ptr<f32>
  %2 = arith.addf %0, %1 {note = "kept"} : f32
  tt.return %2 : f32
}

// CHECK-LABEL: tt.func @attributes(
tt.func @attributes(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %p: !tt.ptr<f32>)
    -> tensor<16x64xf32> {
  // CHECK: arith.mulf %{{.*}}, %{{.*}} fastmath<nnan> : tensor<16x64xf32>
  // CHECK: tt.load %{{.*}} evictionPolicy = evict_last : !tt.ptr<f32>
  // CHECK: arith.addf %{{.*}}, %{{.*}} {note = "kept"} : tensor<16x64xf32>
  %r = flex.score_mod @with_attributes(%s, %b, %row, %row, %kv) captures(%p : !tt.ptr<f32>)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return %r : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @no_mods(
tt.func @no_mods(%s: tensor<16x64xf32>, %valid: tensor<64xi1>) -> tensor<16x64xf32> {
  // CHECK-NEXT: flex.bound
  // CHECK-NEXT: tt.return
  %r = flex.bound %s if %valid : tensor<16x64xf32>, tensor<64xi1>
  tt.return %r : tensor<16x64xf32>
}
