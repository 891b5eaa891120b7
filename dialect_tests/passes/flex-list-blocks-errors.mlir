// RUN: pyflex-opt %s --flex-list-blocks --verify-diagnostics --split-input-file
// RUN: not pyflex-opt %s --flex-list-blocks --split-input-file 2>/dev/null | FileCheck %s
// RUN: not pyflex-opt %s --flex-list-blocks=queries=-1 --split-input-file 2>&1 | FileCheck %s --check-prefix=NEGATIVE

// NEGATIVE: error: expected a number of queries, or 0 for any, got -1

// None of these loops is changed.
// CHECK-NOT: flex.classify
// CHECK-NOT: flex.list

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @positions_of_its_own(%n: i32, %x: tensor<16x64xf32>, %other: tensor<64xi32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  // expected-remark @+1 {{blocks are not listed: expected one mask, asked at each position of the loop}}
  %s1 = flex.for %all below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %batch, %head, %query, %other)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @two_masks(%n: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  // expected-remark @+1 {{blocks are not listed: expected one mask, asked at each position of the loop}}
  %s1 = flex.for %all below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %once = flex.mask_mod @m(%s, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %twice = flex.mask_mod @m(%once, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %twice : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @rows_of_its_own(%n: i32, %x: tensor<16x64xf32>, %row: tensor<16xi32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  // expected-remark @+1 {{blocks are not listed: expected the mask to be asked for the kernel's own rows}}
  %s1 = flex.for %all below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %batch, %row, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @positions_from_the_head(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
                                 %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-note @+1 {{it depends on this}}
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %heads = tt.splat %kv_head : i32 -> tensor<16xi32>
  %position = arith.addi %query, %heads : tensor<16xi32>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %position, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @a_number_for_each_row(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
                               %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  // expected-note @+1 {{it depends on this}}
  %shift = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : tensor<16xi32>
  %position = arith.addi %query, %shift : tensor<16xi32>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %position, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// expected-error @+1 {{expected no function named 'decode_blocks': the first kernel takes this name}}
tt.func @decode(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
                %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    %next = flex.mask_mod @m(%x, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// expected-note @+1 {{the function is here}}
tt.func @decode_blocks() {
  tt.return
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @fewer_keys_than_the_limit(%n: i32, %end: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %some = flex.range %end
  // expected-remark @+1 {{blocks are not listed: the loop has bounds of its own}}
  %s1 = flex.for %some below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// -----

// What is masked is not all that counts: a block cannot be left out.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @scores_are_kept(%n: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  // expected-remark @+1 {{blocks are not listed: the loop does more than a masked online softmax}}
  %s1 = flex.for %all below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// -----

// The mask itself asks no head: one list would stand for all of them.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @positions_from_each_head(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
    %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-note @+1 {{it depends on this}}
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %position = arith.addi %query, %head : tensor<16xi32>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %position, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @positions_from_a_range(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
    %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  // expected-note @+1 {{it depends on this}}
  %row = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %position = arith.addi %query, %row : tensor<16xi32>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %position, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

// The kernel that lists the blocks has a grid of its own.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32, %n: i32) -> i1 {
  %keep = arith.cmpi sge, %n, %kv : i32
  tt.return %keep : i1
}

tt.func @program_as_a_capture(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
    %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  // expected-note @+1 {{it depends on this}}
  %program = tt.get_program_id x : i32
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %query, %kv) captures(%program : i32)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  // expected-note @+1 {{it depends on this}}
  %program = tt.get_num_programs x : i32
  %keep = arith.cmpi sge, %program, %kv : i32
  tt.return %keep : i1
}

tt.func @programs_in_the_mask(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
    %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// -----

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// A list has fewer rows, and so would have what lies between.
tt.func @more_dimensions_than_a_column(%n: i32, %x: tensor<16x64xf32>, %m: tensor<16xf32>,
    %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%n, %n)
      group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %column = tt.expand_dims %query {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  // expected-note @+1 {{it depends on this}}
  %same = tt.reshape %column : tensor<16x1xi32> -> tensor<16xi32>
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{blocks are not listed: the mask depends on more than the rows}}
    %next = flex.mask_mod @m(%x, %batch, %head, %same, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}
