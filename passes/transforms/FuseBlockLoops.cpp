//===- FuseBlockLoops.cpp - Partial and full blocks in one loop -----------===//

#include "Effects.h"
#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/FindOp.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXFUSEBLOCKLOOPS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Whether the loops do the same to each tile, but for the mask of the first.
bool sameButForTheMask(ForOp masked, ForOp unmasked) {
  auto stripped = cast<ForOp>(masked->clone());
  stripped.walk([](MaskModOp mask) {
    mask.replaceAllUsesWith(mask.getScores());
    mask.erase();
  });
  bool same = OperationEquivalence::isRegionEquivalentTo(
      &stripped.getBody(), &unmasked.getBody(),
      OperationEquivalence::IgnoreLocations);
  stripped->destroy();
  return same;
}

/// The first op between the loops that `first` must not be moved past.
Operation *findObstacle(ForOp first, ForOp second) {
  bool firstOnlyReads = onlyReads(first);
  for (Operation *op = first->getNextNode(); op != second.getOperation();
       op = op->getNextNode())
    if (!isMemoryEffectFree(op) && !(firstOnlyReads && onlyReads(op)))
      return op;
  return nullptr;
}

struct FuseBlockLoopsPass
    : public flex::impl::FlexFuseBlockLoopsBase<FuseBlockLoopsPass> {
  void runOnOperation() override {
    SmallVector<ForOp> loops;
    getOperation().walk([&](ForOp loop) { loops.push_back(loop); });
    for (ForOp second : loops) {
      auto first = second.getInits().empty()
                       ? ForOp()
                       : second.getInits().front().getDefiningOp<ForOp>();
      if (first && canFuse(first, second))
        fuse(first, second);
    }
  }

  /// `second` goes on with the whole state of `first`, which nothing else uses.
  bool canFuse(ForOp first, ForOp second) {
    if (first->getBlock() != second->getBlock() ||
        ValueRange(second.getInits()) != ValueRange(first.getResults()))
      return false;
    bool onlyUse = llvm::all_of(first->getUsers(), [&](Operation *user) {
      return user == second.getOperation();
    });
    bool takenTwice = llvm::any_of(
        first.getResults(), [](Value result) { return !result.hasOneUse(); });
    if (!onlyUse || takenTwice || first.getLimit() != second.getLimit() ||
        !first.getUnmasked().use_empty()) {
      second.emitRemark(
          "block loops are not fused: they do not share one state");
      return false;
    }
    if (first.getBlocks().getDefiningOp<SliceOp>() ||
        second.getBlocks().getDefiningOp<SliceOp>()) {
      second.emitRemark("block loops are not fused: they visit a part each");
      return false;
    }
    auto isConditional = [](Operation *op) {
      auto mask = dyn_cast<MaskModOp>(op);
      return mask && mask.getUnless();
    };
    if (findOp(first, isConditional)) {
      second.emitRemark("block loops are not fused: the mask of the first is "
                        "left out on a condition of its own");
      return false;
    }
    if (Operation *obstacle = findObstacle(first, second)) {
      auto diag = second.emitRemark(
          "block loops are not fused: memory is touched between them");
      diag.attachNote(obstacle->getLoc()) << "it is touched here";
      return false;
    }
    if (!sameButForTheMask(first, second)) {
      auto diag = second.emitRemark(
          "block loops are not fused: they differ in more than the mask");
      diag.attachNote(first.getLoc()) << "the other loop is here";
      return false;
    }
    return true;
  }

  void fuse(ForOp first, ForOp second) {
    OpBuilder b(second);
    Value both = ConcatOp::create(b, second.getLoc(), b.getType<BlocksType>(),
                                  first.getBlocks(), second.getBlocks());
    first->moveBefore(second);
    first.getBlocksMutable().assign(both);
    first.walk([&](MaskModOp mask) {
      mask.getUnlessMutable().assign(first.getUnmasked());
    });
    second.replaceAllUsesWith(first.getResults());
    second.erase();
    ++numFused;
  }
};

} // namespace
