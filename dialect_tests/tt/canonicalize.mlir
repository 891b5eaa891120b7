// RUN: pyflex-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: tt.func @splat_of_constant
tt.func @splat_of_constant() -> (tensor<16xf32>, tensor<4x8xi1>) {
  // CHECK-DAG: %[[F:.*]] = arith.constant dense<5.000000e-01> : tensor<16xf32>
  // CHECK-DAG: %[[I:.*]] = arith.constant dense<true> : tensor<4x8xi1>
  // CHECK: tt.return %[[F]], %[[I]]
  %half = arith.constant 0.5 : f32
  %true = arith.constant true
  %0 = tt.splat %half : f32 -> tensor<16xf32>
  %1 = tt.splat %true : i1 -> tensor<4x8xi1>
  tt.return %0, %1 : tensor<16xf32>, tensor<4x8xi1>
}

// CHECK-LABEL: tt.func @splat_of_unknown
tt.func @splat_of_unknown(%x: f32) -> tensor<16xf32> {
  // CHECK: tt.splat
  %0 = tt.splat %x : f32 -> tensor<16xf32>
  tt.return %0 : tensor<16xf32>
}

// CHECK-LABEL: tt.func @shape_of_constant
tt.func @shape_of_constant() -> tensor<16x64xi32> {
  // CHECK-NEXT: %[[C:.*]] = arith.constant dense<7> : tensor<16x64xi32>
  // CHECK-NEXT: tt.return %[[C]]
  %sevens = arith.constant dense<7> : tensor<16xi32>
  %column = tt.expand_dims %sevens {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %tile = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
  tt.return %tile : tensor<16x64xi32>
}

// CHECK-LABEL: tt.func @other_shape_of_constant
tt.func @other_shape_of_constant() -> tensor<2x8xi32> {
  // CHECK-NEXT: %[[C:.*]] = arith.constant dense<7> : tensor<2x8xi32>
  // CHECK-NEXT: tt.return %[[C]]
  %sevens = arith.constant dense<7> : tensor<16xi32>
  %halves = tt.reshape %sevens : tensor<16xi32> -> tensor<2x8xi32>
  tt.return %halves : tensor<2x8xi32>
}

// CHECK-LABEL: tt.func @shape_of_constant_with_many_values
tt.func @shape_of_constant_with_many_values() -> tensor<2x1xi32> {
  // CHECK: tt.expand_dims
  %many = arith.constant dense<[1, 2]> : tensor<2xi32>
  %column = tt.expand_dims %many {axis = 1 : i32} : tensor<2xi32> -> tensor<2x1xi32>
  tt.return %column : tensor<2x1xi32>
}

// CHECK-LABEL: tt.func @broadcast_to_same_shape(
// CHECK-SAME: %[[X:.*]]: tensor<16x64xf32>)
tt.func @broadcast_to_same_shape(%x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK-NEXT: tt.return %[[X]]
  %0 = tt.broadcast %x : tensor<16x64xf32> -> tensor<16x64xf32>
  tt.return %0 : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @addptr_by_zero(
// CHECK-SAME: %[[P:.*]]: !tt.ptr<f32>, %[[PS:.*]]: tensor<8x!tt.ptr<f32>>)
tt.func @addptr_by_zero(%p: !tt.ptr<f32>, %ps: tensor<8x!tt.ptr<f32>>)
    -> (!tt.ptr<f32>, tensor<8x!tt.ptr<f32>>) {
  // CHECK-NEXT: tt.return %[[P]], %[[PS]]
  %zero = arith.constant 0 : i64
  %zeros = arith.constant dense<0> : tensor<8xi32>
  %0 = tt.addptr %p, %zero : !tt.ptr<f32>, i64
  %1 = tt.addptr %ps, %zeros : tensor<8x!tt.ptr<f32>>, tensor<8xi32>
  tt.return %0, %1 : !tt.ptr<f32>, tensor<8x!tt.ptr<f32>>
}

// CHECK-LABEL: tt.func @addptr_by_one
tt.func @addptr_by_one(%p: !tt.ptr<f32>) -> !tt.ptr<f32> {
  // CHECK: tt.addptr
  %one = arith.constant 1 : i64
  %0 = tt.addptr %p, %one : !tt.ptr<f32>, i64
  tt.return %0 : !tt.ptr<f32>
}

// An unused load goes, unless it is volatile; so does an unused pure call.
// CHECK-LABEL: tt.func @unused
tt.func @unused(%p: !tt.ptr<f32>, %x: f32) {
  // CHECK-NEXT: tt.load {{.*}} {isVolatile = true}
  // CHECK-NEXT: tt.extern_elementwise {{.*}} pure = false
  // CHECK-NEXT: tt.elementwise_inline_asm "wait;" {{.*}} pure = false
  // CHECK-NEXT: tt.return
  %0 = tt.load %p : !tt.ptr<f32>
  %1 = tt.load %p {isVolatile = true} : !tt.ptr<f32>
  %2 = tt.extern_elementwise %x {libname = "", libpath = "", pure = true, symbol = "f"} : (f32) -> f32
  %3 = tt.extern_elementwise %x {libname = "", libpath = "", pure = false, symbol = "f"} : (f32) -> f32
  %5 = tt.elementwise_inline_asm "wait;" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  %6 = tt.elementwise_inline_asm "none;" {constraints = "=r", packed_element = 1 : i32, pure = true} -> i32
  tt.return
}
