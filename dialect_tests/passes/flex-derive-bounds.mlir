// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --canonicalize --cse | FileCheck %s

// Each row ends behind its own query: the tile behind the last one, and up to the first one it needs no mask.
// CHECK-LABEL: tt.func @causal(
tt.func @causal(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[Q:.*]] = arith.addi %query, %{{.*}} : tensor<16xi32>
  // CHECK: %[[COLUMN:.*]] = tt.expand_dims %[[Q]] {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[COLUMN]] : tensor<16x1xi32> to tensor<16x1xi64>
  // CHECK: %[[BEHIND:.*]] = arith.addi %[[WIDE]], %{{.*}} : tensor<16x1xi64>
  // CHECK: %[[NOT_LESS:.*]] = arith.maxsi %[[BEHIND]],
  // CHECK: %[[NOT_MORE:.*]] = arith.minsi %[[NOT_LESS]],
  // CHECK: %[[ENDS:.*]] = arith.trunci %[[NOT_MORE]] : tensor<16x1xi64> to tensor<16x1xi32>
  // CHECK: %[[END_ROWS:.*]] = "tt.reduce"(%[[ENDS]]) <{axis = 1 : i32}>
  // CHECK: arith.maxsi
  // CHECK: %[[END:.*]] = "tt.reduce"(%[[END_ROWS]]) <{axis = 0 : i32}>
  // CHECK: arith.maxsi
  // CHECK: (tensor<16xi32>) -> i32
  // CHECK: %[[SURE_ROWS:.*]] = "tt.reduce"(%[[ENDS]]) <{axis = 1 : i32}>
  // CHECK: arith.minsi
  // CHECK: %[[SURE:.*]] = "tt.reduce"(%[[SURE_ROWS]]) <{axis = 0 : i32}>
  // CHECK: arith.minsi
  // CHECK: (tensor<16xi32>) -> i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]] init
  // CHECK: flex.mask_mod @causal_mask
  // CHECK-NOT: unless
  // CHECK: flex.bound
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @causal_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @causal_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// One query's bounds are numbers from the start: nothing is reduced.
// CHECK-LABEL: tt.func @causal_for_one_query(
tt.func @causal_for_one_query(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK-NOT: tt.reduce
  // CHECK: %[[BEHIND:.*]] = arith.addi %{{.*}}, %c1_i64 : i64
  // CHECK-NOT: tt.reduce
  // CHECK: %[[END:.*]] = arith.trunci %{{.*}} : i64 to i32
  // CHECK: flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  %one = arith.constant 1 : i32
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%one) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @causal_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// A window has no more keys than its width, and one for each query more. Rows where q - kv wraps see all keys.
// CHECK-LABEL: tt.func @window(
tt.func @window(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LAST:.*]] = arith.addi %{{.*}}, %c-1_i64 : i64
  // CHECK: %[[LAST_COLUMN:.*]] = tt.splat %[[LAST]]
  // CHECK: %[[LEAST:.*]] = arith.subi %[[WIDE:.*]], %[[LAST_COLUMN]] : tensor<16x1xi64>
  // CHECK: %[[FITS:.*]] = arith.cmpi sge, %[[LEAST]],
  // CHECK: %[[BEGINS:.*]] = arith.subi %[[WIDE]],
  // CHECK: arith.select %[[FITS]], %[[BEGINS]],
  // CHECK: arith.select %[[FITS]], %[[BEGINS]],
  // CHECK: flex.range from %{{.*}} to %{{.*}} sure %{{.*}} to %{{.*}} exact most(1024, 1){{$}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @window_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @window_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %behind = arith.cmpi sge, %q, %kv : i32
  %distance = arith.subi %q, %kv : i32
  %width = arith.constant 1024 : i32
  %near = arith.cmpi slt, %distance, %width : i32
  %keep = arith.andi %behind, %near : i1
  tt.return %keep : i1
}

