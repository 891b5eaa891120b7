// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --canonicalize --cse | FileCheck %s

// How each op moves from the side of kv to the other. The threshold c is loaded, the same for all rows. An op that may
// wrap is asked to fit for the last key, and for the first.

// kv <= c: the keys end behind c.
// CHECK-LABEL: tt.func @less_or_equal(
tt.func @less_or_equal(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[C]], %c1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V1]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @less_or_equal_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @less_or_equal_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.cmpi sle, %kv, %c : i32
  tt.return %0 : i1
}

// kv < c: they end at c.
// CHECK-LABEL: tt.func @less(
tt.func @less(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V1]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @less_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @less_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.cmpi slt, %kv, %c : i32
  tt.return %0 : i1
}

// kv > c: they begin behind c.
// CHECK-LABEL: tt.func @greater(
tt.func @greater(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %[[C]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V1]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @greater_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @greater_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.cmpi sgt, %kv, %c : i32
  tt.return %0 : i1
}

// c >= kv
// CHECK-LABEL: tt.func @on_the_right(
tt.func @on_the_right(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[C]], %c1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V1]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @on_the_right_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @on_the_right_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.cmpi sge, %c, %kv : i32
  tt.return %0 : i1
}

// kv == c: one key.
// CHECK-LABEL: tt.func @equal(
tt.func @equal(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[C]], %c1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V1]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[V3:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[SURE_END]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[SURE_END]] exact most(1, 0){{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @equal_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @equal_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.cmpi eq, %kv, %c : i32
  tt.return %0 : i1
}

// 2 + kv <= c, as long as 2 + kv does not wrap.
// CHECK-LABEL: tt.func @sum(
tt.func @sum(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sle, %[[V0]], %c2147483647_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V2:.*]] = arith.addi %[[C]], %c-1_i64 : i64
  // CHECK: %[[V3:.*]] = arith.select %[[V1]], %[[V2]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V1]], %[[V2]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.maxsi %[[V4]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V5]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @sum_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @sum_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %0 = arith.addi %two, %kv : i32
  %1 = arith.cmpi sle, %0, %c : i32
  tt.return %1 : i1
}

// c - kv <= 2
// CHECK-LABEL: tt.func @difference(
tt.func @difference(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.subi %[[C]], %[[V0]] : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sge, %[[V1]], %c-2147483648_i64 : i64
  // CHECK: %[[V3:.*]] = arith.subi %[[C]], %c2_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V2]], %[[V3]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V2]], %[[V3]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V7:.*]] = arith.minsi %[[V6]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V7]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V4]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @difference_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @difference_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.subi %c, %kv : i32
  %two = arith.constant 2 : i32
  %1 = arith.cmpi sle, %0, %two : i32
  tt.return %1 : i1
}

// kv * 3 <= c
// CHECK-LABEL: tt.func @product(
tt.func @product(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.muli %[[V0]], %c3_i64 : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %c2147483647_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V3:.*]] = arith.cmpi sle, %[[C]], %c-1_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %c2_i64, %c0_i64 : i64
  // CHECK: %[[V5:.*]] = arith.subi %[[C]], %[[V4]] : i64
  // CHECK: %[[V6:.*]] = arith.divsi %[[V5]], %c3_i64 : i64
  // CHECK: %[[V7:.*]] = arith.addi %[[V6]], %c1_i64 : i64
  // CHECK: %[[V8:.*]] = arith.select %[[V2]], %[[V7]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V9:.*]] = arith.select %[[V2]], %[[V7]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V10:.*]] = arith.maxsi %[[V9]], %c0_i64 : i64
  // CHECK: %[[V11:.*]] = arith.minsi %[[V10]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V11]] : i64 to i32
  // CHECK: %[[V12:.*]] = arith.maxsi %[[V8]], %c0_i64 : i64
  // CHECK: %[[V13:.*]] = arith.minsi %[[V12]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V13]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @product_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @product_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %three = arith.constant 3 : i32
  %0 = arith.muli %kv, %three : i32
  %1 = arith.cmpi sle, %0, %c : i32
  tt.return %1 : i1
}

// kv * -4 <= c
// CHECK-LABEL: tt.func @negative_factor(
tt.func @negative_factor(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.muli %[[V0]], %c-4_i64 : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sge, %[[V1]], %c-2147483648_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V3:.*]] = arith.shrsi %[[C]], %c2_i64 : i64
  // CHECK: %[[V4:.*]] = arith.subi %c0_i64, %[[V3]] : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V2]], %[[V4]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V2]], %[[V4]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[V9:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V10:.*]] = arith.minsi %[[V9]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @negative_factor_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @negative_factor_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant -4 : i32
  %0 = arith.muli %kv, %f : i32
  %1 = arith.cmpi sle, %0, %c : i32
  tt.return %1 : i1
}

