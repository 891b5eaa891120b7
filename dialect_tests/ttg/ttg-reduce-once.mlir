// RUN: grep -v "^//" %s | %ttg-opt ttg-reduce-once | FileCheck %s

#linear = #ttg.linear<{register = [[0, 1], [0, 32]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[0, 8], [0, 16]], block = []}>
#mma = #ttg.nvidia_mma<{versionMajor = 2, versionMinor = 0, warpsPerCTA = [1, 2], instrShape = [16, 8]}>

// Of four warps each has two runs of eight columns. Every thread reads what the four found.

// CHECK-LABEL: tt.func public @linear
// CHECK: %[[PARTS:.*]] = tt.reshape %s : tensor<8x64xf32, #linear> -> tensor<8x2x4x8xf32,
// CHECK-SAME: register = {{\[}}[0, 0, 0, 1], [0, 1, 0, 0]], lane = {{\[}}[0, 0, 0, 2], [0, 0, 0, 4], [1, 0, 0, 0], [2, 0, 0, 0], [4, 0, 0, 0]], warp = {{\[}}[0, 0, 1, 0], [0, 0, 2, 0]], block = []
// CHECK: %[[THREAD:.*]] = "tt.reduce"(%[[PARTS]]) <{axis = 1 : i32}>
// CHECK: arith.maxnumf %{{.*}}, %{{.*}} : f32
// CHECK: -> tensor<8x4x8xf32, #ttg.slice<{dim = 1,
// CHECK: %[[WARP:.*]] = "tt.reduce"(%[[THREAD]]) <{axis = 2 : i32}>
// CHECK: -> tensor<8x4xf32, #ttg.slice<{dim = 2, parent = #ttg.slice<{dim = 1,
// CHECK: %[[ALL:.*]] = ttg.convert_layout %[[WARP]] : tensor<8x4xf32, {{.*}} -> tensor<8x4xf32,
// CHECK-SAME: register = {{\[}}[0, 1], [0, 2]], lane = {{\[}}[0, 0], [0, 0], [1, 0], [2, 0], [4, 0]], warp = {{\[}}[0, 0], [0, 0]], block = []
// CHECK: %[[ROW:.*]] = "tt.reduce"(%[[ALL]]) <{axis = 1 : i32}>
// CHECK: %m = ttg.convert_layout %[[ROW]] : {{.*}} -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>> loc(#loc3)
tt.func public @linear(%s: tensor<8x64xf32, #linear>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32 loc(#loc1), %y: f32 loc(#loc1)):
      %0 = arith.maxnumf %x, %y : f32 loc(#loc1)
      tt.reduce.return %0 : f32 loc(#loc2)
    }) : (tensor<8x64xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>> loc(#loc3)
    tt.return
}

// Results of a product have two rows a thread.

// CHECK-LABEL: tt.func public @product
// CHECK: tt.reshape %s : tensor<16x32xf32, #mma> -> tensor<16x2x2x8xf32,
// CHECK-SAME: register = {{\[}}[0, 0, 0, 1], [8, 0, 0, 0], [0, 1, 0, 0]]
// CHECK: arith.addf
// CHECK: ttg.convert_layout %{{.*}} -> tensor<16x2xf32,
// CHECK-SAME: register = {{\[}}[0, 1], [8, 0]]
tt.func public @product(%s: tensor<16x32xf32, #mma>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<16x32xf32, #mma>) -> tensor<16xf32, #ttg.slice<{dim = 1, parent = #mma}>>
    tt.return
}

// Of eight rows a thread has each twice, of 32 it has four.

// CHECK-LABEL: tt.func public @more_or_fewer_rows
// CHECK: tt.reshape %s : tensor<8x32xf32, #mma> -> tensor<8x2x2x8xf32,
// CHECK-SAME: register = {{\[}}[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
// CHECK: ttg.convert_layout %{{.*}} -> tensor<8x2xf32,
// CHECK-SAME: register = {{\[}}[0, 1]], lane
// CHECK: tt.reshape %t : tensor<32x32xf32, #mma> -> tensor<32x2x2x8xf32,
// CHECK-SAME: register = {{\[}}[0, 0, 0, 1], [8, 0, 0, 0], [0, 1, 0, 0], [16, 0, 0, 0]]
// CHECK: ttg.convert_layout %{{.*}} -> tensor<32x2xf32,
// CHECK-SAME: register = {{\[}}[0, 1], [8, 0], [16, 0]], lane
tt.func public @more_or_fewer_rows(%s: tensor<8x32xf32, #mma>, %t: tensor<32x32xf32, #mma>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #mma>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #mma}>>
    %n = "tt.reduce"(%t) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<32x32xf32, #mma>) -> tensor<32xf32, #ttg.slice<{dim = 1, parent = #mma}>>
    tt.return
}
