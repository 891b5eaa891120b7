//===- OverlapKernels.cpp - Start the joining kernel early ----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "tt/Triton.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXOVERLAPKERNELS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Inline assembly gives a value, so the instruction gets one to leave alone.
void insertControl(OpBuilder &b, Location loc, StringRef instruction) {
  tt::ElementwiseInlineAsmOp::create(
      b, loc, TypeRange{b.getI32Type()},
      b.getStringAttr("griddepcontrol." + instruction + "; // $0"),
      b.getStringAttr("=r"), /*pure=*/b.getBoolAttr(false),
      /*packed_element=*/b.getI32IntegerAttr(1), ValueRange{});
}

struct OverlapKernelsPass
    : public flex::impl::FlexOverlapKernelsBase<OverlapKernelsPass> {
  using FlexOverlapKernelsBase::FlexOverlapKernelsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto first : getOperation().getOps<tt::FuncOp>()) {
      auto second =
          symbols.lookup<tt::FuncOp>((first.getName() + "_combine").str());
      if (second && failed(overlap(first, second)))
        return signalPassFailure();
    }
  }

  LogicalResult overlap(tt::FuncOp first, tt::FuncOp second) {
    ForOp last;
    for (auto loop : first.getBody().front().getOps<ForOp>())
      last = loop;
    if (!last)
      return first.emitError() << "expected a loop over KV, after which '"
                               << second.getName() << "' may start";
    OpBuilder b(last->getContext());
    b.setInsertionPointAfter(last);
    insertControl(b, last.getLoc(), "launch_dependents");
    b.setInsertionPointToStart(&second.getBody().front());
    insertControl(b, second.getLoc(), "wait");
    ++numOverlapped;
    return success();
  }
};

} // namespace
