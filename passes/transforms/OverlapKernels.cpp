//===- OverlapKernels.cpp - Start a kernel while one runs -----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXOVERLAPKERNELS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

struct OverlapKernelsPass
    : public flex::impl::FlexOverlapKernelsBase<OverlapKernelsPass> {
  using FlexOverlapKernelsBase::FlexOverlapKernelsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    auto beside = [&](tt::FuncOp func, StringRef suffix) {
      auto found = symbols.lookup<tt::FuncOp>((func.getName() + suffix).str());
      return found && !found.isExternal() ? found : tt::FuncOp();
    };
    for (auto func : getOperation().getOps<tt::FuncOp>()) {
      if (func.isExternal())
        continue;
      if (auto blocks = beside(func, "_blocks");
          blocks && failed(overlapBlocks(blocks, func)))
        return signalPassFailure();
      if (auto combine = beside(func, "_combine");
          combine && failed(overlapCombine(func, combine)))
        return signalPassFailure();
    }
  }

  /// Programs of `func` take the places that those of `blocks` leave, and wait
  /// for the words there.
  LogicalResult overlapBlocks(tt::FuncOp blocks, tt::FuncOp func) {
    auto loops = func.getBody().front().getOps<ForOp>();
    if (loops.empty())
      return func.emitError() << "expected a loop over the lists, for which '"
                              << blocks.getName() << "' is waited";
    TileBuilder b((*loops.begin()).getLoc(), *loops.begin());
    b.instruction(tt::kWaitForKernel);
    letStart(blocks);
    ++numOverlapped;
    return success();
  }

  /// The programs of the kernel behind `func` may start once all of its own
  /// have.
  void letStart(tt::FuncOp func) {
    Block &body = func.getBody().front();
    TileBuilder b(func.getLoc(), OpBuilder::atBlockBegin(&body));
    b.instruction(tt::kLaunchDependents);
  }

  LogicalResult overlapCombine(tt::FuncOp first, tt::FuncOp second) {
    auto combines = second.getBody().front().getOps<CombineOp>();
    if (combines.empty())
      return second.emitError() << "expected a flex.combine, which waits for '"
                                << first.getName() << "'";
    letStart(first);
    (*combines.begin()).setWaits(true);
    ++numOverlapped;
    return success();
  }
};

} // namespace
