//===- BlockLoops.cpp - Sequences of KV blocks as loop bounds -------------===//

#include "transforms/BlockLoops.h"
#include "transforms/LowerBlockLists.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

/// A sequence of which the program visits its share alone, counted in the
/// sequence's own numbers: so a sequence may hand its share on to one with the
/// same numbers only.
static std::unique_ptr<TileSequence> lowerShare(TileBuilder &b, Value blocks,
                                                int64_t keys, Share share);

namespace {

/// The keys [begin, end), a tile starting at `begin`.
class RangeTiles : public TileSequence {
public:
  RangeTiles(TileBuilder &b, RangeOp op, int64_t keys)
      : keys(keys), first(op.getBegin()), sureBegin(op.getSureBegin()) {
    begin = b.i32(0);
    Value length = first ? b.sub(op.getEnd(), first) : op.getEnd();
    end = b.ceilDiv(length, keys);
    if (!sureBegin)
      return;
    // Keys past the end are masked in any case: a tile may reach beyond.
    Value toTheEnd = b.cmp(CmpIPredicate::sge, op.getSureEnd(), op.getEnd());
    Value last = b.sub(op.getSureEnd(), b.i32(keys));
    lastSure =
        b.select(toTheEnd, b.i32(std::numeric_limits<int32_t>::max()), last);
  }

  Tile at(TileBuilder &b, Value index, ValueRange) override {
    Value start = b.mul(index, b.i32(keys));
    if (first)
      start = b.add(first, start);
    if (!sureBegin)
      return {start, b.getFalse()};
    Value late = b.cmp(CmpIPredicate::sge, start, sureBegin);
    Value early = b.cmp(CmpIPredicate::sle, start, lastSure);
    return {start, b.conj(late, early)};
  }

private:
  int64_t keys;
  Value first, sureBegin, lastSure;
};

/// The blocks of one list.
class ListTiles : public TileSequence {
public:
  ListTiles(TileBuilder &b, ListOp op, int64_t keys) : keys(keys) {
    auto table = op.getTable().getDefiningOp<BlockTableOp>();
    block = table.getKvBlock();
    Value row = b.mul(b.extend(op.getBatch()), table.getBatchStride());
    row = b.add(row, b.mul(b.extend(op.getHead()), table.getHeadStride()));
    row = b.add(row, b.extend(b.div(op.getQuery(), b.i32(table.getQBlock()))));
    count = tt::LoadOp::create(b, b.move(table.getCounts(), row));
    // A list that the caller gives may say anything: no more is read than its
    // row holds, and no key before the first (those past the last are none).
    count = b.min(count,
                  arith::TruncIOp::create(b, b.getI32Type(), table.getRow()));
    indices = b.move(table.getIndices(), b.mul(row, table.getRow()));
    begin = b.i32(0);
    end = tilesAreInBlocks() ? b.mul(count, b.i32(block / keys))
                             : b.ceilDiv(b.mul(count, b.i32(block)), keys);
  }

  size_t numReads() const override { return 1; }

  SmallVector<Value> read(TileBuilder &b, Value index, Value exists) override {
    if (tilesAreInBlocks()) {
      Value address = b.move(indices, b.div(index, b.i32(block / keys)));
      return {tt::LoadOp::create(b, address, exists, b.i32(0))};
    }
    auto [slot, inList] = slots(b, index);
    Value address = b.move(indices, slot);
    Value zero = b.constant(slot.getType(), 0);
    return {tt::LoadOp::create(b, address, b.conj(inList, exists), zero)};
  }

  Tile at(TileBuilder &b, Value index, ValueRange read) override {
    int64_t last = (int64_t(1) << 31) / block - 1; // whose keys are i32
    Value number = read.front();
    number = b.max(b.min(number, b.i32(last)), b.i32(0));
    Value first = b.mul(number, b.i32(block));
    if (tilesAreInBlocks()) {
      Value tileInBlock = b.rem(index, b.i32(block / keys));
      return {b.add(first, b.mul(tileInBlock, b.i32(keys))), b.getFalse()};
    }
    Value position = b.add(first, b.rem(places(b, index), b.i32(block)));
    Value none = b.i32(std::numeric_limits<int32_t>::max());
    return {b.select(slots(b, index).second, position, none), b.getFalse()};
  }

private:
  /// Whether whole tiles make up a block: one index is read for the tile. Or
  /// else a tile runs across blocks: each position reads its own block's index.
  bool tilesAreInBlocks() const { return block % keys == 0; }

  /// The positions of a tile, counted through the blocks of the list.
  Value places(TileBuilder &b, Value index) {
    return b.add(b.mul(index, b.i32(keys)), b.range(keys));
  }

  /// Where in the list the block of each of them is, and whether it is there.
  std::pair<Value, Value> slots(TileBuilder &b, Value index) {
    Value slot = b.div(places(b, index), b.i32(block));
    return {slot, b.cmp(CmpIPredicate::slt, slot, count)};
  }

  int64_t keys, block;
  Value count, indices;
};

/// The blocks that the program itself lists, a tile each.
class CompactTiles : public TileSequence {
public:
  CompactTiles(TileBuilder &b, CompactOp op, Share share)
      : keys(op.getKvBlock()), entries(op.getEntries()) {
    begin = b.i32(0);
    end = listBlocks(b, op, share);
  }

