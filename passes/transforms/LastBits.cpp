//===- LastBits.cpp - Where the last bit of a float counts ----------------===//

#include "transforms/LastBits.h"
#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;
using arith::CmpFPredicate;

static bool isInfinite(Value value) {
  return matchPattern(value, m_PosInfFloat()) ||
         matchPattern(value, m_NegInfFloat());
}

/// Whether a last-bit difference in an operand can become a whole one.
static bool decides(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpFOp>(op)) {
    auto predicate = compare.getPredicate();
    bool asksForNaN =
        predicate == CmpFPredicate::UNO || predicate == CmpFPredicate::ORD;
    bool isFree =
        bitEnumContainsAll(compare.getFastmath(), arith::FastMathFlags::afn);
    return !asksForNaN && !isFree && !isInfinite(compare.getLhs()) &&
           !isInfinite(compare.getRhs());
  }
  return isa<math::TruncOp, math::FloorOp, math::CeilOp, math::RoundOp,
             math::RoundEvenOp, arith::FPToSIOp, arith::FPToUIOp,
             arith::RemFOp>(op);
}

/// Whether each element of the result comes from one element of each operand.
static bool isElementwise(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() ||
         isa<tt::SplatOp, tt::BroadcastOp, tt::ExpandDimsOp, tt::TransOp>(op);
}

llvm::DenseSet<Operation *> flex::findDecisiveOps(Operation *root) {
  SmallVector<Operation *> pending;
  root->walk([&](Operation *op) {
    if (decides(op))
      pending.push_back(op);
  });
  llvm::DenseSet<Operation *> found;
  while (!pending.empty())
    for (Value operand : pending.pop_back_val()->getOperands()) {
      Operation *op = operand.getDefiningOp();
      if (op && isa<FloatType>(getElementTypeOrSelf(operand)) &&
          isElementwise(op) && found.insert(op).second)
        pending.push_back(op);
    }
  return found;
}