// What is loaded at the head is loaded for each row, before the loop.
// CHECK-LABEL: tt.func @window_by_head(
tt.func @window_by_head(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[HEAD:.*]] = tt.expand_dims %head
  // CHECK: tt.addptr %{{.*}}, %[[HEAD]] : tensor<16x1x!tt.ptr<i32>>, tensor<16x1xi32>
  // CHECK: tt.load %{{.*}} : tensor<16x1x!tt.ptr<i32>>
  // CHECK: flex.range from %{{.*}} to %{{.*}} sure %{{.*}} to %{{.*}} exact{{$}}
  // CHECK: flex.for
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @window_by_head_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @window_by_head_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %distance = arith.subi %q, %kv : i32
  %address = tt.addptr %p, %h : !tt.ptr<i32>, i32
  %width = tt.load %address : !tt.ptr<i32>
  %keep = arith.cmpi slt, %distance, %width : i32
  tt.return %keep : i1
}

// What is the same for all rows stays a scalar: there is nothing to reduce.
// CHECK-LABEL: tt.func @length_by_batch(
tt.func @length_by_batch(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK-NOT: tt.reduce
  // CHECK: %[[END:.*]] = arith.trunci %{{.*}} : i64 to i32
  // CHECK: flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @length_by_batch_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @length_by_batch_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %address = tt.addptr %p, %b : !tt.ptr<i32>, i32
  %length = tt.load %address : !tt.ptr<i32>
  %keep = arith.cmpi slt, %kv, %length : i32
  tt.return %keep : i1
}

// A key whose index is out of bounds gives NaN: it is visited. Here the rows say which are, and those see all keys.
// CHECK-LABEL: tt.func @index_out_of_bounds(
tt.func @index_out_of_bounds(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[COLUMN:.*]], %{{.*}} : tensor<16x1xi32>
  // CHECK: %[[ALL:.*]] = arith.select %[[INSIDE]], %[[NONE:.*]], %[[EVERY:.*]] : tensor<16x1xi1>
  // CHECK: arith.maxsi %{{.*}}, %[[ALL]]
  // CHECK: flex.range %{{.*}} sure %c0_i32 to %{{.*}} exact{{$}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @index_out_of_bounds_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @index_out_of_bounds_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> (i1, i1) {
  %size = arith.constant 64 : i32
  %in_bounds = arith.cmpi ult, %q, %size : i32
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep, %in_bounds : i1, i1
}

// No row hides a key.
// CHECK-LABEL: tt.func @every_key(
tt.func @every_key(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi
  // CHECK: flex.range %[[LIMIT]] sure %c0_i32 to %[[LIMIT]]{{$}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @every_key_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @every_key_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %keep = arith.constant true
  tt.return %keep : i1
}

// A mask of many ops is left out where it is sure to hold.
// CHECK-LABEL: tt.func @costly(
tt.func @costly(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: flex.range %{{.*}} sure %c0_i32 to %{{.*}}{{$}}
  // CHECK: ^bb0(%{{.*}}: tensor<16xi32>, %{{.*}}: tensor<16xi1>, %[[UNMASKED:.*]]: i1,
  // CHECK: flex.mask_mod @costly_mask({{.*}}) {{.*}}unless %[[UNMASKED]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @costly_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @costly_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %seven = arith.constant 7 : i32
  %d0 = arith.subi %q, %kv : i32
  %d1 = arith.xori %d0, %seven : i32
  %d2 = arith.xori %d1, %seven : i32
  %d3 = arith.xori %d2, %seven : i32
  %d4 = arith.xori %d3, %seven : i32
  %d5 = arith.xori %d4, %seven : i32
  %d6 = arith.xori %d5, %seven : i32
  %d7 = arith.xori %d6, %seven : i32
  %d8 = arith.xori %d7, %seven : i32
  %d9 = arith.xori %d8, %seven : i32
  %d10 = arith.xori %d9, %seven : i32
  %d11 = arith.xori %d10, %seven : i32
  %d12 = arith.xori %d11, %seven : i32
  %d13 = arith.xori %d12, %seven : i32
  %d14 = arith.xori %d13, %seven : i32
  %d15 = arith.xori %d14, %seven : i32
  %odd = arith.cmpi ne, %d15, %seven : i32
  %causal = arith.cmpi sge, %q, %kv : i32
  %sure = arith.cmpi slt, %kv, %seven : i32
  %both = arith.andi %causal, %odd : i1
  %keep = arith.ori %both, %sure : i1
  tt.return %keep : i1
}
