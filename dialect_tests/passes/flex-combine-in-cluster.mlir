// RUN: pyflex-opt %s --flex-combine-in-cluster | FileCheck %s
// RUN: pyflex-opt %s --flex-combine-in-cluster --flex-to-triton | FileCheck %s --check-prefix=TRITON

// What flex-split-kv leaves: the partial results are for programs that are no cluster.
// CHECK-LABEL: tt.func public @decode(
// CHECK-SAME: %[[PARTS:[^:]*]]: i32, %[[PARTIAL:[^:]*]]: !tt.ptr<f32>, %[[MEMORY:[^:]*]]: i32)
// CHECK: %[[PART:.*]] = tt.get_program_id y
// CHECK: %[[OUT:.*]] = flex.view %{{.*}} -> <4 x bf16>
// CHECK: %[[LSE:.*]] = flex.view %{{.*}} -> <3 x f32>
// CHECK: %[[LOOP:.*]]:3 = flex.for
// CHECK: %[[RESULT:.*]], %[[ROW_LSE:.*]], %{{.*}} = flex.softmax_finish
// CHECK: scf.if %{{.*}} {
// CHECK-NEXT: flex.store %[[RESULT]] -> %[[OUT]]
// CHECK-NEXT: flex.store %[[ROW_LSE]] -> %[[LSE]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK-NEXT: %[[TOGETHER:.*]] = arith.cmpi sge, %[[MEMORY]], %[[ZERO]]
// CHECK-NEXT: scf.if %[[TOGETHER]] {
// CHECK-NEXT: flex.combine_in_cluster(%[[LOOP]]#0, %[[LOOP]]#1, %[[LOOP]]#2) part(%[[PART]] of %[[PARTS]]) memory(%[[MEMORY]])
// CHECK-SAME: rows(%{{.*}}, %{{.*}}) group(4) tile(4 heads x 4 queries) -> %[[OUT]] lse(%[[LSE]] : !flex.view<3 x f32>) columns 60
// CHECK-NEXT: } else {
// CHECK-NEXT: flex.view %[[PARTIAL]]
// CHECK-NEXT: flex.store %[[RESULT]]
// CHECK-NEXT: }
// CHECK-NEXT: }

// Each program leaves what it found, and combines some columns of what all of them found.
// TRITON-LABEL: tt.func public @decode(
// TRITON-SAME: %[[PARTS:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<f32>, %[[MEMORY:[^:]*]]: i32)
// TRITON: %[[OWN:.*]] = tt.elementwise_inline_asm "{{.*}}global_smem{{.*}}" {{.*}} %[[MEMORY]] : i32 -> i32
// TRITON: "{{.*}}st.shared.f32{{.*}}" {{.*}} : tensor<16xi32>, tensor<16xf32>, tensor<16xi32>
// TRITON: "{{.*}}st.shared.f32{{.*}}" {{.*}} : tensor<16xi32>, tensor<16xf32>, tensor<16xi32>
// TRITON: "{{.*}}st.shared.f32{{.*}}" {{.*}} : tensor<16x64xi32>, tensor<16x64xf32>, tensor<16x64xi32>
// TRITON: "fence.release.sync_restrict::shared::cta.cluster; barrier.cluster.arrive.relaxed.aligned; // $0"
// What is loaded depends on the wait.
// TRITON: %[[HERE:.*]] = tt.elementwise_inline_asm "barrier.cluster.wait.acquire.aligned; mov.b32 $0, 0;"
// TRITON: %[[BASE:.*]] = arith.addi %[[OWN]], %[[HERE]] : i32
// Of a pair, half of the columns at once.
// TRITON: %[[TWO:.*]] = arith.constant 2 : i32
// TRITON: %[[PAIR:.*]] = arith.cmpi sle, %[[PARTS]], %[[TWO]]
// TRITON: scf.if %[[PAIR]] {
// TRITON: scf.for
// TRITON: scf.for
// TRITON-COUNT-2: "mapa.shared::cluster.u32 $0, $1, $2;" {{.*}} %[[BASE]], %{{.*}} : i32, i32 -> i32
// TRITON-NOT: mapa
// TRITON: math.exp2
// TRITON: tt.store %{{.*}} : tensor<4x32x!tt.ptr<bf16>>
// TRITON: tt.store %{{.*}} : tensor<4x1x!tt.ptr<f32>>
// TRITON: } else {
// TRITON: scf.for
// TRITON: scf.for
// TRITON-COUNT-8: "mapa.shared::cluster.u32 $0, $1, $2;" {{.*}} %[[BASE]], %{{.*}} : i32, i32 -> i32
// TRITON-NOT: mapa
// TRITON: math.exp2
// TRITON: tt.store %{{.*}} : tensor<4x16x!tt.ptr<bf16>>
// TRITON: tt.store %{{.*}} : tensor<4x1x!tt.ptr<f32>>
// TRITON: "fence.release
// TRITON: "barrier.cluster.wait
// TRITON: } else {
// TRITON: tt.store %{{.*}} : tensor<16x64x!tt.ptr<f32>>
tt.func public @decode(%out: !tt.ptr<bf16>, %lse: !tt.ptr<f32>, %s: i64, %kv_heads: i32, %q_len: i32,
    %n: i32, %m0: tensor<16xf32>, %acc0: tensor<16x64xf32>, %scores: tensor<16x64xf32>,
    %v: tensor<64x64xbf16>, %parts: i32, %partial: !tt.ptr<f32>) {
  %part = tt.get_program_id y : i32
  %one = arith.constant 1 : i64
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %l = flex.view %lse[%s, %s, %one] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%kv_heads, %q_len) group(4)
      tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %zeros = arith.constant dense<0.0> : tensor<16xf32>
  %all = flex.range %n
  %mine = flex.slice %all, %part of %parts
  %r:3 = flex.for %mine below %n
      init(%m0, %zeros, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x64xf32>):
    %1:3 = flex.online_softmax(%m, %sum, %acc), %scores, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>), tensor<16x64xf32>, tensor<64x64xbf16>
    flex.yield %1#0, %1#1, %1#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>
  %result, %row_lse, %max = flex.softmax_finish(%r#0, %r#1, %r#2)
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>)
  %c1 = arith.constant 1 : i32
  %single = arith.cmpi eq, %parts, %c1 : i32
  scf.if %single {
    flex.store %result -> %o[%batch, %head, %query] if %valid columns 60
        : tensor<16x64xf32> -> !flex.view<4 x bf16>, tensor<16xi32>, tensor<16xi1>
    flex.store %row_lse -> %l[%batch, %head, %query] if %valid columns 1
        : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
    %p = flex.view %partial[%s, %s, %s, %one] : !tt.ptr<f32> -> !flex.view<4 x f32>
    flex.store %result -> %p[%batch, %head, %query] if %valid columns 60
        : tensor<16x64xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  }
  tt.return
}

