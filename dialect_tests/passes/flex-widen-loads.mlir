// RUN: pyflex-opt %s --flex-widen-loads | FileCheck %s

// A byte lies 0 to 3 bytes behind the first of its word.
// CHECK-LABEL: tt.func @bools(
// CHECK-SAME: %[[TABLE:[^:]*]]: tensor<1x64x!tt.ptr<i8>>
tt.func @bools(%table: tensor<1x64x!tt.ptr<i8>>, %none: tensor<1x64xi8>, %n: i32) -> tensor<1x64xi8> {
  %c0 = arith.constant 0 : i32
  %c64 = arith.constant 64 : i32
  // CHECK: scf.for
  %0 = scf.for %i = %c0 to %n step %c64 iter_args(%seen = %none) -> (tensor<1x64xi8>) : i32 {
    %at = tt.splat %i : i32 -> tensor<1x64xi32>
    // CHECK: %[[P:.*]] = tt.addptr %[[TABLE]]
    %p = tt.addptr %table, %at : tensor<1x64x!tt.ptr<i8>>, tensor<1x64xi32>
    // CHECK: %[[WIDE:.*]] = tt.ptr_to_int %[[P]] : tensor<1x64x!tt.ptr<i8>> -> tensor<1x64xi64>
    // CHECK: %[[ADDRESS:.*]] = arith.trunci %[[WIDE]]
    // CHECK: %[[THREE:.*]] = tt.splat %c3_i32
    // CHECK: %[[WITHIN:.*]] = arith.andi %[[ADDRESS]], %[[THREE]]
    // CHECK: %[[ZERO:.*]] = tt.splat %c0_i32
    // CHECK: %[[BACK:.*]] = arith.subi %[[ZERO]], %[[WITHIN]]
    // CHECK: %[[FIRST:.*]] = tt.addptr %[[P]], %[[BACK]]
    // CHECK: %[[WORDS:.*]] = tt.bitcast %[[FIRST]] : tensor<1x64x!tt.ptr<i8>> -> tensor<1x64x!tt.ptr<i32>>
    // CHECK: %[[WORD:.*]] = tt.load %[[WORDS]] : tensor<1x64x!tt.ptr<i32>>
    // CHECK: %[[EIGHT:.*]] = tt.splat %c8_i32
    // CHECK: %[[BITS:.*]] = arith.muli %[[WITHIN]], %[[EIGHT]]
    // CHECK: %[[SHIFTED:.*]] = arith.shrui %[[WORD]], %[[BITS]]
    // CHECK: %[[VALUE:.*]] = arith.trunci %[[SHIFTED]] : tensor<1x64xi32> to tensor<1x64xi8>
    // CHECK: arith.ori %{{.*}}, %[[VALUE]]
    %value = tt.load %p : tensor<1x64x!tt.ptr<i8>>
    %next = arith.ori %seen, %value : tensor<1x64xi8>
    scf.yield %next : tensor<1x64xi8>
  }
  tt.return %0 : tensor<1x64xi8>
}

// Pointers move by elements of 2 bytes; what is not loaded is what it was to be.
// CHECK-LABEL: tt.func @guarded_halves(
// CHECK-SAME: %[[EXISTS:[^:]*]]: tensor<128xi1>, %[[OTHER:[^:]*]]: tensor<128xbf16>
tt.func @guarded_halves(%table: tensor<128x!tt.ptr<bf16>>, %exists: tensor<128xi1>,
                        %other: tensor<128xbf16>, %n: i32) -> tensor<128xbf16> {
  %c0 = arith.constant 0 : i32
  %c128 = arith.constant 128 : i32
  %0 = scf.for %i = %c0 to %n step %c128 iter_args(%sum = %other) -> (tensor<128xbf16>) : i32 {
    // CHECK: %[[HALF_WORD:.*]] = tt.splat %c2_i32
    // CHECK: %[[WITHIN:.*]] = arith.andi %{{.*}}, %[[HALF_WORD]]
    // CHECK: %[[TWO:.*]] = tt.splat %c2_i32
    // CHECK: %[[ELEMENTS:.*]] = arith.divui %[[WITHIN]], %[[TWO]]
    // CHECK: arith.subi %{{.*}}, %[[ELEMENTS]]
    // CHECK: %[[NOTHING:.*]] = arith.constant dense<0> : tensor<128xi32>
    // CHECK: %[[WORD:.*]] = tt.load %{{.*}}, %[[EXISTS]], %[[NOTHING]] : tensor<128x!tt.ptr<i32>>
    // CHECK: %[[SHIFTED:.*]] = arith.shrui %[[WORD]]
    // CHECK: %[[LOW:.*]] = arith.trunci %[[SHIFTED]] : tensor<128xi32> to tensor<128xi16>
    // CHECK: %[[HALF:.*]] = tt.bitcast %[[LOW]] : tensor<128xi16> -> tensor<128xbf16>
    // CHECK: %[[VALUE:.*]] = arith.select %[[EXISTS]], %[[HALF]], %[[OTHER]]
    // CHECK: arith.addf %{{.*}}, %[[VALUE]]
    %value = tt.load %table, %exists, %other : tensor<128x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<128xbf16>
    scf.yield %next : tensor<128xbf16>
  }
  tt.return %0 : tensor<128xbf16>
}
