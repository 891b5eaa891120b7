//===- RuntimeSymbols.h - What compiled kernels may call --------*- C++ -*-===//

#ifndef PYFLEX_CPU_RUNTIMESYMBOLS_H
#define PYFLEX_CPU_RUNTIMESYMBOLS_H

#include <utility>
#include <vector>

namespace mlir::cpu {

/// Name and address of every function outside the kernel that LLVM may call.
/// Nothing else is visible to a kernel, whatever the process has loaded.
std::vector<std::pair<const char *, void *>> runtimeSymbols();

} // namespace mlir::cpu

#endif // PYFLEX_CPU_RUNTIMESYMBOLS_H
