//===- LowerSoftmax.cpp - Scores and softmax as tile arithmetic -----------===//

#include "transforms/LowerSoftmax.h"
#include "transforms/Pieces.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::flex;
using arith::CmpFPredicate;

//===----------------------------------------------------------------------===//
// Scores and softmax
//===----------------------------------------------------------------------===//

static Value dot(TileBuilder &b, Value lhs, Value rhs, Value acc,
                 tt::InputPrecision precision) {
  return tt::DotOp::create(b, acc.getType(), lhs, rhs, acc, precision,
                           /*maxNumImpreciseAcc=*/0);
}

void flex::lowerScores(TileBuilder &b, ScoresOp op) {
  Value product = b.constant(op.getType(), 0);
  auto queries = cut(b, op.getQuery()), keys = cut(b, op.getKey());
  for (auto [query, key] : llvm::zip_equal(queries, keys)) {
    Value columns = tt::TransOp::create(b, key, ArrayRef<int32_t>{1, 0});
    product = dot(b, query, columns, product, op.getPrecision());
  }
  op.replaceAllUsesWith(b.mulf(product, op.getScale()));
}

/// The choice of -inf where a condition fails, if `scores` is one.
static arith::SelectOp maskOf(Value scores) {
  auto select = scores.getDefiningOp<arith::SelectOp>();
  if (!select)
    return {};
  Value other = select.getFalseValue();
  if (auto splat = other.getDefiningOp<tt::SplatOp>())
    other = splat.getSrc();
  return matchPattern(other, m_NegInfFloat()) ? select : arith::SelectOp();
}

/// One choice for the mask and the end of the keys: on a GPU the two conditions
/// join where they are compared.
void flex::lowerBound(TileBuilder &b, BoundOp op) {
  Value exists = b.asRow(op.getValid()), scores = op.getScores();
  if (auto mask = maskOf(scores)) {
    // In this order Triton's pipeliner comes to the loads of block indices here
    // first, and does not divide its stages between them and the keys' loads.
    exists = b.conj(exists, mask.getCondition());
    scores = mask.getTrueValue();
  }
  op.replaceAllUsesWith(b.select(exists, scores, b.f32(-INFINITY)));
}

/// `scores` times `factor`, which joins the kernel's scale, or a constant that
/// has room for it, where nothing but a mask stands between the two.
static Value scaled(TileBuilder &b, Value scores, double factor) {
  if (auto mask = maskOf(scores))
    return b.select(mask.getCondition(), scaled(b, mask.getTrueValue(), factor),
                    b.f32(-INFINITY));
  auto product = scores.getDefiningOp<arith::MulFOp>();
  auto scale =
      product ? product.getRhs().getDefiningOp<tt::SplatOp>() : nullptr;
  // The largest numbers have no room. A call's scale has; what a mod reads may
  // be any number.
  APFloat known(0.0f);
  bool fits = scale && product.getLhs().getDefiningOp<tt::DotOp>();
  if (scale && matchPattern(scale.getSrc(), m_ConstantFloat(&known)))
    fits = std::abs(known.convertToDouble() * factor) <=
           std::numeric_limits<float>::max();
  if (!fits)
    return b.mulf(scores, b.f32(factor));
  return b.mulf(product.getLhs(), b.mulf(scale.getSrc(), b.f32(factor)));
}

Value flex::finiteMax(TileBuilder &b, Value max) {
  Value none = b.cmp(CmpFPredicate::OEQ, max, b.f32(-INFINITY));
  return b.select(none, b.f32(0), max);
}

void flex::lowerOnlineSoftmax(TileBuilder &b, OnlineSoftmaxOp op) {
  Value scores = scaled(b, op.getScores(), llvm::numbers::log2e);
  Value max = b.maxf(op.getMax(), b.reduceMax(scores, 1));
  Value shift = finiteMax(b, max);
  Value weights = math::Exp2Op::create(b, b.subf(scores, b.asColumn(shift)));
  Value decay = math::Exp2Op::create(b, b.subf(op.getMax(), shift));
  Value sum = b.mulf(op.getSum(), decay);
  sum = b.addf(sum, b.reduceSum(weights, 1));
  auto acc = cut(b, op.getAcc()), values = cut(b, op.getValue());
  for (Value &piece : acc)
    piece = b.mulf(piece, b.asColumn(decay));
  Type element = getElementTypeOrSelf(op.getValue());
  if (!element.isF32())
    weights = arith::TruncFOp::create(
        b, cast<RankedTensorType>(weights.getType()).clone(element), weights);
  // The widest comes last: by a loop's last product Triton decides whether all
  // of its products divide rows or columns among the warps.
  for (size_t i = acc.size(); i-- > 0;)
    acc[i] = dot(b, weights, values[i], acc[i], op.getPrecision());
  Value newAcc = join(b, op.getAcc().getType(), acc).front();
  op.replaceAllUsesWith(ValueRange{max, sum, newAcc});
}

Value flex::logSumExp(TileBuilder &b, Value max, Value sum, Value empty) {
  // The maximum's own part of the sum is 1: near it an absolute error counts.
  Value log2 = math::Log2Op::create(b, sum, arith::FastMathFlags::afn);
  Value log2Sum = b.addf(max, log2);
  Value lse = b.mulf(log2Sum, b.f32(llvm::numbers::ln2));
  return b.select(empty, b.f32(-INFINITY), lse);
}

void flex::lowerSoftmaxFinish(TileBuilder &b, SoftmaxFinishOp op) {
  Value empty = b.cmp(CmpFPredicate::OEQ, op.getSum(), b.f32(0));
  Value sum = b.select(empty, b.f32(1), op.getSum());
  auto pieces = cut(b, op.getAcc());
  for (Value &piece : pieces)
    piece = b.quotient(piece, b.asColumn(sum));
  Value out = join(b, op.getAcc().getType(), pieces).front();
  Value lse = logSumExp(b, op.getMax(), sum, empty);
  Value maxScore = b.mulf(op.getMax(), b.f32(llvm::numbers::ln2));
  op.replaceAllUsesWith(ValueRange{out, lse, maxScore});
}
