// RUN: %ttg-opt ttg-wait-for-keys < %s | diff %s -
// RUN: not %ttg-opt ttg-wait < %s 2>&1 | FileCheck %s

// What is left as it is, and what is no pass.
// CHECK: expected names of passes, out of ttg-wait-for-keys, ttg-skip-tiles, ttg-reduce-once; got ['ttg-wait']

// Weights that stay in registers: the wait would be a barrier more.
tt.func public @no_store(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values that are read ahead of the maximum, as those of float32 are.
tt.func public @read_early(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xf32>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xf32>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xf32>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<f32>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xf32>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<f32>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xf32>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xf32>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xf32>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xf32>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xf32>) -> !ttg.memdesc<16x64xf32>
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values that the matrix units read where they lie: no load says which wait they need.
tt.func public @no_load(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16>
      %19 = ttng.warp_group_dot %17, %14, %arg1 : !ttg.memdesc<16x64xbf16> * !ttg.memdesc<64x128xbf16>
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values whose copies are started ahead of the keys': to wait for the keys is to wait for both.
tt.func public @values_first(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values whose copies are started ahead of the keys' in the loop alone.
tt.func public @values_first_in_the_loop(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values that something without a token reads ahead of the maximum.
tt.func public @other_reader(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      %16 = ttg.memdesc_trans %14 : !ttg.memdesc<64x128xbf16>
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}

// Values that a region ahead of the maximum reads.
tt.func public @read_in_a_region(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16>
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %2 = ttg.async_commit_group tokens %1
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16>
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>>
    %5 = ttg.async_commit_group tokens %4
    %6:2 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg2 = %2, %arg3 = %5) -> (!ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32}
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16>
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16>
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16>
      scf.if %some {
        %16 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      }
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      }) : (tensor<16x64xf32>) -> tensor<16xf32>
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16>
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16>
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %22 = ttg.async_commit_group tokens %21
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>>
      %24 = ttg.async_commit_group tokens %23
      scf.yield %22, %24 : !ttg.async.token, !ttg.async.token
    }
    tt.return
}
