// RUN: pyflex-opt %s --flex-report-bounds --verify-diagnostics --split-input-file

// expected-error @+1 {{expected one loop over a flex.range, whose bounds a second kernel can report}}
tt.func @lists(%list: !flex.blocks, %n: i32) {
  %s = flex.for %list below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return
}

// -----

// expected-error @+1 {{expected one loop over a flex.range, whose bounds a second kernel can report}}
tt.func @two_loops(%n: i32) {
  %range = flex.range %n
  %s = flex.for %range below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  %t = flex.for %range below %n init(%s : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return
}

// -----

// expected-note @+1 {{the function is here}}
tt.func private @decode_bounds()

// expected-error @+1 {{expected no function named 'decode_bounds': the kernel that reports bounds takes this name}}
tt.func @decode(%n: i32) {
  %range = flex.range %n
  %s = flex.for %range below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return
}

// -----

// expected-error @+1 {{expected one loop over a flex.range, whose bounds a second kernel can report}}
tt.func @loop_in_a_branch(%n: i32, %c: i1) {
  %range = flex.range %n
  scf.if %c {
    %0 = flex.for %range below %n init(%n : i32) {
    ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
      flex.yield %s : i32
    } -> i32
  }
  tt.return
}

// -----

// expected-error @+1 {{expected a kernel, which stores its results and returns none}}
tt.func @returns_what_the_loop_found(%n: i32) -> i32 {
  %range = flex.range %n
  %s = flex.for %range below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %in: i32):
    flex.yield %in : i32
  } -> i32
  tt.return %s : i32
}
