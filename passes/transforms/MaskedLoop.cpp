//===- MaskedLoop.cpp - Loops that masked tiles do nothing to -------------===//

#include "transforms/MaskedLoop.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::flex;

bool flex::masksAllThatCounts(ForOp loop, MaskModOp mask) {
  Block &body = loop.getBody().front();
  auto steps = llvm::to_vector(body.getOps<OnlineSoftmaxOp>());
  if (steps.size() != 1)
    return false;
  OnlineSoftmaxOp step = steps.front();
  ValueRange state = loop.getState();
  if (ValueRange(body.getTerminator()->getOperands()) !=
          ValueRange(step.getResults()) ||
      state != ValueRange({step.getMax(), step.getSum(), step.getAcc()}))
    return false;
  Value scores = step.getScores();
  if (auto bound = scores.getDefiningOp<BoundOp>()) {
    if (bound.getValid() != loop.getValid())
      return false;
    scores = bound.getScores();
  }
  return scores == mask.getResult() && llvm::all_of(body, [](Operation &op) {
           return isMemoryEffectFree(&op) ||
                  hasSingleEffect<MemoryEffects::Read>(&op);
         });
}
