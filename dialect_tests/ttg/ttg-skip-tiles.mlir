// RUN: grep -v "^//" %s | %ttg-opt ttg-skip-tiles | FileCheck %s

// Two tiles ahead of the loop and one in it: the first is copied whatever there is, the others where
// they exist. Where nothing is copied the groups are counted on, and what stands between the copies
// comes ahead of them.

// CHECK-LABEL: tt.func public @decode
// CHECK: %[[FIRST:[a-z0-9_]+]] = ttg.async_commit_group tokens %3
// CHECK: %[[SECOND:[a-z0-9_]+]] = arith.cmpi sgt, %n, %c1_i32
// CHECK: %[[AHEAD:[a-z0-9_]+]]:2 = scf.if %[[SECOND]] -> (!ttg.async.token, !ttg.async.token) {
// CHECK-NEXT: %[[COPY:[a-z0-9_]+]] = ttg.async_copy_global_to_local %keys1,
// CHECK-NEXT: %[[K:[a-z0-9_]+]] = ttg.async_commit_group tokens %[[COPY]] loc(#loc1)
// CHECK-NEXT: %[[COPY:[a-z0-9_]+]] = ttg.async_copy_global_to_local %values1,
// CHECK-NEXT: %[[V:[a-z0-9_]+]] = ttg.async_commit_group tokens %[[COPY]] loc(#loc1)
// CHECK-NEXT: scf.yield %[[K]], %[[V]] : !ttg.async.token, !ttg.async.token loc(#loc1)
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[K]] = ttg.async_commit_group loc(#loc1)
// CHECK-NEXT: %[[V]] = ttg.async_commit_group loc(#loc1)
// CHECK-NEXT: scf.yield %[[K]], %[[V]] : !ttg.async.token, !ttg.async.token loc(#loc1)
// CHECK-NEXT: } loc(#loc1)
// CHECK-NEXT: scf.for %arg0 = %c0_i32 to %n
// CHECK-SAME: %arg2 = %[[FIRST]], %arg3 = %[[AHEAD]]#0, %arg4 = %6, %arg5 = %[[AHEAD]]#1)
// CHECK: %[[EXISTS:[a-z0-9_]+]] = arith.cmpi slt, %arg0, %{{.*}} : i32
// CHECK: tt.dot
// CHECK: tt.addptr
// CHECK-NEXT: %[[NEXT:[a-z0-9_]+]]:2 = scf.if %[[EXISTS]]
// CHECK: scf.yield %23, %arg3, %[[NEXT]]#0, %arg5, %[[NEXT]]#1
tt.func public @decode(%n: i32) {
    %0 = arith.cmpi sgt, %n, %c0_i32 : i32 loc(#loc1)
    %1 = tt.splat %0 : i1 -> tensor<64x128xi1> loc(#loc1)
    %2 = arith.andi %1, %rows0 : tensor<64x128xi1> loc(#loc1)
    %3 = ttg.async_copy_global_to_local %keys0, %k0 mask %2 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %4 = ttg.async_commit_group tokens %3 loc(#loc1)
    %5 = ttg.async_copy_global_to_local %values0, %v0 mask %2 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %6 = ttg.async_commit_group tokens %5 loc(#loc1)
    %7 = arith.cmpi sgt, %n, %c1_i32 : i32 loc(#loc1)
    %8 = tt.splat %7 : i1 -> tensor<64x128xi1> loc(#loc1)
    %9 = arith.andi %8, %rows1 : tensor<64x128xi1> loc(#loc1)
    %10 = ttg.async_copy_global_to_local %keys1, %k1 mask %9 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %11 = ttg.async_commit_group tokens %10 loc(#loc1)
    %12 = ttg.async_copy_global_to_local %values1, %v1 mask %9 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
    %13 = ttg.async_commit_group tokens %12 loc(#loc1)
    %14:5 = scf.for %arg0 = %c0_i32 to %n step %c1_i32 iter_args(%arg1 = %none, %arg2 = %4, %arg3 = %11, %arg4 = %6, %arg5 = %13) -> (tensor<16x128xf32>, !ttg.async.token, !ttg.async.token, !ttg.async.token, !ttg.async.token)  : i32 {
      %20 = arith.subi %n, %c2_i32 : i32 loc(#loc1)
      %21 = arith.cmpi slt, %arg0, %20 : i32 loc(#loc1)
      %22 = ttg.async_wait %arg2, %arg4 {num = 2 : i32} loc(#loc1)
      %23 = tt.dot %weights, %values, %arg1 : tensor<16x128xf32> loc(#loc1)
      %24 = tt.splat %21 : i1 -> tensor<64x128xi1> loc(#loc1)
      %25 = arith.andi %24, %rows2 : tensor<64x128xi1> loc(#loc1)
      %26 = ttg.async_copy_global_to_local %keys2, %k2 mask %25 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
      %27 = ttg.async_commit_group tokens %26 loc(#loc1)
      %28 = tt.addptr %base, %offset : !tt.ptr<bf16>, i64 loc(#loc1)
      %29 = ttg.async_copy_global_to_local %28, %v2 mask %25 other %zeros : tensor<64x128x!tt.ptr<bf16>> loc(#loc1)
      %30 = ttg.async_commit_group tokens %29 loc(#loc1)
      scf.yield %23, %arg3, %27, %arg5, %30 : tensor<16x128xf32>, !ttg.async.token, !ttg.async.token, !ttg.async.token, !ttg.async.token loc(#loc1)
    } loc(#loc1)
    tt.return loc(#loc1)
}
