// RUN: pyflex-opt %s | pyflex-opt | FileCheck %s
// RUN: pyflex-opt %s --mlir-print-op-generic | pyflex-opt | FileCheck %s

tt.func private @slope_bias(%score: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  tt.return %score : f32
}

tt.func private @causal(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func private @looked_up(%b: i32, %h: i32, %q: i32, %kv: i32, %table: !tt.ptr<i1>) -> (i1, i1) {
  %true = arith.constant true
  tt.return %true, %true : i1, i1
}

// CHECK-LABEL: tt.func @types(
// CHECK-SAME: !flex.view<3 x f32>, %{{.*}}: !flex.view<4 x bf16>, %{{.*}}: !flex.view<4 x i8>,
// CHECK-SAME: !flex.per_batch, %{{.*}}: !flex.block_table, %{{.*}}: !flex.blocks)
tt.func @types(%row: !flex.view<3 x f32>, %tensor: !flex.view<4 x bf16>, %bytes: !flex.view<4 x i8>,
               %per_batch: !flex.per_batch, %table: !flex.block_table, %blocks: !flex.blocks) {
  tt.return
}

// CHECK-LABEL: tt.func @operands_in_memory
tt.func @operands_in_memory(%p: !tt.ptr<bf16>, %s: i64, %n: i32, %lens: !tt.ptr<i64>, %given: i1,
                            %counts: !tt.ptr<i32>, %indices: !tt.ptr<i32>, %b: i32) {
  // CHECK: flex.view %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] : <bf16> -> <4 x bf16>
  %view = flex.view %p[%s, %s, %s, %s] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  // CHECK: flex.view %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] : <bf16> -> <3 x bf16>
  %row_view = flex.view %p[%s, %s, %s] : !tt.ptr<bf16> -> !flex.view<3 x bf16>
  // CHECK: %[[LEN:.*]] = flex.per_batch %{{.*}}, %{{.*}} if %{{.*}} : <i64>
  %len = flex.per_batch %n, %lens if %given : !tt.ptr<i64>
  // CHECK: flex.at %[[LEN]][%{{.*}}]
  %at = flex.at %len[%b]
  // CHECK: flex.block_table %{{.*}}, %{{.*}} strides(%{{.*}}, %{{.*}}, %{{.*}}) blocks(128 x 64){{$}}
  %table = flex.block_table %counts, %indices strides(%s, %s, %s) blocks(128 x 64)
  // CHECK: flex.block_table {{.*}} blocks(16 x 16) per_head
  %by_head = flex.block_table %counts, %indices strides(%s, %s, %s) blocks(16 x 16) per_head
  tt.return
}

// CHECK-LABEL: tt.func @plainest_decode
tt.func @plainest_decode(%x: !flex.view<4 x f32>, %n: i32, %scale: f32, %per_batch: !flex.per_batch) {
  // CHECK: flex.decode %[[X:.*]], %[[X]], %[[X]] -> %[[X]] kv_heads(%[[N:.*]]) q_len(%[[N]]) kv_max(%[[N]])
  // CHECK-SAME: scale(%{{.*}}) q_offset(%[[L:.*]]) kv_len(%[[L]])
  // CHECK-SAME: {group = 1 : i32, head_dim = 48 : i32, keys = 64 : i32, rows = 16 : i32, value_dim = 80 : i32}
  // CHECK-SAME: : <4 x f32>, <4 x f32>, <4 x f32> -> <4 x f32>
  flex.decode %x, %x, %x -> %x kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale)
      q_offset(%per_batch) kv_len(%per_batch)
      {group = 1 : i32, head_dim = 48 : i32, value_dim = 80 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}

// CHECK-LABEL: tt.func @decode_with_everything
tt.func @decode_with_everything(%x: !flex.view<4 x bf16>, %out: !flex.view<4 x f32>, %rows: !flex.view<3 x f32>,
    %n: i32, %scale: f32, %per_batch: !flex.per_batch, %table: !flex.block_table,
    %slopes: !tt.ptr<f32>, %keep: !tt.ptr<i1>) {
  // CHECK: flex.decode
  // CHECK-SAME: lse(%{{.*}} : !flex.view<3 x f32>) max_scores(%{{.*}} : !flex.view<3 x f32>)
  // CHECK-SAME: score_mod @slope_bias score_captures(%{{.*}} : !tt.ptr<f32>)
  // CHECK-SAME: mask_mod @looked_up mask_captures(%{{.*}} : !tt.ptr<i1>)
  // CHECK-SAME: partial(%[[T:.*]]) full(%[[T]])
  // CHECK-SAME: precision tf32 {group
  // CHECK-SAME: : <4 x bf16>, <4 x bf16>, <4 x bf16> -> <4 x f32>
  flex.decode %x, %x, %x -> %out lse(%rows : !flex.view<3 x f32>) max_scores(%rows : !flex.view<3 x f32>)
      kv_heads(%n) q_len(%n) kv_max(%n) scale(%scale) q_offset(%per_batch) kv_len(%per_batch)
      score_mod @slope_bias score_captures(%slopes : !tt.ptr<f32>)
      mask_mod @looked_up mask_captures(%keep : !tt.ptr<i1>)
      partial(%table) full(%table) precision tf32
      {group = 5 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 32 : i32, keys = 16 : i32}
      : !flex.view<4 x bf16>, !flex.view<4 x bf16>, !flex.view<4 x bf16> -> !flex.view<4 x f32>
  tt.return
}

// CHECK-LABEL: tt.func @combine
tt.func @combine(%partials: !tt.ptr<f32>, %n: i32, %out: !flex.view<4 x f16>, %lse: !flex.view<3 x f32>) {
  // CHECK: flex.combine %[[P:.*]], %[[P]] splits(%[[N:.*]]) heads(%[[N]]) q_len(%[[N]]) -> %[[O:.*]] {chunk = 16 : i32, value_dim = 64 : i32} : <4 x f16>
  flex.combine %partials, %partials splits(%n) heads(%n) q_len(%n) -> %out
      {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<4 x f16>
  // CHECK: flex.combine {{.*}} -> %[[O]] lse(%{{.*}} : !flex.view<3 x f32>) max_scores(%{{.*}} : !flex.view<3 x f32>)
  flex.combine %partials, %partials splits(%n) heads(%n) q_len(%n) -> %out lse(%lse : !flex.view<3 x f32>)
      max_scores(%lse : !flex.view<3 x f32>)
      {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<4 x f16>
  tt.return
}

// The results have names of their own, which a reader of any dump sees.
// CHECK-LABEL: tt.func @rows
tt.func @rows(%n: i32) {
  // CHECK: %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%{{.*}}, %{{.*}}) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %0:7 = flex.rows(%n, %n) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.rows({{.*}}) group(5) tile(5 heads x 3 queries) within(128) : tensor<16xi32>, tensor<16xi1>
  %1:7 = flex.rows(%n, %n) group(5) tile(5 heads x 3 queries) within(128) : tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @tiles
tt.func @tiles(%x: !flex.view<4 x f16>, %rows: !flex.view<3 x f32>, %b: i32, %h: i32,
               %head: tensor<16xi32>, %index: tensor<16xi32>, %valid: tensor<16xi1>,
               %tile: tensor<16x64xf32>, %column: tensor<16xf32>) {
  // CHECK: flex.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] if %{{.*}} columns 48 : <4 x f16>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf16>
  %0 = flex.load %x[%b, %head, %index] if %valid columns 48
      : !flex.view<4 x f16>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf16>
  // CHECK: flex.load {{.*}} columns 64 : <4 x f16>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf16>
  %1 = flex.load %x[%b, %h, %index] if %valid columns 64
      : !flex.view<4 x f16>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x64xf16>
  // CHECK: flex.store %{{.*}} -> %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] if %{{.*}} columns 48 : tensor<16x64xf32> -> <4 x f16>, tensor<16xi32>, tensor<16xi1>
  flex.store %tile -> %x[%b, %head, %index] if %valid columns 48
      : tensor<16x64xf32> -> !flex.view<4 x f16>, tensor<16xi32>, tensor<16xi1>
  // CHECK: flex.store {{.*}} columns 1 : tensor<16xf32> -> <3 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %column -> %rows[%b, %head, %index] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func @blocks
tt.func @blocks(%table: !flex.block_table, %n: i32) {
  // CHECK: %[[RANGE:.*]] = flex.range %{{.*}}
  %range = flex.range %n
  // CHECK: flex.range from %{{.*}} to %{{.*}} sure %{{.*}} to %{{.*}} exact most(1024, 1)
  %window = flex.range from %n to %n sure %n to %n exact most(1024, 1)
  // CHECK: flex.range %{{.*}} sure %{{.*}} to %{{.*}}
  %prefix = flex.range %n sure %n to %n
  // CHECK: %[[LIST:.*]] = flex.list %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}]
  %list = flex.list %table[%n, %n, %n]
  // CHECK: %[[BOTH:.*]] = flex.concat %[[LIST]], %[[RANGE]]
  %both = flex.concat %list, %range
  // CHECK: flex.slice %[[BOTH]], %{{.*}} of %{{.*}}
  %slice = flex.slice %both, %n of %n
  tt.return
}

// CHECK-LABEL: tt.func @loop
tt.func @loop(%blocks: !flex.blocks, %limit: i32, %max: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[R:.*]]:2 = flex.for %{{.*}} below %{{.*}} init(%{{.*}}, %{{.*}} : tensor<16xf32>, i32) {
  // CHECK: ^bb0(%{{.*}}: tensor<64xi32>, %{{.*}}: tensor<64xi1>, %{{.*}}: i1, %[[M:.*]]: tensor<16xf32>, %[[N:.*]]: i32):
  // CHECK: flex.yield %[[M]], %[[N]] : tensor<16xf32>, i32
  // CHECK: } -> tensor<16xf32>, i32
  %0:2 = flex.for %blocks below %limit init(%max, %limit : tensor<16xf32>, i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m: tensor<16xf32>, %n: i32):
    flex.yield %m, %n : tensor<16xf32>, i32
  } -> tensor<16xf32>, i32
  tt.return %0#0 : tensor<16xf32>
}

// CHECK-LABEL: tt.func @scores
tt.func @scores(%q: tensor<16x32xf32>, %k: tensor<64x32xf32>, %scale: f32, %valid: tensor<64xi1>) {
  // CHECK: flex.scores %{{.*}}, %{{.*}}, %{{.*}} : tensor<16x32xf32>, tensor<64x32xf32> -> tensor<16x64xf32>
  %0 = flex.scores %q, %k, %scale : tensor<16x32xf32>, tensor<64x32xf32> -> tensor<16x64xf32>
  // CHECK: flex.scores {{.*}} precision tf32x3 :
  %1 = flex.scores %q, %k, %scale precision tf32x3 : tensor<16x32xf32>, tensor<64x32xf32> -> tensor<16x64xf32>
  // CHECK: flex.bound %{{.*}} if %{{.*}} : tensor<16x64xf32>, tensor<64xi1>
  %2 = flex.bound %0 if %valid : tensor<16x64xf32>, tensor<64xi1>
  tt.return
}

// CHECK-LABEL: tt.func @mods
tt.func @mods(%s: tensor<16x64xf32>, %b: i32, %h: tensor<16xi32>, %q: tensor<16xi32>, %kv: tensor<64xi32>,
              %slopes: !tt.ptr<f32>, %table: !tt.ptr<i1>, %unless: i1) {
  // CHECK: flex.score_mod @slope_bias(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) captures(%{{.*}} : !tt.ptr<f32>) : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  %0 = flex.score_mod @slope_bias(%s, %b, %h, %q, %kv) captures(%slopes : !tt.ptr<f32>)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  // CHECK: flex.mask_mod @causal(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : tensor<16x64xf32>
  %1 = flex.mask_mod @causal(%s, %b, %h, %q, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  // CHECK: flex.mask_mod @looked_up({{.*}}) captures(%{{.*}} : !tt.ptr<i1>) unless %{{.*}} : tensor<16x64xf32>
  %2 = flex.mask_mod @looked_up(%s, %b, %h, %q, %kv) captures(%table : !tt.ptr<i1>) unless %unless
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// CHECK-LABEL: tt.func @softmax
tt.func @softmax(%m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x32xf32>, %s: tensor<16x64xf32>,
                 %v: tensor<64x32xbf16>) {
  // CHECK: %[[M:.*]], %[[L:.*]], %[[A:.*]] = flex.online_softmax(%{{.*}}, %{{.*}}, %{{.*}}), %{{.*}}, %{{.*}} : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<64x32xbf16>
  %0:3 = flex.online_softmax(%m, %l, %acc), %s, %v
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<64x32xbf16>
  // CHECK: flex.online_softmax{{.*}} precision tf32 :
  %1:3 = flex.online_softmax(%m, %l, %acc), %s, %v precision tf32
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<64x32xbf16>
  // CHECK: flex.softmax_finish(%[[M]], %[[L]], %[[A]]) : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>)
  %2:3 = flex.softmax_finish(%0#0, %0#1, %0#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>)
  tt.return
}

// CHECK-LABEL: tt.func @block_lists
tt.func @block_lists(%b: i32, %h: tensor<16xi32>, %kinds: !tt.ptr<i64>, %p: !tt.ptr<i32>, %limit: i32,
                     %table: !tt.ptr<i1>) {
  // CHECK: flex.classify @causal(%{{.*}}, %{{.*}}, %{{.*}}) below %{{.*}} -> %{{.*}} blocks(32 x 64) : tensor<16xi32>, tensor<16xi32>
  flex.classify @causal(%b, %h, %h) below %limit -> %kinds blocks(32 x 64) : tensor<16xi32>, tensor<16xi32>
  // CHECK: flex.classify @looked_up({{.*}}) captures(%{{.*}} : !tt.ptr<i1>) below %{{.*}} -> %{{.*}} blocks(1 x 256)
  flex.classify @looked_up(%b, %h, %h) captures(%table : !tt.ptr<i1>) below %limit -> %kinds blocks(1 x 256)
      : tensor<16xi32>, tensor<16xi32>
  // CHECK: flex.compact %{{.*}} below %{{.*}} in %{{.*}} blocks(32 x 64)
  %blocks = flex.compact %kinds below %limit in %p blocks(32 x 64)
  tt.return
}

// CHECK-LABEL: tt.func @combined_in_cluster
tt.func @combined_in_cluster(%m: tensor<16xf32>, %acc: tensor<16x32xf32>, %n: i32, %p: !tt.ptr<f32>, %out: !flex.view<4 x bf16>,
                %lse: !flex.view<3 x f32>) {
  // CHECK: flex.combine_in_cluster(%{{.*}}, %{{.*}}, %{{.*}}) part(%{{.*}} of %{{.*}}) memory(%{{.*}}) rows(%{{.*}}, %{{.*}}) group(5) tile(5 heads x 3 queries) within(128) -> %{{.*}} lse(%{{.*}} : !flex.view<3 x f32>) max_scores(%{{.*}} : !flex.view<3 x f32>) columns 24 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> <4 x bf16>
  flex.combine_in_cluster(%m, %m, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(5) tile(5 heads x 3 queries) within(128)
      -> %out lse(%lse : !flex.view<3 x f32>) max_scores(%lse : !flex.view<3 x f32>) columns 24
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x bf16>
  // CHECK: flex.combine_in_cluster({{.*}}) part({{.*}}) memory(%{{.*}}) rows({{.*}}) group(1) tile(1 heads x 16 queries) -> %{{.*}} columns 32 :
  flex.combine_in_cluster(%m, %m, %acc) part(%n of %n) memory(%n) rows(%n, %n) group(1) tile(1 heads x 16 queries)
      -> %out columns 32 : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) -> !flex.view<4 x bf16>
  // CHECK: flex.combine {{.*}} -> %{{.*}} waits {chunk = 8 : i32, value_dim = 32 : i32}
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out waits {chunk = 8 : i32, value_dim = 32 : i32}
      : !flex.view<4 x bf16>
  tt.return
}
