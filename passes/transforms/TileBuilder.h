//===- TileBuilder.h - Building tile arithmetic -----------------*- C++ -*-===//
//
// Short names for what the lowerings write over and over: constants, tiles of
// one value, and the spreading of columns and rows to tiles.
//
// Where two arguments of one call both build ops, name the first one before:
// C++ does not say which argument is evaluated first.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_TRANSFORMS_TILEBUILDER_H
#define PYFLEX_TRANSFORMS_TILEBUILDER_H

#include "tt/Instructions.h"
#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::flex {

class TileBuilder : public ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value i32(int64_t value) {
    return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
  }

  Value i64(int64_t value) {
    return arith::ConstantOp::create(*this, getI64IntegerAttr(value));
  }

  Value f32(double value) {
    return arith::ConstantOp::create(*this, getF32FloatAttr(value));
  }

  /// A constant of a scalar or tensor type of integers or floats.
  Value constant(Type type, double value);

  Value getFalse() {
    return arith::ConstantOp::create(*this, getBoolAttr(false));
  }

  /// `value` sign-extended to i64, element by element.
  Value extend(Value value);

  /// The integers [0, size), or [first, end).
  Value range(int64_t size) { return range(0, size); }
  Value range(int64_t first, int64_t end);

  /// `value` stretched to `shape`: a scalar is repeated, a dimension of one is
  /// stretched, a shape that fits already is kept.
  Value spread(Value value, ArrayRef<int64_t> shape);

  /// `value` with one more dimension, of one.
  Value expand(Value value, int32_t axis);

  /// tensor<N> as tensor<Nx1>.
  Value asColumn(Value value) { return expand(value, 1); }

  /// What a column holds as tensor<Nx1>, or as one value where all rows share
  /// it.
  Value perRow(Value column) {
    auto shared = column.getDefiningOp<tt::SplatOp>();
    return shared ? shared.getSrc() : asColumn(column);
  }

  /// tensor<N> as tensor<1xN>.
  Value asRow(Value value) { return expand(value, 0); }

  /// `pointer` moved by `offset` elements; either may be a scalar or a tile.
  Value move(Value pointer, Value offset);

  Value add(Value lhs, Value rhs) { return binary<arith::AddIOp>(lhs, rhs); }
  Value sub(Value lhs, Value rhs) { return binary<arith::SubIOp>(lhs, rhs); }
  Value mul(Value lhs, Value rhs) { return binary<arith::MulIOp>(lhs, rhs); }
  Value div(Value lhs, Value rhs) { return binary<arith::DivSIOp>(lhs, rhs); }
  Value rem(Value lhs, Value rhs) { return binary<arith::RemSIOp>(lhs, rhs); }
  /// Of what is not negative; a GPU does these with fewer instructions.
  Value divu(Value lhs, Value rhs) { return binary<arith::DivUIOp>(lhs, rhs); }
  Value remu(Value lhs, Value rhs) { return binary<arith::RemUIOp>(lhs, rhs); }
  Value min(Value lhs, Value rhs) { return binary<arith::MinSIOp>(lhs, rhs); }
  Value max(Value lhs, Value rhs) { return binary<arith::MaxSIOp>(lhs, rhs); }
  Value conj(Value lhs, Value rhs) { return binary<arith::AndIOp>(lhs, rhs); }
  Value disj(Value lhs, Value rhs) { return binary<arith::OrIOp>(lhs, rhs); }
  Value addf(Value lhs, Value rhs) { return binary<arith::AddFOp>(lhs, rhs); }
  Value subf(Value lhs, Value rhs) { return binary<arith::SubFOp>(lhs, rhs); }
  Value mulf(Value lhs, Value rhs) { return binary<arith::MulFOp>(lhs, rhs); }
  /// A division whose divisor is known to have a normal reciprocal, or to be so
  /// large that the quotient counts as zero.
  Value quotient(Value lhs, Value rhs) {
    match(lhs, rhs);
    return arith::DivFOp::create(*this, lhs, rhs, arith::FastMathFlags::arcp);
  }
  Value maxf(Value lhs, Value rhs) {
    return binary<arith::MaxNumFOp>(lhs, rhs);
  }

  Value cmp(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    match(lhs, rhs);
    return arith::CmpIOp::create(*this, predicate, lhs, rhs);
  }
  Value cmp(arith::CmpFPredicate predicate, Value lhs, Value rhs) {
    match(lhs, rhs);
    return arith::CmpFOp::create(*this, predicate, lhs, rhs);
  }
  Value select(Value condition, Value yes, Value no);

  /// ceil(lhs / rhs) for a non-negative lhs and a constant rhs.
  Value ceilDiv(Value lhs, int64_t rhs);

  /// Reduces `axis` of a float tile by `max` or by `sum`.
  Value reduceMax(Value tile, int32_t axis);
  Value reduceSum(Value tile, int32_t axis);

  /// Reduces `axis` of a tile of integers by `or` or by `sum`.
  Value reduceOr(Value tile, int32_t axis);
  Value reduceCount(Value tile, int32_t axis);

  /// The sum of each integer and those before it.
  Value scanCount(Value column);

  /// What `load` brings, from `pointer` and where `mask` holds as well; what it
  /// gives elsewhere, or zero. Replaces it.
  void loadWhere(tt::LoadOp load, Value pointer, Value mask);

  /// An instruction for each element of the operands' common shape, or for so
  /// many of them that lie in one register.
  Value instruction(const tt::Instruction &which, Type element,
                    ArrayRef<Value> operands, int32_t packed = 1);
  /// One that gives nothing of use.
  void instruction(const tt::Instruction &which) {
    instruction(which, getI32Type(), {});
  }

  /// The least or the greatest element of a column or tile of integers.
  Value least(Value tile);
  Value greatest(Value tile);

private:
  /// Spreads both operands to their common shape.
  void match(Value &lhs, Value &rhs);

  template <typename OpTy> Value binary(Value lhs, Value rhs) {
    match(lhs, rhs);
    return OpTy::create(*this, lhs, rhs);
  }

  template <typename OpTy> Value reduce(Value tile, int32_t axis);
  template <typename OpTy, typename ReturnOpTy>
  void combineBy(Region &region, Type element);
  template <typename OpTy> Value reduceAll(Value tile);
};

/// The shape that both shapes stretch to; scalars have the empty shape.
SmallVector<int64_t> commonShape(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs);

/// The shape of a tensor value, the empty shape of a scalar.
ArrayRef<int64_t> shapeOf(Value value);

/// What ops on shapes and signed widths have made a value of.
Value stripped(Value value);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_TILEBUILDER_H
