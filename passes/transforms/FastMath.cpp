//===- FastMath.cpp - flex-fast-math --------------------------------------===//
//
// Each form costs a few multiply-adds, one base-2 exponential and at most one
// reciprocal, without a branch, so that the elements of a tile overlap. The
// polynomials are minimax fits of the relative error; docs/math.md states the
// errors, and tests/numeric/test_fast_math.py measures them.
//
//===----------------------------------------------------------------------===//

#include "Passes.h"
#include "transforms/LastBits.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXFASTMATH
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;
using arith::CmpFPredicate;
using llvm::numbers::log2e;

//===----------------------------------------------------------------------===//
// What is matched
//===----------------------------------------------------------------------===//

static std::optional<double> constantOf(Value value) {
  APFloat number(0.0f);
  if (!matchPattern(value, m_ConstantFloat(&number)))
    return std::nullopt;
  return number.convertToDouble();
}

/// The operand of the op that makes `value`, if that is an `OpTy`.
template <typename OpTy> static Value operandOf(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  return op ? op->getOperand(0) : Value();
}

/// x, where `value` is 1 + x.
static Value pastOnePlus(Value value) {
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return Value();
  if (matchPattern(sum.getRhs(), m_OneFloat()))
    return sum.getLhs();
  return matchPattern(sum.getLhs(), m_OneFloat()) ? sum.getRhs() : Value();
}

/// Whether a divisor is an integer's value: zero or of moderate size.
static bool isWhole(Value value) {
  Operation *op = stripped(value).getDefiningOp();
  return isa_and_nonnull<arith::SIToFPOp, arith::UIToFPOp>(op);
}

//===----------------------------------------------------------------------===//
// The forms
//===----------------------------------------------------------------------===//

namespace {

class Forms : public TileBuilder {
public:
  explicit Forms(Operation *op)
      : TileBuilder(op->getLoc(), op), type(op->getResult(0).getType()) {}

  /// exp(x) = 2 ** (x log2 e)
  Value exp(Value x) { return powerOf2(x, log2e); }

  /// base ** x for a constant base
  Value power(double base, Value x) { return powerOf2(x, std::log2(base)); }

  /// expm1(x) = x P(x) near 0, where exp(x) - 1 cancels.
  Value expm1(Value x) {
    Value large = subf(exp(x), number(1));
    Value small = mulf(
        x, horner(x, {1.984980998831e-4, 1.399617637931e-3, 8.333579033890e-3,
                      4.166535859632e-2, 1.666666398556e-1, 0.5, 1}));
    return select(isBelow(magnitude(x), 0.5), small, large);
  }

  /// tanh|x| = 1 - 2 / (1 + exp(2|x|)), and |x| P(x^2) near 0.
  Value tanh(Value x) {
    Value size = magnitude(x);
    Value growth = powerOf2(size, 2 * log2e);
    Value large = subf(number(1), quotient(number(2), addf(growth, number(1))));
    Value square = mulf(size, size);
    Value small =
        mulf(size, horner(square, {1.724149181e-2, -5.3045494432e-2,
                                   0.1332587896, -0.333331438964, 1}));
    Value unsign = select(isBelow(size, 0.5), small, large);
    return math::CopySignOp::create(*this, unsign, x);
  }

  /// 1 + tanh(x) = 2 / (1 + exp(-2x)), which does not cancel.
  Value onePlusTanh(Value x) {
    Value decay = powerOf2(x, -2 * log2e);
    return quotient(number(2), addf(decay, number(1)));
  }

  /// log(1 + exp(x)) = max(x, 0) + log(1 + u), where u = exp(-|x|) is at most 1
  /// and log(1 + u) = u P(u).
  Value softplus(Value x) {
    Value distance = operandOf<arith::NegFOp>(x);
    bool isNegative = distance && distance.getDefiningOp<math::AbsFOp>();
    Value u = powerOf2(isNegative ? distance : magnitude(x), -log2e);
    Value tail = horner(u, {5.364822833e-3, -3.0065786314e-2, 7.9204525884e-2,
                            -0.137538015259, 0.191536545613, -0.248571635729,
                            0.333213226067, -0.49999647963, 1});
    if (isNegative)
      return mulf(u, tail);
    return fma(u, tail, arith::MaximumFOp::create(*this, x, number(0)));
  }

  /// x / divisor by a reciprocal that all share who have the divisor. That of a
  /// number near zero would not be finite: it is taken of 2^64 times as much.
  Value timesReciprocal(Value x, Value divisor, bool isModerate) {
    ArrayRef<int64_t> shape = shapeOf(x);
    Value one = constant(divisor.getType(), 1);
    if (isModerate)
      return mulf(x, spread(quotient(one, divisor), shape));
    Value isTiny =
        arith::CmpFOp::create(*this, CmpFPredicate::OLT, magnitude(divisor),
                              constant(divisor.getType(), 0x1p-64));
    Value unit = select(isTiny, constant(divisor.getType(), 0x1p64), one);
    Value inverse = arith::DivFOp::create(*this, one, mulf(divisor, unit));
    Value scaled = mulf(x, spread(unit, shape));
    return mulf(scaled, spread(inverse, shape));
  }

