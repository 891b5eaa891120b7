//===- LastBits.h - Where the last bit of a float counts --------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LASTBITS_H
#define PYFLEX_TRANSFORMS_LASTBITS_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::flex {

/// The ops under `root` whose result decides, by its last bit, what a whole
/// number, a condition or a remainder is: all that these are computed from
/// element by element.
///
/// A comparison marked `afn` chooses between two forms of one value, and does
/// not count; nor does one that asks for NaN or infinity.
llvm::DenseSet<Operation *> findDecisiveOps(Operation *root);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LASTBITS_H
