// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --canonicalize --cse | FileCheck %s

// How what is known of two conditions comes together.

// kv < c and kv >= 2: the later begin and the earlier end.
// CHECK-LABEL: tt.func @both(
tt.func @both(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V1]] : i64 to i32
  // CHECK: %[[V2:.*]] = arith.minsi %[[WIDE]], %c2_i64 : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V2]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[SURE_END]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @both_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @both_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %y = arith.cmpi sge, %kv, %two : i32
  %0 = arith.andi %x, %y : i1
  tt.return %0 : i1
}

// kv < c or kv < b: from the same begin to the later end, for sure.
// CHECK-LABEL: tt.func @either(
tt.func @either(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[B:.*]] = arith.extsi %batch : i32 to i64
  // CHECK: %[[V0:.*]] = arith.maxsi %[[C]], %[[B]] : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V1]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @either_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @either_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %z = arith.cmpi slt, %kv, %b : i32
  %0 = arith.ori %x, %z : i1
  tt.return %0 : i1
}

// kv < 2 or kv >= c: all keys between are visited; the longer part is sure, or both where they touch.
// CHECK-LABEL: tt.func @far_apart(
tt.func @far_apart(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi sle, %[[C]], %c2_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.subi %c2147483647_i64, %[[V1]] : i64
  // CHECK: %[[V3:.*]] = arith.cmpi sle, %[[V2]], %c2_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %c-4611686018427387904_i64, %[[C]] : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V3]], %c2_i64, %c4611686018427387904_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V0]], %c-4611686018427387904_i64, %[[V4]] : i64
  // CHECK: %[[V7:.*]] = arith.select %[[V0]], %c4611686018427387904_i64, %[[V5]] : i64
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[V10:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[LIMIT]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[LIMIT]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @far_apart_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @far_apart_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %two : i32
  %y = arith.cmpi sge, %kv, %c : i32
  %0 = arith.ori %x, %y : i1
  tt.return %0 : i1
}

// not (kv < c and kv >= 2): not one interval.
// CHECK-LABEL: tt.func @not_both(
tt.func @not_both(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi sle, %[[C]], %c2_i64 : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V2:.*]] = arith.subi %c2147483647_i64, %[[V1]] : i64
  // CHECK: %[[V3:.*]] = arith.cmpi sge, %[[V2]], %c2_i64 : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %[[C]], %c-4611686018427387904_i64 : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V3]], %c4611686018427387904_i64, %c2_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V0]], %c-4611686018427387904_i64, %[[V4]] : i64
  // CHECK: %[[V7:.*]] = arith.select %[[V0]], %c4611686018427387904_i64, %[[V5]] : i64
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[V10:.*]] = arith.minsi %[[V7]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V10]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[LIMIT]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[LIMIT]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @not_both_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @not_both_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %y = arith.cmpi sge, %kv, %two : i32
  %0 = arith.andi %x, %y : i1
  %true = arith.constant true
  %1 = arith.xori %0, %true : i1
  tt.return %1 : i1
}

// not (kv < c or kv < b): from the later end on.
// CHECK-LABEL: tt.func @not_either(
tt.func @not_either(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[B:.*]] = arith.extsi %batch : i32 to i64
  // CHECK: %[[V0:.*]] = arith.maxsi %[[C]], %[[B]] : i64
  // CHECK: %[[V1:.*]] = arith.minsi %[[V0]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V1]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[LIMIT]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @not_either_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @not_either_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %z = arith.cmpi slt, %kv, %b : i32
  %0 = arith.ori %x, %z : i1
  %true = arith.constant true
  %1 = arith.xori %0, %true : i1
  tt.return %1 : i1
}

