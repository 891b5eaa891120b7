//===- FlexToTriton.cpp - flex to tt, scf, arith and math -----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/BlockLoops.h"
#include "transforms/LowerBlockLists.h"
#include "transforms/LowerSoftmax.h"
#include "transforms/ModInliner.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXTOTRITON
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

static void lowerRows(TileBuilder &b, RowsOp op) {
  int64_t group = op.getGroup(), heads = op.getHeads(),
          queries = op.getQueries(), rows = shapeOf(op.getHead())[0];
  Value queryCount = op.getQLen();

  // Axis x enumerates (batch, KV head, portion of the group, query tile).
  Value tiles, tilesInBlock;
  if (auto block = op.getQBlock()) {
    // Only the last block of queries may hold fewer tiles than the others.
    Value width = b.i32(*block);
    tilesInBlock = b.i32(llvm::divideCeil(*block, queries));
    Value inWholeBlocks = b.mul(b.div(queryCount, width), tilesInBlock);
    Value inLastBlock = b.ceilDiv(b.rem(queryCount, width), queries);
    tiles = b.add(inWholeBlocks, inLastBlock);
  } else {
    tiles = b.ceilDiv(queryCount, queries);
  }
  Value id = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
  Value tile = b.rem(id, tiles);
  id = b.div(id, tiles);
  Value firstInGroup = b.i32(0);
  if (int64_t portions = llvm::divideCeil(group, heads); portions > 1) {
    Value count = b.i32(portions);
    Value portion = b.rem(id, count);
    firstInGroup = b.mul(portion, b.i32(heads));
    id = b.div(id, count);
  }
  Value kvHead = b.rem(id, op.getKvHeads());
  Value batch = b.div(id, op.getKvHeads());

  Value firstQuery, queryLimit = queryCount;
  if (auto block = op.getQBlock()) {
    Value width = b.i32(*block);
    Value start = b.mul(b.div(tile, tilesInBlock), width);
    Value tileInBlock = b.rem(tile, tilesInBlock);
    firstQuery = b.add(start, b.mul(tileInBlock, b.i32(queries)));
    queryLimit = b.min(queryLimit, b.add(start, width));
  } else {
    firstQuery = b.mul(tile, b.i32(queries));
  }

  // Row r holds head r % heads of query r / heads.
  Value row = b.range(rows);
  Value headInTile =
      heads == 1 ? b.constant(row.getType(), 0) : b.rem(row, b.i32(heads));
  Value queryInTile = heads == 1 ? row : b.div(row, b.i32(heads));
  Value headInGroup = b.add(firstInGroup, headInTile);
  Value query = b.add(firstQuery, queryInTile);
  Value valid = b.cmp(CmpIPredicate::slt, query, queryLimit);
  if (heads * queries < rows)
    valid =
        b.conj(valid, b.cmp(CmpIPredicate::slt, queryInTile, b.i32(queries)));
  if (group % heads)
    valid = b.conj(valid, b.cmp(CmpIPredicate::slt, headInGroup, b.i32(group)));

  Value firstOfGroup = b.mul(kvHead, b.i32(group));
  Value firstHead = b.add(firstOfGroup, firstInGroup);
  Value head = b.add(firstOfGroup, b.min(headInGroup, b.i32(group - 1)));
  query = b.min(query, b.sub(queryCount, b.i32(1)));
  // A tile past the block's last query still names a query that exists.
  firstQuery = b.min(firstQuery, b.sub(queryCount, b.i32(1)));
  op.replaceAllUsesWith(
      ValueRange{batch, kvHead, firstHead, firstQuery, head, query, valid});
}

