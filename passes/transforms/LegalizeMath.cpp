//===- LegalizeMath.cpp - math ops that Triton's backends do not know -----===//

#include "Passes.h"
#include "tt/Triton.h"

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
    if (target != "cuda" && target != "hip") {
      getOperation().emitError()
          << "expected the target 'cuda' or 'hip', got '" << target << "'";
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<math::MathDialect>(op->getDialect()) && !isNative(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (failed(legalize(op)))
        return signalPassFailure();
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
    OpBuilder b(op);
    auto call = tt::ExternElementwiseOp::create(
        b, op->getLoc(), op->getResult(0).getType(), op->getOperands(),
        /*libname=*/"", /*libpath=*/"", symbol, /*pure=*/true);
    op->replaceAllUsesWith(call->getResults());
    op->erase();
    ++numCalls;
    return success();
  }
};

} // namespace
