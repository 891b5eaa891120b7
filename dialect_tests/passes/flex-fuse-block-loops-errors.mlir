// RUN: pyflex-opt %s --flex-fuse-block-loops --verify-diagnostics --split-input-file
// RUN: pyflex-opt %s --flex-fuse-block-loops --split-input-file 2>/dev/null | FileCheck %s

// None of these loops is fused: the kernel stays as it is.
// CHECK-NOT: flex.concat

tt.func @bodies_differ(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // expected-note @+1 {{the other loop is here}}
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-remark @+1 {{block loops are not fused: they differ in more than the mask}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.bound %s if %valid : tensor<16x64xf32>, tensor<64xi1>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func private @m(i32, i32, i32, i32) -> i1

tt.func @mask_in_the_second_loop(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %row: tensor<16xi32>,
                                 %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // expected-note @+1 {{the other loop is here}}
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-remark @+1 {{block loops are not fused: they differ in more than the mask}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %n, %row, %row, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func @state_is_used_twice(%a: !flex.blocks, %b: !flex.blocks, %n: i32) -> (i32, i32) {
  %s1 = flex.for %a below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  // expected-remark @+1 {{block loops are not fused: they do not share one state}}
  %s2 = flex.for %b below %n init(%s1 : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return %s1, %s2 : i32, i32
}

// -----

tt.func @limits_differ(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %m: i32) -> i32 {
  %s1 = flex.for %a below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  // expected-remark @+1 {{block loops are not fused: they do not share one state}}
  %s2 = flex.for %b below %m init(%s1 : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return %s2 : i32
}

// -----

tt.func @fused_already(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: i1) -> i1 {
  %s1 = flex.for %a below %n init(%x : i1) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i1):
    flex.yield %unmasked : i1
  } -> i1
  // expected-remark @+1 {{block loops are not fused: they do not share one state}}
  %s2 = flex.for %b below %n init(%s1 : i1) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i1):
    flex.yield %unmasked : i1
  } -> i1
  tt.return %s2 : i1
}

// -----

tt.func private @m(i32, i32, i32, i32) -> i1

tt.func @mask_has_a_condition(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>, %row: tensor<16xi32>, %c: i1) -> tensor<16x64xf32> {
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @m(%s, %n, %row, %row, %kv) unless %c
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-remark @+1 {{block loops are not fused: the mask of the first is left out on a condition of its own}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func @store_between(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>, %p: !tt.ptr<i32>) -> tensor<16x64xf32> {
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-note @+1 {{it is touched here}}
  tt.store %p, %n : !tt.ptr<i32>
  // expected-remark @+1 {{block loops are not fused: memory is touched between them}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func private @unknown()

tt.func @call_between(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-note @+1 {{it is touched here}}
  tt.call @unknown() : () -> ()
  // expected-remark @+1 {{block loops are not fused: memory is touched between them}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func @load_behind_a_loop_that_stores(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>, %p: !tt.ptr<i32>) -> tensor<16x64xf32> {
  %s1 = flex.for %a below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    tt.store %p, %n : !tt.ptr<i32>
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-note @+1 {{it is touched here}}
  %0 = tt.load %p : !tt.ptr<i32>
  // expected-remark @+1 {{block loops are not fused: memory is touched between them}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}

// -----

tt.func @parts(%a: !flex.blocks, %b: !flex.blocks, %n: i32, %x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %mine = flex.slice %a, %n of %n
  %s1 = flex.for %mine below %n init(%x : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  // expected-remark @+1 {{block loops are not fused: they visit a part each}}
  %s2 = flex.for %b below %n init(%s1 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    flex.yield %s : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s2 : tensor<16x64xf32>
}