// kv << 3 <= c
// CHECK-LABEL: tt.func @shift_left(
tt.func @shift_left(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.muli %[[V0]], %c8_i64 : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %c2147483647_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V3:.*]] = arith.shrsi %[[C]], %c3_i64 : i64
  // CHECK: %[[V4:.*]] = arith.addi %[[V3]], %c1_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V2]], %[[V4]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V2]], %[[V4]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[V9:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V10:.*]] = arith.minsi %[[V9]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @shift_left_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @shift_left_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant 3 : i32
  %0 = arith.shli %kv, %f : i32
  %1 = arith.cmpi sle, %0, %c : i32
  tt.return %1 : i1
}

// kv // 16 <= c
// CHECK-LABEL: tt.func @shift_right(
tt.func @shift_right(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.muli %[[C]], %c16_i64 : i64
  // CHECK: %[[V1:.*]] = arith.addi %[[V0]], %c16_i64 : i64
  // CHECK: %[[V2:.*]] = arith.maxsi %[[V1]], %c0_i64 : i64
  // CHECK: %[[V3:.*]] = arith.minsi %[[V2]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V3]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @shift_right_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @shift_right_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant 4 : i32
  %0 = arith.shrsi %kv, %f : i32
  %1 = arith.cmpi sle, %0, %c : i32
  tt.return %1 : i1
}

// kv / 5 >= c, rounded to 0
// CHECK-LABEL: tt.func @quotient(
tt.func @quotient(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c0_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sge, %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V1]], %c4_i64, %c0_i64 : i64
  // CHECK: %[[V3:.*]] = arith.muli %[[V0]], %c5_i64 : i64
  // CHECK: %[[V4:.*]] = arith.addi %[[V3]], %[[V2]] : i64
  // CHECK: %[[V5:.*]] = arith.subi %c0_i64, %[[V4]] : i64
  // CHECK: %[[V6:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V7:.*]] = arith.minsi %[[V6]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V7]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @quotient_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @quotient_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant 5 : i32
  %0 = arith.divsi %kv, %f : i32
  %1 = arith.cmpi sge, %0, %c : i32
  tt.return %1 : i1
}

// kv // 5 >= c, rounded down as torch's floor division is written
// CHECK-LABEL: tt.func @floor_of_quotient(
tt.func @floor_of_quotient(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c0_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.muli %[[V0]], %c5_i64 : i64
  // CHECK: %[[V2:.*]] = arith.subi %c0_i64, %[[V1]] : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @floor_of_quotient_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @floor_of_quotient_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant 5 : i32
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %0 = arith.divsi %kv, %f : i32
  %1 = arith.remsi %kv, %f : i32
  %2 = arith.cmpi slt, %1, %zero : i32
  %3 = arith.cmpi slt, %f, %zero : i32
  %4 = arith.xori %2, %3 : i1
  %5 = arith.cmpi ne, %1, %zero : i32
  %6 = arith.andi %5, %4 : i1
  %7 = arith.subi %0, %one : i32
  %8 = arith.select %6, %7, %0 : i32
  %9 = arith.cmpi sge, %8, %c : i32
  tt.return %9 : i1
}

// (kv & -16) >= c
// CHECK-LABEL: tt.func @multiple(
tt.func @multiple(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c0_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.shrsi %[[V0]], %c4_i64 : i64
  // CHECK: %[[V2:.*]] = arith.muli %[[V1]], %c16_i64 : i64
  // CHECK: %[[V3:.*]] = arith.subi %c0_i64, %[[V2]] : i64
  // CHECK: %[[V4:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V5:.*]] = arith.minsi %[[V4]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V5]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @multiple_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @multiple_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %f = arith.constant -16 : i32
  %0 = arith.andi %kv, %f : i32
  %1 = arith.cmpi sge, %0, %c : i32
  tt.return %1 : i1
}

// min(kv, c) <= 2: either.
// CHECK-LABEL: tt.func @smaller_of_two(
tt.func @smaller_of_two(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c2_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sge, %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V1]], %c4611686018427387904_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V2]], %c3_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @smaller_of_two_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @smaller_of_two_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.minsi %kv, %c : i32
  %two = arith.constant 2 : i32
  %1 = arith.cmpi sle, %0, %two : i32
  tt.return %1 : i1
}

