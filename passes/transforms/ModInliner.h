//===- ModInliner.h - Scalar mods over tiles --------------------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_MODINLINER_H
#define PYFLEX_TRANSFORMS_MODINLINER_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Where a mod's ops are put, and at what shape.
enum class ModShapes {
  /// Every operand is spread to the whole tile first; all ops are in the loop.
  Tile,
  /// Each op has the smallest shape that its operands stretch to; ops whose
  /// operands are defined before the loop are put there.
  Smallest
};

/// Replaces a flex.score_mod or flex.mask_mod by the body of its callee.
/// Returns how many ops were put before the loop, or failure with a diagnostic.
FailureOr<int64_t> inlineMod(Operation *mod, ModShapes shapes);

/// Whether a function has a body of one block, which returns.
bool isOneBlock(tt::FuncOp func);

/// Whether the body of `callee` can be inlined, for `op`; if not, a diagnostic
/// says why.
LogicalResult checkBody(Operation *op, tt::FuncOp callee);

/// Emits such a body before `op`, over scalars and tiles of one rank, each op
/// at the smallest shape that its operands stretch to. Returns what the body
/// returns.
SmallVector<Value> inlineBody(Operation *op, tt::FuncOp callee,
                              ValueRange arguments);

/// Whether a mask takes longer, for a whole tile of scores, than to branch
/// around it.
bool isCostly(tt::FuncOp mask);

/// Whether a mod's op means for each element of a tile what it means for one.
bool worksOnTiles(Operation &op);

/// Builds a mod's op on scalars, columns or tiles of one shape.
Operation *tileOp(TileBuilder &b, Operation &scalar, ValueRange operands);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_MODINLINER_H
