//===- LowerCombineInCluster.cpp - A cluster combines its split -----------===//
//
// With R rows in a tile, of which the first L may exist, and C columns, each
// program leaves in its shared memory
//
//   (max, sum)[R], acc[L][C]    f32
//
// and, when all have done so, combines every P-th chunk of columns of all P
// programs. None ends before all have read. For rows, columns and programs that
// do not exist the last ones are read, and do not count.
//
//===----------------------------------------------------------------------===//

#include "transforms/ClusterMemory.h"
#include "transforms/LowerCombine.h"
#include "transforms/LowerMemory.h"
#include "transforms/LowerRows.h"
#include "transforms/LowerSoftmax.h"
#include "transforms/Pieces.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

/// Programs of the largest cluster.
static constexpr int64_t kPrograms = 8;
/// Elements that are loaded at once, some from each program of a cluster:
/// another program's memory is far, and a thread has room for a few.
static constexpr int64_t kLoads = 1024;

namespace {

class CombiningInCluster {
public:
  CombiningInCluster(TileBuilder &b, CombineInClusterOp op)
      : b(b), op(op), memory(b), space(b, op),
        out(op.getOut().getDefiningOp<ViewOp>()) {
    tileRows = shapeOf(op.getAcc())[0];
    int64_t heads = op.getHeads();
    rows = std::min<int64_t>(llvm::PowerOf2Ceil(heads), tileRows);
  }

  void run() {
    own = memory.at(op.getMemory());
    // Rows that exist come first, those of one query next to each other.
    Value queries = b.min(op.getQLen(), b.i32(op.getQueries()));
    rowCount = b.mul(queries, b.i32(op.getHeads()));
    leave();
    own = b.add(own, memory.meet());
    // Of a pair, which is common, more can be loaded at once.
    Value isPair = b.cmp(CmpIPredicate::sle, op.getParts(), b.i32(2));
    auto branch = scf::IfOp::create(b, isPair, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(branch.thenYield());
      combineChunks(2);
      b.setInsertionPoint(branch.elseYield());
      combineChunks(kPrograms);
    }
    memory.meet();
  }

private:
  /// Where the maximum of a row is, behind a program's `base`; the sum follows.
  Value pairAt(Value base, Value row) {
    return b.add(base, b.mul(row, b.i32(8)));
  }

  /// Where the elements of an accumulator are.
  Value elementAt(Value base, Value row, Value column) {
    Value line = b.asColumn(row);
    line = b.mul(line, b.i32(op.getColumns()));
    Value place = b.add(line, b.asRow(column));
    place = b.mul(place, b.i32(4));
    Value lines = b.add(base, b.i32(8 * tileRows));
    return b.add(lines, place);
  }

  Value exists(Value column) {
    return b.cmp(CmpIPredicate::slt, column, b.i32(op.getColumns()));
  }

  void leave() {
    Value row = b.range(tileRows);
    Value valid = space.rows(b, row, tileRows).valid;
    Value pair = pairAt(own, row);
    memory.store(pair, op.getMax(), valid);
    memory.store(b.add(pair, b.i32(4)), op.getSum(), valid);
    int64_t first = 0;
    for (Value piece : cut(b, op.getAcc())) {
      int64_t end = first + shapeOf(piece)[1];
      Value column = b.range(first, end);
      Value stored = b.asColumn(valid);
      if (int64_t(op.getColumns()) < end)
        stored = b.conj(stored, b.asRow(exists(column)));
      memory.store(elementAt(own, row, column), piece, stored);
      first = end;
    }
  }

  /// What more than half of `most` programs have left, and `most` at most: one
  /// chunk for each of them, as far as what is loaded at once allows.
  void combineChunks(int64_t most) {
    int64_t share = llvm::divideCeil(int64_t(op.getColumns()), most / 2 + 1);
    int64_t room = std::max<int64_t>(kLoads / most / rows, 16);
    int64_t columns = std::clamp<int64_t>(llvm::PowerOf2Ceil(share), 16, room);
    Value first = b.mul(op.getPart(), b.i32(columns));
    Value step = b.mul(op.getParts(), b.i32(columns));
    forEach(b.i32(0), rowCount, b.i32(rows), [&](Value row) {
      Value rowNumbers = b.add(row, b.range(rows));
      forEach(first, b.i32(op.getColumns()), step, [&](Value column) {
        combineChunk(most, rowNumbers, b.add(column, b.range(columns)));
      });
    });
  }

