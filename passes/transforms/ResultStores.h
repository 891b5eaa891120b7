//===- ResultStores.h - Where a kernel stores its results ------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_RESULTSTORES_H
#define PYFLEX_TRANSFORMS_RESULTSTORES_H

#include "flex/Flex.h"

namespace mlir::flex {

/// The stores of what flex.softmax_finish gives.
struct ResultStores {
  StoreOp out, lse, maxScores; // the last two may be absent

  /// Fails if `store` stores none of `finish`, or what another one stores.
  LogicalResult add(StoreOp store, SoftmaxFinishOp finish);

  /// Fails, with a diagnostic, if one is stored elsewhere than at `rows`.
  LogicalResult checkAreAt(RowsOp rows) const;

  /// Those that there are, in this order.
  SmallVector<StoreOp> all() const;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_RESULTSTORES_H
