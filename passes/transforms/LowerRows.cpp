//===- LowerRows.cpp - A program's rows as index arithmetic ---------------===//

#include "transforms/LowerRows.h"

#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

RowSpace::RowSpace(TileBuilder &b, Value kvHeads, Value qLen, int64_t group,
                   int64_t heads, int64_t queries,
                   std::optional<uint32_t> qBlock)
    : group(group), heads(heads), queries(queries), queryCount(qLen),
      queryLimit(qLen) {
  // Axis x enumerates (batch, KV head, portion of the group, query tile).
  Value tiles, tilesInBlock;
  if (qBlock) {
    // Only the last block of queries may hold fewer tiles than the others.
    Value width = b.i32(*qBlock);
    tilesInBlock = b.i32(llvm::divideCeil(*qBlock, queries));
    Value inWholeBlocks = b.mul(b.div(queryCount, width), tilesInBlock);
    Value inLastBlock = b.ceilDiv(b.rem(queryCount, width), queries);
    tiles = b.add(inWholeBlocks, inLastBlock);
  } else {
    tiles = b.ceilDiv(queryCount, queries);
  }
  Value id = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
  Value tile = b.remu(id, tiles);
  id = b.divu(id, tiles);
  firstInGroup = b.i32(0);
  if (int64_t portions = llvm::divideCeil(group, heads); portions > 1) {
    Value count = b.i32(portions);
    Value portion = b.remu(id, count);
    firstInGroup = b.mul(portion, b.i32(heads));
    id = b.divu(id, count);
  }
  kvHead = b.remu(id, kvHeads);
  batch = b.divu(id, kvHeads);

  if (qBlock) {
    Value width = b.i32(*qBlock);
    Value start = b.mul(b.div(tile, tilesInBlock), width);
    Value tileInBlock = b.rem(tile, tilesInBlock);
    firstOfTile = b.add(start, b.mul(tileInBlock, b.i32(queries)));
    queryLimit = b.min(queryLimit, b.add(start, width));
  } else {
    firstOfTile = b.mul(tile, b.i32(queries));
  }
  firstOfGroup = b.mul(kvHead, b.i32(group));
  firstHead = b.add(firstOfGroup, firstInGroup);
  // A tile past the block's last query still names a query that exists.
  firstQuery = b.min(firstOfTile, b.sub(queryCount, b.i32(1)));
}

TileRows RowSpace::rows(TileBuilder &b, Value numbers, int64_t rows) const {
  // Row r holds head r % heads of query r / heads.
  Value headInTile = heads == 1 ? b.constant(numbers.getType(), 0)
                                : b.rem(numbers, b.i32(heads));
  Value queryInTile = heads == 1 ? numbers : b.div(numbers, b.i32(heads));
  Value headInGroup = b.add(firstInGroup, headInTile);
  Value query = b.add(firstOfTile, queryInTile);
  Value valid = b.cmp(CmpIPredicate::slt, query, queryLimit);
  if (heads * queries < rows) {
    valid =
        b.conj(valid, b.cmp(CmpIPredicate::slt, queryInTile, b.i32(queries)));
    query = b.add(firstOfTile, b.min(queryInTile, b.i32(queries - 1)));
  }
  if (group % heads)
    valid = b.conj(valid, b.cmp(CmpIPredicate::slt, headInGroup, b.i32(group)));
  Value head = b.add(firstOfGroup, b.min(headInGroup, b.i32(group - 1)));
  query = matchPattern(queryCount, m_One())
              ? b.constant(query.getType(), 0)
              : b.min(query, b.sub(queryCount, b.i32(1)));
  return {head, query, valid};
}

void flex::lowerRows(TileBuilder &b, RowsOp op) {
  int64_t count = shapeOf(op.getHead())[0];
  RowSpace space(b, op);
  auto [head, query, valid] = space.rows(b, b.range(count), count);
  op.replaceAllUsesWith(ValueRange{space.batch, space.kvHead, space.firstHead,
                                   space.firstQuery, head, query, valid});
}

void flex::lowerAt(TileBuilder &b, AtOp op) {
  auto source = op.getSource().getDefiningOp<PerBatchOp>();
  Value address = b.move(source.getPointer(), op.getBatch());
  Type stored = cast<tt::PointerType>(address.getType()).getPointeeType();
  Value value =
      tt::LoadOp::create(b, address, source.getGiven(), b.constant(stored, 0));
  if (stored.getIntOrFloatBitWidth() > 32) {
    // The nearest position or length that there is.
    Value least = b.i64(std::numeric_limits<int32_t>::min());
    Value most = b.i64(std::numeric_limits<int32_t>::max());
    value = b.max(b.min(value, most), least);
    value = arith::TruncIOp::create(b, b.getI32Type(), value);
  } else if (stored.getIntOrFloatBitWidth() < 32) {
    value = arith::ExtSIOp::create(b, b.getI32Type(), value);
  }
  op.replaceAllUsesWith(b.select(source.getGiven(), value, source.getValue()));
}
