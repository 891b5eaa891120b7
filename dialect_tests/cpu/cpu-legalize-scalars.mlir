// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-legalize-scalars))' | FileCheck %s

// CHECK-LABEL: func.func @signed_division
// CHECK-SAME: %[[X:.*]]: i32, %[[Y:.*]]: i32
func.func @signed_division(%x: i32, %y: i32) -> i32 {
  // CHECK-DAG: %[[ZERO:.*]] = arith.cmpi eq, %[[Y]], %{{.*}} : i32
  // CHECK-DAG: %[[MINUS:.*]] = arith.cmpi eq, %[[Y]], %{{.*}} : i32
  // CHECK-DAG: %[[MIN:.*]] = arith.cmpi eq, %[[X]], %{{.*}} : i32
  // CHECK: %[[OVERFLOW:.*]] = arith.andi
  // CHECK: %[[BAD:.*]] = arith.ori %{{.*}}, %[[OVERFLOW]]
  // CHECK: %[[SAFE:.*]] = arith.select %[[BAD]], %{{.*}}, %[[Y]]
  // CHECK: arith.divsi %[[X]], %[[SAFE]]
  %q = arith.divsi %x, %y : i32
  return %q : i32
}

// CHECK-LABEL: func.func @unsigned_remainder
func.func @unsigned_remainder(%x: i64, %y: i64) -> i64 {
  // CHECK: %[[BAD:.*]] = arith.cmpi eq
  // CHECK-NOT: arith.cmpi
  // CHECK: arith.select %[[BAD]]
  // CHECK: arith.remui
  %q = arith.remui %x, %y : i64
  return %q : i64
}

// CHECK-LABEL: func.func @known_divisor
func.func @known_divisor(%x: i32) -> i32 {
  // CHECK-NOT: arith.select
  %c7 = arith.constant 7 : i32
  %q = arith.divsi %x, %c7 : i32
  return %q : i32
}

// CHECK-LABEL: func.func @conversions
func.func @conversions(%x: f64, %y: bf16, %z: f32) -> (bf16, f64, f16) {
  // CHECK: %[[A:.*]] = arith.truncf %{{.*}} : f64 to f32
  // CHECK: arith.truncf %[[A]] : f32 to bf16
  // CHECK: %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
  // CHECK: arith.extf %[[B]] : f32 to f64
  // CHECK: arith.truncf %{{[^ ]*}} : f32 to f16
  %a = arith.truncf %x : f64 to bf16
  %b = arith.extf %y : bf16 to f64
  %c = arith.truncf %z fastmath<contract> : f32 to f16
  return %a, %b, %c : bf16, f64, f16
}

// CHECK-LABEL: func.func @expm1
func.func @expm1(%x: f32) -> f32 {
  // CHECK: %[[U:.*]] = math.exp
  // CHECK: math.log %[[U]]
  // CHECK-NOT: math.expm1
  %y = math.expm1 %x : f32
  return %y : f32
}
