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

/// Whether the body of `callee` can be inlined, for `op`; if not, a diagnostic
/// says why.
LogicalResult checkBody(Operation *op, tt::FuncOp callee);

/// Emits such a body before `op`, over scalars and tiles of one rank, each op
/// at the smallest shape that its operands stretch to; what does not depend on
/// `loop`, where there is one, goes before that. Returns what the body returns.
SmallVector<Value> inlineBody(Operation *op, Operation *loop, tt::FuncOp callee,
                              ValueRange arguments);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_MODINLINER_H
