//===- LegalizeMath.cpp - What Triton's backends do not lower -------------===//

#include "Passes.h"
#include "transforms/GpuTarget.h"
#include "transforms/LastBits.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSwitch.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXLEGALIZEMATH
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;

namespace {

/// The ops that every backend lowers itself.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::ErfOp, math::ExpOp,
             math::Exp2Op, math::FloorOp, math::FmaOp, math::LogOp,
             math::Log2Op, math::RsqrtOp>(op);
}

/// The function's name in C, which both device libraries keep.
StringRef functionName(Operation *op) {
  StringRef name = op->getName().stripDialect();
  return llvm::StringSwitch<StringRef>(name)
      .Case("powf", "pow")
      .Case("remf", "fmod")
      .Case("roundeven", "rint")
      .Cases({"acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh"}, name)
      .Cases({"copysign", "cos", "cosh", "erfc", "expm1", "log10"}, name)
      .Cases({"log1p", "round", "sin", "sinh", "sqrt", "tan"}, name)
      .Cases({"tanh", "trunc"}, name)
      .Default("");
}

struct LegalizeMathPass
    : public flex::impl::FlexLegalizeMathBase<LegalizeMathPass> {
  using FlexLegalizeMathBase::FlexLegalizeMathBase;

  void runOnOperation() override {
    if (failed(flex::checkTarget(getOperation(), target, gfx)))
      return signalPassFailure();
    decisive = flex::findDecisiveOps(getOperation());
    SmallVector<Operation *> instructions, calls, others;
    getOperation().walk([&](Operation *op) {
      if (auto assembly = dyn_cast<tt::ElementwiseInlineAsmOp>(op))
        legalizeBarrier(assembly);
      else if (instructionFor(op))
        instructions.push_back(op);
      else if (isa<arith::RemFOp>(op) ||
               (isa_and_nonnull<math::MathDialect>(op->getDialect()) &&
                !isNative(op)))
        calls.push_back(op);
      else if (isa<arith::NegFOp, arith::BitcastOp, arith::ExtFOp>(op))
        others.push_back(op);
      else if (auto division = dyn_cast<arith::DivFOp>(op))
        division.setFastmath(arith::FastMathFlags::none);
      else if (auto log2 = dyn_cast<math::Log2Op>(op))
        log2.setFastmath(arith::FastMathFlags::none);
      else if (auto compare = dyn_cast<arith::CmpFOp>(op))
        compare.setFastmath(arith::FastMathFlags::none);
    });
    for (Operation *op : calls)
      if (failed(legalize(op)))
        return signalPassFailure();
    for (Operation *op : instructions)
      replaceBy(*instructionFor(op), op);
    for (Operation *op : others)
      rewrite(op);
  }

  /// NVIDIA's barrier as the target's own.
  void legalizeBarrier(tt::ElementwiseInlineAsmOp op) {
    if (target == "cuda" || op.getAsmString() != tt::kBarrier.text)
      return;
    const tt::Instruction &barrier = gfx < 10   ? tt::kBarrierOfGfx9
                                     : gfx < 12 ? tt::kBarrierOfGfx10
                                                : tt::kBarrierOfGfx12;
    op.setAsmString(barrier.text);
    op.setConstraints(barrier.constraints);
  }

  /// The instruction of the target that does what an op asks for.
  const tt::Instruction *instructionFor(Operation *op) {
    if (op->getNumResults() != 1)
      return nullptr;
    Type element = getElementTypeOrSelf(op->getResult(0));
    if (isa<math::CtPopOp>(op) && element.isInteger(32))
      return target == "cuda" ? &tt::kCountBits : &tt::kCountBitsOfAMD;
    if (target != "cuda" || !element.isF32())
      return nullptr;
    auto allows = [](auto op, arith::FastMathFlags flag) {
      return op && bitEnumContainsAll(op.getFastmath(), flag);
    };
    if (isa<math::Exp2Op>(op))
      return &tt::kExp2;
    if (isa<math::CopySignOp>(op))
      return &tt::kCopySign;
    if (allows(dyn_cast<math::Log2Op>(op), arith::FastMathFlags::afn))
      return &tt::kLog2;
    if (allows(dyn_cast<arith::DivFOp>(op), arith::FastMathFlags::arcp))
      return &tt::kDivide;
    if (isa<arith::DivFOp>(op) && decisive.contains(op))
      return &tt::kDivideExactly;
    return nullptr;
  }

  void replaceBy(const tt::Instruction &instruction, Operation *op) {
    flex::TileBuilder b(op->getLoc(), op);
    Type element = getElementTypeOrSelf(op->getResult(0));
    Value result = b.instruction(instruction, element,
                                 SmallVector<Value>(op->getOperands()));
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  void rewrite(Operation *op) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    Value operand = op->getOperand(0), result;
    Type type = op->getResult(0).getType();
    if (isa<arith::NegFOp>(op)) {
      TypedAttr zero = b.getFloatAttr(getElementTypeOrSelf(type), -0.0);
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        zero = SplatElementsAttr::get(tensor, zero);
      Value minusZero = arith::ConstantOp::create(b, loc, zero);
      result = arith::SubFOp::create(b, loc, minusZero, operand);
    } else if (isa<arith::BitcastOp>(op)) {
      result = tt::BitcastOp::create(b, loc, type, operand);
    } else if (getElementTypeOrSelf(operand).isBF16() &&
               getElementTypeOrSelf(type).isF64()) {
      Type single = b.getF32Type();
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        single = tensor.clone(single);
      Value widened = arith::ExtFOp::create(b, loc, single, operand);
      result = arith::ExtFOp::create(b, loc, type, widened);
    } else {
      return;
    }
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  void call(Operation *op, StringRef symbol) {
    OpBuilder b(op);
    auto call = tt::ExternElementwiseOp::create(
        b, op->getLoc(), op->getResult(0).getType(), op->getOperands(),
        /*libname=*/"", /*libpath=*/"", symbol, /*pure=*/true);
    op->replaceAllUsesWith(call->getResults());
    op->erase();
    ++numCalls;
  }

  LogicalResult legalize(Operation *op) {
    StringRef function = functionName(op);
    Type element = getElementTypeOrSelf(op->getResult(0));
    if (function.empty() || !(element.isF32() || element.isF64()))
      return op->emitError() << "no device library has '" << op->getName()
                             << "' of " << element;
    bool single = element.isF32();
    std::string symbol =
        target == "cuda"
            ? ("__nv_" + function + (single ? "f" : "")).str()
            : ("__ocml_" + function + (single ? "_f32" : "_f64")).str();
    call(op, symbol);
    return success();
  }

  /// Those of the module as it was given.
  llvm::DenseSet<Operation *> decisive;
};

} // namespace
