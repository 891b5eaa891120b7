// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-hoist-buffers))' --verify-diagnostics

func.func @dynamic_size(%n: index) {
  // expected-error @+1 {{expected a buffer of static size, got 'memref<?xf32>'}}
  %m = memref.alloc(%n) : memref<?xf32>
  return
}
