// RUN: pyflex-opt %s --flex-extract-kernel=kernel=prefill --verify-diagnostics
// RUN: not pyflex-opt %s --flex-extract-kernel 2>&1 | FileCheck %s
// CHECK: error: expected a tt.func named 'decode', found none

// expected-error @+1 {{expected a tt.func named 'prefill', found none}}
module {
  tt.func public @another_kernel() {
    tt.return
  }
}
