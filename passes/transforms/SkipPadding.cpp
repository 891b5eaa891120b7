//===- SkipPadding.cpp - Mods load nothing for rows that do not exist -----===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "llvm/ADT/SetVector.h"

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

/// Whether line r of an op's result is made of line r of its operands that have
/// as many.
bool keepsLines(Operation *op) {
  return op->hasTrait<OpTrait::Elementwise>() ||
         isa<tt::AddPtrOp, tt::LoadOp, tt::ExternElementwiseOp,
             tt::ExpandDimsOp, tt::BroadcastOp, LoadOp, ScoresOp>(op);
}

/// Whether each line of a tile of addresses is found by the head or the query
/// of a row. Of a tile that is not, the lines may be keys.
bool linesAreRows(Value addresses, RowsOp rows) {
  int64_t lines = shapeOf(rows.getValid())[0];
  llvm::SetVector<Value> reached;
  reached.insert(addresses);
  for (size_t i = 0; i < reached.size(); ++i) {
    Value value = reached[i];
    if (value == rows.getHead() || value == rows.getQuery())
      return true;
    Operation *op = value.getDefiningOp();
    if (op && keepsLines(op))
      for (Value operand : op->getOperands())
        if (auto shape = shapeOf(operand); !shape.empty() && shape[0] == lines)
          reached.insert(operand);
  }
  return false;
}

struct SkipPaddingPass
    : public flex::impl::FlexSkipPaddingBase<SkipPaddingPass> {
  void runOnOperation() override {
    for (tt::FuncOp func : getOperation().getOps<tt::FuncOp>()) {
      auto all = llvm::to_vector(func.getOps<RowsOp>());
      if (all.size() != 1 || !mayPad(all.front()))
        continue;
      RowsOp rows = all.front();
      Value valid = rows.getValid();
      DominanceInfo dominance(func);
      SmallVector<tt::LoadOp> loads;
      func.walk([&](tt::LoadOp load) {
        if (load->getParentOfType<ForOp>() &&
            dominance.properlyDominates(valid, load) &&
            isOfRowsAndKeys(load, rows))
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
  static bool isOfRowsAndKeys(tt::LoadOp load, RowsOp rows) {
    auto shape = shapeOf(load.getResult());
    Type element = getElementTypeOrSelf(load.getType());
    return shape.size() == 2 && shape[0] == shapeOf(rows.getValid())[0] &&
           shape[1] > 1 && element.isIntOrFloat() &&
           element.getIntOrFloatBitWidth() >= 8 * tt::kLeastAhead &&
           !load.getIsVolatile() && linesAreRows(load.getPtr(), rows);
  }
};

} // namespace
