// RUN: pyflex-opt %s --flex-to-triton --canonicalize --cse | FileCheck %s --implicit-check-not=flex. --implicit-check-not=unrealized

// 72 columns are 64, and 8 of 16: columns are masked in the second piece alone. Its product is added to the first's.
// CHECK-LABEL: tt.func @scores(
tt.func @scores(%p: !tt.ptr<bf16>, %s: i64, %b: i32, %index: tensor<16xi32>, %valid: tensor<16xi1>, %scale: f32)
    -> tensor<16x16xf32> {
  // CHECK-DAG: %[[LIMIT:.*]] = arith.constant dense<72> : tensor<1x16xi32>
  // CHECK-DAG: %[[NO_SCORE:.*]] = arith.constant dense<0.000000e+00> : tensor<16x16xf32>
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0.000000e+00> : tensor<16x64xbf16>
  // CHECK-DAG: %[[NONE2:.*]] = arith.constant dense<0.000000e+00> : tensor<16x16xbf16>
  // CHECK: %[[RANGE:.*]] = tt.make_range {end = 64 : i32, start = 0 : i32}
  // CHECK: %[[P:.*]] = tt.addptr %{{.*}}, %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
  // CHECK: %[[LINES:.*]] = tt.expand_dims %{{.*}} {axis = 1 : i32} : tensor<16xi1>
  // CHECK: %[[M:.*]] = tt.broadcast %[[LINES]] : tensor<16x1xi1> -> tensor<16x64xi1>
  // CHECK: %[[RANGE2:.*]] = tt.make_range {end = 80 : i32, start = 64 : i32}
  // CHECK: %[[COLUMNS:.*]] = tt.expand_dims %[[RANGE2]] {axis = 0 : i32}
  // CHECK: %[[P2:.*]] = tt.addptr %{{.*}}, %{{.*}} : tensor<16x16x!tt.ptr<bf16>>
  // CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[COLUMNS]], %[[LIMIT]]
  // CHECK: %[[WIDE:.*]] = tt.broadcast %[[BELOW]] : tensor<1x16xi1> -> tensor<16x16xi1>
  // CHECK: %[[M2:.*]] = arith.andi %{{.*}}, %[[WIDE]]
  // CHECK: %[[X:.*]] = tt.load %[[P]], %[[M]], %[[NONE]] : tensor<16x64x!tt.ptr<bf16>>
  // CHECK: %[[X2:.*]] = tt.load %[[P2]], %[[M2]], %[[NONE2]] : tensor<16x16x!tt.ptr<bf16>>
  // CHECK: %[[T:.*]] = tt.trans %[[X]]
  // CHECK: %[[DOT:.*]] = tt.dot %[[X]], %[[T]], %[[NO_SCORE]] :
  // CHECK: %[[T2:.*]] = tt.trans %[[X2]]
  // CHECK: %[[DOT2:.*]] = tt.dot %[[X2]], %[[T2]], %[[DOT]] :
  // CHECK: arith.mulf %[[DOT2]],
  %one = arith.constant 1 : i64
  %view = flex.view %p[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %x = flex.load %view[%b, %index, %index] if %valid columns 72
      : !flex.view<4 x bf16>, tensor<16xi32>, tensor<16xi32>, tensor<16xi1> -> tensor<16x80xbf16>
  %0 = flex.scores %x, %x, %scale : tensor<16x80xbf16>, tensor<16x80xbf16> -> tensor<16x16xf32>
  tt.return %0 : tensor<16x16xf32>
}

// The loop carries an accumulator for each piece, and multiplies the widest one last.
// CHECK-LABEL: tt.func @loop(
tt.func @loop(%p: !tt.ptr<f16>, %s: i64, %b: i32, %length: i32, %row: tensor<16xi32>, %row_valid: tensor<16xi1>,
              %scores: tensor<16x32xf32>) {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16x64xf32>
  // CHECK-DAG: %[[ZERO2:.*]] = arith.constant dense<0.000000e+00> : tensor<16x32xf32>
  // CHECK: %[[LOOP:.*]]:4 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %[[ACC:.*]] = %[[ZERO]], %[[ACC2:.*]] = %[[ZERO2]]) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x64xf32>, tensor<16x32xf32>)
  // CHECK: %[[V:.*]] = tt.load {{.*}} : tensor<32x64x!tt.ptr<f16>>
  // CHECK: %[[V2:.*]] = tt.load {{.*}} : tensor<32x32x!tt.ptr<f16>>
  // CHECK: %[[OLD:.*]] = arith.mulf %[[ACC]],
  // CHECK: %[[OLD2:.*]] = arith.mulf %[[ACC2]],
  // CHECK: %[[W:.*]] = arith.truncf %{{.*}} : tensor<16x32xf32> to tensor<16x32xf16>
  // CHECK: %[[NEW2:.*]] = tt.dot %[[W]], %[[V2]], %[[OLD2]] :
  // CHECK: %[[NEW:.*]] = tt.dot %[[W]], %[[V]], %[[OLD]] :
  // CHECK: scf.yield %{{.*}}, %{{.*}}, %[[NEW]], %[[NEW2]] :
  // CHECK: %[[OUT:.*]] = arith.divf %[[LOOP]]#2,
  // CHECK: %[[OUT2:.*]] = arith.divf %[[LOOP]]#3,
  // CHECK-NOT: arith.cmpi
  // CHECK: %[[HALF:.*]] = arith.truncf %[[OUT]] : tensor<16x64xf32> to tensor<16x64xf16>
  // CHECK: tt.store %{{.*}}, %[[HALF]], %{{.*}} : tensor<16x64x!tt.ptr<f16>>
  // CHECK: %[[HALF2:.*]] = arith.truncf %[[OUT2]] : tensor<16x32xf32> to tensor<16x32xf16>
  // CHECK: tt.store %{{.*}}, %[[HALF2]], %{{.*}} : tensor<16x32x!tt.ptr<f16>>
  %x = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f16> -> !flex.view<4 x f16>
  %m0 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %l0 = arith.constant dense<0.0> : tensor<16xf32>
  %acc0 = arith.constant dense<0.0> : tensor<16x96xf32>
  %blocks = flex.range %length
  %state:3 = flex.for %blocks below %length
      init(%m0, %l0, %acc0 : tensor<16xf32>, tensor<16xf32>, tensor<16x96xf32>) {
  ^bb0(%kv: tensor<32xi32>, %valid: tensor<32xi1>, %unmasked: i1, %m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x96xf32>):
    %v = flex.load %x[%b, %b, %kv] if %valid columns 96
        : !flex.view<4 x f16>, i32, tensor<32xi32>, tensor<32xi1> -> tensor<32x96xf16>
    %next:3 = flex.online_softmax(%m, %l, %acc), %scores, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x96xf32>), tensor<16x32xf32>, tensor<32x96xf16>
    flex.yield %next#0, %next#1, %next#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x96xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x96xf32>
  %out:3 = flex.softmax_finish(%state#0, %state#1, %state#2) : (tensor<16xf32>, tensor<16xf32>, tensor<16x96xf32>)
  flex.store %out#0 -> %x[%b, %row, %row] if %row_valid columns 96
      : tensor<16x96xf32> -> !flex.view<4 x f16>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// Of consecutive lines both pieces start at one scalar.
// CHECK-LABEL: tt.func @consecutive_lines(
tt.func @consecutive_lines(%p: !tt.ptr<f32>, %s: i64, %b: i32, %length: i32, %scale: f32, %init: tensor<16x16xf32>)
    -> tensor<16x16xf32> {
  // CHECK: scf.for %[[I:[^ ]*]] =
  // CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %c16_i32
  // CHECK: %[[BEFORE:.*]] = arith.subi %[[FIRST]],
  // CHECK: arith.extsi %[[BEFORE]] : i32 to i64
  // CHECK: %[[START:.*]] = tt.addptr %{{.*}}, %{{.*}} : !tt.ptr<f32>, i64
  // CHECK: %[[P:.*]] = tt.splat %[[START]] : !tt.ptr<f32> -> tensor<16x128x!tt.ptr<f32>>
  // CHECK: tt.addptr %[[P]], %{{.*}} : tensor<16x128x!tt.ptr<f32>>, tensor<16x128xi64>
  // CHECK: %[[P2:.*]] = tt.splat %[[START]] : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  // CHECK: tt.addptr %[[P2]], %{{.*}} : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi64>
  %x = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %blocks = flex.range %length
  %0 = flex.for %blocks below %length init(%init : tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %in: tensor<16x16xf32>):
    %k = flex.load %x[%b, %b, %kv] if %valid columns 144
        : !flex.view<4 x f32>, i32, tensor<16xi32>, tensor<16xi1> -> tensor<16x144xf32>
    %1 = flex.scores %k, %k, %scale : tensor<16x144xf32>, tensor<16x144xf32> -> tensor<16x16xf32>
    flex.yield %1 : tensor<16x16xf32>
  } -> tensor<16x16xf32>
  tt.return %0 : tensor<16x16xf32>
}
