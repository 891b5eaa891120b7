// RUN: pyflex-opt %s --flex-split-products | FileCheck %s

// CHECK-LABEL: tt.func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<16x64xf32>, %[[K:.*]]: tensor<64x32xf32>)
tt.func @scores(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>) -> tensor<16x32xf32> {
  // CHECK:      %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16x32xf32>
  // CHECK-NEXT: %[[FACTOR:.*]] = arith.constant dense<1.00033844> : tensor<16x64xf32>
  // CHECK-NEXT: %[[LARGER:.*]] = arith.mulf %[[Q]], %[[FACTOR]]
  // CHECK-NEXT: %[[BITS:.*]] = arith.bitcast %[[LARGER]]
  // CHECK-NEXT: %[[KEPT:.*]] = arith.constant dense<-8192> : tensor<16x64xi32>
  // CHECK-NEXT: %[[CUT:.*]] = arith.andi %[[BITS]], %[[KEPT]]
  // CHECK-NEXT: %[[Q0:.*]] = arith.bitcast %[[CUT]]
  // CHECK-NEXT: %[[Q1:.*]] = arith.subf %[[Q]], %[[Q0]]
  // CHECK:      arith.mulf %[[K]],
  // CHECK:      %[[K0:.*]] = arith.bitcast %{{.*}} : tensor<64x32xi32> to
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

// What a loop carries has one sum.
// CHECK-LABEL: tt.func @carried(
// CHECK-SAME:    {{.*}}, %[[ACC:[a-z0-9]+]]: tensor<16x64xf32>)
tt.func @carried(%w: tensor<16x32xf32>, %v: tensor<32x64xf32>, %acc: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK:      %[[W1:.*]] = arith.subf %{{.*}}, %[[W0:.*]] :
  // CHECK:      %[[V1:.*]] = arith.subf %{{.*}}, %[[V0:.*]] :
  // CHECK-NEXT: %[[LEFT:.*]] = tt.dot %[[W1]], %[[V0]], %[[ZERO:.*]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[REST:.*]] = tt.dot %[[W0]], %[[V1]], %[[LEFT]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[NONE:.*]] = arith.cmpf uno, %[[REST]], %[[REST]]
  // CHECK-NEXT: %[[SMALL:.*]] = arith.select %[[NONE]], %[[ZERO]], %[[REST]]
  // CHECK-NEXT: %[[OWN:.*]] = tt.dot %[[W0]], %[[V0]], %[[SMALL]], inputPrecision = tf32 :
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[OWN]], %[[ACC]]
  // CHECK-NEXT: tt.return %[[SUM]]
  %next = tt.dot %w, %v, %acc, inputPrecision = tf32x3 : tensor<16x32xf32> * tensor<32x64xf32> -> tensor<16x64xf32>
  tt.return %next : tensor<16x64xf32>
}

// Queries are taken apart ahead of the loop, and once for two pieces of their keys.
// CHECK-LABEL: tt.func @queries(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<16x64xf32>
// CHECK:         %[[Q0:.*]] = arith.bitcast %{{.*}} : tensor<16x64xi32> to tensor<16x64xf32>
// CHECK-NEXT:    %[[Q1:.*]] = arith.subf %[[Q]], %[[Q0]]
// CHECK:         scf.for
// CHECK-NOT:       tensor<16x64xi32>
// CHECK:           tt.dot %[[Q1]]
// CHECK:           tt.dot %[[Q0]]
// CHECK:           tt.dot %[[Q0]]
// CHECK:           tt.dot %[[Q1]]
// CHECK-NOT:       tensor<16x64xi32>
// CHECK:           scf.yield
tt.func @queries(%q: tensor<16x64xf32>, %k: tensor<64x32xf32>, %j: tensor<64x16xf32>, %n: i32) -> (tensor<16x32xf32>, tensor<16x16xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16x32xf32>
  %zeros = arith.constant dense<0.0> : tensor<16x16xf32>
  %out:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %zero, %b = %zeros) -> (tensor<16x32xf32>, tensor<16x16xf32>) : i32 {
    %s = tt.dot %q, %k, %zero, inputPrecision = tf32x3 : tensor<16x64xf32> * tensor<64x32xf32> -> tensor<16x32xf32>
    %t = tt.dot %q, %j, %zeros, inputPrecision = tf32x3 : tensor<16x64xf32> * tensor<64x16xf32> -> tensor<16x16xf32>
    %c = arith.addf %a, %s : tensor<16x32xf32>
    %d = arith.addf %b, %t : tensor<16x16xf32>
    scf.yield %c, %d : tensor<16x32xf32>, tensor<16x16xf32>
  }
  tt.return %out#0, %out#1 : tensor<16x32xf32>, tensor<16x16xf32>
}
