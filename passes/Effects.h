//===- Effects.h - What an op does to memory --------------------*- C++ -*-===//

#ifndef PYFLEX_EFFECTS_H
#define PYFLEX_EFFECTS_H

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flex {

/// Whether an op, with all ops in it, at most reads memory.
inline bool onlyReads(Operation *op) {
  auto effects = getEffectsRecursively(op);
  return effects && llvm::all_of(*effects, [](const auto &effect) {
           return isa<MemoryEffects::Read>(effect.getEffect());
         });
}

} // namespace mlir::flex

#endif // PYFLEX_EFFECTS_H
