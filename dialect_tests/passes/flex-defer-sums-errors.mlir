// RUN: pyflex-opt %s --flex-defer-sums | FileCheck %s

// What is left alone: nothing here is carried as a tile.
// CHECK-NOT: iter_args({{.*}}) -> (tensor<{{[0-9]+}}x{{[0-9]+}}xf32>)

// Of 32 rows, warps can have rows of their own.
tt.func @more_rows(%decay: tensor<32xf32>, %weights: tensor<32x64xf32>, %n: i32) -> tensor<32xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<32xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<32xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<32xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<32x64xf32>) -> tensor<32xf32>
    %next = arith.addf %kept, %added : tensor<32xf32>
    scf.yield %next : tensor<32xf32>
  }
  tt.return %0 : tensor<32xf32>
}

// A sum that begins with something has no place in a tile of zeros.
tt.func @from_a_sum(%start: tensor<16xf32>, %decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %n: i32) -> tensor<16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %start) -> (tensor<16xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  tt.return %0 : tensor<16xf32>
}

// The largest is no sum.
tt.func @largest(%decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %n: i32) -> tensor<16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<16xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.maxnumf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  tt.return %0 : tensor<16xf32>
}

// The loop itself asks for the sum.
tt.func @asked_for(%decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %p: tensor<16x!tt.ptr<f32>>, %n: i32) -> tensor<16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<16xf32>) : i32 {
    tt.store %p, %l : tensor<16x!tt.ptr<f32>>
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      tt.reduce.return %s : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  tt.return %0 : tensor<16xf32>
}

// More than a sum.
tt.func @halved_sum(%half: f32, %decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %n: i32) -> tensor<16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<16xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      %t = arith.mulf %s, %half : f32
      tt.reduce.return %t : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  tt.return %0 : tensor<16xf32>
}

// The first column, not a sum.
tt.func @the_first(%decay: tensor<16xf32>, %weights: tensor<16x64xf32>, %n: i32) -> tensor<16xf32> {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%l = %zero) -> (tensor<16xf32>) : i32 {
    %kept = arith.mulf %l, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %y, %y : f32
      tt.reduce.return %x : f32
    }) : (tensor<16x64xf32>) -> tensor<16xf32>
    %next = arith.addf %kept, %added : tensor<16xf32>
    scf.yield %next : tensor<16xf32>
  }
  tt.return %0 : tensor<16xf32>
}
