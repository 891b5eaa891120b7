// RUN: pyflex-opt %s --flex-mask-from-score --verify-diagnostics --split-input-file
// RUN: pyflex-opt %s --flex-mask-from-score --split-input-file 2>/dev/null | FileCheck %s

// These mods stay as they are.
// CHECK-NOT: @s_mask
// CHECK-NOT: @s_unmasked

// A condition of the score itself is no mask.
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %minus_inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %condition = arith.cmpf ogt, %s, %zero : f32
  %result = arith.select %condition, %s, %minus_inf : f32
  tt.return %result : f32
}

tt.func @condition_of_the_score(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// Nor is a choice of another number.
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %least = arith.constant -1.0e30 : f32
  %condition = arith.cmpi sge, %q, %kv : i32
  %result = arith.select %condition, %s, %least : f32
  tt.return %result : f32
}

tt.func @another_number(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// Full blocks would not ask the mask.
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %minus_inf = arith.constant 0xFF800000 : f32
  %condition = arith.cmpi sge, %q, %kv : i32
  %result = arith.select %condition, %s, %minus_inf : f32
  tt.return %result : f32
}

tt.func @block_lists(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>, %s: i64) {
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 128)
  // expected-remark @+1 {{the score_mod's -inf is not taken for a mask: block lists say where the mask is asked}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s partial(%table)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// The condition depends on the score inside a branch.
tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %minus_inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %before = arith.cmpi sle, %kv, %q : i32
  %condition = scf.if %before -> i1 {
    %positive = arith.cmpf ogt, %s, %zero : f32
    scf.yield %positive : i1
  } else {
    scf.yield %before : i1
  }
  %result = arith.select %condition, %s, %minus_inf : f32
  tt.return %result : f32
}

tt.func @condition_in_a_branch(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func private @s(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  ub.unreachable
}

tt.func @no_result(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      score_mod @s
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}
