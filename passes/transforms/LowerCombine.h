//===- LowerCombine.h - The kernel that combines a split --------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERCOMBINE_H
#define PYFLEX_TRANSFORMS_LOWERCOMBINE_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Emits what a flex.combine stands for before it; the caller erases it. Its
/// views are flex.view ops.
void lowerCombine(TileBuilder &b, CombineOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERCOMBINE_H