// max(kv, c) <= 2: both.
// CHECK-LABEL: tt.func @larger_of_two(
tt.func @larger_of_two(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c2_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sge, %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V1]], %c4611686018427387904_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[V3:.*]] = arith.minsi %[[V2]], %c3_i64 : i64
  // CHECK: %[[V4:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V5:.*]] = arith.minsi %[[V4]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V5]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact most(3, 0){{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @larger_of_two_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @larger_of_two_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.maxsi %kv, %c : i32
  %two = arith.constant 2 : i32
  %1 = arith.cmpi sle, %0, %two : i32
  tt.return %1 : i1
}

// (b < 2 ? kv : c) <= 2
// CHECK-LABEL: tt.func @choice(
tt.func @choice(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.subi %c2_i64, %[[C]] : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sge, %[[V0]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V1]], %c4611686018427387904_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[V3:.*]] = arith.cmpi slt, %batch, %c2_i32 : i32
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %c3_i64, %[[V2]] : i64
  // CHECK: %[[V5:.*]] = arith.maxsi %[[V4]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V5]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @choice_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @choice_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %0 = arith.cmpi slt, %b, %two : i32
  %1 = arith.select %0, %kv, %c : i32
  %2 = arith.cmpi sle, %1, %two : i32
  tt.return %2 : i1
}

// kv <= (kv < 8 ? c : 2): no key from 8 on.
// CHECK-LABEL: tt.func @choice_by_key(
tt.func @choice_by_key(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[C]], %c1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %c8_i64 : i64
  // CHECK: %[[V2:.*]] = arith.maxsi %[[V1]], %c3_i64 : i64
  // CHECK: %[[V3:.*]] = arith.cmpi sge, %[[V1]], %c8_i64 : i64
  // CHECK: %[[V4:.*]] = arith.maxsi %[[V1]], %c0_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V3]], %[[V2]], %[[V1]] : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V4]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] most(8, 0){{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @choice_by_key_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @choice_by_key_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %eight = arith.constant 8 : i32
  %0 = arith.cmpi slt, %kv, %eight : i32
  %1 = arith.select %0, %c, %two : i32
  %2 = arith.cmpi sle, %kv, %1 : i32
  tt.return %2 : i1
}

// A bool as an integer.
// CHECK-LABEL: tt.func @flag(
tt.func @flag(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[C]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V0]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[V3:.*]] = arith.minsi %[[WIDE]], %c0_i64 : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V3]] : i64 to i32
  // CHECK: %[[V4:.*]] = arith.maxsi %[[V1]], %c0_i64 : i64
  // CHECK: %[[V5:.*]] = arith.minsi %[[V4]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V5]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @flag_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @flag_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %one = arith.constant 1 : i32
  %0 = arith.cmpi slt, %kv, %c : i32
  %1 = arith.extui %0 : i1 to i32
  %2 = arith.cmpi eq, %1, %one : i32
  tt.return %2 : i1
}

// abs(kv - c) <= 2: five keys.
// CHECK-LABEL: tt.func @magnitude(
tt.func @magnitude(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V1:.*]] = arith.subi %[[V0]], %[[C]] : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %c2147483647_i64 : i64
  // CHECK: %[[V3:.*]] = arith.addi %[[C]], %c3_i64 : i64
  // CHECK: %[[V4:.*]] = arith.subi %[[C]], %c2_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V2]], %[[V4]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V2]], %[[V4]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V7:.*]] = arith.select %[[V2]], %[[V3]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V7]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[V10:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[V11:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V12:.*]] = arith.minsi %[[V11]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V12]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[V10]] : i32
  // CHECK: %[[V13:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V14:.*]] = arith.minsi %[[V13]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V14]] : i64 to i32
  // CHECK: %[[V15:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V16:.*]] = arith.minsi %[[V15]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V16]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[SURE_END]] exact most(5, 0){{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @magnitude_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @magnitude_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %zero = arith.constant 0 : i32
  %0 = arith.subi %kv, %c : i32
  %1 = arith.cmpi slt, %0, %zero : i32
  %2 = arith.subi %zero, %0 : i32
  %3 = arith.select %1, %2, %0 : i32
  %two = arith.constant 2 : i32
  %4 = arith.cmpi sle, %3, %two : i32
  tt.return %4 : i1
}

