//===- KeyVectors.h - Values of adjacent keys at a time ---------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_KEYVECTORS_H
#define PYFLEX_TRANSFORMS_KEYVECTORS_H

#include "tt/Triton.h"

#include "llvm/ADT/DenseSet.h"

namespace mlir::flex {

/// The ops on whose results an address in `root` depends.
llvm::DenseSet<Operation *> opsBehindAddresses(Operation *root);

/// Makes of `load`, where the values of adjacent keys lie next to each other,
/// one that can be of vectors: of keys past the last one it brings whatever
/// lies in the last key's vector, or zero. Returns whether it is one now.
bool loadKeyVectors(tt::LoadOp load);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_KEYVECTORS_H
