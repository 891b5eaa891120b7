// RUN: pyflex-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{expected a rank of 3 or 4, got 2}}
tt.func private @view_of_rank_two(!flex.view<2 x f32>)

// -----

// expected-error @+1 {{expected an integer or a float element type, got '!tt.ptr<f32>'}}
tt.func private @view_of_pointers(!flex.view<4 x !tt.ptr<f32>>)

// -----

tt.func @view_with_too_few_strides(%p: !tt.ptr<f32>, %s: i64) {
  // expected-error @+1 {{'flex.view' op expected 4 strides, got 2}}
  %0 = flex.view %p[%s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @view_of_another_type(%p: !tt.ptr<f16>, %s: i64) {
  // expected-error @+1 {{'flex.view' op expected a pointer to 'f32', got a pointer to 'f16'}}
  %0 = flex.view %p[%s, %s, %s] : !tt.ptr<f16> -> !flex.view<3 x f32>
  tt.return
}

// -----

tt.func @block_table_of_empty_blocks(%p: !tt.ptr<i32>, %s: i64) {
  // expected-error @+1 {{'flex.block_table' op expected positive block sizes, got 128 x 0}}
  %0 = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 0)
  tt.return
}

// -----

tt.func @decode_of_rank_three(%x: !flex.view<4 x f32>, %row: !flex.view<3 x f32>, %n: i32, %scale: f32,
                              %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected value of rank 4, got '!flex.view<3 x f32>'}}
  flex.decode %x, %x, %row -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<3 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_with_lse_of_another_type(%x: !flex.view<4 x f16>, %lse: !flex.view<3 x f16>, %n: i32, %scale: f32,
                                         %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected lse of type '!flex.view<3 x f32>', got '!flex.view<3 x f16>'}}
  flex.decode %x, %x, %x -> %x lse(%lse : !flex.view<3 x f16>) kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f16>, !flex.view<4 x f16>, !flex.view<4 x f16> -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @decode_with_max_scores_of_rank_four(%x: !flex.view<4 x f32>, %n: i32, %scale: f32,
                                             %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected max_scores of type '!flex.view<3 x f32>', got '!flex.view<4 x f32>'}}
  flex.decode %x, %x, %x -> %x max_scores(%x : !flex.view<4 x f32>) kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_of_two_types(%q: !flex.view<4 x f16>, %k: !flex.view<4 x bf16>, %n: i32, %scale: f32,
                             %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected query and key of one element type, got 'f16' and 'bf16'}}
  flex.decode %q, %k, %k -> %q kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f16>, !flex.view<4 x bf16>, !flex.view<4 x bf16> -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @decode_of_no_heads(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected a positive group, got 0}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 0 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_in_small_tiles(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected rows to be a power of two of at least 8, got 4}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 4 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_in_odd_tiles(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected keys to be a power of two of at least 16, got 48}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 48 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_of_empty_heads(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected a positive value_dim, got 0}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 0 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_of_full_blocks_alone(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch,
                                     %table: !flex.block_table) {
  // expected-error @+1 {{'flex.decode' op expected a list of partial blocks beside the full ones}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch) full(%table)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_with_missing_mod(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected a tt.func named 'missing', found none}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch) score_mod @missing
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// expected-note @+1 {{the function is here}}
tt.func private @score(f32, i32, i32, i32, i32) -> f32

tt.func @decode_with_score_for_mask(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected 'score' to have type '(i32, i32, i32, i32) -> i1', got '(f32, i32, i32, i32, i32) -> f32'}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch) mask_mod @score
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

// expected-note @+1 {{the function is here}}
tt.func private @takes_a_table(f32, i32, i32, i32, i32, !tt.ptr<f32>) -> f32