// 3 * kv <= kv + c, so 2 * kv <= c
// CHECK-LABEL: tt.func @both_sides(
tt.func @both_sides(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.muli %[[V0]], %c3_i64 : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %c2147483647_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V3:.*]] = arith.addi %[[V0]], %[[C]] : i64
  // CHECK: %[[V4:.*]] = arith.cmpi sle, %[[V3]], %c2147483647_i64 : i64
  // CHECK: %[[V5:.*]] = arith.andi %[[V2]], %[[V4]] : i1
  // CHECK: %[[V6:.*]] = arith.shrsi %[[C]], %c1_i64 : i64
  // CHECK: %[[V7:.*]] = arith.addi %[[V6]], %c1_i64 : i64
  // CHECK: %[[V8:.*]] = arith.select %[[V5]], %[[V7]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V9:.*]] = arith.select %[[V5]], %[[V7]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V10:.*]] = arith.maxsi %[[V9]], %c0_i64 : i64
  // CHECK: %[[V11:.*]] = arith.minsi %[[V10]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V11]] : i64 to i32
  // CHECK: %[[V12:.*]] = arith.maxsi %[[V8]], %c0_i64 : i64
  // CHECK: %[[V13:.*]] = arith.minsi %[[V12]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V13]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @both_sides_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @both_sides_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %three = arith.constant 3 : i32
  %0 = arith.muli %kv, %three : i32
  %1 = arith.addi %kv, %c : i32
  %2 = arith.cmpi sle, %0, %1 : i32
  tt.return %2 : i1
}

// kv <= kv + c: all keys or none.
// CHECK-LABEL: tt.func @key_cancels(
tt.func @key_cancels(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V1:.*]] = arith.addi %[[V0]], %[[C]] : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %c2147483647_i64 : i64
  // CHECK: %[[V3:.*]] = arith.cmpi sge, %[[C]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %c4611686018427387904_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V2]], %[[V4]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V2]], %[[V4]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[V9:.*]] = arith.maxsi %[[V5]], %c0_i64 : i64
  // CHECK: %[[V10:.*]] = arith.minsi %[[V9]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @key_cancels_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @key_cancels_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.addi %kv, %c : i32
  %1 = arith.cmpi sle, %kv, %0 : i32
  tt.return %1 : i1
}

// kv <= c in 64 bits, where c may be anything
// CHECK-LABEL: tt.func @wider(
tt.func @wider(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i64>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i64>
  // CHECK: %[[V0:.*]] = arith.maxsi %[[LOADED]], %c-17592186044416_i64 : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %c17592186044416_i64 : i64
  // CHECK: %[[V2:.*]] = arith.addi %[[V1]], %c1_i64 : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @wider_mask mask_captures(%p : !tt.ptr<i64>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @wider_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i64>) -> i1 {
  %c = tt.load %p : !tt.ptr<i64>
  %0 = arith.extsi %kv : i32 to i64
  %1 = arith.cmpi sle, %0, %c : i64
  tt.return %1 : i1
}

// As long as 16 bits hold every key.
// CHECK-LABEL: tt.func @narrower(
tt.func @narrower(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.addi %[[WIDE]], %c-1_i64 : i64
  // CHECK: %[[V1:.*]] = arith.cmpi sle, %[[V0]], %c32767_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V2:.*]] = arith.addi %[[C]], %c1_i64 : i64
  // CHECK: %[[V3:.*]] = arith.select %[[V1]], %[[V2]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V1]], %[[V2]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.maxsi %[[V4]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V5]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V8]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @narrower_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @narrower_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %0 = arith.trunci %kv : i32 to i16
  %1 = arith.extsi %0 : i16 to i32
  %2 = arith.cmpi sle, %1, %c : i32
  tt.return %2 : i1
}

// kv - 2 < c unsigned: kv >= 2 too; nothing is known where c is negative.
// CHECK-LABEL: tt.func @unsigned(
tt.func @unsigned(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi sge, %[[C]], %c0_i64 : i64
  // CHECK: %[[V1:.*]] = arith.addi %[[C]], %c2_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V0]], %[[V1]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V3:.*]] = arith.select %[[V0]], %c2_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V0]], %[[V1]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.maxsi %[[V4]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V5]], %[[WIDE]] : i64
  // CHECK: %[[V7:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V3]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[V7]] : i32
  // CHECK: %[[V10:.*]] = arith.minsi %[[WIDE]], %c2_i64 : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[V11:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V12:.*]] = arith.minsi %[[V11]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V12]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @unsigned_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @unsigned_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %0 = arith.subi %kv, %two : i32
  %1 = arith.cmpi ult, %0, %c : i32
  tt.return %1 : i1
}

// A distance that folds.
// CHECK-LABEL: tt.func @constants_fold(
tt.func @constants_fold(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[LIMIT]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[LIMIT]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @constants_fold_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @constants_fold_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %1 = arith.constant 1 : i32
  %w = arith.constant 32 : i32
  %2 = arith.cmpi ult, %1, %w : i32
  %z = arith.constant 0 : i32
  %3 = arith.select %2, %1, %z : i32
  %4 = arith.shrsi %kv, %3 : i32
  %5 = arith.cmpi sle, %4, %c : i32
  tt.return %5 : i1
}

