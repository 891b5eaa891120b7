//===- LowerJoin.h - Programs of a cluster join their softmax ---*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERJOIN_H
#define PYFLEX_TRANSFORMS_LOWERJOIN_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Emits what the op stands for before it; the caller erases the op. Its views
/// are flex.view ops.
void lowerJoin(TileBuilder &b, JoinOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERJOIN_H
