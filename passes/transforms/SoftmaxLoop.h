//===- SoftmaxLoop.h - Loops of one online softmax --------------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_SOFTMAXLOOP_H
#define PYFLEX_TRANSFORMS_SOFTMAXLOOP_H

#include "flex/Flex.h"

namespace mlir::flex {

/// The online softmax that is all that the loop does to its state, and all that
/// knows it; null if there is more, or if the loop writes to memory.
OnlineSoftmaxOp softmaxOf(ForOp loop);

/// Whether `loop` has an online softmax of the scores that `mask` masks: a tile
/// of masked scores then changes nothing, and need not be visited.
bool masksAllThatCounts(ForOp loop, MaskModOp mask);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_SOFTMAXLOOP_H
