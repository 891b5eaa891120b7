//===- Pieces.cpp - Tiles as tensors side by side -------------------------===//

#include "transforms/Pieces.h"
#include "flex/Width.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mlir::flex;

SmallVector<Type, 2> flex::pieceTypes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() != 2)
    return {type};
  auto widths = pieceWidths(tensor.getDimSize(1));
  if (widths.size() < 2)
    return {type};
  SmallVector<Type, 2> types;
  for (int64_t width : widths)
    types.push_back(tensor.clone({tensor.getDimSize(0), width}));
  return types;
}

SmallVector<Value> flex::cut(TileBuilder &b, ValueRange values) {
  SmallVector<Value> pieces;
  for (Value value : values) {
    auto types = pieceTypes(value.getType());
    SplatElementsAttr splat;
    if (types.size() == 1) {
      pieces.push_back(value);
    } else if (matchPattern(value, m_Constant(&splat))) {
      for (Type type : types)
        pieces.push_back(arith::ConstantOp::create(
            b, splat.resizeSplat(cast<ShapedType>(type))));
    } else {
      auto cast = UnrealizedConversionCastOp::create(b, types, value);
      llvm::append_range(pieces, cast.getResults());
    }
  }
  return pieces;
}

SmallVector<Value> flex::join(TileBuilder &b, TypeRange types,
                              ValueRange pieces) {
  SmallVector<Value> values;
  for (Type type : types) {
    size_t count = pieceTypes(type).size();
    ValueRange own = pieces.take_front(count);
    values.push_back(
        count == 1
            ? own.front()
            : UnrealizedConversionCastOp::create(b, type, own).getResult(0));
    pieces = pieces.drop_front(count);
  }
  return values;
}

/// The tile that a cast joins or cuts; null for a cast of another origin.
static Type tileOf(UnrealizedConversionCastOp cast) {
  TypeRange from = cast.getOperandTypes(), to = cast.getResultTypes();
  if (to.size() == 1 && from == TypeRange(pieceTypes(to.front())))
    return to.front();
  if (from.size() == 1 && to == TypeRange(pieceTypes(from.front())))
    return from.front();
  return {};
}

LogicalResult flex::erasePieceCasts(Operation *root) {
  SmallVector<UnrealizedConversionCastOp> casts, left;
  root->walk([&](UnrealizedConversionCastOp op) {
    if (tileOf(op))
      casts.push_back(op);
  });
  reconcileUnrealizedCasts(casts, &left);
  if (left.empty())
    return success();
  return left.front().emitError()
         << "expected only flex ops to make or use a tile of two pieces, of "
            "type "
         << tileOf(left.front());
}
