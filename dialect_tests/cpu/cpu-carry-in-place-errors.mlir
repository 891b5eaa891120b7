// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-carry-in-place))' --verify-diagnostics --split-input-file

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

// -----

func.func @swap_of_dynamic_size(%n: index, %a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %a, %t = %b) -> (tensor<?xf32>, tensor<?xf32>) {
    // expected-error @+1 {{'scf.yield' has no CPU lowering: expected tensors of static size, got 'tensor<?xf32>'}}
    scf.yield %t, %s : tensor<?xf32>, tensor<?xf32>
  }
  return %r#0 : tensor<?xf32>
}
