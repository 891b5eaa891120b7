// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-hoist-buffers))' --verify-diagnostics --split-input-file

func.func @dynamic_size(%n: index) {
  // expected-error @+1 {{expected a buffer of static size, got 'memref<?xf32>'}}
  %m = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

func.func @buffer_of_vectors() {
  // expected-error @+1 {{expected a buffer of integers, indices or floats, got 'memref<4xvector<4xf32>>'}}
  %m = memref.alloc() : memref<4xvector<4xf32>>
  return
}

// -----

// expected-error @+1 {{expected a body of one block, at whose end buffers are freed}}
func.func @two_blocks(%f: f32, %i: index) {
  %m = memref.alloc() : memref<1024xf32>
  cf.br ^bb1
^bb1:
  memref.store %f, %m[%i] : memref<1024xf32>
  return
}

// -----

// expected-error @+1 {{expected a function that returns no buffer}}
func.func @returned() -> memref<1024xf32> {
  %m = memref.alloc() : memref<1024xf32>
  return %m : memref<1024xf32>
}

// -----

func.func @freed() {
  %m = memref.alloc() : memref<1024xf32>
  // expected-error @+1 {{expected buffers that nothing frees yet}}
  memref.dealloc %m : memref<1024xf32>
  return
}
