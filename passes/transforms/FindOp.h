//===- FindOp.h - An op with a property, in another one ---------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_FINDOP_H
#define PYFLEX_TRANSFORMS_FINDOP_H

#include "mlir/IR/Operation.h"

namespace mlir::flex {

/// The first op in `root`, which may be itself, for which `holds` is true; null
/// if there is none.
inline Operation *findOp(Operation *root,
                         function_ref<bool(Operation *)> holds) {
  Operation *found = nullptr;
  root->walk([&](Operation *op) {
    found = holds(op) ? op : nullptr;
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_FINDOP_H