// kv < c or kv < b, but not both: between the two.
// CHECK-LABEL: tt.func @other_than(
tt.func @other_than(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[B:.*]] = arith.extsi %batch : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi sle, %[[C]], %[[B]] : i64
  // CHECK: %[[V1:.*]] = arith.select %[[V0]], %c4611686018427387904_i64, %[[B]] : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V0]], %c-4611686018427387904_i64, %[[C]] : i64
  // CHECK: %[[V3:.*]] = arith.cmpi sle, %[[B]], %[[C]] : i64
  // CHECK: %[[V4:.*]] = arith.select %[[V3]], %c4611686018427387904_i64, %[[C]] : i64
  // CHECK: %[[V5:.*]] = arith.select %[[V3]], %c-4611686018427387904_i64, %[[B]] : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V1]], %[[V4]] : i64
  // CHECK: %[[V7:.*]] = arith.maxsi %[[V2]], %[[V5]] : i64
  // CHECK: %[[V8:.*]] = arith.minsi %[[B]], %[[C]] : i64
  // CHECK: %[[V9:.*]] = arith.maxsi %[[C]], %[[B]] : i64
  // CHECK: %[[V10:.*]] = arith.maxsi %[[V7]], %c0_i64 : i64
  // CHECK: %[[V11:.*]] = arith.minsi %[[V10]], %[[WIDE]] : i64
  // CHECK: %[[V12:.*]] = arith.trunci %[[V11]] : i64 to i32
  // CHECK: %[[V13:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V14:.*]] = arith.minsi %[[V13]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V14]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[V12]] : i32
  // CHECK: %[[V15:.*]] = arith.maxsi %[[V8]], %c0_i64 : i64
  // CHECK: %[[V16:.*]] = arith.minsi %[[V15]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V16]] : i64 to i32
  // CHECK: %[[V17:.*]] = arith.maxsi %[[V9]], %c0_i64 : i64
  // CHECK: %[[V18:.*]] = arith.minsi %[[V17]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V18]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @other_than_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @other_than_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %z = arith.cmpi slt, %kv, %b : i32
  %0 = arith.xori %x, %z : i1
  tt.return %0 : i1
}

// As a comparison of bools: around what is between the two.
// CHECK-LABEL: tt.func @same_as(
tt.func @same_as(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[B:.*]] = arith.extsi %batch : i32 to i64
  // CHECK: %[[V0:.*]] = arith.minsi %[[C]], %[[B]] : i64
  // CHECK: %[[V1:.*]] = arith.maxsi %[[C]], %[[B]] : i64
  // CHECK: %[[V2:.*]] = arith.cmpi sle, %[[V1]], %[[V0]] : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V0]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.subi %c2147483647_i64, %[[V1]] : i64
  // CHECK: %[[V5:.*]] = arith.cmpi sle, %[[V4]], %[[V3]] : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V5]], %c-4611686018427387904_i64, %[[V1]] : i64
  // CHECK: %[[V7:.*]] = arith.select %[[V5]], %[[V0]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V8:.*]] = arith.select %[[V2]], %c-4611686018427387904_i64, %[[V6]] : i64
  // CHECK: %[[V9:.*]] = arith.select %[[V2]], %c4611686018427387904_i64, %[[V7]] : i64
  // CHECK: %[[V10:.*]] = arith.maxsi %[[V8]], %c0_i64 : i64
  // CHECK: %[[V11:.*]] = arith.minsi %[[V10]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V11]] : i64 to i32
  // CHECK: %[[V12:.*]] = arith.maxsi %[[V9]], %c0_i64 : i64
  // CHECK: %[[V13:.*]] = arith.minsi %[[V12]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V13]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[LIMIT]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[LIMIT]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @same_as_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @same_as_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %z = arith.cmpi slt, %kv, %b : i32
  %0 = arith.cmpi eq, %x, %z : i1
  tt.return %0 : i1
}

// b < 2 ? kv < c : kv >= 2
// CHECK-LABEL: tt.func @choice_of_masks(
tt.func @choice_of_masks(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi slt, %batch, %c2_i32 : i32
  // CHECK: %[[V1:.*]] = arith.select %[[V0]], %c-4611686018427387904_i64, %c2_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V0]], %[[C]], %c4611686018427387904_i64 : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[V5:.*]] = arith.maxsi %[[V1]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.minsi %[[V5]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V6]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[SURE_END]] : i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[BEGIN]] to %[[SURE_END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @choice_of_masks_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @choice_of_masks_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %k = arith.cmpi slt, %b, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %y = arith.cmpi sge, %kv, %two : i32
  %0 = arith.select %k, %x, %y : i1
  tt.return %0 : i1
}

