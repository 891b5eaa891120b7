// RUN: pyflex-opt %s --flex-pad-products | FileCheck %s --check-prefixes=CHECK,CUDA
// RUN: pyflex-opt %s --flex-pad-products=target=hip | FileCheck %s --check-prefixes=CHECK,HIP
// RUN: pyflex-opt %s --flex-split-products --flex-pad-products | FileCheck %s --check-prefix=SPLIT

// CHECK-LABEL: tt.func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<8x64xbf16>, %[[K:.*]]: tensor<64x32xbf16>)
tt.func @scores(%q: tensor<8x64xbf16>, %k: tensor<64x32xbf16>) -> tensor<8x32xf32> {
  // CHECK-NEXT: %[[ONE:.*]] = tt.reshape %[[Q]] : tensor<8x64xbf16> -> tensor<1x8x64xbf16>
  // CHECK-NEXT: %[[TWO:.*]] = tt.broadcast %[[ONE]] : tensor<1x8x64xbf16> -> tensor<2x8x64xbf16>
  // CHECK-NEXT: %[[ROWS:.*]] = tt.reshape %[[TWO]] : tensor<2x8x64xbf16> -> tensor<16x64xbf16>
  // CHECK:      %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : tensor<16x32xf32>
  // CHECK-NEXT: %[[SUMS:.*]] = tt.dot %[[ROWS]], %[[K]], %[[ZEROS]] :
  // CHECK-NEXT: %[[HALVES:.*]] = tt.reshape %[[SUMS]] : tensor<16x32xf32> -> tensor<2x8x32xf32>
  // CHECK-NEXT: %[[LAST:.*]] = tt.trans %[[HALVES]] {order = array<i32: 1, 2, 0>} : tensor<2x8x32xf32> -> tensor<8x32x2xf32>
  // CHECK-NEXT: %[[S:.*]], %{{.*}} = tt.split %[[LAST]]
  // CHECK-NEXT: tt.return %[[S]]
  %zero = arith.constant dense<0.0> : tensor<8x32xf32>
  %s = tt.dot %q, %k, %zero : tensor<8x64xbf16> * tensor<64x32xbf16> -> tensor<8x32xf32>
  tt.return %s : tensor<8x32xf32>
}

// What a loop carries is taken twice; its weights pass through an instruction, two to a register.
// CHECK-LABEL: tt.func @carried(
// CHECK-SAME:    %[[V:[a-z0-9]+]]: tensor<32x64xbf16>, %[[N:.*]]: i32)
tt.func @carried(%v: tensor<32x64xbf16>, %n: i32) -> tensor<8x64xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<8x64xf32>
  // CHECK: scf.for {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (tensor<8x64xf32>)
  %out = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %zero) -> (tensor<8x64xf32>) : i32 {
    // CHECK:      %[[W:.*]] = arith.truncf
    // CHECK-NEXT: tt.reshape %[[W]]
    // CHECK-NEXT: tt.broadcast
    // CHECK-NEXT: %[[ROWS:.*]] = tt.reshape %{{.*}} -> tensor<16x32xbf16>
    // CUDA-NEXT:  %[[KEPT:.*]] = tt.elementwise_inline_asm "mov.b32 $0, $1;" {constraints = "=r,r", packed_element = 2 : i32, pure = false} %[[ROWS]]
    // CHECK-NEXT: tt.reshape %[[ACC]]
    // CHECK-NEXT: tt.broadcast
    // CHECK-NEXT: %[[SUM:.*]] = tt.reshape %{{.*}} -> tensor<16x64xf32>
    // CUDA-NEXT:  tt.dot %[[KEPT]], %[[V]], %[[SUM]] :
    // HIP-NEXT:   tt.dot %[[ROWS]], %[[V]], %[[SUM]] :
    %x = arith.sitofp %i : i32 to f32
    %ws = tt.splat %x : f32 -> tensor<8x32xf32>
    %w = arith.truncf %ws : tensor<8x32xf32> to tensor<8x32xbf16>
    %next = tt.dot %w, %v, %acc : tensor<8x32xbf16> * tensor<32x64xbf16> -> tensor<8x64xf32>
    scf.yield %next : tensor<8x64xf32>
  }
  tt.return %out : tensor<8x64xf32>
}

// A product that adds to another takes both halves of it, and one left side is taken twice once.
// CHECK-LABEL: tt.func @chain(
tt.func @chain(%w: tensor<8x32xf32>, %v: tensor<32x64xf32>, %u: tensor<32x64xf32>) -> tensor<8x64xf32> {
  // CHECK:      %[[ROWS:.*]] = tt.reshape %{{.*}} -> tensor<16x32xf32>
  // CHECK-NOT:  -> tensor<16x32xf32>
  // CHECK:      %[[FIRST:.*]] = tt.dot %[[ROWS]], %{{.*}}, %{{.*}}, inputPrecision = tf32 :
  // CHECK:      tt.dot %[[ROWS]], %{{.*}}, %[[FIRST]], inputPrecision = tf32 :
  %zero = arith.constant dense<0.0> : tensor<8x64xf32>
  %a = tt.dot %w, %v, %zero, inputPrecision = tf32 : tensor<8x32xf32> * tensor<32x64xf32> -> tensor<8x64xf32>
  %b = tt.dot %w, %u, %a, inputPrecision = tf32 : tensor<8x32xf32> * tensor<32x64xf32> -> tensor<8x64xf32>
  tt.return %b : tensor<8x64xf32>
}

// Weights of float32 that meet two pieces of the values are taken apart, and twice, once.
// SPLIT-LABEL: tt.func @two_pieces(
// SPLIT:         scf.for
// SPLIT-COUNT-2:   tt.elementwise_inline_asm "mov.b32 $0, $1;" {constraints = "=r,r", packed_element = 1 : i32, pure = false}
// SPLIT-NOT:       tt.elementwise_inline_asm
// SPLIT:           scf.yield
tt.func @two_pieces(%v: tensor<32x64xf32>, %u: tensor<32x16xf32>, %n: i32) -> (tensor<8x64xf32>, tensor<8x16xf32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<8x64xf32>
  %zeros = arith.constant dense<0.0> : tensor<8x16xf32>
  %out:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %zero, %b = %zeros) -> (tensor<8x64xf32>, tensor<8x16xf32>) : i32 {
    %x = arith.sitofp %i : i32 to f32
    %w = tt.splat %x : f32 -> tensor<8x32xf32>
    %c = tt.dot %w, %v, %a, inputPrecision = tf32x3 : tensor<8x32xf32> * tensor<32x64xf32> -> tensor<8x64xf32>
    %d = tt.dot %w, %u, %b, inputPrecision = tf32x3 : tensor<8x32xf32> * tensor<32x16xf32> -> tensor<8x16xf32>
    scf.yield %c, %d : tensor<8x64xf32>, tensor<8x16xf32>
  }
  tt.return %out#0, %out#1 : tensor<8x64xf32>, tensor<8x16xf32>
}
