//===- LegalizeScalars.cpp - cpu-legalize-scalars -------------------------===//

#include "cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPULEGALIZESCALARS
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

/// Replaces the divisor of an integer division by one where it would trap.
static void guardDivisor(Operation *op, bool isSigned) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  Value dividend = op->getOperand(0), divisor = op->getOperand(1);
  auto type = cast<IntegerType>(divisor.getType());
  auto constant = [&](const APInt &value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getIntegerAttr(type, value));
  };
  auto equal = [&](Value left, const APInt &right) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, left,
                                 constant(right));
  };
  unsigned width = type.getWidth();
  APInt known;
  if (matchPattern(divisor, m_ConstantInt(&known)) && !known.isZero() &&
      !(isSigned && known.isAllOnes()))
    return;
  Value bad = equal(divisor, APInt::getZero(width));
  if (isSigned) {
    Value overflow = arith::AndIOp::create(
        builder, loc, equal(divisor, APInt::getAllOnes(width)),
        equal(dividend, APInt::getSignedMinValue(width)));
    bad = arith::OrIOp::create(builder, loc, bad, overflow);
  }
  Value safe = arith::SelectOp::create(builder, loc, bad,
                                       constant(APInt(width, 1)), divisor);
  op->setOperand(1, safe);
}

/// Keeps a conversion exact, and splits one between bf16 and f64 into two.
template <typename Op> static void legalizeConversion(Op op) {
  op.removeFastmathAttr();
  bool involved = op.getType().isBF16() || op.getIn().getType().isBF16();
  bool isDouble = op.getType().isF64() || op.getIn().getType().isF64();
  if (!involved || !isDouble)
    return;
  OpBuilder builder(op);
  Value middle =
      Op::create(builder, op.getLoc(), builder.getF32Type(), op.getIn());
  op.getInMutable().assign(middle);
}

/// Computes expm1 without the cancellation of exp(x) - 1, from the rounded
/// exponential u = exp(x): (u - 1) * x / log(u). (W. Kahan, as given in N.
/// Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1.)
static void expandExpM1(math::ExpM1Op op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value x = op.getOperand();
  auto constant = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(op.getType(), value));
  };
  Value u = math::ExpOp::create(builder, loc, x);
  Value one = constant(1.0), result;
  Value less = arith::SubFOp::create(builder, loc, u, one);
  Value log = math::LogOp::create(builder, loc, u);
  Value ratio = arith::DivFOp::create(builder, loc, x, log);
  result = arith::MulFOp::create(builder, loc, less, ratio);
  // Where u has no digit of x left, and where log(u) is infinite.
  auto choose = [&](Value left, double right, Value value) {
    Value equal = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                        left, constant(right));
    result = arith::SelectOp::create(builder, loc, equal, value, result);
  };
  choose(u, 1.0, x);
  choose(u, 0.0, constant(-1.0));
  choose(u, INFINITY, u);
  op.replaceAllUsesWith(result);
  op.erase();
}

/// Emits an error if `op` is not one of scalars of a fixed width.
static LogicalResult checkScalar(Operation *op) {
  Type type = op->getResult(0).getType();
  if (type.isIntOrFloat())
    return success();
  return op->emitError() << "'" << op->getName()
                         << "' has no CPU lowering: expected scalars of a "
                            "fixed width, got "
                         << type;
}

namespace {
struct CpuLegalizeScalarsPass
    : cpu::impl::CpuLegalizeScalarsBase<CpuLegalizeScalarsPass> {
  void runOnOperation() override {
    auto result = getOperation().walk([](Operation *op) -> WalkResult {
      if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(
              op)) {
        if (failed(checkScalar(op)))
          return WalkResult::interrupt();
        bool isSigned = isa<arith::DivSIOp, arith::RemSIOp>(op);
        guardDivisor(op, isSigned);
      } else if (auto exponential = dyn_cast<math::ExpM1Op>(op)) {
        if (failed(checkScalar(op)))
          return WalkResult::interrupt();
        expandExpM1(exponential);
      } else if (auto narrow = dyn_cast<arith::TruncFOp>(op)) {
        legalizeConversion(narrow);
      } else if (auto widen = dyn_cast<arith::ExtFOp>(op)) {
        legalizeConversion(widen);
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
