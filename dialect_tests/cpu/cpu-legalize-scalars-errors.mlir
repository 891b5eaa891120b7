// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-legalize-scalars))' --verify-diagnostics --split-input-file

func.func @tile(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{'arith.divsi' has no CPU lowering: expected scalars of a fixed width, got 'tensor<4xi32>'}}
  %q = arith.divsi %x, %y : tensor<4xi32>
  return %q : tensor<4xi32>
}

// -----

func.func @exponentials(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'math.expm1' has no CPU lowering: expected scalars of a fixed width, got 'tensor<4xf32>'}}
  %y = math.expm1 %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
