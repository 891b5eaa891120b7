//===- GpuTarget.h - The options that name a kind of GPU --------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_GPUTARGET_H
#define PYFLEX_TRANSFORMS_GPUTARGET_H

#include "mlir/IR/Operation.h"

namespace mlir::flex {

/// Whether a pass's `target` and `gfx` name a kind of GPU; else with an error.
inline LogicalResult checkTarget(Operation *op, StringRef target, int64_t gfx) {
  if (target != "cuda" && target != "hip")
    return op->emitError() << "expected the target 'cuda' or 'hip', got '"
                           << target << "'";
  if (gfx < 9 || gfx > 12)
    return op->emitError()
           << "expected a generation of AMD's GPUs from 9 to 12, got " << gfx;
  return success();
}

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_GPUTARGET_H
