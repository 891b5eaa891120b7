//===- OverlapKernels.cpp - Start a kernel while one ends -----------------===//

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
    auto beside = [&](tt::FuncOp func, StringRef suffix) {
      return symbols.lookup<tt::FuncOp>((func.getName() + suffix).str());
    };
    for (auto func : getOperation().getOps<tt::FuncOp>()) {
      if (auto blocks = beside(func, "_blocks");
          blocks && failed(overlapBlocks(blocks, func)))
        return signalPassFailure();
      if (auto combine = beside(func, "_combine");
          combine && failed(overlapCombine(func, combine)))
        return signalPassFailure();
    }
  }

  /// Programs of `func` take the places that those of `blocks` leave, and wait
  /// for the lists there.
  LogicalResult overlapBlocks(tt::FuncOp blocks, tt::FuncOp func) {
    auto lists = func.getBody().front().getOps<ListOp>();
    if (lists.empty())
      return func.emitError() << "expected a list of blocks, for which '"
                              << blocks.getName() << "' is waited";
    OpBuilder b(*lists.begin());
    insertControl(b, (*lists.begin()).getLoc(), "wait");
    b.setInsertionPointToStart(&blocks.getBody().front());
    insertControl(b, blocks.getLoc(), "launch_dependents");
    ++numOverlapped;
    return success();
  }

  LogicalResult overlapCombine(tt::FuncOp first, tt::FuncOp second) {
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
