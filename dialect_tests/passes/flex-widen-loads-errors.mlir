// RUN: pyflex-opt %s --flex-widen-loads | FileCheck %s

// What is left alone: nothing here is loaded by another type.
// CHECK-NOT: tt.ptr_to_int

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

// Of a tile a thread has several values, next to each other in memory.
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
