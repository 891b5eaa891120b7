//===- LowerBlockLists.cpp - Masks to lists of blocks ---------------------===//
//
// The programs along grid axis y of one kernel write words of kinds. Those of
// the next kernel make lists from them, each for its own loop: nobody waits for
// a list that another one makes.
//
//===----------------------------------------------------------------------===//

#include "transforms/LowerBlockLists.h"
#include "transforms/ModInliner.h"

#include "mlir/Dialect/Math/IR/Math.h"
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
      // It stands for the word, ahead of which this is emitted.
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
    // All inside the loop, also what is the same in each turn: most programs
    // go through it once, and a load ahead of it would be waited for before
    // this turn's own are asked for.
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
static constexpr int64_t kChunk = 512;

/// Which blocks of each word are visible, wholly or in part.
static Value visibleOf(TileBuilder &b, Value words) {
  auto type = cast<RankedTensorType>(words.getType()).clone(b.getI32Type());
  return arith::TruncIOp::create(b, type, words);
}

/// Lists the blocks of `words`, whose numbers these are, behind the `listed`
/// ones before.
static void listWords(TileBuilder &b, CompactOp op, Share share, Value number,
                      Value words, Value listed) {
  Value some = visibleOf(b, words), held = math::CtPopOp::create(b, some);
  Value high = b.spread(b.i64(32), shapeOf(words));
  Value shifted = arith::ShRUIOp::create(b, words, high);
  Value every = arith::TruncIOp::create(b, some.getType(), shifted);
  Value before = b.add(listed, b.sub(b.scanCount(held), held));

  SmallVector<int64_t> tile = {shapeOf(number)[0], int64_t(op.getBlocks())};
  Value place = b.spread(b.asRow(b.range(op.getBlocks())), tile);
  Value one = b.spread(b.i32(1), tile);
  Value bit = arith::ShLIOp::create(b, one, place);
  auto has = [&](Value bits) {
    Value found = b.conj(b.asColumn(bits), bit);
    return b.cmp(CmpIPredicate::ne, found, b.i32(0));
  };
  Value lower = b.sub(bit, b.i32(1));
  Value inWord = math::CtPopOp::create(b, b.conj(b.asColumn(some), lower));
  Value slot = b.add(b.asColumn(before), inWord);
  Value chosen = has(some);
  if (share.part) {
    Value owner = b.remu(slot, share.parts);
    chosen = b.conj(chosen, b.cmp(CmpIPredicate::eq, owner, share.part));
  }
  Value firstBlock = b.mul(number, b.i32(op.getBlocks()));
  Value block = b.add(b.asColumn(firstBlock), place);
  Value isFull = arith::ExtUIOp::create(b, block.getType(), has(every));
  Value entry = b.add(b.mul(block, b.i32(2)), isFull);
  tt::StoreOp::create(b, b.move(op.getEntries(), slot), entry, chosen);
}

Value flex::listBlocks(TileBuilder &b, CompactOp op, Share share) {
  int64_t atOnce = kChunk / op.getBlocks();
  Value blocks = b.ceilDiv(op.getLimit(), op.getKvBlock());
  Value count = b.ceilDiv(blocks, op.getBlocks());
  auto load = [&](TileBuilder &b, Value number) -> Value {
    Value exists = b.cmp(CmpIPredicate::slt, number, count);
    auto type = cast<RankedTensorType>(number.getType()).clone(b.getI64Type());
    Value address = b.move(op.getKinds(), number);
    return tt::LoadOp::create(b, address, exists, b.constant(type, 0));
  };
  Value none = b.i32(0), step = b.i32(atOnce);
  Value words = load(b, b.range(atOnce));
  // Of long sequences most words are empty, and passed over: whether any of the
  // next ones is not is known a turn ahead. The first ones are gone through
  // whatever they are: to ask would be to wait for them once more.
  SmallVector<Value> start = {none, words, b.i32(1)};
  auto loop = scf::ForOp::create(b, none, count, step, start);
  TileBuilder inner(op.getLoc(), OpBuilder::atBlockEnd(loop.getBody()));
  Value number = inner.add(loop.getInductionVar(), inner.range(atOnce));
  // Asked for ahead of the work on those before.
  Value next = load(inner, inner.add(number, step));
  auto state = loop.getRegionIterArgs();
  Value listed = state[0], now = state[1];
  Value held = math::CtPopOp::create(inner, visibleOf(inner, now));
  Value any = inner.cmp(CmpIPredicate::ne, state[2], inner.i32(0));
  auto branch = scf::IfOp::create(inner, any, /*withElseRegion=*/false);
  TileBuilder then(op.getLoc(), branch.getThenBodyBuilder());
  listWords(then, op, share, number, now, listed);
  Value all = inner.add(listed, inner.reduceCount(held, 0));
  Value anyNext = inner.reduceOr(visibleOf(inner, next), 0);
  scf::YieldOp::create(inner, ValueRange{all, next, anyNext});
  // Each entry is written by one thread, and read by all.
  b.instruction(tt::kBarrier);
  return loop.getResult(0);
}
