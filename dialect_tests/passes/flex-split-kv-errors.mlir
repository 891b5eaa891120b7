// RUN: pyflex-opt %s --flex-split-kv --verify-diagnostics --split-input-file

// A second kernel would have to write it twice.
// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @largest_score_is_stored_twice(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
                                       %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %max_scores = flex.view %p[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %0#2 -> %max_scores[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %0#2 -> %max_scores[%batch, %head, %query] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @nothing_is_stored(%blocks: !flex.blocks, %n: i32) {
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// -----

// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @softmax_is_not_finished(%blocks: !flex.blocks, %o: !flex.view<4 x f32>, %n: i32, %tile: tensor<16x16xf32>) {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %acc = flex.for %blocks below %n init(%tile : tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x16xf32>):
    flex.yield %s : tensor<16x16xf32>
  } -> tensor<16x16xf32>
  flex.store %acc -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @stride_of_out_is_computed(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
                                   %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %twice = arith.addi %s, %s : i64
  %o = flex.view %p[%twice, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  // expected-error @+1 {{expected a result named by arguments and constants, so that a second kernel can name it}}
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @two_attentions(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  // expected-note @+1 {{the first one is finished here}}
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  // expected-error @+1 {{expected one attention in a kernel whose KV loop is split}}
  %1:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %1#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-error @+1 {{expected no function named 'decode_combine': the second kernel takes this name}}
tt.func @decode(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// expected-note @+1 {{the function is here}}
tt.func @decode_combine() {
  tt.return
}

// -----

tt.func @result_from_a_caller(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>, %o: !flex.view<4 x f32>) {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  // expected-error @+1 {{expected a result named by arguments and constants, so that a second kernel can name it}}
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @result_is_stored_twice(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @rows_of_two_kinds(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %more:7 = flex.rows(%n, %n) group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @result_is_stored_on_a_condition(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %column: tensor<16xf32>, %tile: tensor<16x16xf32>, %c: i1) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m = flex.for %blocks below %n init(%column : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%m, %m, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  scf.if %c {
    flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
        : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  }
  tt.return
}

// -----

// An attention sink that the loop starts with: each part would have one.
tt.func @starts_with_a_sink(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %sink: tensor<16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: each part would count what it starts with}}
  %r:3 = flex.for %blocks below %n init(%sink, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// The first loop starts empty, the second one with a state of its own.
tt.func @state_of_its_own(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %seen: tensor<16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %a:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: each part would count what it starts with}}
  %b:3 = flex.for %blocks below %n init(%a#0, %seen, %a#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%b#0, %b#1, %b#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// A result that is stored on a condition of its own.
// expected-error @+1 {{expected a loop over KV whose finished softmax is stored at the end of the kernel}}
tt.func @nested_store(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %c: i1, %tile: tensor<16x16xf32>) {
  %none = arith.constant dense<0xFF800000> : tensor<16xf32>
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %l = flex.view %p[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %a = flex.for %blocks below %n init(%none : tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>):
    flex.yield %in : tensor<16xf32>
  } -> tensor<16xf32>
  %0:3 = flex.softmax_finish(%a, %a, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  scf.if %c {
    flex.store %0#1 -> %l[%batch, %head, %query] if %valid columns 1
        : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  }
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// An attention sink that is added behind the loop: each part would add it.
tt.func @ends_with_a_sink(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %sink: tensor<16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: what a part finds is used before it is combined}}
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %sum = arith.addf %r#1, %sink : tensor<16xf32>
  %0:3 = flex.softmax_finish(%r#0, %sum, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @values_of_no_loop(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %tile: tensor<16x16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: each part would count what no loop gives}}
  %0:3 = flex.softmax_finish(%r#0, %r#1, %tile) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// What the second loop finds is no part of the result: nobody would combine its parts.
tt.func @loop_with_a_result_of_its_own(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %place: tensor<16x!tt.ptr<f32>>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: what a part finds is used before it is combined}}
  %more:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.store %place, %more#0 : tensor<16x!tt.ptr<f32>>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @split_before(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %part: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %mine = flex.slice %blocks, %part of %n
  // expected-remark @+1 {{the KV loop is not split: it visits a part}}
  %r:3 = flex.for %mine below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Partial results are for the rows that the kernel owns.
tt.func @heads_of_its_own(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %four: tensor<16xi32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %zeros = arith.constant dense<0.0> : tensor<16xf32>
  %zero_tile = arith.constant dense<0.0> : tensor<16x16xf32>
  %r:2 = flex.for %blocks below %n init(%zeros, %zero_tile : tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: tensor<16xf32>, %acc: tensor<16x16xf32>):
    flex.yield %in, %acc : tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#0, %r#1) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  %other = arith.addi %head, %four : tensor<16xi32>
  // expected-error @+1 {{expected a result stored at the kernel's own rows: their batch, head, query and valid}}
  flex.store %0#0 -> %o[%batch, %other, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Scores that depend on how many tiles came before: a part counts its own.
tt.func @counts_tiles(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %ones: tensor<16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: it does more than an online softmax}}
  %r:4 = flex.for %blocks below %n init(%m0, %l0, %acc0, %l0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>, %tiles: tensor<16xf32>):
    %column = tt.expand_dims %tiles {axis = 1 : i32} : tensor<16xf32> -> tensor<16x1xf32>
    %bias = tt.broadcast %column : tensor<16x1xf32> -> tensor<16x64xf32>
    %biased = arith.addf %scores, %bias : tensor<16x64xf32>
    %next:3 = flex.online_softmax(%m, %l, %acc), %biased, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    %more = arith.addf %tiles, %ones : tensor<16xf32>
    flex.yield %next#0, %next#1, %next#2, %more : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Values that count half as much with each tile that follows.
tt.func @forgets(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %half: tensor<16x16xf32>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: it does more than an online softmax}}
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %less = arith.mulf %acc, %half : tensor<16x16xf32>
    %next:3 = flex.online_softmax(%m, %l, %less), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Scores that depend on the largest one so far.
tt.func @knows_the_largest(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: it does more than an online softmax}}
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %column = tt.expand_dims %m {axis = 1 : i32} : tensor<16xf32> -> tensor<16x1xf32>
    %largest = tt.broadcast %column : tensor<16x1xf32> -> tensor<16x64xf32>
    %raised = arith.maxnumf %scores, %largest : tensor<16x64xf32>
    %next:3 = flex.online_softmax(%m, %l, %acc), %raised, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

tt.func @sums_alone(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: it does more than an online softmax}}
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Each part would leave the sum of its own keys there.
tt.func @writes_its_sums(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32, %place: tensor<16x!tt.ptr<f32>>,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: it does more than an online softmax}}
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    tt.store %place, %next#1 : tensor<16x!tt.ptr<f32>>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// Parts of a maximum are not combined as parts of a sum are.
tt.func @other_order(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %r:3 = flex.for %blocks below %n init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  // expected-remark @+1 {{the KV loop is not split: each part would count what no loop gives}}
  %0:3 = flex.softmax_finish(%r#1, %r#0, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// -----

// expected-remark @+1 {{the KV loop is not split: the kernel's programs along axis y do other work}}
tt.func @programs_along_y(%blocks: !flex.blocks, %p: !tt.ptr<f32>, %s: i64, %n: i32,
    %scores: tensor<16x64xf32>, %values: tensor<64x16xf32>) {
  %y = tt.get_program_id y : i32
  %most = arith.minsi %y, %n : i32
  %o = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %batch, %kv_head, %first_head, %first_query, %head, %query, %valid = flex.rows(%n, %n) group(1)
      tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %r:3 = flex.for %blocks below %most init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1,
       %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x16xf32>):
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %values
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  %0:3 = flex.softmax_finish(%r#0, %r#1, %r#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>)
  flex.store %0#0 -> %o[%batch, %head, %query] if %valid columns 16
      : tensor<16x16xf32> -> !flex.view<4 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}
