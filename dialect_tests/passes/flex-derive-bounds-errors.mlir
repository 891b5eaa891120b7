// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --verify-diagnostics --split-input-file
// RUN: pyflex-opt %s --flex-expand-decode --flex-derive-bounds --split-input-file 2>/dev/null | FileCheck %s

// What is built in vain is erased: each loop visits all keys, as before.
// CHECK-NOT: flex.range from
// CHECK-NOT: {{ sure }}
// CHECK-NOT: unless

// Every third key is no interval.
tt.func @remainder(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @remainder_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @remainder_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %three = arith.constant 3 : i32
  // expected-note @+1 {{'arith.remsi' is not solved for kv}}
  %0 = arith.remsi %kv, %three : i32
  %1 = arith.cmpi eq, %0, %h : i32
  tt.return %1 : i1
}

// -----

// What memory says of a key is not known before the loop.
tt.func @table_at_the_key(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @table_at_the_key_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @table_at_the_key_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %0 = tt.addptr %p, %kv : !tt.ptr<i32>, i32
  // expected-note @+1 {{'tt.load' is not solved for kv}}
  %1 = tt.load %0 : !tt.ptr<i32>
  %2 = arith.cmpi eq, %1, %q : i32
  tt.return %2 : i1
}

// -----

// Floats round.
tt.func @floats(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @floats_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @floats_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %0 = arith.sitofp %kv : i32 to f32
  %1 = arith.sitofp %q : i32 to f32
  // expected-note @+1 {{'arith.cmpf' is not solved for kv}}
  %2 = arith.cmpf ole, %0, %1 : f32
  tt.return %2 : i1
}

// -----

// The sign of a factor that is no constant is not known.
tt.func @unknown_factor(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @unknown_factor_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @unknown_factor_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  // expected-note @+1 {{'arith.muli' is not solved for kv}}
  %0 = arith.muli %kv, %h : i32
  %1 = arith.cmpi sle, %0, %q : i32
  tt.return %1 : i1
}

// -----

// Nor is that of such a divisor.
tt.func @unknown_divisor(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @unknown_divisor_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @unknown_divisor_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  // expected-note @+1 {{'arith.divsi' is not solved for kv}}
  %0 = arith.divsi %kv, %h : i32
  %1 = arith.cmpi sle, %0, %q : i32
  tt.return %1 : i1
}

// -----

// q / (kv + 1)
tt.func @key_as_divisor(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @key_as_divisor_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @key_as_divisor_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %one = arith.constant 1 : i32
  %0 = arith.addi %kv, %one : i32
  // expected-note @+1 {{'arith.divsi' is not solved for kv}}
  %1 = arith.divsi %q, %0 : i32
  %2 = arith.cmpi sle, %1, %h : i32
  tt.return %2 : i1
}

// -----

// Two quotients of kv do not come together.
tt.func @quotients_on_both_sides(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @quotients_on_both_sides_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @quotients_on_both_sides_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %four = arith.constant 4 : i32
  // expected-note @+1 {{'arith.shrsi' is not solved for kv}}
  %0 = arith.shrsi %kv, %four : i32
  %1 = arith.addi %kv, %q : i32
  %2 = arith.shrsi %1, %four : i32
  %3 = arith.cmpi sle, %0, %2 : i32
  tt.return %3 : i1
}

// -----

// Two unsigned sides that depend on kv.
tt.func @unsigned_keys(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @unsigned_keys_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @unsigned_keys_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  // expected-note @+1 {{'arith.subi' is not solved for kv}}
  %0 = arith.subi %kv, %q : i32
  %1 = arith.addi %kv, %h : i32
  %2 = arith.cmpi ult, %0, %1 : i32
  tt.return %2 : i1
}

// -----

// 64-bit integers are followed up to 2^40.
tt.func @past_the_width(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch, %p: !tt.ptr<i32>) {
  // expected-remark @+1 {{no bounds are derived: the mask says nothing of kv}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @past_the_width_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @past_the_width_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<i32>) -> i1 {
  %big = arith.constant 3000000000000 : i64
  %0 = arith.extsi %kv : i32 to i64
  // expected-note @+1 {{'arith.addi' is not solved for kv}}
  %1 = arith.addi %0, %big : i64
  %2 = arith.cmpi sle, %1, %big : i64
  tt.return %2 : i1
}

// -----

