// RUN: %ttg-opt ttg-skip-tiles < %s | diff %s -

// What is left as it is: copies of a tile that exists, with a mask that says something else. Their
// zeros are read.
tt.func public @masked_rows(%n: i32, %full: i1, %m: i32) {
    %0 = arith.cmpi slt, %m, %c1_i32 : i32
    %1 = tt.splat %0 : i1 -> tensor<64x128xi1>
    %2 = ttg.async_copy_global_to_local %keys0, %k0 mask %1 other %zeros : tensor<64x128x!tt.ptr<bf16>>
    %3 = ttg.async_commit_group tokens %2
    %4 = ttg.async_copy_global_to_local %keys1, %k1 : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %3, %arg2 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg1 {num = 1 : i32}
      %11 = tt.splat %full : i1 -> tensor<64x128xi1>
      %12 = ttg.async_copy_global_to_local %keys2, %k2 mask %11 other %zeros : tensor<64x128x!tt.ptr<bf16>>
      %13 = ttg.async_commit_group tokens %12
      scf.yield %arg2, %13 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// A loop that the pipeliner left alone.
tt.func public @not_pipelined(%n: i32) {
    %0 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %none) -> (tensor<16x128xf32>)  : i32 {
      %1 = tt.load %keys, %rows : tensor<64x128x!tt.ptr<bf16>>
      scf.yield %1 : tensor<16x128xf32>
    }
    tt.return
}

// Copies that share a group: it is not clear where the tile's end is.
tt.func public @one_group(%n: i32) {
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %3, %arg2 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %9 = arith.subi %n, %c2_i32 : i32
      %10 = arith.cmpi slt, %arg0, %9 : i32
      %11 = ttg.async_wait %arg1 {num = 1 : i32}
      %12 = tt.splat %10 : i1 -> tensor<64x128xi1>
      %13 = ttg.async_copy_global_to_local %keys2, %k2 mask %12 other %zeros : tensor<64x128x!tt.ptr<bf16>>
      %14 = ttg.async_copy_global_to_local %values2, %v2 mask %12 other %zeros : tensor<64x128x!tt.ptr<bf16>>
      %15 = tt.load %ahead : tensor<64x128x!tt.ptr<bf16>>
      %16 = ttg.async_commit_group tokens %13, %14
      scf.yield %arg2, %16 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Copies with a load between them, as of a table that is read by another: two branches a tile.
tt.func public @two_runs(%n: i32) {
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %3, %arg2 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %9 = arith.subi %n, %c2_i32 : i32
      %10 = arith.cmpi slt, %arg0, %9 : i32
      %11 = ttg.async_wait %arg1 {num = 1 : i32}
      %12 = tt.splat %10 : i1 -> tensor<64x128xi1>
      %13 = ttg.async_copy_global_to_local %keys2, %k2 mask %12 other %zeros : tensor<64x128x!tt.ptr<bf16>>
      %14 = ttg.async_commit_group tokens %13
      %15 = tt.load %index : tensor<64x!tt.ptr<i32>>
      %16 = ttg.async_copy_global_to_local %values2, %v2 mask %12 other %zeros : tensor<64x128x!tt.ptr<bf16>>
      %17 = ttg.async_commit_group tokens %16
      scf.yield %14, %17 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}
