// RUN: pyflex-opt %s --flex-inline-mods --verify-diagnostics --split-input-file

tt.func private @declared(f32, i32, i32, i32, i32) -> f32

tt.func @callee_without_body(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected a callee of one block}}
  %0 = flex.score_mod @declared(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @branches(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %0 = arith.cmpi sge, %q, %kv : i32
  cf.br ^bb1
^bb1:
  tt.return %0 : i1
}

tt.func @callee_of_two_blocks(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.mask_mod' op expected a callee of one block}}
  %0 = flex.mask_mod @branches(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @branches(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %future = arith.cmpi slt, %q, %kv : i32
  // expected-note @+1 {{it is used here}}
  %0 = scf.if %future -> f32 {
    scf.yield %s : f32
  } else {
    %zero = arith.constant 0.0 : f32
    scf.yield %zero : f32
  }
  tt.return %0 : f32
}

tt.func @callee_with_a_region(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op cannot inline 'scf.if'}}
  %0 = flex.score_mod @branches(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @writes(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<f32>) -> f32 {
  // expected-note @+1 {{it is used here}}
  tt.store %p, %s : !tt.ptr<f32>
  tt.return %s : f32
}

tt.func @callee_with_a_store(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %p: !tt.ptr<f32>) {
  // expected-error @+1 {{'flex.score_mod' op cannot inline 'tt.store'}}
  %0 = flex.score_mod @writes(%s, %b, %row, %row, %kv) captures(%p : !tt.ptr<f32>)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}
