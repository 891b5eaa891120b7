//===- DeferSums.cpp - Add up the sums of rows behind the loop ------------===//

#include "Passes.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXDEFERSUMS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// The running sum of each row: what a loop carries times a factor, and the sum
/// of a tile's columns.
struct RunningSum {
  unsigned index; // of the loop's state
  Value factor, tile;
  arith::AddFOp next;
};

/// Whether a reduction's step is the sum of its two arguments.
bool addsUp(Block &step) {
  auto sum = step.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value one = step.getArgument(0), other = step.getArgument(1);
  return (sum.getLhs() == one && sum.getRhs() == other) ||
         (sum.getLhs() == other && sum.getRhs() == one);
}

/// The columns that `value` is the sum of, if nothing else uses it.
Value summedTile(Value value) {
  auto reduce = value.getDefiningOp<tt::ReduceOp>();
  if (!reduce || !value.hasOneUse() || reduce->getNumOperands() != 1)
    return {};
  Value tile = reduce->getOperand(0);
  bool ofColumns = shapeOf(tile).size() == 2 && reduce.getAxis() == 1;
  return ofColumns && addsUp(reduce.getCombineOp().front()) ? tile : Value();
}

struct DeferSumsPass : public flex::impl::FlexDeferSumsBase<DeferSumsPass> {
  void runOnOperation() override {
    getOperation().walk([&](scf::ForOp loop) {
      for (unsigned index = 0; index < loop.getNumRegionIterArgs(); ++index)
        if (auto sum = find(loop, index)) {
          defer(loop, *sum);
          ++numDeferred;
        }
    });
  }

  /// The sum that is carried at `index`, if its tile may be carried instead.
  static std::optional<RunningSum> find(scf::ForOp loop, unsigned index) {
    // Of more rows warps can have their own, and need not tell each other.
    constexpr int64_t rowsOfAllWarps = 16;
    BlockArgument carried = loop.getRegionIterArg(index);
    Value yielded = loop.getYieldedValues()[index];
    auto next = yielded.getDefiningOp<arith::AddFOp>();
    if (!next || !yielded.hasOneUse() || !carried.hasOneUse() ||
        !matchPattern(loop.getInitArgs()[index], m_AnyZeroFloat()))
      return std::nullopt;
    for (auto [old, added] : {std::pair{next.getLhs(), next.getRhs()},
                              {next.getRhs(), next.getLhs()}}) {
      auto product = old.getDefiningOp<arith::MulFOp>();
      Value tile = summedTile(added);
      if (!product || !old.hasOneUse() || !tile ||
          shapeOf(tile)[0] > rowsOfAllWarps)
        continue;
      if (product.getLhs() == carried)
        return RunningSum{index, product.getRhs(), tile, next};
      if (product.getRhs() == carried)
        return RunningSum{index, product.getLhs(), tile, next};
    }
    return std::nullopt;
  }

  static void defer(scf::ForOp loop, const RunningSum &sum) {
    Type type = sum.tile.getType();
    BlockArgument carried = loop.getRegionIterArg(sum.index);
    Value result = loop.getResult(sum.index);
    TileBuilder b(loop.getLoc(), loop);
    loop.getInitArgsMutable()[sum.index].assign(b.constant(type, 0));
    carried.setType(type);
    result.setType(type);

    arith::AddFOp next = sum.next;
    TileBuilder inner(next.getLoc(), next);
    Value kept = inner.mulf(carried, inner.asColumn(sum.factor));
    Operation *old[] = {next, next.getLhs().getDefiningOp(),
                        next.getRhs().getDefiningOp()};
    next.getResult().replaceAllUsesWith(inner.addf(kept, sum.tile));
    for (Operation *op : old)
      op->erase();

    b.setInsertionPointAfter(loop);
    Value added = b.reduceSum(result, 1);
    result.replaceAllUsesExcept(added, added.getDefiningOp());
  }
};

} // namespace
