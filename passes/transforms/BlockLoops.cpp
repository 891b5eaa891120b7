//===- BlockLoops.cpp - Sequences of KV blocks as loop bounds -------------===//

#include "transforms/BlockLoops.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace mlir::flex;

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
    Value toTheEnd =
        b.cmp(arith::CmpIPredicate::sge, op.getSureEnd(), op.getEnd());
    Value last = b.sub(op.getSureEnd(), b.i32(keys));
    lastSure =
        b.select(toTheEnd, b.i32(std::numeric_limits<int32_t>::max()), last);
  }

  Tile at(TileBuilder &b, Value index, Value) override {
    Value start = b.mul(index, b.i32(keys));
    if (first)
      start = b.add(first, start);
    if (!sureBegin)
      return {start, b.getFalse()};
    Value late = b.cmp(arith::CmpIPredicate::sge, start, sureBegin);
    Value early = b.cmp(arith::CmpIPredicate::sle, start, lastSure);
    return {start, b.conj(late, early)};
  }

  bool readsStarts() const override { return false; }

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
    indices = b.move(table.getIndices(), b.mul(row, table.getRow()));
    begin = b.i32(0);
    end = tilesAreInBlocks() ? b.mul(count, b.i32(block / keys))
                             : b.ceilDiv(b.mul(count, b.i32(block)), keys);
  }

  Tile at(TileBuilder &b, Value index, Value active) override {
    Value start = tilesAreInBlocks() ? insideBlock(b, index, active)
                                     : across(b, index, active);
    return {start, b.getFalse()};
  }

private:
  bool tilesAreInBlocks() const { return block % keys == 0; }

  /// Whole tiles make up a block: one index is read for the tile.
  Value insideBlock(TileBuilder &b, Value index, Value active) {
    Value perBlock = b.i32(block / keys);
    Value address = b.move(indices, b.div(index, perBlock));
    Value number =
        active ? tt::LoadOp::create(b, address, active, b.i32(0)).getResult()
               : tt::LoadOp::create(b, address).getResult();
    Value start = b.mul(number, b.i32(block));
    Value tileInBlock = b.rem(index, perBlock);
    return b.add(start, b.mul(tileInBlock, b.i32(keys)));
  }

  /// A tile runs across blocks: each position reads its own block's index.
  Value across(TileBuilder &b, Value index, Value active) {
    Value first = b.mul(index, b.i32(keys));
    Value place = b.add(first, b.range(keys));
    Value slot = b.div(place, b.i32(block));
    Value exists = b.cmp(arith::CmpIPredicate::slt, slot, count);
    if (active)
      exists = b.conj(exists, active);
    Value zero = b.constant(slot.getType(), 0);
    Value number = tt::LoadOp::create(b, b.move(indices, slot), exists, zero);
    Value start = b.mul(number, b.i32(block));
    Value position = b.add(start, b.rem(place, b.i32(block)));
    return b.select(exists, position,
                    b.i32(std::numeric_limits<int32_t>::max()));
  }

  int64_t keys, block;
  Value count, indices;
};

/// One sequence after the other.
class ConcatTiles : public TileSequence {
public:
  ConcatTiles(TileBuilder &b, ConcatOp op, int64_t keys)
      : masked(lowerBlocks(b, op.getMasked(), keys)),
        unmasked(lowerBlocks(b, op.getUnmasked(), keys)) {
    maskedCount = b.sub(masked->end, masked->begin);
    begin = b.i32(0);
    end = b.add(maskedCount, b.sub(unmasked->end, unmasked->begin));
  }

  Tile at(TileBuilder &b, Value index, Value active) override {
    Value inMasked = b.cmp(arith::CmpIPredicate::slt, index, maskedCount);
    Value inUnmasked = b.cmp(arith::CmpIPredicate::sge, index, maskedCount);
    Value maskedActive = active ? b.conj(active, inMasked) : inMasked;
    Value unmaskedActive = active ? b.conj(active, inUnmasked) : inUnmasked;
    Tile first = masked->at(b, b.add(masked->begin, index), maskedActive);
    Tile second = unmasked->at(
        b, b.add(unmasked->begin, b.sub(index, maskedCount)), unmaskedActive);
    return {b.select(inMasked, first.start, second.start), inUnmasked};
  }

private:
  std::unique_ptr<TileSequence> masked, unmasked;
  Value maskedCount;
};

/// A part of a sequence: its tiles in turn with the other parts'. Where a part
/// starts then does not depend on how many tiles there are.
class SliceTiles : public TileSequence {
public:
  SliceTiles(TileBuilder &b, SliceOp op, int64_t keys)
      : whole(lowerBlocks(b, op.getBlocks(), keys)) {
    begin = b.add(whole->begin, op.getPart());
    end = whole->end;
    step = op.getParts();
  }

  Tile at(TileBuilder &b, Value index, Value active) override {
    return whole->at(b, index, active);
  }

  bool readsStarts() const override { return whole->readsStarts(); }

private:
  std::unique_ptr<TileSequence> whole;
};

} // namespace

std::unique_ptr<TileSequence> flex::lowerBlocks(TileBuilder &b, Value blocks,
                                                int64_t keys) {
  using Result = std::unique_ptr<TileSequence>;
  return TypeSwitch<Operation *, Result>(blocks.getDefiningOp())
      .Case(
          [&](RangeOp op) { return std::make_unique<RangeTiles>(b, op, keys); })
      .Case([&](ListOp op) { return std::make_unique<ListTiles>(b, op, keys); })
      .Case([&](ConcatOp op) {
        return std::make_unique<ConcatTiles>(b, op, keys);
      })
      .Case(
          [&](SliceOp op) { return std::make_unique<SliceTiles>(b, op, keys); })
      .Default([](Operation *) { return Result(); });
}