static void lowerAt(TileBuilder &b, AtOp op) {
  auto source = op.getSource().getDefiningOp<PerBatchOp>();
  Value address = b.move(source.getPointer(), op.getBatch());
  Type stored = cast<tt::PointerType>(address.getType()).getPointeeType();
  Value value =
      tt::LoadOp::create(b, address, source.getGiven(), b.constant(stored, 0));
  if (stored.getIntOrFloatBitWidth() > 32)
    value = arith::TruncIOp::create(b, b.getI32Type(), value);
  else if (stored.getIntOrFloatBitWidth() < 32)
    value = arith::ExtSIOp::create(b, b.getI32Type(), value);
  op.replaceAllUsesWith(b.select(source.getGiven(), value, source.getValue()));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Pointers to the lines `view[batch, head, index]`, as a column.
static Value linePointers(TileBuilder &b, ViewOp view, Value batch, Value head,
                          Value index) {
  auto strides = view.getStrides();
  Value base = b.move(view.getPointer(), b.mul(b.extend(batch), strides[0]));
  Value line = b.mul(b.extend(b.asColumn(index)), strides[2]);
  if (shapeOf(head).empty())
    base = b.move(base, b.mul(b.extend(head), strides[1]));
  else
    line = b.add(line, b.mul(b.extend(b.asColumn(head)), strides[1]));
  return b.move(base, line);
}

/// Which of a tile's places exist: columns below `columns` of valid lines.
static Value existing(TileBuilder &b, Value valid, Value column,
                      int64_t columns, ArrayRef<int64_t> shape) {
  Value exists = b.asColumn(valid);
  if (columns < shape[1])
    exists = b.conj(exists, b.cmp(CmpIPredicate::slt, column, b.i32(columns)));
  return b.spread(exists, shape);
}

/// Pointers to a tile of `width` columns, and which of them exist.
static std::pair<Value, Value> tilePointers(TileBuilder &b, ViewOp view,
                                            Value lines, Value valid,
                                            int64_t columns, int64_t width) {
  Value column = b.asRow(b.range(width));
  Value offset = b.mul(b.extend(column), view.getStrides()[3]);
  Value pointers = b.move(lines, offset);
  return {pointers, existing(b, valid, column, columns, shapeOf(pointers))};
}

/// The first of the consecutive lines that a load in a loop reads.
using FirstLines = DenseMap<Operation *, Value>;

/// Pointers to consecutive lines from `first` on. What differs between tiles is
/// one scalar; the offsets inside a tile are left for the loop to hoist.
static std::pair<Value, Value> consecutivePointers(TileBuilder &b, ViewOp view,
                                                   LoadOp op, Value first) {
  auto strides = view.getStrides();
  auto shape = shapeOf(op.getResult());
  Value base =
      b.move(view.getPointer(), b.mul(b.extend(op.getBatch()), strides[0]));
  base = b.move(base, b.mul(b.extend(op.getHead()), strides[1]));
  base = b.move(base, b.mul(b.extend(first), strides[2]));
  Value line = b.mul(b.extend(b.asColumn(b.range(shape[0]))), strides[2]);
  Value column = b.asRow(b.range(shape[1]));
  Value offset = b.add(line, b.mul(b.extend(column), strides[3]));
  Value pointers = b.move(base, offset);
  return {pointers, existing(b, op.getValid(), column, op.getColumns(), shape)};
}

static void lowerLoad(TileBuilder &b, LoadOp op, const FirstLines &firstLines) {
  auto view = op.getView().getDefiningOp<ViewOp>();
  Value pointers, exists;
  if (Value first = firstLines.lookup(op)) {
    std::tie(pointers, exists) = consecutivePointers(b, view, op, first);
  } else {
    Value lines =
        linePointers(b, view, op.getBatch(), op.getHead(), op.getIndex());
    std::tie(pointers, exists) =
        tilePointers(b, view, lines, op.getValid(), op.getColumns(),
                     shapeOf(op.getResult())[1]);
  }
  Value zero = b.constant(op.getType(), 0);
  op.replaceAllUsesWith(
      tt::LoadOp::create(b, pointers, exists, zero).getResult());
}

static void lowerStore(TileBuilder &b, StoreOp op) {
  auto view = op.getView().getDefiningOp<ViewOp>();
  Value pointers =
      linePointers(b, view, op.getBatch(), op.getHead(), op.getIndex());
  Value exists = b.asColumn(op.getValid());
  Value value = op.getValue();
  auto shape = shapeOf(value);
  if (shape.size() == 1)
    value = b.asColumn(value);
  else
    std::tie(pointers, exists) = tilePointers(b, view, pointers, op.getValid(),
                                              op.getColumns(), shape[1]);
  auto type = cast<RankedTensorType>(value.getType());
  Type element = view.getType().getElementType();
  if (element != type.getElementType())
    value = arith::TruncFOp::create(b, type.clone(element), value);
  tt::StoreOp::create(b, pointers, value, exists);
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

static LogicalResult lowerFor(TileBuilder &b, ForOp op,
                              FirstLines &firstLines) {
  int64_t keys = shapeOf(op.getPositions())[0];
  auto sequence = lowerBlocks(b, op.getBlocks(), keys);
  if (!sequence)
    return op.emitError("expected blocks defined by a flex op");
  // Without keys there is no position to clamp to: visit no tile.
  Value any = b.cmp(CmpIPredicate::sgt, op.getLimit(), b.i32(0));
  Value end = b.select(any, sequence->end, sequence->begin);
  auto loop =
      scf::ForOp::create(b, sequence->begin, end, b.i32(1), op.getInits());

  Block *body = loop.getBody();
  if (!body->empty())
    body->getTerminator()->erase();
  TileBuilder inner(op.getLoc(), OpBuilder::atBlockEnd(body));
  auto tile = sequence->at(inner, loop.getInductionVar(), Value());
  Value positions = tile.positions(inner, keys);
  Value valid = inner.cmp(CmpIPredicate::slt, positions, op.getLimit());
  Value last = inner.sub(op.getLimit(), inner.i32(1));
  SmallVector<Value> arguments = {inner.min(positions, last), valid,
                                  tile.unmasked};
  llvm::append_range(arguments, loop.getRegionIterArgs());
  Block *source = &op.getBody().front();
  // Masked lines are never read, so that their addresses need no clamp. A start
  // that is read from memory stays out of it: Triton would divide the stages of
  // its pipeline between that read and the lines'.
  if (!sequence->readsStarts())
    for (auto load : source->getOps<LoadOp>())
      if (load.getIndex() == op.getPositions() &&
          load.getValid() == source->getArgument(1) &&
          shapeOf(load.getHead()).empty())
        firstLines[load] = tile.start;
  auto yield = cast<YieldOp>(source->getTerminator());
  scf::YieldOp::create(inner, yield.getState());
  yield.erase();
  for (auto [from, to] : llvm::zip(source->getArguments(), arguments))
    from.replaceAllUsesWith(to);
  body->getOperations().splice(std::prev(body->end()), source->getOperations());
  op.replaceAllUsesWith(loop.getResults());
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// Ops that only name things: their users read them, and they go at the end.
bool isName(Operation *op) {
  return isa<ViewOp, PerBatchOp, BlockTableOp, RangeOp, ListOp, ConcatOp,
             SliceOp>(op);
}

struct FlexToTritonPass
    : public flex::impl::FlexToTritonBase<FlexToTritonPass> {
  void runOnOperation() override {
    firstLines.clear();
    SmallVector<Operation *> ops, names;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa_and_nonnull<FlexDialect>(op->getDialect()) || isa<YieldOp>(op))
        return;
      (isName(op) ? names : ops).push_back(op);
    });
    for (Operation *op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
    for (Operation *op : llvm::reverse(names))
      if (failed(eraseName(op)))
        return signalPassFailure();
  }

  LogicalResult eraseName(Operation *op) {
    if (op->use_empty()) {
      op->erase();
      return success();
    }
    auto diag = op->emitError()
                << "expected only flex ops to use a value of type "
                << op->getResult(0).getType();
    diag.attachNote((*op->user_begin())->getLoc()) << "it is used here";
    return diag;
  }

  LogicalResult lower(Operation *op) {
    if (isa<ScoreModOp, MaskModOp>(op))
      return inlineMod(op, ModShapes::Tile);
    if (failed(namesAreKnown(op)))
      return failure();
    TileBuilder b(op->getLoc(), op);
    LogicalResult result =
        TypeSwitch<Operation *, LogicalResult>(op)
            .Case([&](ForOp op) { return lowerFor(b, op, firstLines); })
            .Case([&](RowsOp op) { return lowerRows(b, op), success(); })
            .Case([&](AtOp op) { return lowerAt(b, op), success(); })
            .Case([&](LoadOp op) {
              return lowerLoad(b, op, firstLines), success();
            })
            .Case([&](StoreOp op) { return lowerStore(b, op), success(); })
            .Case([&](ScoresOp op) { return lowerScores(b, op), success(); })
            .Case([&](BoundOp op) { return lowerBound(b, op), success(); })
            .Case([&](OnlineSoftmaxOp op) {
              return lowerOnlineSoftmax(b, op), success();
            })
            .Case([&](SoftmaxFinishOp op) {
              return lowerSoftmaxFinish(b, op), success();
            })
            .Case([&](CombineOp op) { return lowerCombine(b, op), success(); })
            .Case([&](ClassifyOp op) { return lowerClassify(b, op); })
            .Case([&](CompactOp op) { return lowerCompact(b, op), success(); })
            .Default([](Operation *op) {
              return op->emitError("expected flex-expand-decode to have run");
            });
    if (succeeded(result))
      op->erase();
    return result;
  }

  FirstLines firstLines;

  /// Views and block sequences have no run-time value; only the op that made
  /// one tells what it is.
  LogicalResult namesAreKnown(Operation *op) {
    for (Value operand : op->getOperands()) {
      if (!isa<ViewType, PerBatchType, BlockTableType, BlocksType>(
              operand.getType()))
        continue;
      Operation *name = operand.getDefiningOp();
      if (!name || !isName(name))
        return op->emitError()
               << "expected an operand of type " << operand.getType()
               << " to be made in this function by a flex op";
      if (failed(namesAreKnown(name)))
        return failure();
    }
    return success();
  }
};

} // namespace