// The first program says the largest scores, too: no log-sum-exp is wanted.
// CHECK-LABEL: tt.func public @largest_scores(
// CHECK: flex.combine_in_cluster({{.*}} -> %{{.*}} max_scores(%{{.*}} : !flex.view<3 x f32>) columns 64
// TRITON-LABEL: tt.func public @largest_scores(
// TRITON: "barrier.cluster.wait
// TRITON: tt.store %{{.*}} : tensor<4x32x!tt.ptr<bf16>>
// TRITON: arith.cmpi eq, %{{.*}}, %c0_i32
// TRITON: tt.store %{{.*}} : tensor<4x1x!tt.ptr<f32>>
// TRITON: } else {
// TRITON: tt.store %{{.*}} : tensor<4x16x!tt.ptr<bf16>>
// TRITON: tt.store %{{.*}} : tensor<4x1x!tt.ptr<f32>>
// TRITON: "barrier.cluster.wait
tt.func public @largest_scores(%out: !tt.ptr<bf16>, %max: !tt.ptr<f32>, %s: i64, %kv_heads: i32, %q_len: i32,
    %m: tensor<16xf32>, %acc: tensor<16x64xf32>, %n: i32, %parts: i32) {
  %part = tt.get_program_id y : i32
  %one = arith.constant 1 : i64
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %x = flex.view %max[%s, %s, %one] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%kv_heads, %q_len) group(4)
      tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %n
  %mine = flex.slice %all, %part of %parts
  %result, %row_lse, %largest = flex.softmax_finish(%m, %m, %acc)
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>)
  %c1 = arith.constant 1 : i32
  %single = arith.cmpi eq, %parts, %c1 : i32
  scf.if %single {
    flex.store %result -> %o[%batch, %head, %query] if %valid columns 64
        : tensor<16x64xf32> -> !flex.view<4 x bf16>, tensor<16xi32>, tensor<16xi1>
    flex.store %largest -> %x[%batch, %head, %query] if %valid columns 1
        : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
  }
  tt.return
}

// A kernel whose loop is not split has nothing to combine.
// CHECK-LABEL: tt.func public @whole(
// CHECK-SAME: %{{[^:]*}}: i32)
// CHECK-NOT: flex.combine_in_cluster
// CHECK: tt.return
tt.func public @whole(%n: i32) {
  %blocks = flex.range %n
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}
