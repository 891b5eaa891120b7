// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --verify-diagnostics

// Each of these asks for both of its operands and for their opposites, which takes some ninety ops.
tt.func @many_conditions(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  // expected-remark @+1 {{bounds are derived of a part of the mask: of the whole they take more than 2000 operations}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @many_conditions_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @many_conditions_mask(%batch: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %a = arith.cmpi sle, %kv, %q : i32
  %b = arith.cmpi sge, %kv, %h : i32
  %c = arith.cmpi sle, %kv, %batch : i32
  %0 = arith.xori %a, %b : i1
  %1 = arith.xori %0, %c : i1
  %2 = arith.xori %1, %a : i1
  %3 = arith.xori %2, %b : i1
  %4 = arith.xori %3, %c : i1
  %5 = arith.xori %4, %a : i1
  %6 = arith.xori %5, %b : i1
  %7 = arith.xori %6, %c : i1
  %8 = arith.xori %7, %a : i1
  %9 = arith.xori %8, %b : i1
  %10 = arith.xori %9, %c : i1
  %11 = arith.xori %10, %a : i1
  %12 = arith.xori %11, %b : i1
  %13 = arith.xori %12, %c : i1
  %14 = arith.xori %13, %a : i1
  %15 = arith.xori %14, %b : i1
  %16 = arith.xori %15, %c : i1
  %17 = arith.xori %16, %a : i1
  %18 = arith.xori %17, %b : i1
  %19 = arith.xori %18, %c : i1
  %20 = arith.xori %19, %a : i1
  %21 = arith.xori %20, %b : i1
  %22 = arith.xori %21, %c : i1
  %23 = arith.xori %22, %a : i1
  tt.return %23 : i1
}
