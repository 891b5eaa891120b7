//===- LowerBlockLists.cpp - Masks to lists of blocks ---------------------===//
//
// The programs along grid axis y write words of kinds, each by one thread that
// then counts the program as arrived: its own stores come before that in order,
// with no barrier. Who counts last sees all words and makes the list.
//
//===----------------------------------------------------------------------===//

#include "transforms/LowerBlockLists.h"
#include "transforms/ModInliner.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// flex.classify
//===----------------------------------------------------------------------===//

namespace {

/// What is known of an element, or of several by `or`: a block is full with
/// `seen` alone and empty with `hidden` alone.
enum Sight { seen = 1, hidden = 2, both = 3 };

class Classification {
public:
  Classification(TileBuilder &b, ClassifyOp op)
      : b(b), op(op), blocks(op.getBlocks()), keys(op.getKvBlock()) {}

  LogicalResult run() {
    callee = SymbolTable::lookupNearestSymbolFrom<tt::FuncOp>(
        op, op.getCalleeAttr());
    if (failed(checkBody(op, callee)))
      return failure();
    head = b.asColumn(b.asColumn(op.getHead()));
    query = b.asColumn(b.asColumn(op.getQuery()));
    Value block = b.asColumn(b.range(blocks));
    Value first = b.mul(block, b.i32(keys));
    offsets = b.asRow(b.add(first, b.asRow(b.range(keys))));
    Value words = b.ceilDiv(b.ceilDiv(op.getLimit(), keys), blocks);
    Value part = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::Y);
    Value parts = tt::GetNumProgramsOp::create(b, tt::ProgramIDDim::Y);
    auto loop = scf::ForOp::create(b, part, words, parts);

    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    Value word = loop.getInductionVar();
    firstKey = b.mul(word, b.i32(blocks * keys));
    // Keys that all exist need no clamp: their loads are seen to be adjacent.
    Value left = b.sub(op.getLimit(), firstKey);
    Value whole = b.cmp(CmpIPredicate::sge, left, b.i32(blocks * keys));
    auto branch = scf::IfOp::create(b, b.getI64Type(), whole,
                                    /*withElseRegion=*/true);
    for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
      OpBuilder::InsertionGuard inside(b);
      b.setInsertionPointToStart(block);
      Value count = block == branch.elseBlock() ? left : Value();
      auto yield = scf::YieldOp::create(b, Value(firstKey));
      b.setInsertionPoint(yield);
      yield->setOperand(0, classify(yield, count));
    }
    b.setInsertionPointAfter(branch);
    Value address = b.move(op.getKinds(), word);
    tt::StoreOp::create(b, address, branch.getResult(0), Value());
    return success();
  }

private:
  /// The word of the blocks from `firstKey` on, of whose keys `count` exist, or
  /// all. Emitted before `end`.
  Value classify(Operation *end, Value count) {
    Value within = offsets, exists;
    if (count) {
      exists = b.cmp(CmpIPredicate::slt, offsets, count);
      within = b.min(offsets, b.sub(count, b.i32(1)));
    }
    SmallVector<Value> arguments = {op.getBatch(), head, query,
                                    b.add(within, firstKey)};
    llvm::append_range(arguments, op.getCaptures());
    // All inside the loop, which most programs go through once: ahead of it, a
    // value of all keys would be waited for before theirs are asked for.
    auto results = inlineBody(end, callee, arguments);
    Value hides = b.i32(hidden);
    Value sight = b.select(results.front(), b.i32(seen), hides);
    if (results.size() > 1)
      sight = b.select(results.back(), sight, b.i32(both));
    if (count)
      sight = b.select(exists, sight, hides);
    return pack(sight);
  }

  /// One word from what is known of each element.
  Value pack(Value sight) {
    auto tile = commonShape(shapeOf(sight), shapeOf(offsets));
    sight = b.spread(sight, tile);
    sight = b.reduceOr(b.reduceOr(sight, 0), 1);
    Value some = b.cmp(CmpIPredicate::ne, sight, b.i32(hidden));
    Value every = b.cmp(CmpIPredicate::eq, sight, b.i32(seen));
    Value one = b.i64(1);
    Value bits = b.select(every, b.i64((int64_t(1) << 32) | 1), one);
    bits = b.select(some, bits, b.i64(0));
    Value place = b.extend(b.range(blocks));
    return b.reduceOr(arith::ShLIOp::create(b, bits, place), 0);
  }

  TileBuilder &b;
  ClassifyOp op;
  int64_t blocks, keys;
  tt::FuncOp callee;
  Value head, query, offsets, firstKey;
};

} // namespace

