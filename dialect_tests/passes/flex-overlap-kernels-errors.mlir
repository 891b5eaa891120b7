// RUN: pyflex-opt %s --flex-overlap-kernels --verify-diagnostics --split-input-file

// expected-error @+1 {{expected a loop over the lists, for which 'decode_blocks' is waited}}
tt.func public @decode(%p: !tt.ptr<i32>, %n: i32) {
  tt.store %p, %n : !tt.ptr<i32>
  tt.return
}

tt.func public @decode_blocks(%p: !tt.ptr<i32>) {
  tt.return
}

// -----

tt.func public @decode(%blocks: !flex.blocks, %n: i32) {
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return
}

// expected-error @+1 {{expected a flex.combine, which waits for 'decode'}}
tt.func public @decode_combine(%p: !tt.ptr<i32>) {
  tt.return
}

// -----

// Kernels that are elsewhere.
tt.func private @far()
tt.func private @far_blocks()
tt.func private @far_combine()