// Folded thirty times, kv is in 2^30 comparisons: what the first steps find is kept, the rest counts as unknown.
// CHECK-LABEL: tt.func @many_folds(
// CHECK: flex.range %{{[0-9]+}} sure %{{[0-9]+}} to %{{[0-9]+}}{{$}}
tt.func @many_folds(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @many_folds_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @many_folds_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %fifty = arith.constant 50 : i32
  %back0 = arith.subi %fifty, %kv : i32
  %fold0 = arith.minsi %kv, %back0 : i32
  %back1 = arith.subi %fifty, %fold0 : i32
  %fold1 = arith.minsi %fold0, %back1 : i32
  %back2 = arith.subi %fifty, %fold1 : i32
  %fold2 = arith.minsi %fold1, %back2 : i32
  %back3 = arith.subi %fifty, %fold2 : i32
  %fold3 = arith.minsi %fold2, %back3 : i32
  %back4 = arith.subi %fifty, %fold3 : i32
  %fold4 = arith.minsi %fold3, %back4 : i32
  %back5 = arith.subi %fifty, %fold4 : i32
  %fold5 = arith.minsi %fold4, %back5 : i32
  %back6 = arith.subi %fifty, %fold5 : i32
  %fold6 = arith.minsi %fold5, %back6 : i32
  %back7 = arith.subi %fifty, %fold6 : i32
  %fold7 = arith.minsi %fold6, %back7 : i32
  %back8 = arith.subi %fifty, %fold7 : i32
  %fold8 = arith.minsi %fold7, %back8 : i32
  %back9 = arith.subi %fifty, %fold8 : i32
  %fold9 = arith.minsi %fold8, %back9 : i32
  %back10 = arith.subi %fifty, %fold9 : i32
  %fold10 = arith.minsi %fold9, %back10 : i32
  %back11 = arith.subi %fifty, %fold10 : i32
  %fold11 = arith.minsi %fold10, %back11 : i32
  %back12 = arith.subi %fifty, %fold11 : i32
  %fold12 = arith.minsi %fold11, %back12 : i32
  %back13 = arith.subi %fifty, %fold12 : i32
  %fold13 = arith.minsi %fold12, %back13 : i32
  %back14 = arith.subi %fifty, %fold13 : i32
  %fold14 = arith.minsi %fold13, %back14 : i32
  %back15 = arith.subi %fifty, %fold14 : i32
  %fold15 = arith.minsi %fold14, %back15 : i32
  %back16 = arith.subi %fifty, %fold15 : i32
  %fold16 = arith.minsi %fold15, %back16 : i32
  %back17 = arith.subi %fifty, %fold16 : i32
  %fold17 = arith.minsi %fold16, %back17 : i32
  %back18 = arith.subi %fifty, %fold17 : i32
  %fold18 = arith.minsi %fold17, %back18 : i32
  %back19 = arith.subi %fifty, %fold18 : i32
  %fold19 = arith.minsi %fold18, %back19 : i32
  %back20 = arith.subi %fifty, %fold19 : i32
  %fold20 = arith.minsi %fold19, %back20 : i32
  %back21 = arith.subi %fifty, %fold20 : i32
  %fold21 = arith.minsi %fold20, %back21 : i32
  %back22 = arith.subi %fifty, %fold21 : i32
  %fold22 = arith.minsi %fold21, %back22 : i32
  %back23 = arith.subi %fifty, %fold22 : i32
  %fold23 = arith.minsi %fold22, %back23 : i32
  %back24 = arith.subi %fifty, %fold23 : i32
  %fold24 = arith.minsi %fold23, %back24 : i32
  %back25 = arith.subi %fifty, %fold24 : i32
  %fold25 = arith.minsi %fold24, %back25 : i32
  %back26 = arith.subi %fifty, %fold25 : i32
  %fold26 = arith.minsi %fold25, %back26 : i32
  %back27 = arith.subi %fifty, %fold26 : i32
  %fold27 = arith.minsi %fold26, %back27 : i32
  %back28 = arith.subi %fifty, %fold27 : i32
  %fold28 = arith.minsi %fold27, %back28 : i32
  %back29 = arith.subi %fifty, %fold28 : i32
  %fold29 = arith.minsi %fold28, %back29 : i32
  %keep = arith.cmpi slt, %fold29, %q : i32
  tt.return %keep : i1
}
