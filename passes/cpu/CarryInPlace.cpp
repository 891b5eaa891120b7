//===- CarryInPlace.cpp - cpu-carry-in-place ------------------------------===//

#include "cpu/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPUCARRYINPLACE
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

/// Writes each tensor that `terminator` passes on into the buffer of the
/// argument that carries it.
static LogicalResult carryInPlace(Operation *terminator,
                                  MutableOperandRange passed,
                                  Block::BlockArgListType carried) {
  OpBuilder builder(terminator);
  Location loc = terminator->getLoc();
  SmallVector<std::pair<OpOperand *, BlockArgument>> moves;
  for (auto [index, operand] : llvm::enumerate(passed)) {
    Value value = operand.get();
    if (!isa<RankedTensorType>(value.getType()))
      continue;
    if (index >= carried.size() || carried[index].getType() != value.getType())
      return terminator->emitError()
             << "'" << terminator->getName()
             << "' has no CPU lowering: expected tensors in the order and of "
                "the types in which the loop carries them";
    if (value != carried[index])
      moves.push_back({&operand, carried[index]});
  }
  // What may live in another carried buffer is saved before any is overwritten.
  if (moves.size() > 1)
    for (auto &[operand, argument] : moves) {
      Operation *source = operand->get().getDefiningOp();
      if (source && source->getBlock() == terminator->getBlock() &&
          isa<linalg::LinalgOp>(source))
        continue;
      auto type = cast<RankedTensorType>(operand->get().getType());
      if (!type.hasStaticShape())
        return terminator->emitError()
               << "'" << terminator->getName()
               << "' has no CPU lowering: expected tensors of static size, got "
               << type;
      Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                            type.getElementType());
      auto copy = linalg::CopyOp::create(builder, loc, operand->get(), empty);
      operand->set(copy.getResult(0));
    }
  for (auto &[operand, argument] : moves) {
    auto kept = bufferization::MaterializeInDestinationOp::create(
        builder, loc, operand->get(), argument);
    operand->set(kept.getResult());
  }
  return success();
}

namespace {
struct CpuCarryInPlacePass
    : cpu::impl::CpuCarryInPlaceBase<CpuCarryInPlacePass> {
  void runOnOperation() override {
    auto result = getOperation().walk([](Operation *op) -> WalkResult {
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
        return carryInPlace(yield, yield.getResultsMutable(),
                            loop.getRegionIterArgs());
      }
      auto loop = dyn_cast<scf::WhileOp>(op);
      if (!loop)
        return WalkResult::advance();
      auto condition = loop.getConditionOp();
      if (failed(carryInPlace(condition, condition.getArgsMutable(),
                              loop.getBeforeArguments())))
        return WalkResult::interrupt();
      auto yield = loop.getYieldOp();
      return carryInPlace(yield, yield.getResultsMutable(),
                          loop.getAfterArguments());
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
