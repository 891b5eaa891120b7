// RUN: pyflex-opt %s --flex-mask-from-score --split-input-file | FileCheck %s

// CHECK-LABEL: tt.func private @s_unmasked(
// CHECK-SAME: %[[S:[^:]*]]: f32, {{.*}}%{{[^:]*}}: !tt.ptr<f32>) -> f32 {
// CHECK-NOT: arith.select
// CHECK: %[[TWICE:.*]] = arith.addf %[[S]], %[[S]] : f32
// CHECK: tt.return %[[TWICE]] : f32
// CHECK-LABEL: tt.func private @s_mask(
// CHECK-SAME: %{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[Q:[^:]*]]: i32, %[[KV:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<f32>, %[[P:[^:]*]]: !tt.ptr<i32>) -> (i1, i1) {
// CHECK: %[[CONDITION:.*]] = arith.cmpi sge, %[[Q]], %[[KV]] : i32
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: %[[LOADED:.*]] = tt.load %[[P]] : !tt.ptr<i32>
// CHECK: %[[OWN:.*]] = arith.cmpi slt, %[[KV]], %[[LOADED]] : i32
// CHECK: %[[BOTH:.*]] = arith.andi %[[CONDITION]], %[[OWN]] : i1
// CHECK: tt.return %[[BOTH]], %[[TRUE]] : i1, i1
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<f32>) -> f32 {
  %twice = arith.addf %s, %s : f32
  %minus_inf = arith.constant 0xFF800000 : f32
  %condition = arith.cmpi sge, %q, %kv : i32
  %result = arith.select %condition, %twice, %minus_inf : f32
  tt.return %result : f32
}

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> (i1, i1) {
  %true = arith.constant true
  %length = tt.load %p : !tt.ptr<i32>
  %keep = arith.cmpi slt, %kv, %length : i32
  tt.return %keep, %true : i1, i1
}

// CHECK-LABEL: tt.func @both_mods(
// CHECK-SAME: %[[F:[^:]*]]: !tt.ptr<f32>, %[[I:[^:]*]]: !tt.ptr<i32>
// CHECK: score_mod @s_unmasked score_captures(%[[F]] : !tt.ptr<f32>) mask_mod @s_mask mask_captures(%[[F]], %[[I]] : !tt.ptr<f32>, !tt.ptr<i32>)
tt.func @both_mods(%f: !tt.ptr<f32>, %i: !tt.ptr<i32>, %x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s score_captures(%f : !tt.ptr<f32>) mask_mod @m mask_captures(%i : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// Two conditions, one of them for what is hidden; there was no mask.
// CHECK-LABEL: tt.func private @s_unmasked(
// CHECK-SAME: %[[S:[^:]*]]: f32
// CHECK-NEXT: tt.return %[[S]] : f32
// CHECK-LABEL: tt.func private @s_mask(
// CHECK-SAME: %{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[Q:[^:]*]]: i32, %[[KV:[^:]*]]: i32) -> i1 {
// CHECK: %[[HIDDEN:.*]] = arith.cmpi slt, %[[Q]], %[[KV]] : i32
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: %[[OUTER:.*]] = arith.xori %[[HIDDEN]], %[[TRUE]] : i1
// CHECK: %[[INNER:.*]] = arith.cmpi ne, %[[Q]], %[[KV]] : i32
// CHECK: %[[KEEP:.*]] = arith.andi %[[OUTER]], %[[INNER]] : i1
// CHECK: tt.return %[[KEEP]] : i1
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %minus_inf = arith.constant 0xFF800000 : f32
  %shown = arith.cmpi ne, %q, %kv : i32
  %inner = arith.select %shown, %s, %minus_inf : f32
  %hidden = arith.cmpi slt, %q, %kv : i32
  %result = arith.select %hidden, %minus_inf, %inner : f32
  tt.return %result : f32
}

// CHECK-LABEL: tt.func @no_mask(
// CHECK: score_mod @s_unmasked mask_mod @s_mask
tt.func @no_mask(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}
