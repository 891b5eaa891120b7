//===- NewKernel.h - Kernels that a pass adds -------------------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_NEWKERNEL_H
#define PYFLEX_TRANSFORMS_NEWKERNEL_H

#include "tt/Triton.h"

#include "mlir/IR/Builders.h"

namespace mlir::flex {

/// The attributes of a pointer argument to a multiple of 16 bytes.
DictionaryAttr alignedArgument(Builder &b);

/// Gives `func` one more argument, behind the others.
Value appendArgument(tt::FuncOp func, Type type, DictionaryAttr attrs);

/// Fails, with a diagnostic, if something beside `func` has this name already;
/// `taker` says who wants it.
LogicalResult checkNameIsFree(tt::FuncOp func, StringRef name, StringRef taker);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_NEWKERNEL_H