// The rows are not known before the loop.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @rows_of_the_loop(%n: i32, %h: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    %q = arith.addi %h, %kv : tensor<16xi32>
    // expected-remark @+1 {{no bounds are derived: the mask's rows are known in the loop only}}
    %masked = flex.mask_mod @m(%a, %n, %h, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// What is masked is not all that counts: a tile cannot be left out.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @scores_are_kept(%n: i32, %q: tensor<16xi32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %all = flex.range %n
  %s = flex.for %all below %n init(%a : tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the loop does more than a masked online softmax}}
    %masked = flex.mask_mod @m(%a0, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    flex.yield %masked : tensor<16x16xf32>
  } -> tensor<16x16xf32>
  tt.return %s : tensor<16x16xf32>
}

// -----

// A loop that ends elsewhere than its range.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @another_limit(%n: i32, %k: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %k init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the loop has bounds of its own}}
    %masked = flex.mask_mod @m(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

tt.func private @declared(i32, i32, i32, i32) -> i1

tt.func @mask_without_a_body(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the mask has no body of one block}}
    %masked = flex.mask_mod @declared(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

tt.func private @other(i32) -> i32

tt.func private @calls(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  // expected-note @+1 {{'tt.call' is here}}
  %id = tt.call @other(%b) : (i32) -> i32
  %keep = arith.cmpi sge, %id, %kv : i32
  tt.return %keep : i1
}

tt.func @mask_that_calls(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the mask is not elementwise}}
    %masked = flex.mask_mod @calls(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// A loop over lists is left alone, without a word.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @lists(%list: !flex.blocks, %n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %s:3 = flex.for %list below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    %masked = flex.mask_mod @m(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// No tile has integers of these widths.
tt.func @an_index(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  // expected-remark @+1 {{no bounds are derived: the mask is not elementwise}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @index_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @index_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  // expected-note @+1 {{'arith.index_cast' is here}}
  %0 = arith.index_cast %kv : i32 to index
  %1 = arith.index_cast %q : i32 to index
  %2 = arith.cmpi sle, %0, %1 : index
  tt.return %2 : i1
}

// -----

tt.func @odd_width(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  // expected-remark @+1 {{no bounds are derived: the mask is not elementwise}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @odd_width_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @odd_width_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  // expected-note @+1 {{'arith.extsi' is here}}
  %0 = arith.extsi %kv : i32 to i63
  %1 = arith.constant 3 : i63
  %2 = arith.cmpi sle, %0, %1 : i63
  tt.return %2 : i1
}

// -----

tt.func @a_mask_without_a_result(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %len: !flex.per_batch) {
  // expected-remark @+1 {{no bounds are derived: the mask has no body of one block}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      mask_mod @unreachable_mask
      {group = 1 : i32, head_dim = 16 : i32, value_dim = 16 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

tt.func private @unreachable_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  ub.unreachable
}

// -----

tt.func private @of_keys(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %0 = arith.cmpi sge, %q, %kv : i32
  tt.return %0 : i1
}

tt.func @queries_are_the_keys(%n: i32, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the mask's rows are known in the loop only}}
    %masked = flex.mask_mod @of_keys(%a, %n, %kv, %kv, %kv)
        : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

tt.func private @of_keys(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %0 = arith.cmpi sge, %q, %kv : i32
  tt.return %0 : i1
}

tt.func @keys_of_its_own(%n: i32, %row: tensor<16xi32>, %other: tensor<16xi32>, %m: tensor<16xf32>,
                         %a: tensor<16x16xf32>) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the mask is asked at other positions than the loop's}}
    %masked = flex.mask_mod @of_keys(%a, %n, %row, %row, %other)
        : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// The scores that count are others than those of keys that exist.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @bound_of_other_keys(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>, %some: tensor<16xi1>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the loop does more than a masked online softmax}}
    %masked = flex.mask_mod @m(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %some : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// Scores past the last key count as those of the last one do, which the mask hides here, and would show where the loop
// ends with it.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @no_bound(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the loop counts what is past the last key}}
    %masked = flex.mask_mod @m(%a, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %masked, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}

// -----

// The rest of the loop knows how far it has come: with bounds it starts elsewhere.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @scores_of_the_sum(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    %scores = arith.addf %a, %a0 : tensor<16x16xf32>
    // expected-remark @+1 {{no bounds are derived: the loop does more than a masked online softmax}}
    %masked = flex.mask_mod @m(%scores, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %bound = flex.bound %masked if %valid : tensor<16x16xf32>, tensor<16xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %bound, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}