tt.func @score_mod_without_its_capture(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected 'takes_a_table' to have type '(f32, i32, i32, i32, i32) -> f32', got '(f32, i32, i32, i32, i32, !tt.ptr<f32>) -> f32'}}
  %0 = flex.score_mod @takes_a_table(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

// Only a mask says whether its indices were in bounds; a score becomes NaN.
// expected-note @+1 {{the function is here}}
tt.func private @score_and_bounds(f32, i32, i32, i32, i32) -> (f32, i1)

tt.func @score_mod_of_two_results(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected 'score_and_bounds' to have type '(f32, i32, i32, i32, i32) -> f32'}}
  %0 = flex.score_mod @score_and_bounds(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func @mask_mod_missing(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.mask_mod' op expected a tt.func named 'missing', found none}}
  %0 = flex.mask_mod @missing(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func @rows_that_overflow_the_tile(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected 4 heads x 5 queries to fit 16 rows}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 5 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_of_no_queries(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected 4 heads x 0 queries to fit 16 rows}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 0 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_of_more_heads_than_the_group(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected at most the group's 4 heads in a tile, got 8}}
  %0:7 = flex.rows(%n, %n) group(4) tile(8 heads x 2 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_of_two_lengths(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected valid of 16 elements, got 32}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<32xi1>
  tt.return
}

// -----

tt.func @load_of_rank_three(%x: !flex.view<3 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected a view of rank 4}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 64
      : !flex.view<3 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @load_of_another_type(%x: !flex.view<4 x f16>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected a tile of 'f16', got 'f32'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 64
      : !flex.view<4 x f16>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @load_of_more_columns_than_the_tile(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected between 1 and 64 columns, got 65}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 65
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @load_of_two_lengths(%x: !flex.view<4 x f32>, %n: i32, %head: tensor<8xi32>, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected head of 16 elements, got 8}}
  %0 = flex.load %x[%n, %head, %index] if %valid columns 64
      : !flex.view<4 x f32>, tensor<8xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @store_of_tile_to_rank_three(%x: !flex.view<3 x f32>, %n: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>,
                                     %tile: tensor<16x64xf32>) {
  // expected-error @+1 {{'flex.store' op expected a view of rank 4, got 3}}
  flex.store %tile -> %x[%n, %row, %row] if %valid columns 64
      : tensor<16x64xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @store_of_more_columns_than_the_tile(%x: !flex.view<4 x f32>, %n: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>,
                                             %tile: tensor<16x64xf32>) {
  // expected-error @+1 {{'flex.store' op expected between 1 and 64 columns, got 80}}
  flex.store %tile -> %x[%n, %row, %row] if %valid columns 80
      : tensor<16x64xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @store_of_two_lengths(%x: !flex.view<3 x f32>, %n: i32, %row: tensor<16xi32>, %valid: tensor<8xi1>,
                              %column: tensor<16xf32>) {
  // expected-error @+1 {{'flex.store' op expected valid of 16 elements, got 8}}
  flex.store %column -> %x[%n, %row, %row] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<8xi1>
  tt.return
}

// -----

tt.func @loop_changes_its_state(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected results of the types of the initial state}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> f32
  tt.return
}

// -----

tt.func @loop_with_too_few_arguments(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected 4 region arguments, got 3}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1):
    flex.yield %n : i32
  } -> i32
  tt.return
}

// -----

tt.func @loop_over_scalar_positions(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected positions of type tensor<Nxi32>, N a power of two, got 'i32'}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: i32, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @loop_with_validity_of_another_length(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected a tensor<64xi1> beside the positions, got 'tensor<32xi1>'}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<32xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @loop_with_unmasked_of_another_type(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected an i1 as third region argument, got 'i32'}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i32, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @loop_with_state_of_another_type(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected region arguments of the types of the initial state}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: f32):
    flex.yield %n : i32
  } -> i32
  tt.return
}

// -----

tt.func @yield_of_another_type(%blocks: !flex.blocks, %n: i32) {
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    // expected-error @+1 {{'flex.yield' op expected the types of the loop's initial state}}
    flex.yield %unmasked : i1
  } -> i32
  tt.return
}

// -----

