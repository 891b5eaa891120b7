//===- LowerCombine.cpp - The kernel that combines a split ----------------===//
//
// A program, a warp, combines a row of the result or some of its columns: as
// many as flex/Width.h says of so many parts.
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

namespace {

class Combining {
public:
  Combining(TileBuilder &b, CombineOp op)
      : b(b), op(op), out(op.getOut().getDefiningOp<ViewOp>()) {}

  void run() {
    locateRow();
    Value isFew = b.cmp(CmpIPredicate::sle, op.getSplits(), b.i32(fewParts));
    auto branch = scf::IfOp::create(b, isFew, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    locateColumns(fewParts);
    inTurns([&](Turn turn) {
      store(combine(b, b.i32(0), nothing(), fewParts, turn.parts), turn);
    });
    b.setInsertionPoint(branch.elseYield());
    locateColumns(fewParts + 1);
    inTurns([&](Turn turn) { store(combineChunks(turn), turn); });
  }

private:
  /// One time that a program does its work: how many parts there are to
  /// combine, and whether to store what comes of it; null where it is the only
  /// one.
  struct Turn {
    Value parts, counts;
  };

  /// Where the row's partial results begin, and where its own go.
  void locateRow() {
    Value row = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
    query = b.remu(row, op.getQLen());
    Value rest = b.divu(row, op.getQLen());
    head = b.remu(rest, op.getHeads());
    batch = b.divu(rest, op.getHeads());
    Value wideRow = b.extend(row);
    Value first = b.mul(wideRow, b.extend(op.getSplits()));
    partialState = b.move(op.getPartialState(), b.mul(first, b.i64(2)));
    int64_t columns = op.getValueDim();
    partialAcc = b.move(op.getPartialAcc(), b.mul(first, b.i64(columns)));
    rowPointer = rowOf(out);
    if (op.getLse())
      lsePointer = rowOf(op.getLse().getDefiningOp<ViewOp>());
    if (op.getMaxScores())
      maxPointer = rowOf(op.getMaxScores().getDefiningOp<ViewOp>());
  }

  /// Which of its columns the program combines of up to so many parts.
  void locateColumns(int64_t atMost) {
    int64_t columns = op.getValueDim();
    width = combinedWidth(columns, atMost);
    column = b.range(width);
    isFirst = {};
    if (width < columns) {
      Value place = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::Y);
      column = b.add(b.mul(place, b.i32(width)), column);
      isFirst = b.cmp(CmpIPredicate::eq, place, b.i32(0));
    }
    inRow = b.cmp(CmpIPredicate::slt, column, b.i32(columns));
    outPointers =
        b.move(rowPointer, b.mul(b.extend(column), out.getStrides()[3]));
  }

  Value rowOf(ViewOp view) {
    auto strides = view.getStrides();
    Value offset = b.mul(b.extend(batch), strides[0]);
    offset = b.add(offset, b.mul(b.extend(head), strides[1]));
    offset = b.add(offset, b.mul(b.extend(query), strides[2]));
    return b.move(view.getPointer(), offset);
  }

