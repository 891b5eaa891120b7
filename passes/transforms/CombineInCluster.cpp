//===- CombineInCluster.cpp - Combine a split within a cluster ------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/NewKernel.h"
#include "transforms/ResultStores.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXCOMBINEINCLUSTER
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// What flex-split-kv leaves at the end of a kernel: results that are stored
/// where they belong, or else as partial ones.
struct Split {
  SliceOp slice;
  RowsOp rows;
  SoftmaxFinishOp finish;
  scf::IfOp branch;
  ResultStores stores;
};

struct CombineInClusterPass
    : public flex::impl::FlexCombineInClusterBase<CombineInClusterPass> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<tt::FuncOp>()) {
      if (func.isExternal())
        continue;
      auto slices = func.getBody().front().getOps<SliceOp>();
      if (slices.empty())
        continue;
      Split split{*slices.begin(), {}, {}, {}, {}};
      if (failed(find(func, split))) {
        func.emitError("expected the rows, the finished softmax and the branch "
                       "of a kernel that flex-split-kv has split");
        return signalPassFailure();
      }
      if (failed(split.stores.checkAreAt(split.rows)))
        return signalPassFailure();
      combine(func, split);
      ++numCombined;
    }
  }

  static LogicalResult find(tt::FuncOp func, Split &split) {
    Block &body = func.getBody().front();
    auto rows = body.getOps<RowsOp>();
    auto finished = body.getOps<SoftmaxFinishOp>();
    if (!llvm::hasSingleElement(rows) || !llvm::hasSingleElement(finished))
      return failure();
    split.rows = *rows.begin();
    split.finish = *finished.begin();
    for (Operation *user : split.finish->getUsers()) {
      auto store = dyn_cast<StoreOp>(user);
      auto branch = dyn_cast<scf::IfOp>(user->getParentOp());
      if (!store || !branch || !branch.elseBlock() ||
          (split.branch && split.branch != branch))
        return failure();
      split.branch = branch;
      if (store->getBlock() == branch.thenBlock() &&
          failed(split.stores.add(store, split.finish)))
        return failure();
    }
    return success(bool(split.stores.out));
  }

  static void combine(tt::FuncOp func, Split &split) {
    TileBuilder b(func.getLoc(), func);
    Value memory = appendArgument(func, b.getI32Type(), {});
    Block *parts = split.branch.elseBlock();
    b.setInsertionPointToStart(parts);
    Value together = b.cmp(arith::CmpIPredicate::sge, memory, b.i32(0));
    auto branch = scf::IfOp::create(b, together, /*withElseRegion=*/true);
    Block *apart = branch.elseBlock();
    apart->getOperations().splice(apart->begin(), parts->getOperations(),
                                  std::next(branch->getIterator()),
                                  std::prev(parts->end()));
    b.setInsertionPoint(branch.thenYield());
    RowsOp rows = split.rows;
    SoftmaxFinishOp finish = split.finish;
    auto [out, lse, maxScores] = split.stores;
    auto viewOf = [](StoreOp store) {
      return store ? store.getView() : Value();
    };
    CombineInClusterOp::create(
        b, finish.getMax(), finish.getSum(), finish.getAcc(),
        split.slice.getPart(), split.slice.getParts(), memory,
        rows.getKvHeads(), rows.getQLen(), out.getView(), viewOf(lse),
        viewOf(maxScores), rows.getGroupAttr(), rows.getHeadsAttr(),
        rows.getQueriesAttr(), rows.getQBlockAttr(), out.getColumnsAttr());
  }
};

} // namespace
