//===- LowerRows.cpp - A program's rows as index arithmetic ---------------===//

#include "transforms/LowerRows.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

void flex::lowerRows(TileBuilder &b, RowsOp op) {
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
  if (heads * queries < rows) {
    valid =
        b.conj(valid, b.cmp(CmpIPredicate::slt, queryInTile, b.i32(queries)));
    query = b.add(firstQuery, b.min(queryInTile, b.i32(queries - 1)));
  }
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

void flex::lowerAt(TileBuilder &b, AtOp op) {
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
