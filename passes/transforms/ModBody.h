//===- ModBody.h - A mask_mod's body, seen from before the loop -*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_MODBODY_H
#define PYFLEX_TRANSFORMS_MODBODY_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/IRMapping.h"

#include <optional>

namespace mlir::flex {

/// What a mask_mod computes that does not depend on kv, as scalars or as
/// columns of a tile's rows.
class ModBody {
public:
  /// `callee` has one block of ops that work on tiles; `b` stands before the
  /// loop around `mask`.
  ModBody(TileBuilder &b, tt::FuncOp callee, MaskModOp mask);

  Value key() { return callee.getArgument(3); }
  bool isIndex(Value value) {
    return value == callee.getArgument(0) || value == callee.getArgument(1);
  }

  /// What the mask returns: keep, and maybe whether indices are in bounds.
  ValueRange results() {
    return callee.getBody().front().getTerminator()->getOperands();
  }

  bool dependsOnKey(Value value);

  /// The integer that a value is for all arguments.
  std::optional<int64_t> constantOf(Value value);

  /// A value that does not depend on kv, built where `b` stands.
  Value at(Value value);

private:
  Attribute constantAttr(Value value);

  TileBuilder &b;
  tt::FuncOp callee;
  IRMapping atRows;
  DenseMap<Value, bool> depends;
  DenseMap<Value, Attribute> constants;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_MODBODY_H
