// RUN: pyflex-opt %s --cpu-store-bf16-as-bits --verify-diagnostics

llvm.func @arithmetic(%p: !llvm.ptr) {
  %x = llvm.load %p : !llvm.ptr -> bf16
  // expected-error @+1 {{'llvm.fadd' has no CPU lowering: expected arithmetic on bf16 to have been expanded}}
  %y = llvm.fadd %x, %x : bf16
  llvm.store %y, %p : bf16, !llvm.ptr
  llvm.return
}
