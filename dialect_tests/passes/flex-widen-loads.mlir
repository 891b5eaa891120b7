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

// Lines that begin at multiples of 16 bytes: the values of 8 keys are a vector,
// and loaded if one of these keys exists.
// CHECK-LABEL: tt.func @vectors(
// CHECK-SAME: %[[TABLE:[^:]*]]: !tt.ptr<bf16> {{.*}}, %[[STRIDE:[^:]*]]: i64 {{.*}}, %{{.*}}: tensor<16xi64>, %[[SEEN:[^:]*]]: tensor<16x64xi1>, %[[LIMIT:[^:]*]]: i32
tt.func @vectors(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32},
                 %stride: i64 {tt.divisibility = 16 : i32}, %rows: tensor<16xi64>,
                 %seen: tensor<16x64xi1>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  // CHECK: %[[END:.*]] = arith.subi %[[LIMIT]]
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16xi64>
  %starts = arith.muli %rows, %strides : tensor<16xi64>
  %column = tt.expand_dims %starts {axis = 1 : i32} : tensor<16xi64> -> tensor<16x1xi64>
  // CHECK: %[[LINES:.*]] = tt.broadcast %{{.*}} : tensor<16x1xi64>
  %lines = tt.broadcast %column : tensor<16x1xi64> -> tensor<16x64xi64>
  // CHECK: %[[TABLES:.*]] = tt.splat %[[TABLE]]
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  // CHECK: scf.for
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    // CHECK: %[[POSITIONS:.*]] = arith.addi
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    // CHECK: %[[LAST:.*]] = arith.divui %[[END]], %c8_i32
    // CHECK: %[[VECTOR:.*]] = arith.divui %[[POSITIONS]], %{{.*}} : tensor<64xi32>
    // CHECK: %[[LASTS:.*]] = tt.splat %[[LAST]]
    // CHECK: %[[EXISTS:.*]] = arith.cmpi sle, %[[VECTOR]], %[[LASTS]]
    // CHECK: %[[ONE:.*]] = tt.expand_dims %[[POSITIONS]] {axis = 0 : i32}
    // CHECK: %[[ROW:.*]] = tt.expand_dims %[[EXISTS]] {axis = 0 : i32}
    // CHECK: %[[WIDE:.*]] = arith.extsi %[[ONE]]
    // CHECK: %[[KEYS:.*]] = tt.broadcast %[[WIDE]]
    // CHECK: %[[OFFSET:.*]] = arith.addi %[[LINES]], %[[KEYS]]
    // CHECK: %[[ADDRESS:.*]] = tt.addptr %[[TABLES]], %[[OFFSET]]
    // CHECK: %[[ROWS:.*]] = tt.broadcast %[[ROW]]
    // CHECK: %[[MASK:.*]] = arith.andi %[[SEEN]], %[[ROWS]]
    // CHECK: tt.load %[[ADDRESS]], %[[MASK]], %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
    %value = tt.load %p, %seen, %none : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}
