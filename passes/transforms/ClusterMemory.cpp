//===- ClusterMemory.cpp - Shared memory of a cluster's programs ----------===//

#include "transforms/ClusterMemory.h"

using namespace mlir;
using namespace mlir::flex;

Value ClusterMemory::at(Value offset) {
  return b.instruction(tt::kClusterMemory, b.getI32Type(), {offset});
}

Value ClusterMemory::ofProgram(Value address, Value program) {
  return b.instruction(tt::kClusterMap, b.getI32Type(), {address, program});
}

void ClusterMemory::store(Value address, Value value, Value exists) {
  Type type = b.getI32Type();
  if (auto tensor = dyn_cast<RankedTensorType>(exists.getType()))
    type = tensor.clone(type);
  Value on = arith::ExtUIOp::create(b, type, exists);
  b.instruction(tt::kClusterStore, b.getI32Type(), {address, value, on});
}

Value ClusterMemory::load(Value address) {
  return b.instruction(tt::kClusterLoad, b.getF32Type(), {address});
}

Value ClusterMemory::loadNext(Value address) {
  return b.instruction(tt::kClusterLoadNext, b.getF32Type(), {address});
}

Value ClusterMemory::meet() {
  b.instruction(tt::kClusterArrive);
  return b.instruction(tt::kClusterWait, b.getI32Type(), {});
}
