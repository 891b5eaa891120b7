// RUN: grep -v "^//" %s | %ttg-opt ttg-wait-for-keys | FileCheck %s

// The scores wait for the keys, the values are waited for ahead of the weights' store. Of two groups
// a tile, with one tile more on its way, the first wait leaves three.

// CHECK-LABEL: tt.func public @decode
// CHECK: scf.for
// CHECK: %[[KEYS:[a-z0-9_]+]] = ttg.async_wait %arg2 {num = 3 : i32} loc(#loc1)
// CHECK: ttg.local_load %{{.*}} token %[[KEYS]] :
// CHECK: "tt.reduce"
// CHECK: arith.truncf
// CHECK-NEXT: %[[VALUES:[a-z0-9_]+]] = ttg.async_wait %arg3 {num = 2 : i32} loc(#loc1)
// CHECK-NEXT: ttg.local_alloc
// CHECK: ttg.local_load %{{.*}} token %[[VALUES]] :
tt.func public @decode(%n: i32) {
    %k = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16> loc(#loc1)
    %v = ttg.local_alloc : () -> !ttg.memdesc<2x64x128xbf16> loc(#loc1)
    %0 = ttg.memdesc_index %k[%c0_i32] : !ttg.memdesc<2x64x128xbf16> loc(#loc1)
    %1 = ttg.async_copy_global_to_local %keys, %0 mask %m : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %2 = ttg.async_commit_group tokens %1 loc(#loc1)
    %3 = ttg.memdesc_index %v[%c0_i32] : !ttg.memdesc<2x64x128xbf16> loc(#loc1)
    %4 = ttg.async_copy_global_to_local %values, %3 mask %m : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %5 = ttg.async_commit_group tokens %4 loc(#loc1)
    %6:3 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %zeros, %arg2 = %2, %arg3 = %5) -> (tensor<16x128xf32>, !ttg.async.token, !ttg.async.token)  : i32 {
      %10 = ttg.async_wait %arg2, %arg3 {num = 2 : i32} loc(#loc1)
      %11 = ttg.memdesc_index %k[%i] : !ttg.memdesc<2x64x128xbf16> loc(#loc1)
      %12 = ttg.local_load %11 token %10 : !ttg.memdesc<64x128xbf16> loc(#loc1)
      %13 = tt.dot %q, %12, %none : tensor<16x64xf32> loc(#loc1)
      %14 = ttg.memdesc_index %v[%i] : !ttg.memdesc<2x64x128xbf16> loc(#loc1)
      %15 = "tt.reduce"(%13) <{axis = 1 : i32}> ({
      ^bb0(%x: f32 loc(#loc1), %y: f32 loc(#loc1)):
        %30 = arith.maxnumf %x, %y : f32 loc(#loc1)
        tt.reduce.return %30 : f32 loc(#loc1)
      }) : (tensor<16x64xf32>) -> tensor<16xf32> loc(#loc1)
      %16 = arith.truncf %13 : tensor<16x64xf32> to tensor<16x64xbf16> loc(#loc1)
      %17 = ttg.local_alloc %16 : (tensor<16x64xbf16>) -> !ttg.memdesc<16x64xbf16> loc(#loc1)
      %18 = ttg.local_load %17 : !ttg.memdesc<16x64xbf16> loc(#loc1)
      %19 = ttg.local_load %14 token %10 : !ttg.memdesc<64x128xbf16> loc(#loc1)
      %20 = tt.dot %18, %19, %arg1 : tensor<16x128xf32> loc(#loc1)
      %21 = ttg.async_copy_global_to_local %keys2, %11 mask %m : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
      %22 = ttg.async_commit_group tokens %21 loc(#loc1)
      %23 = ttg.async_copy_global_to_local %values2, %14 mask %m : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
      %24 = ttg.async_commit_group tokens %23 loc(#loc1)
      scf.yield %20, %22, %24 : tensor<16x128xf32>, !ttg.async.token, !ttg.async.token loc(#loc1)
    } loc(#loc1)
    tt.return loc(#loc1)
}
