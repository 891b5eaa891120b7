//===- LowerRows.h - A program's rows as index arithmetic -------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERROWS_H
#define PYFLEX_TRANSFORMS_LOWERROWS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Each emits what an op stands for before it and replaces its results; the
/// caller erases the op. The source of a flex.at is a flex.per_batch op.
void lowerRows(TileBuilder &b, RowsOp op);
void lowerAt(TileBuilder &b, AtOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERROWS_H