  /// 1 + erf(x) = erfc(-x), and erfc|x| = t P(t) exp(-x^2) of
  /// t = 1 / (1 + 0.4|x|).
  Value onePlusErf(Value x) {
    Value t = quotient(number(1), fma(magnitude(x), number(0.4), number(1)));
    Value tail = horner(t, {7.6149029825e-2, -0.404021713259, 0.704848493901,
                            -0.398162447729, 0.425649948563, 0.132763187104,
                            0.237962426469, 0.224811046605, 0});
    Value decay = exp2(mulf(mulf(x, number(-log2e)), x));
    Value below = mulf(decay, tail);
    return select(isBelow(x, 0), below, subf(number(2), below));
  }

private:
  Value number(double value) { return constant(type, value); }
  Value magnitude(Value x) { return math::AbsFOp::create(*this, x); }
  Value exp2(Value x) { return math::Exp2Op::create(*this, x); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(*this, x, y, z);
  }
  /// A choice between two forms, each of which will do near the limit.
  Value isBelow(Value x, double limit) {
    return arith::CmpFOp::create(*this, CmpFPredicate::OLT, x, number(limit),
                                 arith::FastMathFlags::afn);
  }

  /// 2 ** (x factor); a sign and constant factors of x cost nothing.
  Value powerOf2(Value x, double factor) {
    while (Operation *op = x.getDefiningOp()) {
      double wider = factor;
      if (isa<arith::NegFOp>(op))
        wider = -factor;
      else if (auto mul = dyn_cast<arith::MulFOp>(op))
        wider *= constantOf(mul.getRhs()).value_or(0);
      else if (auto div = dyn_cast<arith::DivFOp>(op))
        wider /= constantOf(div.getRhs()).value_or(0);
      // Also where the factor is no constant, or none that leaves digits.
      if (wider == factor ||
          !(std::abs(wider) > 1e-30 && std::abs(wider) < 1e30))
        break;
      factor = wider;
      x = op->getOperand(0);
    }
    return exp2(mulf(x, number(factor)));
  }

  /// A polynomial in x, its highest coefficient first.
  Value horner(Value x, std::initializer_list<double> coefficients) {
    Value result;
    for (double coefficient : coefficients) {
      Value next = number(coefficient);
      result = result ? fma(result, x, next) : next;
    }
    return result;
  }

  Type type;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// The form that takes the place of `op`, or null.
Value rewriteSum(arith::AddFOp op) {
  Value rest = pastOnePlus(op);
  if (!rest)
    return Value();
  if (Value x = operandOf<math::TanhOp>(rest))
    return Forms(op).onePlusTanh(x);
  if (Value x = operandOf<math::ErfOp>(rest))
    return Forms(op).onePlusErf(x);
  return Value();
}

/// log(1 + exp(x)) and log1p(exp(x)).
Value rewriteLogarithm(Operation *op) {
  Value argument = op->getOperand(0);
  if (isa<math::LogOp>(op))
    argument = pastOnePlus(argument);
  Value x = argument ? operandOf<math::ExpOp>(argument) : Value();
  return x ? Forms(op).softplus(x) : Value();
}

Value rewritePower(math::PowFOp op) {
  std::optional<double> base = constantOf(op.getLhs());
  if (!base || !std::isnormal(*base) || *base <= 0 || *base == 1)
    return Value();
  return Forms(op).power(*base, op.getRhs());
}

/// One reciprocal for each divisor that many elements share, and a division by
/// reciprocal where the divisor cannot be out of its range.
Value rewriteDivision(arith::DivFOp op) {
  Value divisor = op.getRhs();
  if (constantOf(divisor))
    return Value();
  bool isModerate =
      isWhole(divisor) ||
      bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::arcp);
  Operation *stretched = divisor.getDefiningOp();
  if (isa_and_nonnull<tt::SplatOp, tt::BroadcastOp>(stretched))
    return Forms(op).timesReciprocal(op.getLhs(), stretched->getOperand(0),
                                     isModerate);
  Value rest = pastOnePlus(divisor);
  bool isLogistic =
      rest && isa_and_nonnull<math::ExpOp, math::Exp2Op>(rest.getDefiningOp());
  double dividend = constantOf(op.getLhs()).value_or(INFINITY);
  if (isModerate || (isLogistic && std::abs(dividend) <= 2))
    op.setFastmath(arith::FastMathFlags::arcp);
  return Value();
}

Value rewrite(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([](math::ExpOp op) { return Forms(op).exp(op.getOperand()); })
      .Case([](math::ExpM1Op op) { return Forms(op).expm1(op.getOperand()); })
      .Case([](math::TanhOp op) { return Forms(op).tanh(op.getOperand()); })
      .Case<math::LogOp, math::Log1pOp>(rewriteLogarithm)
      .Case(rewritePower)
      .Case(rewriteSum)
      .Case(rewriteDivision)
      .Default(Value());
}

struct FastMathPass : public flex::impl::FlexFastMathBase<FastMathPass> {
  using FlexFastMathBase::FlexFastMathBase;

  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation().walk([&](Operation *op) {
      if (op->getNumResults() == 1 && op->getNumRegions() == 0 &&
          getElementTypeOrSelf(op->getResult(0)).isF32())
        candidates.push_back(op);
    });
    auto decisive = findDecisiveOps(getOperation());
    // Users first: a sum or logarithm takes in the function under it.
    for (Operation *op : llvm::reverse(candidates)) {
      if (isOpTriviallyDead(op)) {
        op->erase();
      } else if (isa<arith::DivFOp, math::PowFOp>(op) &&
                 decisive.contains(op)) {
        continue; // these can be exact, 10 ** 2 and 49 / 49, and have to be
      } else if (Value form = rewrite(op)) {
        op->getResult(0).replaceAllUsesWith(form);
        op->erase();
        ++numRewritten;
      }
    }
  }
};

} // namespace
