// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds | FileCheck %s

// The first end is a sum of two choices, five times over: there are more ways through them than a memory holds. A few
// are followed, and the second end is still found to be 8 behind the begin.
// CHECK-LABEL: tt.func @many_ways(
// CHECK: flex.range from %{{.*}} most(8, 1){{$}}
tt.func @many_ways(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @many_ways_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @many_ways_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %less0 = arith.minsi %b, %h : i32
  %near0 = arith.minsi %b, %q : i32
  %sum0 = arith.addi %less0, %near0 : i32
  %less1 = arith.minsi %sum0, %h : i32
  %near1 = arith.minsi %sum0, %q : i32
  %sum1 = arith.addi %less1, %near1 : i32
  %less2 = arith.minsi %sum1, %h : i32
  %near2 = arith.minsi %sum1, %q : i32
  %sum2 = arith.addi %less2, %near2 : i32
  %less3 = arith.minsi %sum2, %h : i32
  %near3 = arith.minsi %sum2, %q : i32
  %sum3 = arith.addi %less3, %near3 : i32
  %less4 = arith.minsi %sum3, %h : i32
  %near4 = arith.minsi %sum3, %q : i32
  %sum4 = arith.addi %less4, %near4 : i32
  %first = arith.cmpi slt, %kv, %sum4 : i32
  %behind = arith.cmpi sge, %q, %kv : i32
  %both = arith.andi %first, %behind : i1
  %distance = arith.subi %q, %kv : i32
  %width = arith.constant 8 : i32
  %near = arith.cmpi slt, %distance, %width : i32
  %keep = arith.andi %both, %near : i1
  tt.return %keep : i1
}