  /// Told to wait, a program first does all of it with no part to combine,
  /// while the kernel ahead still runs: by the time that has ended, its
  /// instructions are there. There are two parts at least, but no compiler
  /// knows, so that both turns are the same code.
  void inTurns(function_ref<void(Turn)> work) {
    if (!op.getWaits())
      return work({op.getSplits(), {}});
    Value turns = b.min(op.getSplits(), b.i32(2));
    auto loop = scf::ForOp::create(b, b.i32(0), turns, b.i32(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value done = b.add(loop.getInductionVar(), b.i32(1));
    Value isLast = b.cmp(CmpIPredicate::eq, done, turns);
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
    TileBuilder in(op.getLoc(), branch.getThenBodyBuilder());
    in.instruction(tt::kWaitForKernel);
    work({b.select(isLast, op.getSplits(), b.i32(0)), isLast});
  }

  Softmax nothing() {
    auto row = RankedTensorType::get({width}, b.getF32Type());
    return {b.f32(-INFINITY), b.f32(0), b.constant(row, 0)};
  }

  /// Some splits at a time, until all are combined.
  Softmax combineChunks(Turn turn) {
    Softmax none = nothing();
    SmallVector<Value> inits = {none.max, none.sum, none.acc};
    Value first = b.i32(0), step = b.i32(op.getChunk());
    // Where there are none it goes once through it, too.
    Value end = turn.counts ? b.max(turn.parts, b.i32(1)) : turn.parts;
    auto loop = scf::ForOp::create(b, first, end, step, inits);
    Block *body = loop.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    TileBuilder in(op.getLoc(), OpBuilder::atBlockEnd(body));
    auto args = loop.getRegionIterArgs();
    Softmax combined =
        combine(in, loop.getInductionVar(), {args[0], args[1], args[2]},
                op.getChunk(), turn.parts);
    scf::YieldOp::create(in,
                         ValueRange{combined.max, combined.sum, combined.acc});
    return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
  }

  /// `chunk` of these parts from `first` on, combined with those before.
  Softmax combine(TileBuilder &in, Value first, Softmax before, int64_t chunk,
                  Value parts) {
    auto f32 = b.getF32Type();
    auto lines = RankedTensorType::get({chunk}, f32);
    auto tile = RankedTensorType::get({chunk, width}, f32);
    Value split = in.add(first, in.range(chunk));
    Value exists = in.cmp(CmpIPredicate::slt, split, parts);
    Value state = in.move(partialState, in.mul(split, in.i32(2)));
    Value maxima =
        tt::LoadOp::create(in, state, exists, in.constant(lines, -INFINITY));
    Value sums = tt::LoadOp::create(in, in.move(state, in.i32(1)), exists,
                                    in.constant(lines, 0));
    Value columns = in.i64(op.getValueDim());
    Value line = in.mul(in.extend(in.asColumn(split)), columns);
    Value at = in.move(partialAcc, in.add(line, in.extend(in.asRow(column))));
    Value mask = in.conj(in.asColumn(exists), in.asRow(inRow));
    Value partial = tt::LoadOp::create(in, at, mask, in.constant(tile, 0));
    // The sums below wait for the maxima; the lines shall not.
    if (op.getWaits())
      in.instruction(tt::kOrderLoads);
    Value max = in.maxf(before.max, in.reduceMax(maxima, 0));
    Value shift = finiteMax(in, max);
    Value weights = math::Exp2Op::create(in, in.subf(maxima, shift));
    Value decay = math::Exp2Op::create(in, in.subf(before.max, shift));
    Value sum = in.mulf(before.sum, decay);
    sum = in.addf(sum, in.reduceSum(in.mulf(sums, weights), 0));
    Value added = in.reduceSum(in.mulf(partial, in.asColumn(weights)), 0);
    return {max, sum, in.addf(in.mulf(before.acc, decay), added)};
  }

  void store(Softmax combined, Turn turn) {
    Value empty = b.cmp(CmpFPredicate::OEQ, combined.sum, b.f32(0));
    Value sum = b.select(empty, b.f32(1), combined.sum);
    Value result = b.quotient(combined.acc, sum);
    Type element = out.getType().getElementType();
    if (!element.isF32())
      result = arith::TruncFOp::create(
          b, cast<RankedTensorType>(result.getType()).clone(element), result);
    Value inRow = this->inRow, isFirst = this->isFirst;
    if (turn.counts) {
      inRow = b.conj(inRow, turn.counts);
      isFirst = isFirst ? b.conj(isFirst, turn.counts) : turn.counts;
    }
    tt::StoreOp::create(b, outPointers, result, inRow);
    if (lsePointer)
      tt::StoreOp::create(b, lsePointer, logSumExp(b, combined.max, sum, empty),
                          isFirst);
    if (maxPointer)
      tt::StoreOp::create(b, maxPointer,
                          b.mulf(combined.max, b.f32(llvm::numbers::ln2)),
                          isFirst);
  }

  TileBuilder &b;
  CombineOp op;
  ViewOp out;
  /// The row, and where it begins.
  Value batch, head, query, partialState, partialAcc, rowPointer;
  /// Where its log-sum-exp and largest score go, if they are wanted.
  Value lsePointer, maxPointer;
  /// Its columns that the program combines; whether they are the first ones.
  int64_t width = 0;
  Value column, inRow, outPointers, isFirst;
};

} // namespace

void flex::lowerCombine(TileBuilder &b, CombineOp op) {
  Combining(b, op).run();
}
