//===- Verify.h - What verifiers of ops share -------------------*- C++ -*-===//

#ifndef PYFLEX_FLEX_VERIFY_H
#define PYFLEX_FLEX_VERIFY_H

#include "mlir/IR/Operation.h"

namespace mlir::flex {

/// Refuses a column whose size differs from the tile dimension it runs along.
LogicalResult verifyLength(Operation *op, Value column, int64_t size,
                           StringRef name);

/// Refuses to touch no columns, or more than a tile of this width has.
LogicalResult verifyColumns(Operation *op, int64_t columns, int64_t width);

/// Checks that the heads of a tile, out of a group, with the queries of each
/// fit so many rows, and that a block, if there are blocks, has a query.
LogicalResult verifyTile(Operation *op, int64_t rows, IntegerAttr group,
                         IntegerAttr heads, IntegerAttr queries,
                         IntegerAttr qBlock);

} // namespace mlir::flex

#endif // PYFLEX_FLEX_VERIFY_H