LogicalResult flex::lowerClassify(TileBuilder &b, ClassifyOp op) {
  return Classification(b, op).run();
}

//===----------------------------------------------------------------------===//
// flex.compact
//===----------------------------------------------------------------------===//

/// Blocks that are listed at a time.
static constexpr int64_t kChunk = 1024;

/// Lists the blocks from `first` on behind the `listed` ones before, and
/// returns how many there are then.
static Value listChunk(TileBuilder &b, CompactOp op, Value first, Value blocks,
                       Value listed) {
  Value block = b.add(first, b.range(kChunk));
  Value exists = b.cmp(CmpIPredicate::slt, block, blocks);
  Value perWord = b.i32(op.getBlocks());
  Value address = b.move(op.getKinds(), b.div(block, perWord));
  auto wordType = cast<RankedTensorType>(block.getType()).clone(b.getI64Type());
  Value word = tt::LoadOp::create(b, address, exists, b.constant(wordType, 0));
  Value place = b.extend(b.rem(block, perWord));
  auto bit = [&](Value shift) -> Value {
    Value shifted = arith::ShRUIOp::create(b, word, shift);
    Value low = b.conj(shifted, b.spread(b.i64(1), {kChunk}));
    return arith::TruncIOp::create(b, block.getType(), low);
  };
  Value some = bit(place);
  Value every = bit(b.add(place, b.i64(32)));
  Value before = b.sub(b.scanCount(some), some);
  Value chosen = b.cmp(CmpIPredicate::ne, some, b.i32(0));
  Value tagged = b.add(b.mul(block, b.i32(2)), every);
  tt::StoreOp::create(b, b.move(op.getIndices(), b.add(listed, before)), tagged,
                      chosen);
  return b.add(listed, b.reduceCount(some, 0));
}

void flex::lowerCompact(TileBuilder &b, CompactOp op) {
  auto arrivals = tt::AtomicRMWOp::create(
      b, b.getI32Type(), tt::RMWOp::ADD, op.getArrived(), b.i32(1), Value(),
      tt::MemSemantic::ACQUIRE_RELEASE, tt::MemSyncScope::GPU);
  Value programs = tt::GetNumProgramsOp::create(b, tt::ProgramIDDim::Y);
  Value last =
      b.cmp(CmpIPredicate::eq, arrivals.getResult(), b.sub(programs, b.i32(1)));
  auto branch = scf::IfOp::create(b, last, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  tt::StoreOp::create(b, op.getArrived(), b.i32(0), Value());

  Value none = b.i32(0);
  Value blocks = b.ceilDiv(op.getLimit(), op.getKvBlock());
  auto loop = scf::ForOp::create(b, none, b.ceilDiv(blocks, kChunk), b.i32(1),
                                 ValueRange{none});
  Block *body = loop.getBody();
  TileBuilder inner(op.getLoc(), OpBuilder::atBlockEnd(body));
  Value first = inner.mul(loop.getInductionVar(), inner.i32(kChunk));
  Value listed =
      listChunk(inner, op, first, blocks, loop.getRegionIterArgs().front());
  scf::YieldOp::create(inner, listed);
  tt::StoreOp::create(b, op.getCount(), loop.getResult(0), Value());
}
