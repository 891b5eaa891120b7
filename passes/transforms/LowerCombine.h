//===- LowerCombine.h - The parts of a split, combined ----------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERCOMBINE_H
#define PYFLEX_TRANSFORMS_LOWERCOMBINE_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Each emits what an op stands for before it; the caller erases the op. Its
/// views are flex.view ops.
void lowerCombine(TileBuilder &b, CombineOp op);
void lowerCombineInCluster(TileBuilder &b, CombineInClusterOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERCOMBINE_H
