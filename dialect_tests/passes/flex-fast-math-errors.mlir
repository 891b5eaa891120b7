// RUN: pyflex-opt %s --flex-fast-math | FileCheck %s

// What the pass leaves alone: nothing here has a short form that is exact enough.

// CHECK-LABEL: tt.func @other_types(
tt.func @other_types(%x: f64, %y: tensor<16xf16>) -> (f64, f64, tensor<16xf16>) {
  // CHECK-NEXT: math.exp %{{.*}} : f64
  // CHECK-NEXT: math.tanh %{{.*}} : f64
  // CHECK-NEXT: math.tanh %{{.*}} : tensor<16xf16>
  // CHECK-NEXT: tt.return
  %0 = math.exp %x : f64
  %1 = math.tanh %x : f64
  %2 = math.tanh %y : tensor<16xf16>
  tt.return %0, %1, %2 : f64, f64, tensor<16xf16>
}

// CHECK-LABEL: tt.func @rounded_quotient(
tt.func @rounded_quotient(%x: f32, %n: i32) -> f32 {
  // CHECK: arith.divf %{{.*}}, %{{.*}} : f32
  // CHECK-NEXT: math.floor
  %d = arith.sitofp %n : i32 to f32
  %0 = arith.divf %x, %d : f32
  %1 = math.floor %0 : f32
  tt.return %1 : f32
}

// CHECK-LABEL: tt.func @quotient_of_any_size(
tt.func @quotient_of_any_size(%x: f32, %y: f32) -> f32 {
  // CHECK-NEXT: arith.divf %{{.*}}, %{{.*}} : f32
  %0 = arith.divf %x, %y : f32
  tt.return %0 : f32
}

// CHECK-LABEL: tt.func @power_of_any_base(
tt.func @power_of_any_base(%x: f32, %y: f32) -> f32 {
  // CHECK-NEXT: math.powf
  %0 = math.powf %x, %y : f32
  tt.return %0 : f32
}

// What decides a condition or a whole number may be exact, and has to stay so,
// whatever lies between.

// CHECK-LABEL: tt.func @compared_quotient(
tt.func @compared_quotient(%x: tensor<16x64xf32>, %n: i32) -> tensor<16x64xi1> {
  // CHECK: %[[D:.*]] = tt.splat
  // CHECK: arith.divf %{{.*}}, %[[D]] : tensor<16x64xf32>
  // CHECK: arith.cmpf oeq
  %one = arith.constant dense<1.0> : tensor<16x64xf32>
  %d = arith.sitofp %n : i32 to f32
  %s = tt.splat %d : f32 -> tensor<16x64xf32>
  %0 = arith.divf %x, %s : tensor<16x64xf32>
  %1 = arith.minimumf %0, %one : tensor<16x64xf32>
  %2 = arith.cmpf oeq, %1, %one : tensor<16x64xf32>
  tt.return %2 : tensor<16x64xi1>
}

// CHECK-LABEL: tt.func @remainder_of_a_quotient(
tt.func @remainder_of_a_quotient(%x: f32, %n: i32) -> f32 {
  // CHECK: arith.divf %{{.*}}, %{{.*}} : f32
  // CHECK-NEXT: arith.remf
  %one = arith.constant 1.0 : f32
  %d = arith.sitofp %n : i32 to f32
  %0 = arith.divf %x, %d : f32
  %1 = arith.remf %0, %one : f32
  tt.return %1 : f32
}

// CHECK-LABEL: tt.func @rounded_power(
tt.func @rounded_power(%x: f32) -> i32 {
  // CHECK: math.powf
  %ten = arith.constant 10.0 : f32
  %0 = math.powf %ten, %x : f32
  %1 = arith.fptosi %0 : f32 to i32
  tt.return %1 : i32
}
