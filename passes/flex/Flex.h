//===- Flex.h - The decode-attention dialect --------------------*- C++ -*-===//

#ifndef PYFLEX_FLEX_FLEX_H
#define PYFLEX_FLEX_FLEX_H

#include "tt/Triton.h"

namespace mlir::flex {

/// Whether a shaped type's dimensions are known and powers of two.
bool hasTileShape(Type type);

/// Whether a matrix type's dimensions are known, a power of two of lines of a
/// width that a tile can have.
bool hasLineShape(Type type);

} // namespace mlir::flex

#include "flex/FlexDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "flex/FlexTypes.h.inc"

#define GET_OP_CLASSES
#include "flex/FlexOps.h.inc"

#endif // PYFLEX_FLEX_FLEX_H
