//===- FlexToTriton.cpp - flex to tt, scf, arith and math -----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/BlockLoops.h"
#include "transforms/LowerBlockLists.h"
#include "transforms/LowerCombine.h"
#include "transforms/LowerMemory.h"
#include "transforms/LowerRows.h"
#include "transforms/LowerSoftmax.h"
#include "transforms/ModInliner.h"
#include "transforms/Pieces.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXTOTRITON
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

/// The first of the consecutive lines that a load in a loop reads.
using FirstLines = DenseMap<Operation *, Value>;

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// Checks that the blocks that a program lists itself are tiles of its loop.
static LogicalResult checkBlocksAreTiles(ForOp op, Value blocks, int64_t keys) {
  Operation *name = blocks.getDefiningOp();
  auto listed = dyn_cast<CompactOp>(name);
  if (listed && listed.getKvBlock() != keys)
    return op.emitError() << "expected tiles of " << listed.getKvBlock()
                          << " keys, as the blocks that are listed, got "
                          << keys;
  for (Value operand : name->getOperands())
    if (isa<BlocksType>(operand.getType()) &&
        failed(checkBlocksAreTiles(op, operand, keys)))
      return failure();
  return success();
}

static LogicalResult lowerFor(TileBuilder &b, ForOp op,
                              FirstLines &firstLines) {
  int64_t keys = shapeOf(op.getPositions())[0];
  if (failed(checkBlocksAreTiles(op, op.getBlocks(), keys)))
    return failure();
  auto sequence = lowerBlocks(b, op.getBlocks(), keys);
  assert(sequence && "makesBlocks knows an op that lowerShare does not");
  // Without keys there is no position to clamp to: visit no tile.
  Value any = b.cmp(CmpIPredicate::sgt, op.getLimit(), b.i32(0));
  Value end = b.select(any, sequence->end, sequence->begin);
  Value step = sequence->step ? sequence->step : b.i32(1);
  SmallVector<Value> inits = cut(b, op.getInits());
  size_t stateSize = inits.size();
  // What is read to find a tile is read a tile ahead: its keys need not wait.
  if (sequence->numReads() > 0) {
    Value some = b.cmp(CmpIPredicate::slt, sequence->begin, end);
    llvm::append_range(inits, sequence->read(b, sequence->begin, some));
  }
  auto loop = scf::ForOp::create(b, sequence->begin, end, step, inits);

  Block *body = loop.getBody();
  if (!body->empty())
    body->getTerminator()->erase();
  TileBuilder inner(op.getLoc(), OpBuilder::atBlockEnd(body));
  ValueRange state = loop.getRegionIterArgs().take_front(stateSize);
  Value index = loop.getInductionVar();
  auto tile = sequence->at(inner, index,
                           loop.getRegionIterArgs().drop_front(stateSize));
  Value positions = tile.positions(inner, keys);
  Value valid = inner.cmp(CmpIPredicate::slt, positions, op.getLimit());
  Value last = inner.sub(op.getLimit(), inner.i32(1));
  SmallVector<Value> arguments = {inner.min(positions, last), valid,
                                  tile.unmasked};
  llvm::append_range(arguments, join(inner, op->getResultTypes(), state));
  Block *source = &op.getBody().front();
  // Masked lines are never read, so that their addresses need no clamp.
  if (shapeOf(tile.start).empty())
    for (auto load : source->getOps<LoadOp>())
      if (load.getIndex() == op.getPositions() &&
          load.getValid() == source->getArgument(1) &&
          shapeOf(load.getHead()).empty())
        firstLines[load] = tile.start;
  for (auto [from, to] : llvm::zip(source->getArguments(), arguments))
    from.replaceAllUsesWith(to);
  SmallVector<Value> ahead;
  if (sequence->numReads() > 0) {
    Value next = inner.add(index, step);
    Value exists = inner.cmp(CmpIPredicate::slt, next, end);
    ahead = sequence->read(inner, next, exists);
  }
  body->getOperations().splice(body->end(), source->getOperations());
  auto yield = cast<YieldOp>(body->back());
  inner.setInsertionPoint(yield);
  SmallVector<Value> yielded = cut(inner, yield.getState());
  llvm::append_range(yielded, ahead);
  scf::YieldOp::create(inner, yielded);
  yield.erase();
  op.replaceAllUsesWith(
      join(b, op->getResultTypes(), loop.getResults().take_front(stateSize)));
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// Ops that only name things: their users read them, and they go at the end.
bool isName(Operation *op) {
  return isa<ViewOp, PerBatchOp, BlockTableOp>(op) || makesBlocks(op);
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
    if (failed(erasePieceCasts(getOperation())))
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
              return lowerLoad(b, op, firstLines.lookup(op)), success();
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
            .Case([&](CombineInClusterOp op) {
              return lowerCombineInCluster(b, op), success();
            })
            .Case([&](ClassifyOp op) { return lowerClassify(b, op); })
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
