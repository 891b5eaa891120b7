//===- LowerBlockLists.h - Masks to lists of blocks -------------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H
#define PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Emits what the op stands for before it; the caller erases the op. A mask
/// that cannot be inlined gives failure and a diagnostic.
LogicalResult lowerClassify(TileBuilder &b, ClassifyOp op);

/// The tiles of a sequence that a program visits: every `parts`th, from the
/// `part`th on. All, where these are null.
struct Share {
  Value part, parts;
};

/// Writes the entries of `op` that are in a program's share, each in its place
/// among all, and returns how many all are. The places between them hold
/// anything, and are not to be read.
Value listBlocks(TileBuilder &b, CompactOp op, Share share);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERBLOCKLISTS_H
