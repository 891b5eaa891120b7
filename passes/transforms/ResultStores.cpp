//===- ResultStores.cpp - Where a kernel stores its results ---------------===//

#include "transforms/ResultStores.h"

using namespace mlir;
using namespace mlir::flex;

LogicalResult ResultStores::add(StoreOp store, SoftmaxFinishOp finish) {
  Value value = store.getValue();
  if (value.getDefiningOp() != finish)
    return failure();
  StoreOp &known = value == finish.getOut()   ? out
                   : value == finish.getLse() ? lse
                                              : maxScores;
  if (known)
    return failure();
  known = store;
  return success();
}

LogicalResult ResultStores::checkAreAt(RowsOp rows) const {
  for (StoreOp store : all())
    if (store.getBatch() != rows.getBatch() ||
        store.getHead() != rows.getHead() ||
        store.getIndex() != rows.getQuery() ||
        store.getValid() != rows.getValid())
      return store.emitError("expected a result stored at the kernel's own "
                             "rows: their batch, head, query and valid");
  return success();
}

SmallVector<StoreOp> ResultStores::all() const {
  SmallVector<StoreOp> found;
  for (StoreOp store : {out, lse, maxScores})
    if (store)
      found.push_back(store);
  return found;
}
