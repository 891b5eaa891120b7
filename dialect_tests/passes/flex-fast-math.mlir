// RUN: pyflex-opt %s --flex-fast-math --cse | FileCheck %s

// CHECK-LABEL: tt.func @exponential(
// CHECK-SAME: %[[X:.*]]: tensor<16x64xf32>)
tt.func @exponential(%x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK-NEXT: %[[LOG2E:.*]] = arith.constant dense<1.44269502> : tensor<16x64xf32>
  // CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[X]], %[[LOG2E]]
  // CHECK-NEXT: %[[Y:.*]] = math.exp2 %[[SCALED]]
  // CHECK-NEXT: tt.return %[[Y]]
  %y = math.exp %x : tensor<16x64xf32>
  tt.return %y : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @factors_are_free(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @factors_are_free(%x: f32) -> f32 {
  // CHECK-NOT: arith.negf
  // CHECK: %[[FACTOR:.*]] = arith.constant -0.360673755 : f32
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[FACTOR]]
  // CHECK: math.exp2 %[[SCALED]]
  %half = arith.constant 0.5 : f32
  %two = arith.constant 2.0 : f32
  %0 = arith.mulf %x, %half : f32
  %1 = arith.negf %0 : f32
  %2 = arith.divf %1, %two : f32
  %y = math.exp %2 : f32
  tt.return %y : f32
}

// A factor that would leave the exponent no digits stays outside.
// CHECK-LABEL: tt.func @factor_out_of_range(
tt.func @factor_out_of_range(%x: f32) -> f32 {
  // CHECK: %[[INNER:.*]] = arith.mulf
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[INNER]], %{{.*}}
  // CHECK: math.exp2 %[[SCALED]]
  %huge = arith.constant 1.0e+35 : f32
  %0 = arith.mulf %x, %huge : f32
  %y = math.exp %0 : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @constant_base(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @constant_base(%x: f32) -> f32 {
  // CHECK: %[[LOG2_3:.*]] = arith.constant 1.58496249 : f32
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[LOG2_3]]
  // CHECK: math.exp2 %[[SCALED]]
  %three = arith.constant 3.0 : f32
  %y = math.powf %three, %x : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @hyperbolic_tangent(
// CHECK-SAME: %[[X:.*]]: tensor<16xf32>)
tt.func @hyperbolic_tangent(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[SIZE:.*]] = math.absf %[[X]]
  // CHECK: %[[GROWTH:.*]] = math.exp2
  // CHECK: %[[SUM:.*]] = arith.addf %[[GROWTH]]
  // CHECK: %[[QUOTIENT:.*]] = arith.divf %{{.*}}, %[[SUM]] fastmath<arcp>
  // CHECK: %[[LARGE:.*]] = arith.subf %{{.*}}, %[[QUOTIENT]]
  // CHECK: %[[SQUARE:.*]] = arith.mulf %[[SIZE]], %[[SIZE]]
  // CHECK-COUNT-4: math.fma
  // CHECK: %[[SMALL:.*]] = arith.mulf %[[SIZE]]
  // CHECK: %[[IS_SMALL:.*]] = arith.cmpf olt, %[[SIZE]]
  // CHECK: %[[RESULT:.*]] = arith.select %[[IS_SMALL]], %[[SMALL]], %[[LARGE]]
  // CHECK: math.copysign %[[RESULT]], %[[X]]
  %y = math.tanh %x : tensor<16xf32>
  tt.return %y : tensor<16xf32>
}

// CHECK-LABEL: tt.func @one_plus_tanh(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @one_plus_tanh(%x: f32) -> f32 {
  // CHECK: %[[FACTOR:.*]] = arith.constant -2.885390e+00 : f32
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[FACTOR]]
  // CHECK: %[[DECAY:.*]] = math.exp2 %[[SCALED]]
  // CHECK: %[[SUM:.*]] = arith.addf %[[DECAY]]
  // CHECK: arith.divf %{{.*}}, %[[SUM]] fastmath<arcp>
  // CHECK-NOT: math.
  // CHECK: tt.return
  %one = arith.constant 1.0 : f32
  %curve = math.tanh %x : f32
  %y = arith.addf %one, %curve : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @one_plus_erf(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @one_plus_erf(%x: f32) -> f32 {
  // CHECK: %[[T:.*]] = arith.divf %{{.*}} fastmath<arcp>
  // CHECK-COUNT-8: math.fma
  // CHECK: %[[DECAY:.*]] = math.exp2
  // CHECK: %[[BELOW:.*]] = arith.mulf %[[DECAY]]
  // CHECK: %[[ABOVE:.*]] = arith.subf %{{.*}}, %[[BELOW]]
  // CHECK: arith.select %{{.*}}, %[[BELOW]], %[[ABOVE]]
  // CHECK-NOT: math.erf
  // CHECK: tt.return
  %one = arith.constant 1.0 : f32
  %curve = math.erf %x : f32
  %y = arith.addf %curve, %one : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @exponential_minus_one(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @exponential_minus_one(%x: f32) -> f32 {
  // CHECK: %[[POWER:.*]] = math.exp2
  // CHECK: %[[LARGE:.*]] = arith.subf %[[POWER]]
  // CHECK-COUNT-6: math.fma
  // CHECK: %[[SMALL:.*]] = arith.mulf %[[X]]
  // CHECK: arith.select %{{.*}}, %[[SMALL]], %[[LARGE]]
  %y = math.expm1 %x : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @softplus(
// CHECK-SAME: %[[X:.*]]: f32)
tt.func @softplus(%x: f32) -> (f32, f32) {
  // CHECK: math.absf %[[X]]
  // CHECK: %[[U:.*]] = math.exp2
  // CHECK-COUNT-8: math.fma
  // CHECK: %[[PART:.*]] = arith.maximumf %[[X]]
  // CHECK: %[[Y:.*]] = math.fma %[[U]], %{{.*}}, %[[PART]]
  // CHECK-NOT: math.log
  // CHECK: tt.return %[[Y]], %[[Y]]
  %one = arith.constant 1.0 : f32
  %power = math.exp %x : f32
  %0 = math.log1p %power : f32
  %sum = arith.addf %power, %one : f32
  %1 = math.log %sum : f32
  tt.return %0, %1 : f32, f32
}

// CHECK-LABEL: tt.func @softplus_of_a_negative(
tt.func @softplus_of_a_negative(%x: f32) -> f32 {
  // CHECK-COUNT-8: math.fma
  // CHECK-NOT: arith.maximumf
  // CHECK-NOT: math.log
  // CHECK: tt.return
  %size = math.absf %x : f32
  %below = arith.negf %size : f32
  %power = math.exp %below : f32
  %y = math.log1p %power : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @sigmoid(
tt.func @sigmoid(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: %[[SUM:.*]] = arith.addf
  // CHECK: arith.divf %{{.*}}, %[[SUM]] fastmath<arcp>
  %one = arith.constant dense<1.0> : tensor<16xf32>
  %decay = math.exp %x : tensor<16xf32>
  %sum = arith.addf %one, %decay : tensor<16xf32>
  %y = arith.divf %one, %sum : tensor<16xf32>
  tt.return %y : tensor<16xf32>
}

// CHECK-LABEL: tt.func @by_an_integer(
tt.func @by_an_integer(%x: f32, %n: i32) -> f32 {
  // CHECK: arith.divf {{.*}} fastmath<arcp>
  %f = arith.sitofp %n : i32 to f32
  %y = arith.divf %x, %f : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @by_a_column(
// CHECK-SAME: %[[X:.*]]: tensor<16x64xf32>, %[[C:.*]]: tensor<16x1xf32>)
tt.func @by_a_column(%x: tensor<16x64xf32>, %c: tensor<16x1xf32>) -> tensor<16x64xf32> {
  // CHECK: %[[SIZE:.*]] = math.absf %[[C]]
  // CHECK: %[[TINY:.*]] = arith.cmpf olt, %[[SIZE]], %{{.*}} : tensor<16x1xf32>
  // CHECK: %[[UNIT:.*]] = arith.select %[[TINY]]
  // CHECK: %[[PRODUCT:.*]] = arith.mulf %[[C]], %[[UNIT]]
  // CHECK: %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[PRODUCT]] : tensor<16x1xf32>
  // CHECK: %[[UNITS:.*]] = tt.broadcast %[[UNIT]]
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[UNITS]]
  // CHECK: %[[TILE:.*]] = tt.broadcast %[[INVERSE]]
  // CHECK: arith.mulf %[[SCALED]], %[[TILE]]
  %tile = tt.broadcast %c : tensor<16x1xf32> -> tensor<16x64xf32>
  %y = arith.divf %x, %tile : tensor<16x64xf32>
  tt.return %y : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @by_a_scalar_integer(
tt.func @by_a_scalar_integer(%x: tensor<16xf32>, %n: i32) -> tensor<16xf32> {
  // CHECK: %[[F:.*]] = arith.sitofp
  // CHECK: %[[INVERSE:.*]] = arith.divf %{{.*}}, %[[F]] fastmath<arcp> : f32
  // CHECK: tt.splat %[[INVERSE]]
  %f = arith.sitofp %n : i32 to f32
  %tile = tt.splat %f : f32 -> tensor<16xf32>
  %y = arith.divf %x, %tile : tensor<16xf32>
  tt.return %y : tensor<16xf32>
}

// CHECK-LABEL: tt.func @divisions_that_stay(
tt.func @divisions_that_stay(%x: f32, %y: f32, %n: i32) -> (f32, f32, f32, i32) {
  // Any divisor, and a dividend that may be as large.
  // CHECK-NOT: fastmath
  // CHECK: arith.divf
  // CHECK: arith.divf
  // Triton's backend multiplies by a constant's reciprocal.
  // CHECK: arith.divf
  // A last bit could become a whole number.
  // CHECK: arith.divf
  // CHECK: tt.return
  %one = arith.constant 1.0 : f32
  %fifty = arith.constant 50.0 : f32
  %power = math.exp %y : f32
  %sum = arith.addf %power, %one : f32
  %whole = arith.sitofp %n : i32 to f32
  %0 = arith.divf %x, %y : f32
  %1 = arith.divf %x, %sum : f32
  %2 = arith.divf %x, %fifty : f32
  %3 = arith.divf %x, %whole : f32
  %4 = arith.fptosi %3 : f32 to i32
  tt.return %0, %1, %2, %4 : f32, f32, f32, i32
}

// CHECK-LABEL: tt.func @functions_that_stay(
tt.func @functions_that_stay(%x: f32, %d: f64, %h: f16) {
  // CHECK: math.exp %{{.*}} : f64
  // CHECK: math.tanh %{{.*}} : f64
  // CHECK: math.exp %{{.*}} : f16
  // CHECK: math.erf
  // CHECK: math.log %
  // CHECK: math.log1p
  // CHECK: math.powf
  // CHECK: math.powf
  %0 = math.exp %d : f64
  %1 = math.tanh %d : f64
  %2 = math.exp %h : f16
  %3 = math.erf %x : f32
  %4 = math.log %x : f32
  %5 = math.log1p %x : f32
  %minus = arith.constant -2.0 : f32
  %6 = math.powf %minus, %x : f32
  %7 = math.powf %x, %minus : f32
  tt.call @use(%0, %1, %2, %3, %4, %5, %6, %7) : (f64, f64, f16, f32, f32, f32, f32, f32) -> ()
  tt.return
}

tt.func private @use(f64, f64, f16, f32, f32, f32, f32, f32)

// A question for NaN or infinity has the same answer for a quotient that is off
// by a bit, and a choice between two forms of tanh is none of the mod's.
// CHECK-LABEL: tt.func @what_decides_nothing(
tt.func @what_decides_nothing(%x: f32, %n: i32) -> (f32, i1, i1) {
  // CHECK: arith.divf %{{.*}}, %{{.*}} fastmath<arcp> : f32
  // CHECK: arith.cmpf olt, %{{.*}} fastmath<afn> : f32
  %inf = arith.constant 0x7F800000 : f32
  %d = arith.sitofp %n : i32 to f32
  %0 = arith.divf %x, %d : f32
  %1 = math.tanh %0 : f32
  %2 = arith.cmpf uno, %0, %0 : f32
  %3 = arith.cmpf oeq, %0, %inf : f32
  tt.return %1, %2, %3 : f32, i1, i1
}
