// RUN: pyflex-opt %s --convert-tt-to-linalg --verify-diagnostics --split-input-file

tt.func public @unknown_device_function(%p: !tt.ptr<f32>, %f: f32) {
  // expected-error @+1 {{'tt.extern_elementwise' has no CPU lowering: unknown device function '__nv_mystery'}}
  %t = tt.extern_elementwise %f {libname = "", libpath = "", pure = true, symbol = "__nv_mystery"} : (f32) -> f32
  tt.store %p, %t : !tt.ptr<f32>
  tt.return
}

// -----

tt.func public @instructions_of_a_gpu(%p: !tt.ptr<i32>) {
  // expected-error @+1 {{'tt.elementwise_inline_asm' has no CPU lowering: expected no instructions of a GPU but those that pyflex emits}}
  %t = tt.elementwise_inline_asm "mov.u32 $0, %clock;" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  tt.store %p, %t : !tt.ptr<i32>
  tt.return
}

// -----

tt.func private @callee(%f: f32) -> f32 {
  tt.return %f : f32
}

tt.func public @call(%p: !tt.ptr<f32>, %f: f32) {
  // expected-error @+1 {{'tt.call' has no CPU lowering: calls are expected to have been inlined}}
  %t = tt.call @callee(%f) : (f32) -> f32
  tt.store %p, %t : !tt.ptr<f32>
  tt.return
}

// -----

tt.func public @pointers_to_bits(%p: !tt.ptr<i1>, %n: i32) {
  // expected-error @+1 {{'tt.addptr' has no CPU lowering: expected pointers to whole bytes, got pointers to i1}}
  %q = tt.addptr %p, %n : !tt.ptr<i1>, i32
  tt.return
}

// -----

tt.func public @choice_of_pointer_tensors(%p: !tt.ptr<f32>, %q: !tt.ptr<f32>, %c: i1) {
  %s = tt.splat %p : !tt.ptr<f32> -> tensor<4x!tt.ptr<f32>>
  %t = tt.splat %q : !tt.ptr<f32> -> tensor<4x!tt.ptr<f32>>
  // expected-error @+1 {{'arith.select' has no CPU lowering: a choice between tensors of pointers; expected a choice between their offsets or values}}
  %u = arith.select %c, %s, %t : tensor<4x!tt.ptr<f32>>
  tt.return
}

// -----

tt.func public @another_division(%f: f32) {
  %s = tt.splat %f : f32 -> tensor<4x6xf32>
  // expected-error @+1 {{'tt.reshape' has no CPU lowering: expected dimensions that are divided or put together}}
  %u = tt.reshape %s : tensor<4x6xf32> -> tensor<3x8xf32>
  tt.return
}

// -----

tt.func public @half_of_the_pointers(%p: !tt.ptr<f32>) {
  %s = tt.splat %p : !tt.ptr<f32> -> tensor<4x2x!tt.ptr<f32>>
  // expected-error @+1 {{'tt.split' has no CPU lowering: expected no tensor of pointers}}
  %u, %v = tt.split %s : tensor<4x2x!tt.ptr<f32>> -> tensor<4x!tt.ptr<f32>>
  tt.return
}

// -----

tt.func public @foreign_op(%p: !tt.ptr<f32>) {
  // expected-error @+1 {{'memref.alloc' has no CPU lowering: expected an op of tt, arith, math or scf}}
  %m = memref.alloc() : memref<4xf32>
  tt.return
}

// -----

// expected-error @+1 {{'tt.func' has no CPU lowering: expected a kernel without results}}
tt.func public @kernel_with_a_result(%f: f32) -> f32 {
  tt.return %f : f32
}

// -----

// expected-error @+1 {{'tt.func' has no CPU lowering: expected scalar arguments}}
tt.func public @kernel_of_a_tensor(%t: tensor<4xf32>) {
  tt.return
}

// -----

tt.func public @function_of_too_few_operands(%p: !tt.ptr<f32>, %f: f32) {
  // expected-error @+1 {{'tt.extern_elementwise' has no CPU lowering: expected 3 operands, got 1}}
  %t = tt.extern_elementwise %f {libname = "", libpath = "", pure = true, symbol = "__nv_fmaf"} : (f32) -> f32
  tt.store %p, %t : !tt.ptr<f32>
  tt.return
}

// -----

tt.func public @instruction_of_two_results(%p: !tt.ptr<f32>, %f: f32) {
  // expected-error @+1 {{'tt.elementwise_inline_asm' has no CPU lowering: expected no instructions of a GPU but those that pyflex emits}}
  %t, %u = tt.elementwise_inline_asm "ex2.approx.ftz.f32 $0, $1;" {constraints = "=f,=f,f", packed_element = 1 : i32, pure = true} %f : f32 -> f32, f32
  tt.store %p, %t : !tt.ptr<f32>
  tt.return
}

// -----

tt.func public @instruction_of_too_few_operands(%p: !tt.ptr<f32>, %f: f32) {
  // expected-error @+1 {{'tt.elementwise_inline_asm' has no CPU lowering: expected no instructions of a GPU but those that pyflex emits}}
  %t = tt.elementwise_inline_asm "div.rn.f32 $0, $1, $2;" {constraints = "=f,f", packed_element = 1 : i32, pure = true} %f : f32 -> f32
  tt.store %p, %t : !tt.ptr<f32>
  tt.return
}

// -----

tt.func public @sums_narrower_than_factors(%f: f32, %d: f64) {
  %a = tt.splat %d : f64 -> tensor<16x16xf64>
  %c = tt.splat %f : f32 -> tensor<16x16xf32>
  // expected-error @+1 {{'tt.dot' has no CPU lowering: expected sums at least as wide as the factors}}
  %r = tt.dot %a, %a, %c : tensor<16x16xf64> * tensor<16x16xf64> -> tensor<16x16xf32>
  tt.return
}

// -----

// expected-error @+1 {{'tt.func' has no CPU lowering: expected a body of one block with structured control flow}}
tt.func public @kernel_of_another_module(!tt.ptr<f32>)

// -----

// expected-error @+1 {{'tt.func' has no CPU lowering: expected a body of one block with structured control flow}}
tt.func public @kernel_of_two_blocks(%p: !tt.ptr<f32>, %f: f32) {
  cf.br ^bb1
^bb1:
  tt.store %p, %f : !tt.ptr<f32>
  tt.return
}

// -----

tt.func private @pyflex_cluster_wait() -> i32 {
  %c = arith.constant 0 : i32
  tt.return %c : i32
}

tt.func public @name_of_the_runtime(%p: !tt.ptr<i32>) {
  // expected-error @+1 {{'tt.elementwise_inline_asm' has no CPU lowering: expected the name 'pyflex_cluster_wait' to be free}}
  %0 = tt.elementwise_inline_asm "barrier.cluster.wait.acquire.aligned; mov.b32 $0, 0;" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  tt.store %p, %0 : !tt.ptr<i32>
  tt.return
}
