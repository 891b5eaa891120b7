// RUN: %ttg-opt ttg-reduce-once < %s | diff %s -

// What is left as it is.
#rows = #ttg.linear<{register = [[0, 1], [0, 8]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[8, 0], [16, 0]], block = []}>
#alone = #ttg.linear<{register = [[0, 1], [0, 8]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [], block = []}>
#apart = #ttg.linear<{register = [[0, 1], [0, 16]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[0, 8], [0, 32]], block = []}>
#same = #ttg.linear<{register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]], block = []}>
#mma = #ttg.nvidia_mma<{versionMajor = 2, versionMinor = 0, warpsPerCTA = [1, 4], instrShape = [16, 8]}>
#ofrows = #ttg.nvidia_mma<{versionMajor = 2, versionMinor = 0, warpsPerCTA = [2, 2], instrShape = [16, 8]}>
#wgmma = #ttg.nvidia_mma<{versionMajor = 3, versionMinor = 0, warpsPerCTA = [1, 4], instrShape = [16, 8]}>
#linear = #ttg.linear<{register = [[0, 1]], lane = [[0, 2], [0, 4], [1, 0], [2, 0], [4, 0]], warp = [[0, 8], [0, 16]], block = []}>
#blocked = #ttg.blocked<{sizePerThread = [1, 4], threadsPerWarp = [1, 32], warpsPerCTA = [1, 4], order = [1, 0]}>

// Warps that have rows of their own.
tt.func public @rows(%s: tensor<32x16xf32, #rows>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<32x16xf32, #rows>) -> tensor<32xf32, #ttg.slice<{dim = 1, parent = #rows}>>
    tt.return
}

// One warp.
tt.func public @alone(%s: tensor<8x16xf32, #alone>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x16xf32, #alone>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #alone}>>
    tt.return
}

// Warps whose columns are not next to each other.
tt.func public @apart(%s: tensor<8x64xf32, #apart>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x64xf32, #apart>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #apart}>>
    tt.return
}

// Warps that have the same columns, all of them or some.
tt.func public @same(%s: tensor<8x8xf32, #same>, %t: tensor<16x16xf32, #mma>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x8xf32, #same>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #same}>>
    %n = "tt.reduce"(%t) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<16x16xf32, #mma>) -> tensor<16xf32, #ttg.slice<{dim = 1, parent = #mma}>>
    tt.return
}

// Layouts of other kinds: of loads, of products whose warps divide the rows as well, and of wgmma.
tt.func public @layouts(%s: tensor<16x512xf32, #blocked>, %t: tensor<64x16xf32, #ofrows>, %u: tensor<64x64xf32, #wgmma>) {
    %m = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<16x512xf32, #blocked>) -> tensor<16xf32, #ttg.slice<{dim = 1, parent = #blocked}>>
    %n = "tt.reduce"(%t) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<64x16xf32, #ofrows>) -> tensor<64xf32, #ttg.slice<{dim = 1, parent = #ofrows}>>
    %o = "tt.reduce"(%u) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<64x64xf32, #wgmma>) -> tensor<64xf32, #ttg.slice<{dim = 1, parent = #wgmma}>>
    tt.return
}

// A column's rows, and what is neither the sum nor the maximum of two elements.
tt.func public @others(%s: tensor<8x32xf32, #linear>, %z: f32) {
    %m = "tt.reduce"(%s) <{axis = 0 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<32xf32, #ttg.slice<{dim = 0, parent = #linear}>>
    %n0 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.subf %x, %y : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %n1 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %x, %x : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %n2 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.addf %y, %x : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %n3 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %z : f32
      tt.reduce.return %0 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %n4 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %x : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %n5 = "tt.reduce"(%s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %y: f32):
      %0 = arith.mulf %x, %x : f32
      %1 = arith.addf %0, %y : f32
      tt.reduce.return %1 : f32
    }) : (tensor<8x32xf32, #linear>) -> tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>
    %p:2 = "tt.reduce"(%s, %s) <{axis = 1 : i32}> ({
    ^bb0(%x: f32, %v: f32, %y: f32, %w: f32):
      %0 = arith.maxnumf %x, %y : f32
      tt.reduce.return %0, %0 : f32, f32
    }) : (tensor<8x32xf32, #linear>, tensor<8x32xf32, #linear>) -> (tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>, tensor<8xf32, #ttg.slice<{dim = 1, parent = #linear}>>)
    tt.return
}
