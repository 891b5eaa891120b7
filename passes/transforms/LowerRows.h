//===- LowerRows.h - A program's rows as index arithmetic -------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERROWS_H
#define PYFLEX_TRANSFORMS_LOWERROWS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Some of the rows of a tile: the query head and the query of each, and
/// whether there is such a row.
struct TileRows {
  Value head, query, valid;
};

/// Where the tile of a program is in the grid, as `flex.rows` says.
class RowSpace {
public:
  /// Emits the scalar arithmetic for ops with the attributes of `flex.rows`.
  template <typename OpTy>
  RowSpace(TileBuilder &b, OpTy op)
      : RowSpace(b, op.getKvHeads(), op.getQLen(), op.getGroup(), op.getHeads(),
                 op.getQueries(), op.getQBlock()) {}

  /// The rows with these numbers, out of a tile of `rows`. Heads and queries
  /// are clamped to the tile's own.
  TileRows rows(TileBuilder &b, Value numbers, int64_t rows) const;

  Value batch, kvHead, firstHead, firstQuery;

private:
  RowSpace(TileBuilder &b, Value kvHeads, Value qLen, int64_t group,
           int64_t heads, int64_t queries, std::optional<uint32_t> qBlock);

  int64_t group, heads, queries;
  Value queryCount, queryLimit, firstInGroup, firstOfGroup, firstOfTile;
};

/// Each emits what an op stands for before it and replaces its results; the
/// caller erases the op. The source of a flex.at is a flex.per_batch op.
void lowerRows(TileBuilder &b, RowsOp op);
void lowerAt(TileBuilder &b, AtOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERROWS_H