// kv < 2 ? none : kv < c
// CHECK-LABEL: tt.func @choice_by_key(
tt.func @choice_by_key(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi sle, %[[C]], %c2_i64 : i64
  // CHECK: %[[V1:.*]] = arith.select %[[V0]], %c4611686018427387904_i64, %c2_i64 : i64
  // CHECK: %[[V2:.*]] = arith.select %[[V0]], %c-4611686018427387904_i64, %[[C]] : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[C]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.addi %[[V3]], %c-2_i64 : i64
  // CHECK: %[[V5:.*]] = arith.cmpi sle, %[[V4]], %c0_i64 : i64
  // CHECK: %[[V6:.*]] = arith.select %[[V5]], %c-4611686018427387904_i64, %c2_i64 : i64
  // CHECK: %[[V7:.*]] = arith.select %[[V5]], %c-4611686018427387904_i64, %[[C]] : i64
  // CHECK: %[[V8:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V9:.*]] = arith.minsi %[[V8]], %[[WIDE]] : i64
  // CHECK: %[[V10:.*]] = arith.trunci %[[V9]] : i64 to i32
  // CHECK: %[[V11:.*]] = arith.minsi %[[V1]], %[[WIDE]] : i64
  // CHECK: %[[BEGIN:.*]] = arith.trunci %[[V11]] : i64 to i32
  // CHECK: %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[V10]] : i32
  // CHECK: %[[V12:.*]] = arith.maxsi %[[V6]], %c0_i64 : i64
  // CHECK: %[[V13:.*]] = arith.minsi %[[V12]], %[[WIDE]] : i64
  // CHECK: %[[SURE_BEGIN:.*]] = arith.trunci %[[V13]] : i64 to i32
  // CHECK: %[[V14:.*]] = arith.maxsi %[[V7]], %c0_i64 : i64
  // CHECK: %[[V15:.*]] = arith.minsi %[[V14]], %[[WIDE]] : i64
  // CHECK: %[[SURE_END:.*]] = arith.trunci %[[V15]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range from %[[BEGIN]] to %[[END]] sure %[[SURE_BEGIN]] to %[[SURE_END]]{{$}}
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
  %d = arith.addi %c, %two : i32
  %k = arith.cmpi slt, %kv, %two : i32
  %f = arith.constant false
  %x = arith.cmpi slt, %kv, %c : i32
  %0 = arith.select %k, %f, %x : i1
  tt.return %0 : i1
}

// b == 2 and kv < c: what does not depend on kv is a choice of all or nothing.
// CHECK-LABEL: tt.func @rows_that_see_nothing(
tt.func @rows_that_see_nothing(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %{{.*}}, %c0_i32 : i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[LIMIT]] : i32 to i64
  // CHECK: %[[V0:.*]] = arith.cmpi eq, %batch, %c2_i32 : i32
  // CHECK: %[[V1:.*]] = arith.select %[[V0]], %c4611686018427387904_i64, %c-4611686018427387904_i64 : i64
  // CHECK: %[[LOADED:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: %[[C:.*]] = arith.extsi %[[LOADED]] : i32 to i64
  // CHECK: %[[V2:.*]] = arith.minsi %[[V1]], %[[C]] : i64
  // CHECK: %[[V3:.*]] = arith.maxsi %[[V2]], %c0_i64 : i64
  // CHECK: %[[V4:.*]] = arith.minsi %[[V3]], %[[WIDE]] : i64
  // CHECK: %[[END:.*]] = arith.trunci %[[V4]] : i64 to i32
  // CHECK: %[[RANGE:.*]] = flex.range %[[END]] sure %c0_i32 to %[[END]] exact{{$}}
  // CHECK: flex.for %[[RANGE]] below %[[END]]
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @rows_that_see_nothing_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @rows_that_see_nothing_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %k = arith.cmpi eq, %b, %two : i32
  %x = arith.cmpi slt, %kv, %c : i32
  %0 = arith.andi %k, %x : i1
  tt.return %0 : i1
}

// No row sees a key.
// CHECK-LABEL: tt.func @nothing(
tt.func @nothing(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // CHECK: %[[RANGE:.*]] = flex.range %c0_i32 exact most(0, 0){{$}}
  // CHECK: flex.for %[[RANGE]] below %c0_i32
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @nothing_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @nothing_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %c = tt.load %p : !tt.ptr<i32>
  %two = arith.constant 2 : i32
  %d = arith.addi %c, %two : i32
  %f = arith.constant false
  %x = arith.cmpi slt, %kv, %c : i32
  %0 = arith.andi %f, %x : i1
  tt.return %0 : i1
}
