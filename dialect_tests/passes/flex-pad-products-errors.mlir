// RUN: pyflex-opt %s --flex-pad-products | FileCheck %s
// RUN: pyflex-opt %s --flex-pad-products=target=hip | FileCheck %s --check-prefix=HIP
// RUN: pyflex-opt %s --flex-pad-products="target=hip gfx=11" | FileCheck %s
// RUN: not pyflex-opt %s --flex-pad-products=target=metal 2>&1 | FileCheck %s --check-prefix=METAL
// METAL: error: expected the target 'cuda' or 'hip', got 'metal'

// None of them is padded.
// CHECK-NOT: tt.reshape

// Rows that fill the matrix units.
// HIP-LABEL: tt.func @enough(
// HIP-NOT:     tt.split
tt.func @enough(%q: tensor<16x64xbf16>, %k: tensor<64x32xbf16>) -> tensor<16x32xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %s = tt.dot %q, %k, %zero : tensor<16x64xbf16> * tensor<64x32xbf16> -> tensor<16x32xf32>
  tt.return %s : tensor<16x32xf32>
}

// Exact products of float32, for which NVIDIA has no matrix units, nor AMD from gfx10 on.
// HIP-LABEL: tt.func @exact(
// HIP:         tt.split
tt.func @exact(%q: tensor<8x64xf32>, %k: tensor<64x32xf32>) -> tensor<8x32xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x32xf32>
  %s = tt.dot %q, %k, %zero : tensor<8x64xf32> * tensor<64x32xf32> -> tensor<8x32xf32>
  tt.return %s : tensor<8x32xf32>
}

// A thread's register holds no f64.
// HIP-LABEL: tt.func @doubles(
// HIP-NOT:     tt.split
tt.func @doubles(%k: tensor<16x32xf64>, %n: i32, %start: tensor<8x16xf64>) -> tensor<8x32xf64> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<8x32xf64>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<8x32xf64>) : i32 {
    %q = arith.addf %start, %start : tensor<8x16xf64>
    %s = tt.dot %q, %k, %sum : tensor<8x16xf64> * tensor<16x32xf64> -> tensor<8x32xf64>
    scf.yield %s : tensor<8x32xf64>
  }
  tt.return %r : tensor<8x32xf64>
}