  void combineChunk(int64_t most, Value row, Value column) {
    Value lastRow = b.sub(rowCount, b.i32(1));
    Value readRow = b.min(row, lastRow);
    Value readColumn = b.min(column, b.i32(op.getColumns() - 1));
    Value pair = pairAt(b.i32(0), readRow);
    Value element = elementAt(b.i32(0), readRow, readColumn);
    Softmax total = combined(most, pair, element);
    Type columnType = total.sum.getType();
    auto finish = SoftmaxFinishOp::create(
        b, TypeRange{total.acc.getType(), columnType, columnType}, total.max,
        total.sum, total.acc);
    store(finish, row, column);
    TileBuilder at(finish.getLoc(), finish);
    lowerSoftmaxFinish(at, finish);
    finish.erase();
  }

  void store(SoftmaxFinishOp finish, Value row, Value column) {
    auto [head, query, valid] = space.rows(b, row, tileRows);
    Value offset = b.mul(b.extend(b.asRow(column)), out.getStrides()[3]);
    Value pointers = linesAt(b, out, space.batch, head, query);
    Value result = finish.getOut();
    Type element = out.getType().getElementType();
    if (!element.isF32())
      result = arith::TruncFOp::create(
          b, finish.getOut().getType().clone(element), result);
    Value stored = b.asColumn(valid);
    tt::StoreOp::create(b, b.move(pointers, offset), result,
                        b.conj(stored, b.asRow(exists(column))));
    auto storeNumber = [&](Value view, Value number) {
      Value isFirst = b.cmp(CmpIPredicate::eq, op.getPart(), b.i32(0));
      Value at =
          linesAt(b, view.getDefiningOp<ViewOp>(), space.batch, head, query);
      tt::StoreOp::create(b, at, b.asColumn(number), b.conj(stored, isFirst));
    };
    if (op.getLse())
      storeNumber(op.getLse(), finish.getLse());
    if (op.getMaxScores())
      storeNumber(op.getMaxScores(), finish.getMaxScore());
  }

  /// What all programs found, `most` at most, for rows and elements that lie so
  /// far behind the beginning of their memory.
  Softmax combined(int64_t most, Value pair, Value element) {
    SmallVector<Softmax> found;
    Value max, last = b.sub(op.getParts(), b.i32(1));
    for (int64_t i = 0; i < most; ++i) {
      Value program = b.i32(i);
      Value counts = b.cmp(CmpIPredicate::sle, program, last);
      Value base = memory.ofProgram(own, b.min(program, last));
      Value at = b.add(base, pair);
      Softmax one;
      one.max = b.select(counts, memory.load(at), b.f32(-INFINITY));
      one.sum = memory.loadNext(at);
      one.acc = memory.load(b.add(base, element));
      max = max ? b.maxf(max, one.max) : one.max;
      found.push_back(one);
    }
    Value shift = finiteMax(b, max);
    Softmax total{max, {}, {}};
    for (Softmax &one : found) {
      Value weight = math::Exp2Op::create(b, b.subf(one.max, shift));
      Value sum = b.mulf(one.sum, weight);
      Value acc = b.mulf(one.acc, b.asColumn(weight));
      total.sum = total.sum ? b.addf(total.sum, sum) : sum;
      total.acc = total.acc ? b.addf(total.acc, acc) : acc;
    }
    return total;
  }

  void forEach(Value first, Value end, Value step,
               llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, first, end, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  TileBuilder &b;
  CombineInClusterOp op;
  ClusterMemory memory;
  RowSpace space;
  ViewOp out;
  int64_t tileRows, rows; // of the tile, and those combined at once
  Value own, rowCount;
};

} // namespace

void flex::lowerCombineInCluster(TileBuilder &b, CombineInClusterOp op) {
  CombiningInCluster(b, op).run();
}
