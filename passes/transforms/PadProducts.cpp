//===- PadProducts.cpp - Products of eight rows as of sixteen -------------===//

#include "Passes.h"
#include "transforms/GpuTarget.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXPADPRODUCTS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Rows of either half of a product; a thread holds one of each.
constexpr int64_t kRows = 8;

struct PadProductsPass
    : public flex::impl::FlexPadProductsBase<PadProductsPass> {
  using FlexPadProductsBase::FlexPadProductsBase;

  void runOnOperation() override {
    if (failed(checkTarget(getOperation(), target, gfx)))
      return signalPassFailure();
    doubled.clear();
    wide.clear();
    for (tt::DotOp dot : products()) {
      pad(dot);
      ++numPadded;
    }
  }

private:
  /// Those that are to be padded.
  SmallVector<tt::DotOp> products() {
    SmallVector<tt::DotOp> found;
    getOperation().walk([&](tt::DotOp dot) {
      if (shapeOf(dot.getA())[0] == kRows && !isByOrdinaryUnits(dot))
        found.push_back(dot);
    });
    return found;
  }

  bool isCuda() const { return target == "cuda"; }

  bool isByOrdinaryUnits(tt::DotOp dot) const {
    bool isExact = dot.getInputPrecision() == tt::InputPrecision::IEEE;
    Type element = getElementTypeOrSelf(dot.getA());
    // NVIDIA's matrix units take float32 as TF32 alone, and AMD's at all on
    // gfx9 alone. Of float64 `keep` would need wider registers.
    return element.isF64() ||
           (element.isF32() && (isCuda() ? isExact : gfx > 9));
  }

  void pad(tt::DotOp dot) {
    TileBuilder b(dot.getLoc(), dot);
    Value rows = rowsOf(dot.getA());
    Value sum = wide.lookup(dot.getC());
    if (!sum)
      sum = twice(b, dot.getC());
    sum =
        tt::DotOp::create(b, sum.getType(), rows, dot.getB(), sum,
                          dot.getInputPrecision(), dot.getMaxNumImpreciseAcc());
    int64_t columns = shapeOf(sum)[1];
    Value halves = reshape(b, sum, {2, kRows, columns});
    Value last = tt::TransOp::create(b, halves, ArrayRef<int32_t>{1, 2, 0});
    Value result = tt::SplitOp::create(b, last).getOutLHS();
    wide[result] = sum;
    dot.getResult().replaceAllUsesWith(result);
    dot.erase();
  }

  /// The rows of a product's left side, each of them twice.
  Value rowsOf(Value tile) {
    Value &rows = doubled[tile];
    if (rows)
      return rows;
    TileBuilder b(tile.getLoc(), tile.getContext());
    b.setInsertionPointAfterValue(tile);
    rows = twice(b, tile);
    Operation *op = tile.getDefiningOp();
    if (isCuda() && op && op->getParentOfType<LoopLikeOpInterface>())
      rows = keep(b, rows);
    return rows;
  }

  static Value twice(TileBuilder &b, Value tile) {
    int64_t columns = shapeOf(tile)[1];
    Value one = reshape(b, tile, {1, kRows, columns});
    auto type = cast<RankedTensorType>(one.getType());
    Value two =
        b.createOrFold<tt::BroadcastOp>(type.clone({2, kRows, columns}), one);
    return reshape(b, two, {2 * kRows, columns});
  }

  static Value reshape(TileBuilder &b, Value tile, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, getElementTypeOrSelf(tile));
    return b.createOrFold<tt::ReshapeOp>(type, tile);
  }

  /// `tile` behind an instruction that takes as many elements as a register
  /// holds.
  static Value keep(TileBuilder &b, Value tile) {
    Type element = getElementTypeOrSelf(tile);
    int32_t elements = 32 / element.getIntOrFloatBitWidth();
    return b.instruction(tt::kKeep, element, {tile}, elements);
  }

  /// Left sides with their rows twice, and the sums of which results are a
  /// half: their other half is the same.
  DenseMap<Value, Value> doubled, wide;
};

} // namespace
