// RUN: pyflex-opt %s --flex-split-products | FileCheck %s

// None of these products is split.
// CHECK-NOT: arith.bitcast

// One product in another precision.
tt.func @exact(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>) -> (tensor<16x32xf32>, tensor<16x32xf32>) {
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %s = tt.dot %q, %k, %zero : tensor<16x64xf32> * tensor<64x32xf32> -> tensor<16x32xf32>
  %t = tt.dot %q, %k, %zero, inputPrecision = tf32 : tensor<16x64xf32> * tensor<64x32xf32> -> tensor<16x32xf32>
  tt.return %s, %t : tensor<16x32xf32>, tensor<16x32xf32>
}

// Inputs that need no second product.
tt.func @half(%q: tensor<16x64xbf16>, %k: tensor<64x32xbf16>) -> tensor<16x32xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %s = tt.dot %q, %k, %zero, inputPrecision = tf32x3 : tensor<16x64xbf16> * tensor<64x32xbf16> -> tensor<16x32xf32>
  tt.return %s : tensor<16x32xf32>
}
