//===- Passes.h - pyflex's passes and pipelines -----------------*- C++ -*-===//

#ifndef PYFLEX_PASSES_H
#define PYFLEX_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class ModuleOp;

namespace flex {

#define GEN_PASS_DECL
#include "Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "Passes.h.inc"

/// Registers `flex-decode-pipeline`; the order of all passes is in its file.
void registerFlexPipelines();

} // namespace flex
} // namespace mlir

#endif // PYFLEX_PASSES_H
