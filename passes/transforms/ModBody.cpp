//===- ModBody.cpp - A mask_mod's body, seen from before the loop ---------===//

#include "transforms/ModBody.h"
#include "transforms/ModInliner.h"

using namespace mlir;
using namespace mlir::flex;

ModBody::ModBody(TileBuilder &b, tt::FuncOp callee, MaskModOp mask)
    : b(b), callee(callee) {
  // The shapes that flex-inline-mods gives, so that equal ops become one.
  SmallVector<Value> actuals = {mask.getBatch(), b.perRow(mask.getHead()),
                                b.perRow(mask.getQuery()), Value()};
  llvm::append_range(actuals, mask.getCaptures());
  for (auto [formal, actual] : llvm::zip(callee.getArguments(), actuals))
    if (actual)
      atRows.map(formal, actual);
}

bool ModBody::dependsOnKey(Value value) {
  if (isa<BlockArgument>(value))
    return value == key();
  auto known = depends.find(value);
  if (known != depends.end())
    return known->second;
  bool found =
      llvm::any_of(value.getDefiningOp()->getOperands(),
                   [&](Value operand) { return dependsOnKey(operand); });
  depends[value] = found;
  return found;
}

Attribute ModBody::constantAttr(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isMemoryEffectFree(op))
    return {};
  auto known = constants.find(value);
  if (known != constants.end())
    return known->second;
  auto operands = llvm::map_to_vector(
      op->getOperands(), [&](Value operand) { return constantAttr(operand); });
  Attribute found;
  SmallVector<OpFoldResult> folded;
  if (!llvm::is_contained(operands, Attribute()) &&
      succeeded(op->fold(operands, folded)) && folded.size() == 1)
    found = dyn_cast<Attribute>(folded[0]);
  constants[value] = found;
  return found;
}

std::optional<int64_t> ModBody::constantOf(Value value) {
  auto number = dyn_cast_or_null<IntegerAttr>(constantAttr(value));
  if (!number || number.getValue().getBitWidth() > 64)
    return std::nullopt;
  // i1 counts as 0 and 1.
  return number.getType().isInteger(1)
             ? int64_t(number.getValue().getBoolValue())
             : number.getValue().getSExtValue();
}

Value ModBody::at(Value value) {
  if (Value known = atRows.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  SmallVector<Value> operands;
  SmallVector<int64_t> shape;
  for (Value operand : op->getOperands()) {
    operands.push_back(at(operand));
    shape = commonShape(shape, shapeOf(operands.back()));
  }
  for (Value &operand : operands)
    operand = b.spread(operand, shape);
  Value built = tileOp(b, *op, operands)->getResult(0);
  atRows.map(value, built);
  return built;
}
