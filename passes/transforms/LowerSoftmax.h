//===- LowerSoftmax.h - Scores and softmax as tile arithmetic ---*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERSOFTMAX_H
#define PYFLEX_TRANSFORMS_LOWERSOFTMAX_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Each emits what an op stands for before it and replaces its results; the
/// caller erases the op.
void lowerScores(TileBuilder &b, ScoresOp op);
void lowerBound(TileBuilder &b, BoundOp op);
void lowerOnlineSoftmax(TileBuilder &b, OnlineSoftmaxOp op);
void lowerSoftmaxFinish(TileBuilder &b, SoftmaxFinishOp op);

/// A running softmax: the maximum and the sum of a row or of each row of a
/// tile, and its weighted values.
struct Softmax {
  Value max, sum, acc;
};

/// 0 where a maximum is -inf: a row that has seen no key must not give NaN.
Value finiteMax(TileBuilder &b, Value max);

/// The natural log-sum-exp of a row whose running maximum is in base 2.
Value logSumExp(TileBuilder &b, Value max, Value sum, Value empty);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERSOFTMAX_H