  size_t numReads() const override { return 1; }

  SmallVector<Value> read(TileBuilder &b, Value index, Value exists) override {
    return {tt::LoadOp::create(b, b.move(entries, index), exists, b.i32(0))};
  }

  Tile at(TileBuilder &b, Value, ValueRange read) override {
    Value entry = read.front();
    Value isFull = b.remu(entry, b.i32(2));
    Value unmasked = b.cmp(CmpIPredicate::ne, isFull, b.i32(0));
    Value block = b.divu(entry, b.i32(2));
    return {b.mul(block, b.i32(keys)), unmasked};
  }

private:
  int64_t keys;
  Value entries;
};

/// One sequence after the other.
class ConcatTiles : public TileSequence {
public:
  ConcatTiles(TileBuilder &b, ConcatOp op, int64_t keys)
      : keys(keys), masked(lowerBlocks(b, op.getMasked(), keys)),
        unmasked(lowerBlocks(b, op.getUnmasked(), keys)) {
    // Either may be empty, and end ahead of its begin.
    begin = b.i32(0);
    maskedCount = b.max(b.sub(masked->end, masked->begin), begin);
    Value rest = b.sub(unmasked->end, unmasked->begin);
    end = b.add(maskedCount, b.max(rest, begin));
  }

  size_t numReads() const override {
    return masked->numReads() + unmasked->numReads();
  }

  SmallVector<Value> read(TileBuilder &b, Value index, Value exists) override {
    Value inMasked = isMasked(b, index), inUnmasked = isUnmasked(b, index);
    auto values = masked->read(b, ofMasked(b, index), b.conj(exists, inMasked));
    llvm::append_range(values, unmasked->read(b, ofUnmasked(b, index),
                                              b.conj(exists, inUnmasked)));
    return values;
  }

  Tile at(TileBuilder &b, Value index, ValueRange read) override {
    size_t split = masked->numReads();
    Tile first = masked->at(b, ofMasked(b, index), read.take_front(split));
    Tile second = unmasked->at(b, ofUnmasked(b, index), read.drop_front(split));
    Value one = first.start, other = second.start;
    // A first position and positions are no two values of one kind.
    if (shapeOf(one).size() != shapeOf(other).size()) {
      one = first.positions(b, keys);
      other = second.positions(b, keys);
    }
    return {b.select(isMasked(b, index), one, other), isUnmasked(b, index)};
  }

private:
  Value isMasked(TileBuilder &b, Value index) {
    return b.cmp(CmpIPredicate::slt, index, maskedCount);
  }

  Value isUnmasked(TileBuilder &b, Value index) {
    return b.cmp(CmpIPredicate::sge, index, maskedCount);
  }

  /// The number that a tile has in its own sequence.
  Value ofMasked(TileBuilder &b, Value index) {
    return b.add(masked->begin, index);
  }
  Value ofUnmasked(TileBuilder &b, Value index) {
    return b.add(unmasked->begin, b.sub(index, maskedCount));
  }

  int64_t keys;
  std::unique_ptr<TileSequence> masked, unmasked;
  Value maskedCount;
};

/// A part of a sequence: its tiles in turn with the other parts'. Where a part
/// starts then does not depend on how many tiles there are.
class SliceTiles : public TileSequence {
public:
  SliceTiles(TileBuilder &b, SliceOp op, int64_t keys)
      : whole(lowerShare(b, op.getBlocks(), keys,
                         {op.getPart(), op.getParts()})) {
    begin = b.add(whole->begin, op.getPart());
    end = whole->end;
    step = op.getParts();
  }

  size_t numReads() const override { return whole->numReads(); }

  SmallVector<Value> read(TileBuilder &b, Value index, Value exists) override {
    return whole->read(b, index, exists);
  }

  Tile at(TileBuilder &b, Value index, ValueRange read) override {
    return whole->at(b, index, read);
  }

private:
  std::unique_ptr<TileSequence> whole;
};

} // namespace

bool flex::makesBlocks(Operation *op) {
  return isa<RangeOp, ListOp, CompactOp, ConcatOp, SliceOp>(op);
}

std::unique_ptr<TileSequence> flex::lowerBlocks(TileBuilder &b, Value blocks,
                                                int64_t keys) {
  return lowerShare(b, blocks, keys, Share());
}

std::unique_ptr<TileSequence> lowerShare(TileBuilder &b, Value blocks,
                                         int64_t keys, Share share) {
  using Result = std::unique_ptr<TileSequence>;
  return TypeSwitch<Operation *, Result>(blocks.getDefiningOp())
      .Case(
          [&](RangeOp op) { return std::make_unique<RangeTiles>(b, op, keys); })
      .Case([&](ListOp op) { return std::make_unique<ListTiles>(b, op, keys); })
      .Case([&](CompactOp op) {
        return std::make_unique<CompactTiles>(b, op, share);
      })
      .Case([&](ConcatOp op) {
        return std::make_unique<ConcatTiles>(b, op, keys);
      })
      .Case(
          [&](SliceOp op) { return std::make_unique<SliceTiles>(b, op, keys); })
      .Default([](Operation *) { return Result(); });
}
