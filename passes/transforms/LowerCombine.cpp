//===- LowerCombine.cpp - The kernel that joins a split -------------------===//
//
// A program joins a row of the result or, where that is wide, a part of it.
//
//===----------------------------------------------------------------------===//

#include "transforms/LowerCombine.h"
#include "flex/Width.h"
#include "transforms/LowerSoftmax.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

/// Splits that are few. So are those of many rows mostly, where a program's
/// instructions count.
static constexpr int64_t kFew = 8;

namespace {

class Combining {
public:
  Combining(TileBuilder &b, CombineOp op)
      : b(b), op(op), out(op.getOut().getDefiningOp<ViewOp>()),
        columns(op.getValueDim()), width(joinedWidth(columns)) {}

  void run() {
    locate();
    // All that is above is done while the kernel ahead still runs.
    if (op.getWaits())
      b.instruction(tt::kWaitForKernel);
    store(joinParts());
  }

private:
  /// Where the row's partial results begin, and where its own go.
  void locate() {
    Value row = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
    query = b.remu(row, op.getQLen());
    Value rest = b.divu(row, op.getQLen());
    head = b.remu(rest, op.getHeads());
    batch = b.divu(rest, op.getHeads());
    Value wideRow = b.extend(row);
    Value first = b.mul(wideRow, b.extend(op.getSplits()));
    partialLse = b.move(op.getPartialLse(), first);
    partialOut = b.move(op.getPartialOut(), b.mul(first, b.i64(columns)));
    column = b.range(width);
    if (width < columns) {
      part = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::Y);
      column = b.add(b.mul(part, b.i32(width)), column);
    }
    inRow = b.cmp(CmpIPredicate::slt, column, b.i32(columns));
    outPointers = rowOf(out);
    outPointers =
        b.move(outPointers, b.mul(b.extend(column), out.getStrides()[3]));
    if (op.getLse())
      lsePointer = rowOf(op.getLse().getDefiningOp<ViewOp>());
  }

  Value rowOf(ViewOp view) {
    auto strides = view.getStrides();
    Value offset = b.mul(b.extend(batch), strides[0]);
    offset = b.add(offset, b.mul(b.extend(head), strides[1]));
    offset = b.add(offset, b.mul(b.extend(query), strides[2]));
    return b.move(view.getPointer(), offset);
  }

  /// A few splits by as few instructions, or else in a loop.
  Softmax joinParts() {
    auto row = RankedTensorType::get({width}, b.getF32Type());
    Softmax none = {b.f32(-INFINITY), b.f32(0), b.constant(row, 0)};
    if (op.getChunk() <= kFew)
      return joinChunks(none);
    Value isFew = b.cmp(CmpIPredicate::sle, op.getSplits(), b.i32(kFew));
    TypeRange types = {none.max.getType(), none.sum.getType(), row};
    auto branch = scf::IfOp::create(b, types, isFew, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Softmax joined = join(b, b.i32(0), none, kFew);
    scf::YieldOp::create(b, ValueRange{joined.max, joined.sum, joined.acc});
    b.setInsertionPointToStart(branch.elseBlock());
    joined = joinChunks(none);
    scf::YieldOp::create(b, ValueRange{joined.max, joined.sum, joined.acc});
    return {branch.getResult(0), branch.getResult(1), branch.getResult(2)};
  }

  /// Some splits at a time, until all are joined.
  Softmax joinChunks(Softmax none) {
    SmallVector<Value> inits = {none.max, none.sum, none.acc};
    Value first = b.i32(0), step = b.i32(op.getChunk());
    auto loop = scf::ForOp::create(b, first, op.getSplits(), step, inits);
    Block *body = loop.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    TileBuilder in(op.getLoc(), OpBuilder::atBlockEnd(body));
    auto args = loop.getRegionIterArgs();
    Softmax joined = join(in, loop.getInductionVar(),
                          {args[0], args[1], args[2]}, op.getChunk());
    scf::YieldOp::create(in, ValueRange{joined.max, joined.sum, joined.acc});
    return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
  }

  /// `chunk` splits from `first` on, joined with those before.
  Softmax join(TileBuilder &in, Value first, Softmax before, int64_t chunk) {
    auto f32 = b.getF32Type();
    auto lines = RankedTensorType::get({chunk}, f32);
    auto tile = RankedTensorType::get({chunk, width}, f32);
    Value split = in.add(first, in.range(chunk));
    Value exists = in.cmp(CmpIPredicate::slt, split, op.getSplits());
    Value lse = tt::LoadOp::create(in, in.move(partialLse, split), exists,
                                   in.constant(lines, -INFINITY));
    Value line = in.mul(in.extend(in.asColumn(split)), in.i64(columns));
    Value at = in.move(partialOut, in.add(line, in.extend(in.asRow(column))));
    Value mask = in.conj(in.asColumn(exists), in.asRow(inRow));
    Value partial = tt::LoadOp::create(in, at, mask, in.constant(tile, 0));
    // The sums below wait for the logarithms; the lines shall not.
    if (op.getWaits())
      in.instruction(tt::kOrderLoads);
    lse = in.mulf(lse, in.f32(llvm::numbers::log2e));
    Value max = in.maxf(before.max, in.reduceMax(lse, 0));
    Value shift = finiteMax(in, max);
    Value weights = math::Exp2Op::create(in, in.subf(lse, shift));
    Value decay = math::Exp2Op::create(in, in.subf(before.max, shift));
    Value sum = in.mulf(before.sum, decay);
    sum = in.addf(sum, in.reduceSum(weights, 0));
    Value added = in.reduceSum(in.mulf(partial, in.asColumn(weights)), 0);
    return {max, sum, in.addf(in.mulf(before.acc, decay), added)};
  }

  void store(Softmax joined) {
    Value empty = b.cmp(CmpFPredicate::OEQ, joined.sum, b.f32(0));
    Value sum = b.select(empty, b.f32(1), joined.sum);
    Value result = b.divf(joined.acc, sum);
    Type element = out.getType().getElementType();
    if (!element.isF32())
      result = arith::TruncFOp::create(
          b, cast<RankedTensorType>(result.getType()).clone(element), result);
    tt::StoreOp::create(b, outPointers, result, inRow);
    if (!op.getLse())
      return;
    Value lse = logSumExp(b, joined.max, sum, empty);
    Value isFirst = part ? b.cmp(CmpIPredicate::eq, part, b.i32(0)) : Value();
    tt::StoreOp::create(b, lsePointer, lse, isFirst);
  }

  TileBuilder &b;
  CombineOp op;
  ViewOp out;
  int64_t columns, width;
  /// The row; which part of it, where there are several; and its columns.
  Value batch, head, query, part, column, inRow;
  Value partialLse, partialOut, outPointers, lsePointer;
};

} // namespace

void flex::lowerCombine(TileBuilder &b, CombineOp op) {
  Combining(b, op).run();
}
