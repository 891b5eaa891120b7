// RUN: pyflex-opt %s --flex-overlap-kernels --verify-diagnostics

// expected-error @+1 {{expected a loop over KV, after which 'decode_combine' may start}}
tt.func public @decode(%p: !tt.ptr<i32>, %n: i32) {
  tt.store %p, %n : !tt.ptr<i32>
  tt.return
}

tt.func public @decode_combine(%p: !tt.ptr<i32>) {
  tt.return
}
