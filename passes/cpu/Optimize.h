//===- Optimize.h - LLVM passes for kernels ---------------------*- C++ -*-===//

#ifndef PYFLEX_CPU_OPTIMIZE_H
#define PYFLEX_CPU_OPTIMIZE_H

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace mlir::cpu {

/// Simplifies and vectorises every function of `module` for `target`.
void optimize(llvm::Module &module, llvm::TargetMachine &target);

} // namespace mlir::cpu

#endif // PYFLEX_CPU_OPTIMIZE_H
