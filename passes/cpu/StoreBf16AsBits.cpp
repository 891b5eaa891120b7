//===- StoreBf16AsBits.cpp - cpu-store-bf16-as-bits -----------------------===//

#include "cpu/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPUSTOREBF16ASBITS
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;

/// Whether `op` only moves values, whatever their type.
static bool onlyMoves(Operation *op) {
  return isa<LLVM::AddressOfOp, LLVM::AllocaOp, LLVM::BitcastOp, LLVM::BrOp,
             LLVM::CondBrOp, LLVM::ConstantOp, LLVM::ExtractValueOp,
             LLVM::GEPOp, LLVM::InsertValueOp, LLVM::LoadOp, LLVM::PoisonOp,
             LLVM::SelectOp, LLVM::StoreOp, LLVM::UndefOp, LLVM::ZeroOp>(op);
}

/// Emits an error where something computes on bf16.
static LogicalResult checkOnlyMoved(ModuleOp module) {
  auto isBf16 = [](Type type) { return type.isBF16(); };
  auto result = module.walk([&](Operation *op) -> WalkResult {
    if (onlyMoves(op) || (llvm::none_of(op->getOperandTypes(), isBf16) &&
                          llvm::none_of(op->getResultTypes(), isBf16)))
      return WalkResult::advance();
    return op->emitError() << "'" << op->getName()
                           << "' has no CPU lowering: expected arithmetic on "
                              "bf16 to have been expanded";
  });
  return failure(result.wasInterrupted());
}

namespace {
struct CpuStoreBf16AsBitsPass
    : cpu::impl::CpuStoreBf16AsBitsBase<CpuStoreBf16AsBitsPass> {
  void runOnOperation() override {
    if (failed(checkOnlyMoved(getOperation())))
      return signalPassFailure();
    Type bits = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([=](BFloat16Type) { return bits; });
    replacer.addReplacement([=](FloatAttr attr) -> std::optional<Attribute> {
      if (!attr.getType().isBF16())
        return std::nullopt;
      return IntegerAttr::get(bits, attr.getValue().bitcastToAPInt());
    });
    replacer.addReplacement(
        [=](DenseElementsAttr attr) -> std::optional<Attribute> {
          if (!attr.getElementType().isBF16())
            return std::nullopt;
          return attr.bitcast(bits);
        });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }
};
} // namespace
