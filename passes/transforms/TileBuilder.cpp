//===- TileBuilder.cpp - Building tile arithmetic -------------------------===//

#include "transforms/TileBuilder.h"

using namespace mlir;
using namespace mlir::flex;

ArrayRef<int64_t> flex::shapeOf(Value value) {
  if (auto type = dyn_cast<RankedTensorType>(value.getType()))
    return type.getShape();
  return {};
}

Value flex::stripped(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tt::SplatOp, tt::BroadcastOp, tt::ExpandDimsOp, arith::ExtSIOp>(
            op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

SmallVector<int64_t> flex::commonShape(ArrayRef<int64_t> lhs,
                                       ArrayRef<int64_t> rhs) {
  if (lhs.empty())
    return SmallVector<int64_t>(rhs);
  if (rhs.empty())
    return SmallVector<int64_t>(lhs);
  assert(lhs.size() == rhs.size() && "columns and tiles do not mix");
  SmallVector<int64_t> shape;
  for (auto [l, r] : llvm::zip(lhs, rhs)) {
    assert((l == r || l == 1 || r == 1) && "shapes do not stretch");
    shape.push_back(std::max(l, r));
  }
  return shape;
}

Value TileBuilder::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar = isa<FloatType>(element)
                         ? TypedAttr(getFloatAttr(element, value))
                         : TypedAttr(getIntegerAttr(element, int64_t(value)));
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return arith::ConstantOp::create(*this,
                                     SplatElementsAttr::get(tensor, scalar));
  return arith::ConstantOp::create(*this, scalar);
}

Value TileBuilder::extend(Value value) {
  Type type = value.getType();
  if (getElementTypeOrSelf(type).isInteger(64))
    return value;
  Type wide = getI64Type();
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    wide = tensor.clone(wide);
  return arith::ExtSIOp::create(*this, wide, value);
}

Value TileBuilder::range(int64_t first, int64_t end) {
  auto type = RankedTensorType::get({end - first}, getI32Type());
  return tt::MakeRangeOp::create(*this, type, getI32IntegerAttr(first),
                                 getI32IntegerAttr(end));
}

Value TileBuilder::spread(Value value, ArrayRef<int64_t> shape) {
  if (shape.empty() || shapeOf(value) == shape)
    return value;
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(value));
  if (shapeOf(value).empty())
    return tt::SplatOp::create(*this, type, value);
  return tt::BroadcastOp::create(*this, type, value);
}

Value TileBuilder::expand(Value value, int32_t axis) {
  return tt::ExpandDimsOp::create(*this, value, getI32IntegerAttr(axis));
}

void TileBuilder::match(Value &lhs, Value &rhs) {
  auto shape = commonShape(shapeOf(lhs), shapeOf(rhs));
  lhs = spread(lhs, shape);
  rhs = spread(rhs, shape);
}

Value TileBuilder::move(Value pointer, Value offset) {
  match(pointer, offset);
  return tt::AddPtrOp::create(*this, pointer.getType(), pointer, offset);
}

Value TileBuilder::select(Value condition, Value yes, Value no) {
  auto shape =
      commonShape(shapeOf(condition), commonShape(shapeOf(yes), shapeOf(no)));
  condition = spread(condition, shape);
  yes = spread(yes, shape);
  no = spread(no, shape);
  return arith::SelectOp::create(*this, condition, yes, no);
}

Value TileBuilder::ceilDiv(Value lhs, int64_t rhs) {
  Value raised = add(lhs, i32(rhs - 1));
  return div(raised, i32(rhs));
}

template <typename OpTy, typename ReturnOpTy>
void TileBuilder::combineBy(Region &region, Type element) {
  OpBuilder::InsertionGuard guard(*this);
  Block *body =
      createBlock(&region, {}, {element, element}, {getLoc(), getLoc()});
  Value combined =
      OpTy::create(*this, body->getArgument(0), body->getArgument(1));
  ReturnOpTy::create(*this, combined);
}

template <typename OpTy> Value TileBuilder::reduce(Value tile, int32_t axis) {
  auto op = tt::ReduceOp::create(*this, ValueRange{tile}, axis);
  combineBy<OpTy, tt::ReduceReturnOp>(op.getCombineOp(),
                                      getElementTypeOrSelf(tile));
  return op.getResult().front();
}

Value TileBuilder::reduceMax(Value tile, int32_t axis) {
  return reduce<arith::MaxNumFOp>(tile, axis);
}

Value TileBuilder::reduceSum(Value tile, int32_t axis) {
  return reduce<arith::AddFOp>(tile, axis);
}

Value TileBuilder::reduceOr(Value tile, int32_t axis) {
  return reduce<arith::OrIOp>(tile, axis);
}

Value TileBuilder::reduceCount(Value tile, int32_t axis) {
  return reduce<arith::AddIOp>(tile, axis);
}

Value TileBuilder::scanCount(Value column) {
  auto op = tt::ScanOp::create(*this, ValueRange{column}, /*axis=*/0,
                               /*reverse=*/false);
  combineBy<arith::AddIOp, tt::ScanReturnOp>(op.getCombineOp(),
                                             getElementTypeOrSelf(column));
  return op.getResult().front();
}

template <typename OpTy> Value TileBuilder::reduceAll(Value tile) {
  // From the last dimension on, which in a column holds one element.
  while (!shapeOf(tile).empty())
    tile = reduce<OpTy>(tile, shapeOf(tile).size() - 1);
  return tile;
}

void TileBuilder::loadWhere(tt::LoadOp load, Value pointer, Value mask) {
  Value other = load.getOther();
  if (load.getMask())
    mask = conj(load.getMask(), mask);
  if (!other)
    other = constant(load.getType(), 0);
  load.replaceAllUsesWith(
      tt::LoadOp::create(*this, pointer, mask, other).getResult());
  load.erase();
}

Value TileBuilder::instruction(const tt::Instruction &which, Type element,
                               ArrayRef<Value> operands, int32_t packed) {
  SmallVector<int64_t> shape;
  for (Value operand : operands)
    shape = commonShape(shape, shapeOf(operand));
  SmallVector<Value> spreadOut;
  for (Value operand : operands)
    spreadOut.push_back(spread(operand, shape));
  Type type = element;
  if (!shape.empty())
    type = RankedTensorType::get(shape, element);
  auto op = tt::ElementwiseInlineAsmOp::create(
      *this, TypeRange{type}, getStringAttr(which.text),
      getStringAttr(which.constraints), getBoolAttr(which.pure),
      /*packed_element=*/getI32IntegerAttr(packed), spreadOut);
  return op->getResult(0);
}

Value TileBuilder::least(Value tile) { return reduceAll<arith::MinSIOp>(tile); }

Value TileBuilder::greatest(Value tile) {
  return reduceAll<arith::MaxSIOp>(tile);
}
