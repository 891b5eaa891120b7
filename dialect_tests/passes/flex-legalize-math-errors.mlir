// RUN: pyflex-opt %s --flex-legalize-math --verify-diagnostics --split-input-file
// RUN: not pyflex-opt %s --flex-legalize-math=target=metal 2>&1 | FileCheck %s
// CHECK: error: expected the target 'cuda' or 'hip', got 'metal'
// RUN: not pyflex-opt %s --flex-legalize-math="target=hip gfx=8" 2>&1 | FileCheck %s --check-prefix=OLD
// OLD: error: expected a generation of AMD's GPUs from 9 to 12, got 8

tt.func @half_precision(%x: tensor<16xf16>) -> tensor<16xf16> {
  // expected-error @+1 {{no device library has 'math.tanh' of 'f16'}}
  %y = math.tanh %x : tensor<16xf16>
  tt.return %y : tensor<16xf16>
}

// -----

tt.func @no_such_function(%x: f32) -> f32 {
  // expected-error @+1 {{no device library has 'math.cbrt' of 'f32'}}
  %y = math.cbrt %x : f32
  tt.return %y : f32
}

// -----

tt.func @integers(%x: i64) -> i64 {
  // expected-error @+1 {{no device library has 'math.ctpop' of 'i64'}}
  %y = math.ctpop %x : i64
  tt.return %y : i64
}
