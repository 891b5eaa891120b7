//===- InlineMods.cpp - Mods at their smallest shapes ---------------------===//

#include "Passes.h"
#include "transforms/ModInliner.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXINLINEMODS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

struct InlineModsPass : public flex::impl::FlexInlineModsBase<InlineModsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> mods;
    getOperation().walk([&](Operation *op) {
      if (isa<ScoreModOp, MaskModOp>(op))
        mods.push_back(op);
    });
    for (Operation *mod : mods) {
      FailureOr<int64_t> hoisted = inlineMod(mod, ModShapes::Smallest);
      if (failed(hoisted))
        return signalPassFailure();
      ++numInlined;
      numHoisted += *hoisted;
    }
  }
};

} // namespace
