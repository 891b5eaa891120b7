// RUN: pyflex-opt %s --flex-to-triton --verify-diagnostics --split-input-file

tt.func @not_expanded(%p: !tt.ptr<f32>, %lens: !tt.ptr<i32>, %given: i1, %s: i64, %n: i32, %scale: f32) {
  %x = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %len = flex.per_batch %n, %lens if %given : !tt.ptr<i32>
  // expected-error @+1 {{expected flex-expand-decode to have run}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%len) kv_len(%len)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @blocks_from_a_caller(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{expected an operand of type '!flex.blocks' to be made in this function by a flex op}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @table_from_a_caller(%table: !flex.block_table, %n: i32) {
  // expected-error @+1 {{expected an operand of type '!flex.block_table' to be made in this function by a flex op}}
  %list = flex.list %table[%n, %n, %n]
  %0 = flex.for %list below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @view_from_a_caller(%x: !flex.view<4 x f32>, %b: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{expected an operand of type '!flex.view<4 x f32>' to be made in this function by a flex op}}
  %0 = flex.load %x[%b, %index, %index] if %valid columns 16
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @view_chosen_at_run_time(%p: !tt.ptr<f32>, %s: i64, %c: i1, %b: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  %x = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %y = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %z = scf.if %c -> !flex.view<4 x f32> {
    scf.yield %x : !flex.view<4 x f32>
  } else {
    scf.yield %y : !flex.view<4 x f32>
  }
  // expected-error @+1 {{expected an operand of type '!flex.view<4 x f32>' to be made in this function by a flex op}}
  %0 = flex.load %z[%b, %index, %index] if %valid columns 16
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @per_batch_value_from_a_caller(%lens: !flex.per_batch, %b: i32) {
  // expected-error @+1 {{expected an operand of type '!flex.per_batch' to be made in this function by a flex op}}
  %0 = flex.at %lens[%b]
  tt.return
}

// -----

tt.func private @declared(f32, i32, i32, i32, i32) -> f32

tt.func @mod_without_body(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected a callee of one block}}
  %0 = flex.score_mod @declared(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func @blocks_to_a_caller(%n: i32) -> !flex.blocks {
  // expected-error @+1 {{expected only flex ops to use a value of type '!flex.blocks'}}
  %r = flex.range %n
  // expected-note @+1 {{it is used here}}
  tt.return %r : !flex.blocks
}

// -----

tt.func @view_to_a_callee(%p: !tt.ptr<f32>, %s: i64) {
  // expected-error @+1 {{expected only flex ops to use a value of type '!flex.view<3 x f32>'}}
  %v = flex.view %p[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  // expected-note @+1 {{it is used here}}
  tt.call @g(%v) : (!flex.view<3 x f32>) -> ()
  tt.return
}

tt.func private @g(!flex.view<3 x f32>)

// -----

tt.func @blocks_as_state(%n: i32) {
  // expected-error @+1 {{expected only flex ops to use a value of type '!flex.blocks'}}
  %r = flex.range %n
  // expected-note @+1 {{it is used here}}
  %0 = flex.for %r below %n init(%r : !flex.blocks) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: !flex.blocks):
    flex.yield %s : !flex.blocks
  } -> !flex.blocks
  tt.return
}

// -----

tt.func @tile_of_two_pieces_to_a_caller(%p: !tt.ptr<f32>, %s: i64, %b: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>)
    -> tensor<16x80xf32> {
  %x = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  // expected-error @+1 {{expected only flex ops to make or use a tile of two pieces, of type 'tensor<16x80xf32>'}}
  %0 = flex.load %x[%b, %index, %index] if %valid columns 80
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x80xf32>
  tt.return %0 : tensor<16x80xf32>
}

// -----

tt.func @tile_of_two_pieces_from_a_caller(%q: tensor<16x96xf32>, %scale: f32) -> tensor<16x16xf32> {
  // expected-error @+1 {{expected only flex ops to make or use a tile of two pieces, of type 'tensor<16x96xf32>'}}
  %0 = flex.scores %q, %q, %scale : tensor<16x96xf32>, tensor<16x96xf32> -> tensor<16x16xf32>
  tt.return %0 : tensor<16x16xf32>
}

// -----

tt.func private @branches(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %future = arith.cmpi slt, %q, %kv : i32
  // expected-error @+1 {{cannot inline 'scf.if' into a tile of scores}}
  %result = scf.if %future -> i1 {
    scf.yield %future : i1
  } else {
    scf.yield %future : i1
  }
  tt.return %result : i1
}

tt.func @classify_by_a_region(%b: i32, %rows: tensor<16xi32>, %kinds: !tt.ptr<i64>) {
  // expected-note @+1 {{the function is applied here}}
  flex.classify @branches(%b, %rows, %rows) below %b -> %kinds blocks(4 x 64) : tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func private @elsewhere(i32, i32, i32, i32) -> i1

tt.func @classify_by_a_declaration(%b: i32, %rows: tensor<16xi32>, %kinds: !tt.ptr<i64>) {
  // expected-error @+1 {{'flex.classify' op expected a callee of one block}}
  flex.classify @elsewhere(%b, %rows, %rows) below %b -> %kinds blocks(4 x 64) : tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func @listed_blocks_that_are_no_tiles(%kinds: !tt.ptr<i64>, %n: i32, %entries: !tt.ptr<i32>) -> i32 {
  %blocks = flex.compact %kinds below %n in %entries blocks(8 x 128)
  %mine = flex.slice %blocks, %n of %n
  // expected-error @+1 {{expected tiles of 128 keys, as the blocks that are listed, got 64}}
  %0 = flex.for %mine below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return %0 : i32
}
