//===- Pieces.h - Tiles as tensors side by side -----------------*- C++ -*-===//
//
// While flex is lowered to Triton, casts stand between a tile of two pieces and
// the pieces: the lowering of what makes a tile joins them, that of what uses
// it cuts it. In the end no cast is left.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_TRANSFORMS_PIECES_H
#define PYFLEX_TRANSFORMS_PIECES_H

#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// The types of a tile's pieces, left to right. Any other type is whole: it is
/// its own one piece.
SmallVector<Type, 2> pieceTypes(Type type);

/// The pieces of each of `values`, one after the other.
SmallVector<Value> cut(TileBuilder &b, ValueRange values);

/// The values of `types` that these are the pieces of.
SmallVector<Value> join(TileBuilder &b, TypeRange types, ValueRange pieces);

/// Erases the casts under `root`. Emits an error for a tile of two pieces that
/// was made or is used by an op that knows nothing of pieces.
LogicalResult erasePieceCasts(Operation *root);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_PIECES_H
