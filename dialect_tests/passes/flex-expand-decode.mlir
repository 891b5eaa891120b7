// RUN: pyflex-opt %s --flex-expand-decode | FileCheck %s

tt.func private @score(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  tt.return %s : f32
}

tt.func private @keep(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// One loop over the partial blocks with the mask, then one over the full blocks without it.
// CHECK-LABEL: tt.func public @block_sparse(
// CHECK-SAME: %[[Q:[^:]*]]: !flex.view<4 x bf16>, %[[K:[^:]*]]: !flex.view<4 x bf16>, %[[V:[^:]*]]: !flex.view<4 x bf16>, %[[O:[^:]*]]: !flex.view<4 x bf16>
// CHECK-SAME: %[[LENS:[^:]*]]: !flex.per_batch, %[[OFFSETS:[^:]*]]: !flex.per_batch
tt.func public @block_sparse(%q: !flex.view<4 x bf16>, %k: !flex.view<4 x bf16>, %v: !flex.view<4 x bf16>,
    %o: !flex.view<4 x bf16>, %lens: !flex.per_batch, %offsets: !flex.per_batch,
    %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32,
    %blocks: !tt.ptr<i32>, %s: i64, %slopes: !tt.ptr<f32>) {
  // CHECK: %[[PARTIAL:.*]] = flex.block_table {{.*}} blocks(128 x 32)
  %p = flex.block_table %blocks, %blocks strides(%s, %s, %s) blocks(128 x 32)
  // CHECK: %[[FULL:.*]] = flex.block_table {{.*}} blocks(128 x 64)
  %f = flex.block_table %blocks, %blocks strides(%s, %s, %s) blocks(128 x 64)

  // A tile's rows share a list, so they stay inside one block of queries.
  // CHECK: %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%{{.*}}, %[[Q_LEN:.*]]) group(4) tile(1 heads x 16 queries) within(128) : tensor<16xi32>, tensor<16xi1>

  // Keys exist below both kv_len and kv_max; a negative length is none.
  // CHECK: %[[LEN:.*]] = flex.at %[[LENS]][%batch]
  // CHECK: %[[LESS:.*]] = arith.minsi %[[LEN]], %{{.*}} : i32
  // CHECK: %[[LIMIT:.*]] = arith.maxsi %[[LESS]], %c0_i32 : i32

  // The mods see positions, loads see indices.
  // CHECK: %[[OFFSET:.*]] = flex.at %[[OFFSETS]][%batch]
  // CHECK: %[[SPLAT:.*]] = tt.splat %[[OFFSET]]
  // CHECK: %[[POSITION:.*]] = arith.addi %query, %[[SPLAT]]
  // CHECK: %[[QUERY:.*]] = flex.load %[[Q]][%batch, %head, %query] if %row_valid columns 64
  // CHECK-SAME: tensor<16x64xbf16>

  // CHECK-DAG: %[[M0:.*]] = arith.constant dense<0xFF800000> : tensor<16xf32>
  // CHECK-DAG: %[[L0:.*]] = arith.constant dense<0.000000e+00> : tensor<16xf32>
  // CHECK-DAG: %[[A0:.*]] = arith.constant dense<0.000000e+00> : tensor<16x32xf32>

  // CHECK: %[[LIST1:.*]] = flex.list %[[PARTIAL]][%batch, %first_head, %first_query]
  // CHECK: %[[S1:.*]]:3 = flex.for %[[LIST1]] below %[[LIMIT]] init(%[[M0]], %[[L0]], %[[A0]] :
  // CHECK-NEXT: ^bb0(%[[KV:.*]]: tensor<64xi32>, %[[VALID:.*]]: tensor<64xi1>, %{{.*}}: i1, %[[M:.*]]: tensor<16xf32>, %[[L:.*]]: tensor<16xf32>, %[[A:.*]]: tensor<16x32xf32>):
  // CHECK-NEXT: %[[KEY:.*]] = flex.load %[[K]][%batch, %kv_head, %[[KV]]] if %[[VALID]] columns 64
  // CHECK-NEXT: %[[DOT:.*]] = flex.scores %[[QUERY]], %[[KEY]], %{{.*}} precision tf32
  // CHECK-NEXT: %[[SCORE:.*]] = flex.score_mod @score(%[[DOT]], %batch, %head, %[[POSITION]], %[[KV]]) captures(%{{.*}} : !tt.ptr<f32>)
  // CHECK-NEXT: %[[MASKED:.*]] = flex.mask_mod @keep(%[[SCORE]], %batch, %head, %[[POSITION]], %[[KV]])
  // CHECK-NEXT: %[[BOUND:.*]] = flex.bound %[[MASKED]] if %[[VALID]]
  // CHECK-NEXT: %[[VALUE:.*]] = flex.load %[[V]][%batch, %kv_head, %[[KV]]] if %[[VALID]] columns 20
  // CHECK-SAME: tensor<64x32xbf16>
  // CHECK-NEXT: %[[NEXT:.*]], %{{.*}}, %{{.*}} = flex.online_softmax(%[[M]], %[[L]], %[[A]]), %[[BOUND]], %[[VALUE]] precision tf32
  // CHECK-NEXT: flex.yield %[[NEXT]],

  // CHECK: %[[LIST2:.*]] = flex.list %[[FULL]][%batch, %first_head, %first_query]
  // CHECK: %[[S2:.*]]:3 = flex.for %[[LIST2]] below %[[LIMIT]] init(%[[S1]]#0, %[[S1]]#1, %[[S1]]#2 :
  // CHECK: flex.score_mod
  // CHECK-NOT: flex.mask_mod
  // CHECK: flex.yield

  // CHECK: %[[OUT:.*]], %{{.*}}, %{{.*}} = flex.softmax_finish(%[[S2]]#0, %[[S2]]#1, %[[S2]]#2)
  // CHECK-NEXT: flex.store %[[OUT]] -> %[[O]][%batch, %head, %query] if %row_valid columns 20
  // CHECK-NEXT: tt.return
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%offsets) kv_len(%lens)
      score_mod @score score_captures(%slopes : !tt.ptr<f32>) mask_mod @keep
      partial(%p) full(%f)
      precision tf32 {group = 4 : i32, head_dim = 64 : i32, value_dim = 20 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x bf16>, !flex.view<4 x bf16>, !flex.view<4 x bf16> -> !flex.view<4 x bf16>
  tt.return
}

// CHECK-LABEL: tt.func public @dense(
tt.func public @dense(%x: !flex.view<4 x f32>, %rows: !flex.view<3 x f32>, %lens: !flex.per_batch,
                      %n: i32, %scale: f32) {
  // CHECK: flex.rows({{.*}}) group(1) tile(1 heads x 32 queries) : tensor<32xi32>
  // CHECK: %[[LIMIT:.*]] = arith.maxsi
  // CHECK: %[[ALL:.*]] = flex.range %[[LIMIT]]
  // CHECK: flex.for %[[ALL]] below %[[LIMIT]]
  // CHECK-NOT: flex.for
  // CHECK: %{{.*}}, %[[LSE:.*]], %[[MAX:.*]] = flex.softmax_finish
  // CHECK-NEXT: flex.store
  // CHECK-NEXT: flex.store %[[LSE]] -> %{{.*}} columns 1
  // CHECK-NEXT: flex.store %[[MAX]] -> %{{.*}} columns 1
  flex.decode %x, %x, %x -> %x lse(%rows : !flex.view<3 x f32>) max_scores(%rows : !flex.view<3 x f32>)
      kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%lens) kv_len(%lens)
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 32 : i32, keys = 16 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// A tile is as wide as at most two powers of two, and matrix units take 16 columns: the rest is zero.
// CHECK-LABEL: tt.func public @odd_head_sizes(
tt.func public @odd_head_sizes(%x: !flex.view<4 x f16>, %lens: !flex.per_batch, %n: i32, %scale: f32) {
  // CHECK: flex.load {{.*}} columns 80 : {{.*}} -> tensor<16x80xf16>
  // CHECK: flex.for
  // CHECK: flex.load {{.*}} columns 80 : {{.*}} -> tensor<16x80xf16>
  // CHECK: flex.load {{.*}} columns 8 : {{.*}} -> tensor<16x16xf16>
  // CHECK: flex.store {{.*}} columns 8 : tensor<16x16xf32>
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%lens) kv_len(%lens)
      {group = 1 : i32, head_dim = 80 : i32, value_dim = 8 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f16>, !flex.view<4 x f16>, !flex.view<4 x f16> -> !flex.view<4 x f16>
  tt.return
}

// One query has the number 0 in each row, and its position is one number.
// CHECK-LABEL: tt.func public @one_query(
tt.func public @one_query(%x: !flex.view<4 x f16>, %offsets: !flex.per_batch, %n: i32, %scale: f32) {
  // CHECK: %[[OFFSET:.*]] = flex.at %{{.*}}[%batch]
  // CHECK: %[[OFFSET:.*]] = flex.at %{{.*}}[%batch]
  // CHECK: %[[POSITION:.*]] = tt.splat %[[OFFSET]] : i32 -> tensor<16xi32>
  // CHECK: flex.load %{{.*}}[%batch, %head, %query] if %row_valid
  // CHECK: flex.mask_mod @keep(%{{.*}}, %batch, %head, %[[POSITION]],
  %one = arith.constant 1 : i32
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%one) kv_max(%n) scale(%scale) q_offset(%offsets) kv_len(%offsets)
      mask_mod @keep
      {group = 1 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 16 : i32}
      : !flex.view<4 x f16>, !flex.view<4 x f16>, !flex.view<4 x f16> -> !flex.view<4 x f16>
  tt.return
}

// CHECK-LABEL: tt.func public @already_expanded(
tt.func public @already_expanded(%x: !flex.view<4 x f32>, %b: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>) {
  // CHECK-NEXT: flex.load
  // CHECK-NEXT: flex.store
  // CHECK-NEXT: tt.return
  %0 = flex.load %x[%b, %index, %index] if %valid columns 16
      : !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x16xf32>
  flex.store %0 -> %x[%b, %index, %index] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}
