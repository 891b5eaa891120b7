//===- LowerBlockLists.h - Masks to lists of blocks -------------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H
#define PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Each emits what an op stands for before it; the caller erases the op. A mask
/// that cannot be inlined gives failure and a diagnostic.
LogicalResult lowerClassify(TileBuilder &b, ClassifyOp op);
void lowerCompact(TileBuilder &b, CompactOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H