tt.func @scores_of_two_head_sizes(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>, %scale: f32) {
  // expected-error @+1 {{'flex.scores' op expected MxD and NxD to give MxN, got 'tensor<16x64xf32>', 'tensor<64x32xf32>' and 'tensor<16x64xf32>'}}
  %0 = flex.scores %q, %k, %scale : tensor<16x64xf32>, tensor<64x32xf32> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @softmax_of_two_key_counts(%m: tensor<16xf32>, %acc: tensor<16x32xf32>, %s: tensor<16x64xf32>, %v: tensor<32x32xf32>) {
  // expected-error @+1 {{'flex.online_softmax' op expected scores MxN, values NxD and acc MxD, got 'tensor<16x64xf32>', 'tensor<32x32xf32>' and 'tensor<16x32xf32>'}}
  %0:3 = flex.online_softmax(%m, %m, %acc), %s, %v
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<32x32xf32>
  tt.return
}

// -----

tt.func @softmax_of_two_row_counts(%m: tensor<16xf32>, %l: tensor<8xf32>, %acc: tensor<16x32xf32>, %s: tensor<16x64xf32>, %v: tensor<64x32xf32>) {
  // expected-error @+1 {{'flex.online_softmax' op expected sum of 16 elements, got 8}}
  %0:3 = flex.online_softmax(%m, %l, %acc), %s, %v
      : (tensor<16xf32>, tensor<8xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<64x32xf32>
  tt.return
}

// -----

tt.func @decode_of_f64(%q: !flex.view<4 x f64>, %k: !flex.view<4 x f64>, %v: !flex.view<4 x f64>, %o: !flex.view<4 x f64>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected query of f16, bf16 or f32, got 'f64'}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f64>, !flex.view<4 x f64>, !flex.view<4 x f64> -> !flex.view<4 x f64>
  tt.return
}

// -----

tt.func @decode_of_values_of_another_type(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f16>, %o: !flex.view<4 x f32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected query and value of one element type, got 'f32' and 'f16'}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f16> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_to_integers(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f32>, %o: !flex.view<4 x i32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected out of f16, bf16 or f32, got 'i32'}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x i32>
  tt.return
}

// -----

