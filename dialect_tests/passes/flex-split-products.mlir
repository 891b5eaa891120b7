// RUN: pyflex-opt %s --flex-split-products | FileCheck %s

// CHECK-LABEL: tt.func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<16x64xf32>, %[[K:.*]]: tensor<64x32xf32>)
tt.func @scores(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>) -> tensor<16x32xf32> {
  // CHECK:      %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16x32xf32>
  // CHECK-NEXT: %[[Q0:.*]] = tt.elementwise_inline_asm "cvt.rna.tf32.f32 $0, $1;" {constraints = "=r,r", packed_element = 1 : i32, pure = true} %[[Q]]
  // CHECK-NEXT: %[[Q1:.*]] = arith.subf %[[Q]], %[[Q0]]
  // CHECK-NEXT: %[[K0:.*]] = tt.elementwise_inline_asm "cvt.rna.tf32.f32 $0, $1;" {{.*}} %[[K]]
  // CHECK-NEXT: %[[K1:.*]] = arith.subf %[[K]], %[[K0]]
  // CHECK-NEXT: %[[LEFT:.*]] = tt.dot %[[Q1]], %[[K0]], %[[ZERO]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[RIGHT:.*]] = tt.dot %[[Q0]], %[[K1]], %[[ZERO]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[LARGE:.*]] = tt.dot %[[Q0]], %[[K0]], %[[ZERO]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[REST:.*]] = arith.addf %[[LEFT]], %[[RIGHT]]
  // CHECK-NEXT: %[[NONE:.*]] = arith.cmpf uno, %[[REST]], %[[REST]]
  // CHECK-NEXT: %[[SMALL:.*]] = arith.select %[[NONE]], %[[ZERO]], %[[REST]]
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[LARGE]], %[[SMALL]]
  // CHECK-NEXT: tt.return %[[SUM]]
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %s = tt.dot %q, %k, %zero, inputPrecision = tf32x3 : tensor<16x64xf32> * tensor<64x32xf32> -> tensor<16x32xf32>
  tt.return %s : tensor<16x32xf32>
}

// The second piece of a line that is no power of two wide adds to the first, outside the products.
// CHECK-LABEL: tt.func @two_pieces(
tt.func @two_pieces(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>, %r: tensor<16x16xf32>,
                    %l: tensor<16x32xf32>) -> tensor<16x32xf32> {
  // CHECK-COUNT-3: tt.dot {{.*}}, inputPrecision = tf32 :
  // CHECK:         %[[SMALL:.*]] = arith.select
  // CHECK-NEXT:    %[[FIRST:.*]] = arith.addf %{{.*}}, %[[SMALL]]
  // CHECK:         tt.dot
  // CHECK:         tt.dot
  // CHECK-NEXT:    %[[LARGE:.*]] = tt.dot %{{.*}}, %{{.*}}, %{{.*}}, inputPrecision = tf32 :
  // CHECK:         %[[OWN:.*]] = arith.addf %[[LARGE]],
  // CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[OWN]], %[[FIRST]]
  // CHECK-NEXT:    tt.return %[[SUM]]
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %s = tt.dot %q, %k, %zero, inputPrecision = tf32x3 : tensor<16x64xf32> * tensor<64x32xf32> -> tensor<16x32xf32>
  %t = tt.dot %r, %l, %s, inputPrecision = tf32x3 : tensor<16x16xf32> * tensor<16x32xf32> -> tensor<16x32xf32>
  tt.return %t : tensor<16x32xf32>
}
