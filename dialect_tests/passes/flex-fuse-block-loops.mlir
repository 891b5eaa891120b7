// RUN: pyflex-opt %s --flex-fuse-block-loops | FileCheck %s

tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// CHECK-LABEL: tt.func @partial_and_full(
// CHECK-SAME: %[[PARTIAL:[^:]*]]: !flex.blocks, %[[FULL:[^:]*]]: !flex.blocks
// CHECK-SAME: %[[S0:[^:]*]]: tensor<16x64xf32>
tt.func @partial_and_full(%partial: !flex.blocks, %full: !flex.blocks, %n: i32, %row: tensor<16xi32>,
                          %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK-NEXT: %[[BOTH:.*]] = flex.concat %[[PARTIAL]], %[[FULL]]
  // CHECK-NEXT: %[[S:.*]] = flex.for %[[BOTH]] below %{{.*}} init(%[[S0]] :
  // CHECK-NEXT: ^bb0(%[[KV:.*]]: tensor<64xi32>, %[[VALID:.*]]: tensor<64xi1>, %[[UNMASKED:.*]]: i1, %[[IN:.*]]: tensor<16x64xf32>):
  // CHECK-NEXT: %[[MASKED:.*]] = flex.mask_mod @m(%[[IN]], {{.*}}, %[[KV]]) unless %[[UNMASKED]]
  // CHECK-NEXT: flex.bound %[[MASKED]] if %[[VALID]]
  // CHECK-NEXT: flex.yield
  // CHECK-NOT: flex.for
  // CHECK: tt.return %[[S]]
  %s1 = flex.for %partial below %n init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %masked = flex.mask_mod @m(%s, %n, %row, %row, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %next = flex.bound %masked if %valid : tensor<16x64xf32>, tensor<64xi1>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  %s2 = flex.for %full below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.bound %s if %valid : tensor<16x64xf32>, tensor<64xi1>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// The list of full blocks is read between the loops: the fused one comes after.
// CHECK-LABEL: tt.func @list_between_the_loops(
tt.func @list_between_the_loops(%table: !flex.block_table, %n: i32, %s0: i32) -> i32 {
  // CHECK: %[[PARTIAL:.*]] = flex.list
  // CHECK-NEXT: %[[FULL:.*]] = flex.list
  // CHECK-NEXT: %[[BOTH:.*]] = flex.concat %[[PARTIAL]], %[[FULL]]
  // CHECK-NEXT: flex.for %[[BOTH]]
  // CHECK-NOT: flex.for
  %partial = flex.list %table[%n, %n, %n]
  %s1 = flex.for %partial below %n init(%s0 : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  %full = flex.list %table[%n, %n, %n]
  %s2 = flex.for %full below %n init(%s1 : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return %s2 : i32
}

// CHECK-LABEL: tt.func @no_full_blocks(
tt.func @no_full_blocks(%blocks: !flex.blocks, %n: i32, %row: tensor<16xi32>,
                        %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK-NOT: flex.concat
  // CHECK: flex.mask_mod
  // CHECK-NOT: unless
  // CHECK: tt.return
  %s1 = flex.for %blocks below %n init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %n, %row, %row, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @independent_loops(
tt.func @independent_loops(%a: !flex.blocks, %b: !flex.blocks, %n: i32) -> (i32, i32) {
  // CHECK-COUNT-2: flex.for
  // CHECK-NOT: flex.concat
  // CHECK: tt.return
  %s1 = flex.for %a below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  %s2 = flex.for %b below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return %s1, %s2 : i32, i32
}
