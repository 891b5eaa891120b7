//===- SkipPadding.cpp - Mods load nothing for rows that do not exist -----===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXSKIPPADDING
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Whether some rows of a tile may not exist.
bool mayPad(RowsOp rows) {
  bool isFull = rows.getHeads() == shapeOf(rows.getHead())[0];
  return !isFull || rows.getGroup() % rows.getHeads() != 0;
}

struct SkipPaddingPass
    : public flex::impl::FlexSkipPaddingBase<SkipPaddingPass> {
  void runOnOperation() override {
    for (tt::FuncOp func : getOperation().getOps<tt::FuncOp>()) {
      auto all = llvm::to_vector(func.getOps<RowsOp>());
      if (all.size() != 1 || !mayPad(all.front()))
        continue;
      Value valid = all.front().getValid();
      DominanceInfo dominance(func);
      SmallVector<tt::LoadOp> loads;
      func.walk([&](tt::LoadOp load) {
        if (load->getParentOfType<ForOp>() &&
            dominance.properlyDominates(valid, load) &&
            isOfRowsAndKeys(load, shapeOf(valid)[0]))
          loads.push_back(load);
      });
      for (tt::LoadOp load : loads) {
        TileBuilder b(load.getLoc(), load);
        Value exist = b.spread(b.asColumn(valid), shapeOf(load.getResult()));
        b.loadWhere(load, load.getPtr(), exist);
      }
      numGuarded += loads.size();
    }
  }

  /// Narrow values are not loaded ahead: a mask takes longer than it saves.
  static bool isOfRowsAndKeys(tt::LoadOp load, int64_t rows) {
    auto shape = shapeOf(load.getResult());
    Type element = getElementTypeOrSelf(load.getType());
    return shape.size() == 2 && shape[0] == rows && shape[1] > 1 &&
           element.isIntOrFloat() &&
           element.getIntOrFloatBitWidth() >= 8 * tt::kLeastAhead &&
           !load.getIsVolatile();
  }
};

} // namespace
