//===- ExternFunctions.h - Device library functions on a CPU ----*- C++ -*-===//

#ifndef PYFLEX_CPU_EXTERNFUNCTIONS_H
#define PYFLEX_CPU_EXTERNFUNCTIONS_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mlir::cpu {

/// The op (of the math dialect mostly) that computes what `symbol` of NVIDIA's
/// device library does ("math.tanh" for "__nv_tanhf" and "__nv_tanh"); empty if
/// there is none.
llvm::StringRef mathOpForDeviceFunction(llvm::StringRef symbol);

/// How many operands such an op has.
unsigned numOperandsOf(llvm::StringRef mathOp);

/// The op that computes what an instruction of NVIDIA's does; empty if there is
/// none.
llvm::StringRef mathOpForInstruction(llvm::StringRef text);

/// The function of the runtime that does what an instruction of NVIDIA's does,
/// with the same operands and result; empty if a CPU has nothing to do for it.
/// None for an instruction that is not known.
std::optional<llvm::StringRef> functionForInstruction(llvm::StringRef text);

} // namespace mlir::cpu

#endif // PYFLEX_CPU_EXTERNFUNCTIONS_H
