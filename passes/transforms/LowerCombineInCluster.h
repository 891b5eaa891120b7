//===- LowerCombineInCluster.h - A cluster combines its split ---*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_LOWERCOMBINEINCLUSTER_H
#define PYFLEX_TRANSFORMS_LOWERCOMBINEINCLUSTER_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Emits what the op stands for before it; the caller erases the op. Its views
/// are flex.view ops.
void lowerCombineInCluster(TileBuilder &b, CombineInClusterOp op);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_LOWERCOMBINEINCLUSTER_H
