// RUN: pyflex-opt %s --flex-split-kv | FileCheck %s

// CHECK-LABEL: tt.func public @decode(
// CHECK-SAME: %[[OUT:[^:]*]]: !tt.ptr<bf16> {tt.divisibility = 16 : i32}
// CHECK-SAME: %[[SPLITS:[^:]*]]: i32, %[[PARTIAL_ACC:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %[[PARTIAL_STATE:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32})
tt.func public @decode(%out: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %lse: !tt.ptr<f32>,
    %sb: i64, %sh: i64, %sm: i64, %lb: i64, %lh: i64, %kv_heads: i32, %q_len: i32,
    %blocks: !flex.blocks, %limit: i32, %scores: tensor<16x64xf32>, %values: tensor<64x64xf32>) {
  // CHECK: %[[PART:.*]] = tt.get_program_id y
  %one = arith.constant 1 : i64
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x64xf32>
  %o = flex.view %out[%sb, %sh, %sm, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %l = flex.view %lse[%lb, %lh, %one] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%kv_heads, %q_len) group(4)
      tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>

  // CHECK: %[[MINE:.*]] = flex.slice %{{.*}}, %[[PART]] of %[[SPLITS]]
  // CHECK: %[[S:.*]]:3 = flex.for %[[MINE]]
  %s:3 = flex.for %blocks below %limit init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x64xf32>):
    %next:3 = flex.online_softmax(%m, %sum, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>), tensor<16x64xf32>, tensor<64x64xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>

  // CHECK: %[[RESULT:.*]], %[[LSE:.*]], %{{.*}} = flex.softmax_finish
  // CHECK: %[[SINGLE:.*]] = arith.cmpi eq, %[[SPLITS]], %c1_i32
  // CHECK: scf.if %[[SINGLE]] {
  // CHECK-NEXT: flex.store %[[RESULT]] -> %{{.*}} columns 60 : tensor<16x64xf32> -> <4 x bf16>
  // CHECK-NEXT: flex.store %[[LSE]] -> %{{.*}} columns 1 : tensor<16xf32> -> <3 x f32>
  // CHECK-NEXT: } else {
  // [batch, head, query, split, column]: the row's partials lie together.
  // CHECK: %[[GROUP:.*]] = arith.constant 4 : i64
  // CHECK: %[[HEADS:.*]] = arith.muli %{{.*}}, %[[GROUP]]
  // CHECK: %[[COLUMNS:.*]] = arith.constant 60 : i64
  // CHECK: %[[QUERY_STRIDE:.*]] = arith.muli %{{.*}}, %[[COLUMNS]]
  // CHECK: %[[HEAD_STRIDE:.*]] = arith.muli %{{.*}}, %[[QUERY_STRIDE]]
  // CHECK: %[[BATCH_STRIDE:.*]] = arith.muli %[[HEADS]], %[[HEAD_STRIDE]]
  // CHECK: %[[MY_OUT:.*]] = tt.addptr %[[PARTIAL_ACC]],
  // CHECK: %[[OUT_VIEW:.*]] = flex.view %[[MY_OUT]][%[[BATCH_STRIDE]], %[[HEAD_STRIDE]], %[[QUERY_STRIDE]], %{{.*}}] : <f32> -> <4 x f32>
  // CHECK: flex.store %[[S]]#2 -> %[[OUT_VIEW]][%{{.*}}] if %{{.*}} columns 60 : tensor<16x64xf32> -> <4 x f32>
  // A pair for each split: the maximum, then the sum.
  // CHECK: %[[TWO:.*]] = arith.constant 2 : i64
  // CHECK: %[[SPLITS_64:.*]] = arith.extsi %[[SPLITS]]
  // CHECK: %[[QUERY_STRIDE:.*]] = arith.muli %[[SPLITS_64]], %[[TWO]]
  // CHECK: %[[PART_64:.*]] = arith.extsi %[[PART]]
  // CHECK: %[[PAIR:.*]] = arith.muli %[[PART_64]], %[[TWO]]
  // CHECK: %[[MAX_AT:.*]] = tt.addptr %[[PARTIAL_STATE]], %[[PAIR]]
  // CHECK: %[[MAX_VIEW:.*]] = flex.view %[[MAX_AT]][%{{.*}}, %{{.*}}, %[[QUERY_STRIDE]]] : <f32> -> <3 x f32>
  // CHECK: flex.store %[[S]]#0 -> %[[MAX_VIEW]]{{.*}} columns 1
  // CHECK: %[[ONE:.*]] = arith.constant 1 : i64
  // CHECK-NEXT: %[[NEXT:.*]] = arith.addi %{{.*}}, %[[ONE]] : i64
  // CHECK: %[[SUM_AT:.*]] = tt.addptr %[[PARTIAL_STATE]], %[[NEXT]]
  // CHECK: %[[SUM_VIEW:.*]] = flex.view %[[SUM_AT]]
  // CHECK: flex.store %[[S]]#1 -> %[[SUM_VIEW]]{{.*}} columns 1
  // CHECK-NEXT: }
  // CHECK-NEXT: tt.return
  %result, %row_lse, %max = flex.softmax_finish(%s#0, %s#1, %s#2)
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>)
  flex.store %result -> %o[%batch, %head, %query] if %valid columns 60
      : tensor<16x64xf32> -> !flex.view<4 x bf16>, tensor<16xi32>, tensor<16xi1>
  flex.store %row_lse -> %l[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// The second kernel names the results as the first does.
// CHECK-LABEL: tt.func public @decode_combine(
// CHECK-SAME: %[[PO:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %[[PL:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32}
// CHECK-SAME: %[[S:[^:]*]]: i32, %[[HEADS:[^:]*]]: i32, %[[Q_LEN:[^:]*]]: i32
// CHECK-SAME: %[[OUT:[^:]*]]: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %[[SB:[^:]*]]: i64, %[[SH:[^:]*]]: i64, %[[SM:[^:]*]]: i64
// CHECK-SAME: %[[LSE:[^:]*]]: !tt.ptr<f32>, %[[LB:[^:]*]]: i64, %[[LH:[^:]*]]: i64)
// CHECK: %[[O:.*]] = flex.view %[[OUT]][%[[SB]], %[[SH]], %[[SM]], %c1_i64{{.*}}] : <bf16> -> <4 x bf16>
// CHECK: %[[L:.*]] = flex.view %[[LSE]][%[[LB]], %[[LH]], %c1_i64{{.*}}] : <f32> -> <3 x f32>
// CHECK: flex.combine %[[PO]], %[[PL]] splits(%[[S]]) heads(%[[HEADS]]) q_len(%[[Q_LEN]]) -> %[[O]] lse(%[[L]] : !flex.view<3 x f32>) {chunk = 64 : i32, value_dim = 60 : i32}

// A largest score is one of the results that a split leaves to the second kernel; what this one leaves is the same.
// CHECK-LABEL: tt.func public @largest_scores(
// CHECK-SAME: %[[SPLITS:[^:]*]]: i32, %[[PARTIAL_ACC:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %[[PARTIAL_STATE:[^:]*]]: !tt.ptr<f32> {tt.divisibility = 16 : i32})
tt.func public @largest_scores(%blocks: !flex.blocks, %out: !tt.ptr<f32>, %max: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %o = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %x = flex.view %max[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %sum, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  // CHECK: %[[RESULT:.*]], %[[LSE:.*]], %[[MAX:.*]] = flex.softmax_finish
  // CHECK: scf.if
  // CHECK-NEXT: flex.store %[[RESULT]]
  // CHECK-NEXT: flex.store %[[LSE]]
  // CHECK-NEXT: flex.store %[[MAX]]
  // CHECK-NEXT: } else {
  // CHECK-COUNT-3: flex.store
  // CHECK-NEXT: }
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %0#1 -> %x[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %0#2 -> %x[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}
// CHECK-LABEL: tt.func public @largest_scores_combine(
// CHECK: flex.combine {{.*}} -> %{{.*}} lse(%{{.*}} : !flex.view<3 x f32>) max_scores(%{{.*}} : !flex.view<3 x f32>)

// Each loop is divided; the state runs on from the first to the second.
// CHECK-LABEL: tt.func public @two_loops(
// CHECK-SAME: %[[A:[^:]*]]: !flex.blocks, %[[B:[^:]*]]: !flex.blocks
tt.func public @two_loops(%a: !flex.blocks, %b: !flex.blocks, %out: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %o = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  // CHECK: %[[MY_A:.*]] = flex.slice %[[A]], %[[PART:.*]] of %[[SPLITS:.*]]{{$}}
  // CHECK: %[[S1:.*]]:3 = flex.for %[[MY_A]]
  // CHECK: %[[MY_B:.*]] = flex.slice %[[B]], %[[PART]] of %[[SPLITS]]
  // CHECK: flex.for %[[MY_B]] below %{{.*}} init(%[[S1]]#0, %[[S1]]#1, %[[S1]]#2 :
  %s1:3 = flex.for %a below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %sum, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %s2:3 = flex.for %b below %n init(%s1#0, %s1#1, %s1#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %sum, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%s2#0, %s2#1, %s2#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// CHECK-LABEL: tt.func public @two_loops_combine(
// CHECK: flex.combine
// CHECK-NOT: lse

// CHECK-LABEL: tt.func private @no_loop(
// CHECK-SAME: %{{[^,]*}}: f32) -> f32
tt.func private @no_loop(%x: f32) -> f32 {
  // CHECK-NEXT: tt.return
  tt.return %x : f32
}
// CHECK-NOT: @no_loop_combine

// The log-sum-exp's view is made after the result is stored: it is still known in the branch.
// CHECK-LABEL: tt.func @named_between_the_stores
tt.func @named_between_the_stores(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %sum: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %sum, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  // CHECK: %[[VIEW:.*]] = flex.view {{.*}} -> <3 x f32>
  // CHECK: scf.if
  // CHECK-NEXT: flex.store
  // CHECK-NEXT: flex.store %{{.*}} -> %[[VIEW]]
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  %l = flex.view %p[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  flex.store %0#1 -> %l[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}
