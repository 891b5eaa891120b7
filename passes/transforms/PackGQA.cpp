//===- PackGQA.cpp - The heads of one KV head in one tile -----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/FindOp.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXPACKGQA
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Lists that differ by query head.
bool isPerHeadTable(Operation *op) {
  auto table = dyn_cast<BlockTableOp>(op);
  return table && table.getPerHead();
}

/// What other programs do by the number and order of these rows.
bool knowsTheRows(Operation *op) {
  return isa<CombineInClusterOp, ClassifyOp, CompactOp>(op);
}

/// What depends on the first head or query of a tile, lists aside.
Operation *findUser(Value first) {
  for (Operation *user : first.getUsers())
    if (!isa<ListOp>(user))
      return user;
  return nullptr;
}

struct PackGQAPass : public flex::impl::FlexPackGQABase<PackGQAPass> {
  using FlexPackGQABase::FlexPackGQABase;

  void runOnOperation() override {
    auto walk = getOperation().walk([&](RowsOp rows) { return pack(rows); });
    if (walk.wasInterrupted())
      signalPassFailure();
  }

  WalkResult pack(RowsOp rows) {
    int64_t group = rows.getGroup();
    if (group == 1 || rows.getHeads() != 1)
      return WalkResult::advance();
    // A function of any dialect, or the module.
    auto *kernel = rows->getParentWithTrait<OpTrait::IsIsolatedFromAbove>();
    if (Operation *table = findOp(kernel, isPerHeadTable))
      return refuse(rows, "their block lists differ", table,
                    "the lists are given here");
    if (Operation *user = findOp(kernel, knowsTheRows))
      return refuse(rows, "other programs know the rows as they are", user,
                    "it is made for these rows");
    for (auto [first, what] : {std::pair(rows.getFirstHead(), "head"),
                               std::pair(rows.getFirstQuery(), "query")})
      if (auto *user = findUser(first))
        return refuse(
            rows, Twine("more than block lists depend on the first ") + what,
            user, Twine("the first ") + what + " is used here");
    int64_t capacity =
        cast<RankedTensorType>(rows.getHead().getType()).getDimSize(0);
    int64_t most = std::min(group, capacity);
    if (heads < 0 || heads > most) {
      rows.emitError() << "expected between 1 and " << most
                       << " heads in a tile of " << capacity
                       << " rows for a group of " << group << ", got "
                       << int64_t(heads);
      return WalkResult::interrupt();
    }
    int64_t packed = heads ? int64_t(heads) : most;
    Builder b(&getContext());
    rows.setHeadsAttr(b.getI32IntegerAttr(packed));
    rows.setQueriesAttr(b.getI32IntegerAttr(capacity / packed));
    ++numPacked;
    return WalkResult::advance();
  }

  /// An error where several heads are asked for: the grid is one of as few
  /// programs, which would leave rows out.
  WalkResult refuse(RowsOp rows, const Twine &why, Operation *obstacle,
                    const Twine &what) {
    bool asked = heads > 1;
    auto diag = asked ? rows.emitError() : rows.emitRemark();
    diag << "query heads are not packed: " << why;
    diag.attachNote(obstacle->getLoc()) << what;
    return asked ? WalkResult::interrupt() : WalkResult::advance();
  }
};

} // namespace
