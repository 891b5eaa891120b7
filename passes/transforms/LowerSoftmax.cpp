//===- LowerSoftmax.cpp - Scores and softmax as tile arithmetic -----------===//

#include "transforms/LowerSoftmax.h"
#include "flex/Width.h"
#include "transforms/Pieces.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

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

/// `scores` times `factor`, which joins the scale where nothing but a mask
/// stands between the two.
static Value scaled(TileBuilder &b, Value scores, double factor) {
  if (auto mask = maskOf(scores))
    return b.select(mask.getCondition(), scaled(b, mask.getTrueValue(), factor),
                    b.f32(-INFINITY));
  auto product = scores.getDefiningOp<arith::MulFOp>();
  auto scale =
      product ? product.getRhs().getDefiningOp<tt::SplatOp>() : nullptr;
  if (!scale)
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

/// The natural log-sum-exp of a row whose running maximum is in base 2.
static Value logSumExp(TileBuilder &b, Value max, Value sum, Value empty) {
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
    piece = b.divf(piece, b.asColumn(sum));
  Value out = join(b, op.getAcc().getType(), pieces).front();
  Value lse = logSumExp(b, op.getMax(), sum, empty);
  Value maxScore = b.mulf(op.getMax(), b.f32(llvm::numbers::ln2));
  op.replaceAllUsesWith(ValueRange{out, lse, maxScore});
}

//===----------------------------------------------------------------------===//
// Combining partial results
//===----------------------------------------------------------------------===//

/// A program joins a row or, where that is wide, a part of it; `chunk` splits
/// at a time.
void flex::lowerCombine(TileBuilder &b, CombineOp op) {
  int64_t chunk = op.getChunk(), columns = op.getValueDim(),
          width = joinedWidth(columns);
  Value row = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
  Value query = b.remu(row, op.getQLen());
  Value rest = b.divu(row, op.getQLen());
  Value head = b.remu(rest, op.getHeads());
  Value batch = b.divu(rest, op.getHeads());
  Value wideRow = b.extend(row);
  Value firstPartial = b.mul(wideRow, b.extend(op.getSplits()));
  Value lseBase = b.move(op.getPartialLse(), firstPartial);
  Value outBase =
      b.move(op.getPartialOut(), b.mul(firstPartial, b.i64(columns)));
  Value column = b.range(width), part;
  if (width < columns) {
    part = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::Y);
    column = b.add(b.mul(part, b.i32(width)), column);
  }
  Value inRow = b.cmp(CmpIPredicate::slt, column, b.i32(columns));
  auto address = [&](Value view) {
    auto op = view.getDefiningOp<ViewOp>();
    auto strides = op.getStrides();
    Value offset = b.mul(b.extend(batch), strides[0]);
    offset = b.add(offset, b.mul(b.extend(head), strides[1]));
    offset = b.add(offset, b.mul(b.extend(query), strides[2]));
    return b.move(op.getPointer(), offset);
  };
  auto view = op.getOut().getDefiningOp<ViewOp>();
  Value outPointers = address(op.getOut());
  outPointers =
      b.move(outPointers, b.mul(b.extend(column), view.getStrides()[3]));
  Value lsePointer = op.getLse() ? address(op.getLse()) : Value();
  // All that is above is done while the kernel ahead still runs.
  if (op.getWaits())
    b.instruction(tt::kWaitForKernel);

  auto accType = RankedTensorType::get({width}, b.getF32Type());
  SmallVector<Value> inits = {b.f32(-INFINITY), b.f32(0),
                              b.constant(accType, 0)};
  Value first = b.i32(0), step = b.i32(chunk);
  auto loop = scf::ForOp::create(b, first, op.getSplits(), step, inits);
  {
    Block *body = loop.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    TileBuilder in(op.getLoc(), OpBuilder::atBlockEnd(body));
    Value max = loop.getRegionIterArgs()[0], sum = loop.getRegionIterArgs()[1],
          acc = loop.getRegionIterArgs()[2];
    Value split = in.add(loop.getInductionVar(), in.range(chunk));
    Value exists = in.cmp(CmpIPredicate::slt, split, op.getSplits());
    auto lseType = RankedTensorType::get({chunk}, b.getF32Type());
    Value lsePointers = in.move(lseBase, split);
    Value lse = tt::LoadOp::create(in, lsePointers, exists,
                                   in.constant(lseType, -INFINITY));
    Value line = in.extend(in.asColumn(split));
    line = in.mul(line, in.i64(columns));
    Value outPointers =
        in.move(outBase, in.add(line, in.extend(in.asRow(column))));
    Value lineExists = in.asColumn(exists);
    Value mask = in.conj(lineExists, in.asRow(inRow));
    auto tileType = RankedTensorType::get({chunk, width}, b.getF32Type());
    Value partial =
        tt::LoadOp::create(in, outPointers, mask, in.constant(tileType, 0));
    // The sums below wait for the logarithms; the lines shall not.
    if (op.getWaits())
      in.instruction(tt::kOrderLoads);
    lse = in.mulf(lse, in.f32(llvm::numbers::log2e));
    Value newMax = in.maxf(max, in.reduceMax(lse, 0));
    Value shift = finiteMax(in, newMax);
    Value weights = math::Exp2Op::create(in, in.subf(lse, shift));
    Value decay = math::Exp2Op::create(in, in.subf(max, shift));
    Value newSum = in.mulf(sum, decay);
    newSum = in.addf(newSum, in.reduceSum(weights, 0));
    Value added = in.reduceSum(in.mulf(partial, in.asColumn(weights)), 0);
    Value newAcc = in.addf(in.mulf(acc, decay), added);
    scf::YieldOp::create(in, ValueRange{newMax, newSum, newAcc});
  }

  Value max = loop.getResult(0), sum = loop.getResult(1);
  Value empty = b.cmp(CmpFPredicate::OEQ, sum, b.f32(0));
  sum = b.select(empty, b.f32(1), sum);
  Value out = b.divf(loop.getResult(2), sum);
  Type element = view.getType().getElementType();
  if (!element.isF32())
    out = arith::TruncFOp::create(b, accType.clone(element), out);
  tt::StoreOp::create(b, outPointers, out, inRow);
  if (!op.getLse())
    return;
  Value lse = logSumExp(b, max, sum, empty);
  Value isFirst = part ? b.cmp(CmpIPredicate::eq, part, b.i32(0)) : Value();
  tt::StoreOp::create(b, lsePointer, lse, isFirst);
}
