//===- MaskedLoop.h - Loops that masked tiles do nothing to -----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_MASKEDLOOP_H
#define PYFLEX_TRANSFORMS_MASKEDLOOP_H

#include "flex/Flex.h"

namespace mlir::flex {

/// Whether one online softmax of the scores that `mask` masks is all that the
/// loop does to its state: a tile of masked scores then changes nothing, and
/// need not be visited.
bool masksAllThatCounts(ForOp loop, MaskModOp mask);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_MASKEDLOOP_H
