// RUN: pyflex-opt %s --flex-derive-bounds --verify-diagnostics

// Another mask of the loop is left out where this one would say so.
tt.func private @m(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

tt.func @unmasked_for_another(%n: i32, %q: tensor<16xi32>, %m: tensor<16xf32>, %a: tensor<16x16xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  %all = flex.range %n
  %s:3 = flex.for %all below %n init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>, %a0: tensor<16x16xf32>):
    // expected-remark @+1 {{no bounds are derived: the loop has bounds of its own}}
    %first = flex.mask_mod @m(%a, %n, %q, %q, %kv) unless %unmasked : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    // expected-remark @+1 {{no bounds are derived: the loop has bounds of its own}}
    %masked = flex.mask_mod @m(%first, %n, %q, %q, %kv) : tensor<16x16xf32>, tensor<16xi32>, tensor<16xi32>, tensor<16xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %masked, %a
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x16xf32>, tensor<16x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#0, %s#1, %s#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
}
