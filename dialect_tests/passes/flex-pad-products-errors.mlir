// RUN: pyflex-opt %s --flex-pad-products | FileCheck %s
// RUN: pyflex-opt %s --flex-pad-products=target=hip | FileCheck %s --check-prefix=HIP
// RUN: pyflex-opt %s --flex-pad-products="target=hip gfx=11" | FileCheck %s

// Neither is padded.
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
