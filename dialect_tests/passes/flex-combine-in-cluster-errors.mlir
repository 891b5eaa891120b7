// RUN: pyflex-opt %s --flex-combine-in-cluster --verify-diagnostics --split-input-file

// expected-error @+1 {{expected the rows, the finished softmax and the branch of a kernel that flex-split-kv has split}}
tt.func @no_rows(%blocks: !flex.blocks, %n: i32) {
  %mine = flex.slice %blocks, %n of %n
  %0 = flex.for %mine below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

// The result is stored on no condition.
// expected-error @+1 {{expected the rows, the finished softmax and the branch of a kernel that flex-split-kv has split}}
tt.func @no_branch(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
                   %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %mine = flex.slice %blocks, %n of %n
  %m = flex.for %mine below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// What is combined is what is stored: nothing else can be made of one part's.
// expected-error @+1 {{expected the rows, the finished softmax and the branch of a kernel that flex-split-kv has split}}
tt.func @largest_score_is_used(%blocks: !flex.blocks, %o: !flex.view<4 x f32>, %x: !flex.view<3 x f32>, %n: i32, %c: i1,
                               %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %mine = flex.slice %blocks, %n of %n
  %m = flex.for %mine below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  scf.if %c {
    flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
        : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
    %twice = arith.addf %0#2, %0#2 : tensor<16xf32>
    flex.store %twice -> %x[%batch, %head, %query] if %valid columns 1
        : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
  }
  tt.return
}

// -----

// Of two branches one alone would combine.
// expected-error @+1 {{expected the rows, the finished softmax and the branch of a kernel that flex-split-kv has split}}
tt.func @results_in_two_branches(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %x: !flex.view<3 x f32>, %c: i1,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %mine = flex.slice %blocks, %n of %n
  %m = flex.for %mine below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  scf.if %c {
    flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
        : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
  }
  scf.if %c {
    flex.store %0#1 -> %x[%batch, %head, %query] if %valid columns 1
        : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
  }
  tt.return
}

// -----

// The programs of a cluster share the rows that they own.
tt.func @heads_of_its_own(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %x: !flex.view<3 x f32>, %c: i1,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %mine = flex.slice %blocks, %n of %n
  %m = flex.for %mine below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  %other = arith.addi %head, %head : tensor<16xi32>
  scf.if %c {
    // expected-error @+1 {{expected a result stored at the kernel's own rows: their batch, head, query and valid}}
    flex.store %0#0 -> %o[%batch, %other, %query] if %valid columns 16
        : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  } else {
  }
  tt.return
}
