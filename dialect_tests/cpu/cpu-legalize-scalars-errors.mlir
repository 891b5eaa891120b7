// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-legalize-scalars))' --verify-diagnostics --split-input-file

func.func @tile(%x: tensor<4xi32>, %y: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{'arith.divsi' has no CPU lowering: expected scalars of a fixed width, got 'tensor<4xi32>'}}
  %q = arith.divsi %x, %y : tensor<4xi32>
  return %q : tensor<4xi32>
}
