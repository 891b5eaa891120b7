// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-carry-in-place))' --verify-diagnostics

func.func @while_of_other_types(%more: i1, %init: tensor<8xf32>) -> i32 {
  %c0 = arith.constant 0 : i32
  %r:2 = scf.while (%v = %init) : (tensor<8xf32>) -> (i32, tensor<8xf32>) {
    // expected-error @+1 {{'scf.condition' has no CPU lowering: expected tensors in the order and of the types in which the loop carries them}}
    scf.condition(%more) %c0, %v : i32, tensor<8xf32>
  } do {
  ^bb0(%i: i32, %v: tensor<8xf32>):
    scf.yield %v : tensor<8xf32>
  }
  return %r#0 : i32
}