tt.func @decode_of_negative_group(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f32>, %o: !flex.view<4 x f32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected a positive group, got -4}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = -4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @decode_in_negative_tiles(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f32>, %o: !flex.view<4 x f32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch) {
  // expected-error @+1 {{'flex.decode' op expected rows to be a power of two of at least 8, got -2147483648}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = -2147483648 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @captures_without_score_mod(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f32>, %o: !flex.view<4 x f32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch, %p: !tt.ptr<f32>) {
  // expected-error @+1 {{'flex.decode' op expected a score_mod beside score_captures}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      score_captures(%p : !tt.ptr<f32>)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @captures_without_mask_mod(%q: !flex.view<4 x f32>, %k: !flex.view<4 x f32>, %v: !flex.view<4 x f32>, %o: !flex.view<4 x f32>, %n: i32, %scale: f32,
    %per_batch: !flex.per_batch, %p: !tt.ptr<i1>) {
  // expected-error @+1 {{'flex.decode' op expected a mask_mod beside mask_captures}}
  flex.decode %q, %k, %v -> %o kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      mask_captures(%p : !tt.ptr<i1>)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @combine_to_rank_three(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<3 x f16>) {
  // expected-error @+1 {{'flex.combine' op expected out of rank 4, got '!flex.view<3 x f16>'}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<3 x f16>
  tt.return
}

// -----

tt.func @combine_to_bytes(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x i8>) {
  // expected-error @+1 {{'flex.combine' op expected out of f16, bf16 or f32, got 'i8'}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<4 x i8>
  tt.return
}

// -----

tt.func @combine_with_lse_of_another_type(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>, %lse: !flex.view<3 x f16>) {
  // expected-error @+1 {{'flex.combine' op expected lse of type '!flex.view<3 x f32>', got '!flex.view<3 x f16>'}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out lse(%lse : !flex.view<3 x f16>)
      {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_of_one_split_at_a_time(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine' op expected chunk to be a power of two of at least 2, got 1}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = 64 : i32, chunk = 1 : i32} : !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_odd_chunks(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine' op expected chunk to be a power of two of at least 2, got 12}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = 64 : i32, chunk = 12 : i32} : !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_of_empty_values(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine' op expected a positive value_dim, got -8}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = -8 : i32, chunk = 16 : i32} : !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @per_batch_of_floats(%n: i32, %p: !tt.ptr<f32>, %given: i1) {
  // expected-error @+1 {{'flex.per_batch' op expected a pointer to i8, i16, i32 or i64, got a pointer to 'f32'}}
  %0 = flex.per_batch %n, %p if %given : !tt.ptr<f32>
  tt.return
}

// -----

tt.func @per_batch_of_bits(%n: i32, %p: !tt.ptr<i1>, %given: i1) {
  // expected-error @+1 {{'flex.per_batch' op expected a pointer to i8, i16, i32 or i64, got a pointer to 'i1'}}
  %0 = flex.per_batch %n, %p if %given : !tt.ptr<i1>
  tt.return
}

// -----

tt.func @block_table_of_negative_blocks(%p: !tt.ptr<i32>, %s: i64) {
  // expected-error @+1 {{'flex.block_table' op expected positive block sizes, got -128 x 64}}
  %0 = flex.block_table %p, %p strides(%s, %s, %s) blocks(-128 x 64)
  tt.return
}

// -----

tt.func @rows_within_no_queries(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected a block of at least 1 query, got 0}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) within(0) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_within_negative_queries(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected a block of at least 1 query, got -16}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) within(-16) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_of_negative_queries(%n: i32) {
  // expected-error @+1 {{'flex.rows' op expected 4 heads x -4 queries to fit 16 rows}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x -4 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @rows_of_an_odd_count(%n: i32) {
  // expected-error @+1 {{'flex.rows' op result #4 must be 1D tensor of 32-bit signless integer values whose sizes are powers of two, but got 'tensor<12xi32>'}}
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 3 queries) : tensor<12xi32>, tensor<12xi1>
  tt.return
}

// -----

tt.func @load_of_no_columns(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected between 1 and 64 columns, got 0}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 0
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @load_of_negative_columns(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op expected between 1 and 64 columns, got -1}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns -1
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @load_of_unknown_lines(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<?xi32>, %valid: tensor<?xi1>) {
  // expected-error @+1 {{'flex.load' op operand #3 must be 1D tensor of 32-bit signless integer values whose sizes are powers of two, but got 'tensor<?xi32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 64
      : !flex.view<4 x f32>, i32, tensor<?xi32>, tensor<?xi1> -> tensor<?x64xf32>
  tt.return
}

// -----

tt.func @load_of_three_pieces(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op result #0 must be 2D tensor of 16-bit float or bfloat16 type or 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<16x112xf32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 112
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x112xf32>
  tt.return
}

// -----

tt.func @load_of_a_narrow_piece(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op result #0 must be 2D tensor of 16-bit float or bfloat16 type or 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<16x72xf32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 72
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x72xf32>
  tt.return
}

// -----

tt.func @load_of_a_narrow_tile(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op result #0 must be 2D tensor of 16-bit float or bfloat16 type or 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<16x8xf32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 8
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x8xf32>
  tt.return
}

// -----

tt.func @load_of_an_odd_number_of_lines(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op result #0 must be 2D tensor of 16-bit float or bfloat16 type or 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<24x64xf32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 64
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<24x64xf32>
  tt.return
}

// -----

tt.func @load_of_an_unknown_width(%x: !flex.view<4 x f32>, %n: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // expected-error @+1 {{'flex.load' op result #0 must be 2D tensor of 16-bit float or bfloat16 type or 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<16x?xf32>'}}
  %0 = flex.load %x[%n, %n, %index] if %valid columns 64
      : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x?xf32>
  tt.return
}

// -----

