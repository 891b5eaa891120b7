//===- ExtractKernel.cpp - One kernel of a module -------------------------===//

#include "Passes.h"
#include "tt/Triton.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXEXTRACTKERNEL
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;

namespace {

struct ExtractKernelPass
    : public flex::impl::FlexExtractKernelBase<ExtractKernelPass> {
  using FlexExtractKernelBase::FlexExtractKernelBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto root = module.lookupSymbol<tt::FuncOp>(kernel.getValue());
    if (!root) {
      module.emitError() << "expected a tt.func named '" << kernel.getValue()
                         << "', found none";
      return signalPassFailure();
    }
    llvm::SmallPtrSet<Operation *, 8> kept;
    SmallVector<tt::FuncOp> worklist = {root};
    while (!worklist.empty()) {
      tt::FuncOp func = worklist.pop_back_val();
      if (!kept.insert(func).second)
        continue;
      auto uses = SymbolTable::getSymbolUses(func.getOperation());
      for (SymbolTable::SymbolUse use :
           uses.value_or(SymbolTable::UseRange({})))
        if (auto callee = module.lookupSymbol<tt::FuncOp>(
                use.getSymbolRef().getLeafReference()))
          worklist.push_back(callee);
    }
    for (auto func : llvm::make_early_inc_range(module.getOps<tt::FuncOp>()))
      if (!kept.contains(func))
        func.erase();
  }
};

} // namespace
