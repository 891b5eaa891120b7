// RUN: pyflex-opt %s --flex-widen-loads | FileCheck %s

// What is left alone: nothing here is loaded by another type.
// CHECK-NOT: tt.ptr_to_int
// CHECK-NOT: arith.divui

// Four bytes are a word.
tt.func @words(%p: tensor<1x64x!tt.ptr<f32>>, %start: tensor<1x64xf32>, %n: i32) -> tensor<1x64xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %start) -> (tensor<1x64xf32>) : i32 {
    %value = tt.load %p : tensor<1x64x!tt.ptr<f32>>
    %next = arith.addf %sum, %value : tensor<1x64xf32>
    scf.yield %next : tensor<1x64xf32>
  }
  tt.return %0 : tensor<1x64xf32>
}

// Values for each row and key, of which nobody knows how they lie.
tt.func @tile(%p: tensor<16x64x!tt.ptr<bf16>>, %start: tensor<16x64xbf16>, %n: i32) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %start) -> (tensor<16x64xbf16>) : i32 {
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// One value for all keys.
tt.func @scalar(%p: !tt.ptr<i8>, %start: i8, %n: i32) -> i8 {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %start) -> (i8) : i32 {
    %value = tt.load %p : !tt.ptr<i8>
    %next = arith.addi %sum, %value : i8
    scf.yield %next : i8
  }
  tt.return %0 : i8
}

// No loop, or one that writes: there is nothing to load ahead of.
tt.func @no_loop(%p: tensor<1x64x!tt.ptr<i8>>) -> tensor<1x64xi8> {
  %value = tt.load %p : tensor<1x64x!tt.ptr<i8>>
  tt.return %value : tensor<1x64xi8>
}

tt.func @writes(%p: tensor<1x64x!tt.ptr<i8>>, %q: tensor<1x64x!tt.ptr<i8>>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %n step %c1 : i32 {
    %value = tt.load %p : tensor<1x64x!tt.ptr<i8>>
    tt.store %q, %value : tensor<1x64x!tt.ptr<i8>>
  }
  tt.return
}

