// RUN: pyflex-opt %s --flex-expand-decode --verify-diagnostics --split-input-file

tt.func @lists_from_elsewhere(%x: !flex.view<4 x f32>, %lens: !flex.per_batch, %n: i32, %scale: f32,
                              %table: !flex.block_table) {
  // expected-error @+1 {{expected block lists given by a flex.block_table}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%lens) kv_len(%lens) partial(%table)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @full_list_from_elsewhere(%x: !flex.view<4 x f32>, %lens: !flex.per_batch, %n: i32, %scale: f32,
                                  %p: !tt.ptr<i32>, %s: i64, %table: !flex.block_table) {
  %partial = flex.block_table %p, %p strides(%s, %s, %s) blocks(16 x 16)
  // expected-error @+1 {{expected block lists given by a flex.block_table}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%lens) kv_len(%lens) partial(%partial) full(%table)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// -----

tt.func @blocks_of_other_queries(%x: !flex.view<4 x f32>, %lens: !flex.per_batch, %n: i32, %scale: f32,
                                 %p: !tt.ptr<i32>, %s: i64) {
  %partial = flex.block_table %p, %p strides(%s, %s, %s) blocks(16 x 64)
  // expected-note @+1 {{the full blocks are given here}}
  %full = flex.block_table %p, %p strides(%s, %s, %s) blocks(32 x 64)
  // expected-error @+1 {{expected partial and full blocks of the same queries, got 16 and 32 queries in a block}}
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%lens) kv_len(%lens) partial(%partial) full(%full)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}
