//===- ClusterMemory.h - Shared memory of a cluster's programs --*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_CLUSTERMEMORY_H
#define PYFLEX_TRANSFORMS_CLUSTERMEMORY_H

#include "transforms/TileBuilder.h"

namespace mlir::flex {

/// Builds what the programs of a cluster tell each other. Addresses are i32;
/// any of them, or of what is stored, may be a scalar or a tile.
class ClusterMemory {
public:
  explicit ClusterMemory(TileBuilder &b) : b(b) {}

  /// The address of byte `offset` of this program's shared memory.
  Value at(Value offset);

  /// The same place in the memory of another program of the cluster.
  Value ofProgram(Value address, Value program);

  /// Stores floats where `exists`, in this program's memory.
  void store(Value address, Value value, Value exists);

  /// Loads floats from any program's memory, or those behind them.
  Value load(Value address);
  Value loadNext(Value address);

  /// Waits until all programs of the cluster are here, and gives 0: what is
  /// loaded from an address that this is a part of is loaded behind it.
  Value meet();

private:
  TileBuilder &b;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_CLUSTERMEMORY_H
