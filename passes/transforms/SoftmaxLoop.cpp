//===- SoftmaxLoop.cpp - Loops of one online softmax ----------------------===//

#include "transforms/SoftmaxLoop.h"
#include "Effects.h"

using namespace mlir;
using namespace mlir::flex;

OnlineSoftmaxOp flex::softmaxOf(ForOp loop) {
  Block &body = loop.getBody().front();
  auto steps = body.getOps<OnlineSoftmaxOp>();
  if (!llvm::hasSingleElement(steps) || !onlyReads(loop))
    return {};
  OnlineSoftmaxOp step = *steps.begin();
  ValueRange state = loop.getState(), next = step.getResults();
  bool isChain =
      state == ValueRange({step.getMax(), step.getSum(), step.getAcc()}) &&
      ValueRange(body.getTerminator()->getOperands()) == next;
  auto isUsedOnce = [](Value value) { return value.hasOneUse(); };
  bool isApart =
      llvm::all_of(state, isUsedOnce) && llvm::all_of(next, isUsedOnce);
  return isChain && isApart ? step : OnlineSoftmaxOp();
}

bool flex::masksAllThatCounts(ForOp loop, MaskModOp mask) {
  OnlineSoftmaxOp step = softmaxOf(loop);
  if (!step)
    return false;
  Value scores = step.getScores();
  if (auto bound = scores.getDefiningOp<BoundOp>()) {
    if (bound.getValid() != loop.getValid())
      return false;
    scores = bound.getScores();
  }
  return scores == mask.getResult();
}