// Lines that may begin anywhere.
tt.func @lines_begin_anywhere(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %stride: i64,
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// And a table that may.
tt.func @table_begins_anywhere(%table: !tt.ptr<bf16>, %stride: i64 {tt.divisibility = 16 : i32},
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// Every second value of a line.
tt.func @every_other(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %stride: i64 {tt.divisibility = 16 : i32},
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %keys_ = arith.addi %keys, %keys : tensor<16x64xi64>
    %offset = arith.addi %lines, %keys_ : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// Keys that are not clamped to the last one of all: their values may count.
tt.func @no_clamp(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %stride: i64 {tt.divisibility = 16 : i32},
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %own = arith.minsi %kv, %range : tensor<64xi32>
    %one = tt.expand_dims %own {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// What is loaded for some keys and not for others.
tt.func @of_existing_keys(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %stride: i64 {tt.divisibility = 16 : i32},
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %exists = arith.cmpi sle, %positions, %last : tensor<64xi32>
    %row = tt.expand_dims %exists {axis = 0 : i32} : tensor<64xi1> -> tensor<1x64xi1>
    %mask = tt.broadcast %row : tensor<1x64xi1> -> tensor<16x64xi1>
    %value = tt.load %p, %mask, %none : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// An index of another table: past the last key it could be any number.
tt.func @index(%table: !tt.ptr<i32> {tt.divisibility = 16 : i32}, %stride: i64 {tt.divisibility = 16 : i32}, %other: !tt.ptr<bf16>,
    %rows: tensor<16x64xi64>, %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %strides = tt.splat %stride : i64 -> tensor<16x64xi64>
  %lines = arith.muli %rows, %strides : tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<i32> -> tensor<16x64x!tt.ptr<i32>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<i32>>, tensor<16x64xi64>
    %number = tt.load %p : tensor<16x64x!tt.ptr<i32>>
    %others = tt.splat %other : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
    %at = tt.addptr %others, %number : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi32>
    %value = tt.load %at : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}

// The same where loops carry the index, and a pointer from each iteration to the
// next.
tt.func @carried_index(%table: !tt.ptr<i32> {tt.divisibility = 16 : i32}, %other: tensor<16x64x!tt.ptr<bf16>>,
    %limit: i32, %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %tables = tt.splat %table : !tt.ptr<i32> -> tensor<16x64x!tt.ptr<i32>>
  %0:2 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none, %others = %other)
      -> (tensor<16x64xbf16>, tensor<16x64x!tt.ptr<bf16>>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %keys = tt.broadcast %one : tensor<1x64xi32> -> tensor<16x64xi32>
    %p = tt.addptr %tables, %keys : tensor<16x64x!tt.ptr<i32>>, tensor<16x64xi32>
    %number = tt.load %p : tensor<16x64x!tt.ptr<i32>>
    %1:2 = scf.for %j = %c0 to %c64 step %c1 iter_args(%x = %number, %inner = %sum)
        -> (tensor<16x64xi32>, tensor<16x64xbf16>) : i32 {
      %at = tt.addptr %others, %x : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi32>
      %value = tt.load %at : tensor<16x64x!tt.ptr<bf16>>
      %next = arith.addf %inner, %value : tensor<16x64xbf16>
      %more = arith.addi %x, %x : tensor<16x64xi32>
      scf.yield %more, %next : tensor<16x64xi32>, tensor<16x64xbf16>
    }
    scf.yield %1#1, %others : tensor<16x64xbf16>, tensor<16x64x!tt.ptr<bf16>>
  }
  tt.return %0#0 : tensor<16x64xbf16>
}

// Lines that begin at sums of sums, of which each is looked at once: there are 2^60 ways to the stride.
tt.func @sums_of_sums(%table: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %s0: i64, %limit: i32,
    %none: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c64 = arith.constant 64 : i32
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %end = arith.subi %limit, %c1 : i32
  %last = tt.splat %end : i32 -> tensor<64xi32>
  %s1 = arith.addi %s0, %s0 : i64
  %s2 = arith.addi %s1, %s1 : i64
  %s3 = arith.addi %s2, %s2 : i64
  %s4 = arith.addi %s3, %s3 : i64
  %s5 = arith.addi %s4, %s4 : i64
  %s6 = arith.addi %s5, %s5 : i64
  %s7 = arith.addi %s6, %s6 : i64
  %s8 = arith.addi %s7, %s7 : i64
  %s9 = arith.addi %s8, %s8 : i64
  %s10 = arith.addi %s9, %s9 : i64
  %s11 = arith.addi %s10, %s10 : i64
  %s12 = arith.addi %s11, %s11 : i64
  %s13 = arith.addi %s12, %s12 : i64
  %s14 = arith.addi %s13, %s13 : i64
  %s15 = arith.addi %s14, %s14 : i64
  %s16 = arith.addi %s15, %s15 : i64
  %s17 = arith.addi %s16, %s16 : i64
  %s18 = arith.addi %s17, %s17 : i64
  %s19 = arith.addi %s18, %s18 : i64
  %s20 = arith.addi %s19, %s19 : i64
  %s21 = arith.addi %s20, %s20 : i64
  %s22 = arith.addi %s21, %s21 : i64
  %s23 = arith.addi %s22, %s22 : i64
  %s24 = arith.addi %s23, %s23 : i64
  %s25 = arith.addi %s24, %s24 : i64
  %s26 = arith.addi %s25, %s25 : i64
  %s27 = arith.addi %s26, %s26 : i64
  %s28 = arith.addi %s27, %s27 : i64
  %s29 = arith.addi %s28, %s28 : i64
  %s30 = arith.addi %s29, %s29 : i64
  %s31 = arith.addi %s30, %s30 : i64
  %s32 = arith.addi %s31, %s31 : i64
  %s33 = arith.addi %s32, %s32 : i64
  %s34 = arith.addi %s33, %s33 : i64
  %s35 = arith.addi %s34, %s34 : i64
  %s36 = arith.addi %s35, %s35 : i64
  %s37 = arith.addi %s36, %s36 : i64
  %s38 = arith.addi %s37, %s37 : i64
  %s39 = arith.addi %s38, %s38 : i64
  %s40 = arith.addi %s39, %s39 : i64
  %s41 = arith.addi %s40, %s40 : i64
  %s42 = arith.addi %s41, %s41 : i64
  %s43 = arith.addi %s42, %s42 : i64
  %s44 = arith.addi %s43, %s43 : i64
  %s45 = arith.addi %s44, %s44 : i64
  %s46 = arith.addi %s45, %s45 : i64
  %s47 = arith.addi %s46, %s46 : i64
  %s48 = arith.addi %s47, %s47 : i64
  %s49 = arith.addi %s48, %s48 : i64
  %s50 = arith.addi %s49, %s49 : i64
  %s51 = arith.addi %s50, %s50 : i64
  %s52 = arith.addi %s51, %s51 : i64
  %s53 = arith.addi %s52, %s52 : i64
  %s54 = arith.addi %s53, %s53 : i64
  %s55 = arith.addi %s54, %s54 : i64
  %s56 = arith.addi %s55, %s55 : i64
  %s57 = arith.addi %s56, %s56 : i64
  %s58 = arith.addi %s57, %s57 : i64
  %s59 = arith.addi %s58, %s58 : i64
  %s60 = arith.addi %s59, %s59 : i64
  %lines = tt.splat %s60 : i64 -> tensor<16x64xi64>
  %tables = tt.splat %table : !tt.ptr<bf16> -> tensor<16x64x!tt.ptr<bf16>>
  %0 = scf.for %i = %c0 to %limit step %c64 iter_args(%sum = %none) -> (tensor<16x64xbf16>) : i32 {
    %start = tt.splat %i : i32 -> tensor<64xi32>
    %positions = arith.addi %start, %range : tensor<64xi32>
    %kv = arith.minsi %positions, %last : tensor<64xi32>
    %one = tt.expand_dims %kv {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %wide = arith.extsi %one : tensor<1x64xi32> to tensor<1x64xi64>
    %keys = tt.broadcast %wide : tensor<1x64xi64> -> tensor<16x64xi64>
    %offset = arith.addi %lines, %keys : tensor<16x64xi64>
    %p = tt.addptr %tables, %offset : tensor<16x64x!tt.ptr<bf16>>, tensor<16x64xi64>
    %value = tt.load %p : tensor<16x64x!tt.ptr<bf16>>
    %next = arith.addf %sum, %value : tensor<16x64xbf16>
    scf.yield %next : tensor<16x64xbf16>
  }
  tt.return %0 : tensor<16x64xbf16>
}