tt.func @scores_of_an_odd_number_of_keys(%q: tensor<16x80xf32>, %k: tensor<64x80xf32>, %scale: f32) {
  // expected-error @+1 {{'flex.scores' op result #0 must be 2D tensor of 32-bit float values whose sizes are powers of two, but got 'tensor<16x80xf32>'}}
  %0 = flex.scores %q, %k, %scale : tensor<16x80xf32>, tensor<64x80xf32> -> tensor<16x80xf32>
  tt.return
}

// -----

tt.func @softmax_of_three_pieces(%m: tensor<16xf32>, %acc: tensor<16x112xf32>) {
  // expected-error @+1 {{custom op 'flex.softmax_finish' 'acc' must be 2D tensor of 32-bit float values of a power of two of lines, each as wide as one or two powers of two from 16 on, but got 'tensor<16x112xf32>'}}
  %0:3 = flex.softmax_finish(%m, %m, %acc) : (tensor<16xf32>, tensor<16xf32>, tensor<16x112xf32>)
  tt.return
}

// -----

tt.func @store_of_negative_columns(%x: !flex.view<4 x f32>, %n: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>, %tile: tensor<16x64xf32>) {
  // expected-error @+1 {{'flex.store' op expected between 1 and 64 columns, got -3}}
  flex.store %tile -> %x[%n, %row, %row] if %valid columns -3
      : tensor<16x64xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @store_of_a_column_as_two(%x: !flex.view<3 x f32>, %n: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>, %column: tensor<16xf32>) {
  // expected-error @+1 {{'flex.store' op expected between 1 and 1 columns, got 2}}
  flex.store %column -> %x[%n, %row, %row] if %valid columns 2
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @store_to_integers(%x: !flex.view<4 x i8>, %n: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>, %tile: tensor<16x64xf32>) {
  // expected-error @+1 {{'flex.store' op expected a view of f16, bf16 or f32, got 'i8'}}
  flex.store %tile -> %x[%n, %row, %row] if %valid columns 64
      : tensor<16x64xf32> -> !flex.view<4 x i8>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @loop_over_odd_tiles(%blocks: !flex.blocks, %n: i32) {
  // expected-error @+1 {{'flex.for' op expected positions of type tensor<Nxi32>, N a power of two, got 'tensor<48xi32>'}}
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<48xi32>, %valid: tensor<48xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

tt.func @scores_of_two_types(%q: tensor<16x32xf32>, %k: tensor<64x32xf16>, %scale: f32) {
  // expected-error @+1 {{'flex.scores' op expected query and key of one element type, got 'f32' and 'f16'}}
  %0 = flex.scores %q, %k, %scale : tensor<16x32xf32>, tensor<64x32xf16> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @bound_of_another_length(%s: tensor<16x64xf32>, %valid: tensor<32xi1>) {
  // expected-error @+1 {{'flex.bound' op expected valid of 64 elements, got 32}}
  %0 = flex.bound %s if %valid : tensor<16x64xf32>, tensor<32xi1>
  tt.return
}

// -----

tt.func @bound_of_an_odd_tile(%s: tensor<16x48xf32>, %valid: tensor<48xi1>) {
  // expected-error @+1 {{'flex.bound' 'scores' must be 2D tensor of 32-bit float values whose sizes are powers of two, but got 'tensor<16x48xf32>'}}
  %0 = flex.bound %s if %valid : tensor<16x48xf32>, tensor<48xi1>
  tt.return
}

// -----

tt.func private @mod(f32, i32, i32, i32, i32) -> f32

tt.func @score_mod_of_another_head(%s: tensor<16x64xf32>, %b: i32, %h: tensor<8xi32>, %q: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected head of 16 elements, got 8}}
  %0 = flex.score_mod @mod(%s, %b, %h, %q, %kv)
      : tensor<16x64xf32>, tensor<8xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @mod(f32, i32, i32, i32, i32) -> f32

tt.func @score_mod_of_another_query(%s: tensor<16x64xf32>, %b: i32, %h: tensor<16xi32>, %q: tensor<8xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected query of 16 elements, got 8}}
  %0 = flex.score_mod @mod(%s, %b, %h, %q, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<8xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @mod(f32, i32, i32, i32, i32) -> f32

tt.func @score_mod_of_another_kv(%s: tensor<16x64xf32>, %b: i32, %h: tensor<16xi32>, %q: tensor<16xi32>, %kv: tensor<16xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected kv of 64 elements, got 16}}
  %0 = flex.score_mod @mod(%s, %b, %h, %q, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func private @mod(i32, i32, i32, i32) -> i1

tt.func @mask_mod_of_another_kv(%s: tensor<16x64xf32>, %b: i32, %h: tensor<16xi32>, %q: tensor<16xi32>, %kv: tensor<16xi32>) {
  // expected-error @+1 {{'flex.mask_mod' op expected kv of 64 elements, got 16}}
  %0 = flex.mask_mod @mod(%s, %b, %h, %q, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func @finish_of_two_row_counts(%m: tensor<16xf32>, %l: tensor<8xf32>, %acc: tensor<16x32xf32>) {
  // expected-error @+1 {{'flex.softmax_finish' op expected sum of 16 elements, got 8}}
  %0:3 = flex.softmax_finish(%m, %l, %acc) : (tensor<16xf32>, tensor<8xf32>, tensor<16x32xf32>)
  tt.return
}

// -----

tt.func @finish_of_another_maximum(%m: tensor<8xf32>, %l: tensor<16xf32>, %acc: tensor<16x32xf32>) {
  // expected-error @+1 {{'flex.softmax_finish' op expected max of 16 elements, got 8}}
  %0:3 = flex.softmax_finish(%m, %l, %acc) : (tensor<8xf32>, tensor<16xf32>, tensor<16x32xf32>)
  tt.return
}

// -----

tt.func @range_with_a_negative_count(%n: i32) {
  // expected-error @+1 {{'flex.range' op expected a count of keys that is not negative, got -1}}
  %0 = flex.range %n most(-1, 0)
  tt.return
}

// -----

tt.func @range_that_is_sure_of_one_end(%n: i32) {
  // expected-error @+1 {{'flex.range' op expected both ends of the keys that need no mask, or none}}
  %0 = "flex.range"(%n, %n) {operandSegmentSizes = array<i32: 0, 1, 1, 0>} : (i32, i32) -> !flex.blocks
  tt.return
}

// -----

tt.func @range_with_half_a_count(%n: i32) {
  // expected-error @+1 {{'flex.range' op expected most and most_per_query together, or neither}}
  %0 = "flex.range"(%n) {operandSegmentSizes = array<i32: 0, 1, 0, 0>, most = 3 : i64} : (i32) -> !flex.blocks
  tt.return
}

// -----

tt.func @classify_without_a_mask(%b: i32, %h: tensor<16xi32>, %kinds: !tt.ptr<i64>) {
  // expected-error @+1 {{'flex.classify' op expected a tt.func named 'm', found none}}
  flex.classify @m(%b, %h, %h) below %b -> %kinds blocks(32 x 64) : tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func private @m(i32, i32, i32, i32) -> i1

tt.func @classify_other_rows(%b: i32, %h: tensor<16xi32>, %q: tensor<8xi32>, %kinds: !tt.ptr<i64>) {
  // expected-error @+1 {{'flex.classify' op expected query of 16 elements, got 8}}
  flex.classify @m(%b, %h, %q) below %b -> %kinds blocks(32 x 64) : tensor<16xi32>, tensor<8xi32>
  tt.return
}

// -----

tt.func private @m(i32, i32, i32, i32) -> i1

tt.func @classify_too_many_blocks(%b: i32, %h: tensor<16xi32>, %kinds: !tt.ptr<i64>) {
  // expected-error @+1 {{'flex.classify' op expected a power of two of blocks in a word, at most 32, got 64}}
  flex.classify @m(%b, %h, %h) below %b -> %kinds blocks(64 x 64) : tensor<16xi32>, tensor<16xi32>
  tt.return
}

// -----

tt.func @compact_odd_blocks(%b: i32, %p: !tt.ptr<i32>, %kinds: !tt.ptr<i64>) {
  // expected-error @+1 {{'flex.compact' op expected a power of two of keys in a block, got 48}}
  %blocks = flex.compact %kinds below %b in %p blocks(32 x 48)
  tt.return
}

// -----

tt.func @combine_in_cluster_of_other_maxima(%m: tensor<32xf32>, %s: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected max of 16 elements, got 32}}
  flex.combine_in_cluster(%m, %s, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 32 : (tensor<32xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_of_other_sums(%m: tensor<16xf32>, %s: tensor<32xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected sum of 16 elements, got 32}}
  flex.combine_in_cluster(%m, %s, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 32 : (tensor<16xf32>, tensor<32xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_of_more_columns_than_there_are(%m: tensor<16xf32>, %s: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected between 1 and 32 columns, got 33}}
  flex.combine_in_cluster(%m, %s, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 33 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_of_no_heads(%m: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected 0 heads x 16 queries to fit 16 rows}}
  flex.combine_in_cluster(%m, %m, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(0 heads x 16 queries)
      -> %out columns 32 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_of_no_columns(%m: tensor<16xf32>, %s: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected between 1 and 32 columns, got 0}}
  flex.combine_in_cluster(%m, %s, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 0 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_to_bytes(%m: tensor<16xf32>, %s: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x i8>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected out of f16, bf16 or f32, got 'i8'}}
  flex.combine_in_cluster(%m, %s, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 32 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x i8>
  tt.return
}

// -----

tt.func @combine_with_max_scores_of_another_type(%p: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>,
                                                 %max: !flex.view<4 x f32>) {
  // expected-error @+1 {{'flex.combine' op expected max_scores of type '!flex.view<3 x f32>', got '!flex.view<4 x f32>'}}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out max_scores(%max : !flex.view<4 x f32>)
      {value_dim = 32 : i32, chunk = 8 : i32} : !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_with_max_scores_of_another_type(%m: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32,
                                              %out: !flex.view<4 x f16>, %max: !flex.view<3 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected max_scores of type '!flex.view<3 x f32>', got '!flex.view<3 x f16>'}}
  flex.combine_in_cluster(%m, %m, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out max_scores(%max : !flex.view<3 x f16>) columns 32
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @combine_in_cluster_with_lse_of_another_type(%m: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %out: !flex.view<4 x f16>,
                                       %lse: !flex.view<3 x f16>) {
  // expected-error @+1 {{'flex.combine_in_cluster' op expected lse of type '!flex.view<3 x f32>', got '!flex.view<3 x f16>'}}
  flex.combine_in_cluster(%m, %m, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out lse(%lse : !flex.view<3 x f16>) columns 32
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x f16>
  tt.return
}

// -----

tt.func @part_of_a_part(%n: i32) {
  %all = flex.range %n
  // expected-note @+1 {{the part is taken here}}
  %part = flex.slice %all, %n of %n
  // expected-error @+1 {{'flex.slice' op expected a whole sequence, got a part of one}}
  %0 = flex.slice %part, %n of %n
  tt.return
}

// -----

tt.func @part_before_another_sequence(%n: i32) {
  %all = flex.range %n
  // expected-note @+1 {{the part is taken here}}
  %part = flex.slice %all, %n of %n
  // expected-error @+1 {{'flex.concat' op expected a whole sequence, got a part of one}}
  %0 = flex.concat %part, %all
  tt.return
}

// -----

tt.func @part_behind_another_sequence(%n: i32) {
  %all = flex.range %n
  // expected-note @+1 {{the part is taken here}}
  %part = flex.slice %all, %n of %n
  // expected-error @+1 {{'flex.concat' op expected a whole sequence, got a part of one}}
  %0 = flex.concat %all, %part
  tt.return
}
