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
  // expected-error @+1 {{cannot inline 'scf.if' into a tile of scores}}
  %0 = scf.if %future -> f32 {
    scf.yield %s : f32
  } else {
    %zero = arith.constant 0.0 : f32
    scf.yield %zero : f32
  }
  tt.return %0 : f32
}

tt.func @callee_with_a_region(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @branches(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @writes(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %p: !tt.ptr<f32>) -> f32 {
  // expected-error @+1 {{cannot inline 'tt.store' into a tile of scores}}
  tt.store %p, %s : !tt.ptr<f32>
  tt.return %s : f32
}

tt.func @callee_with_a_store(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %p: !tt.ptr<f32>) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @writes(%s, %b, %row, %row, %kv) captures(%p : !tt.ptr<f32>)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @g(f32) -> f32

tt.func private @mod(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  // expected-error @+1 {{cannot inline 'tt.call' into a tile of scores}}
  %0 = tt.call @g(%s) : (f32) -> f32
  tt.return %0 : f32
}

tt.func @callee_with_a_call(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @mod(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @mod(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  // expected-error @+1 {{cannot inline 'tt.splat' into a tile of scores}}
  %0 = tt.splat %s : f32 -> tensor<16xf32>
  tt.return %s : f32
}

tt.func @callee_with_a_tensor(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @mod(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @mod(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  // expected-error @+1 {{cannot inline 'tt.extern_elementwise' into a tile of scores}}
  %0 = tt.extern_elementwise %s {libname = "", libpath = "", pure = false, symbol = "f"} : (f32) -> f32
  tt.return %0 : f32
}

tt.func @callee_with_an_impure_function(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @mod(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @mod(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %lens: !flex.per_batch) -> f32 {
  // expected-error @+1 {{cannot inline 'flex.at' into a tile of scores}}
  %0 = flex.at %lens[%b]
  tt.return %s : f32
}

tt.func @callee_that_reads_a_flex_value(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>, %lens: !flex.per_batch) {
  // expected-note @+1 {{the function is applied here}}
  %0 = flex.score_mod @mod(%s, %b, %row, %row, %kv) captures(%lens : !flex.per_batch)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}

// -----

tt.func private @never_returns(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  llvm.unreachable
}

tt.func @callee_without_a_return(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  // expected-error @+1 {{'flex.score_mod' op expected a callee of one block}}
  %0 = flex.score_mod @never_returns(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.return
}
