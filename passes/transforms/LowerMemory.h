//===- LowerMemory.h - Loads and stores as tiles of pointers ----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERMEMORY_H
#define PYFLEX_TRANSFORMS_LOWERMEMORY_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Each emits what an op stands for before it, one tt op for each piece of its
/// tile, and replaces its results; the caller erases the op. Views are
/// flex.view ops. Where `firstLine` is given, the lines that a load reads are
/// that one and those after it.
void lowerLoad(TileBuilder &b, LoadOp op, Value firstLine);
void lowerStore(TileBuilder &b, StoreOp op);

/// The lines `view[batch, head, index]`, as a column of pointers. `head` is
/// one for all, or one for each line.
Value linesAt(TileBuilder &b, ViewOp view, Value batch, Value head,
              Value index);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERMEMORY_H
