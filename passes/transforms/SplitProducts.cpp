//===- SplitProducts.cpp - Scores of float32 in three chains of products --===//

#include "Passes.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXSPLITPRODUCTS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A tile as a sum: what TF32 has of it, and the rest.
struct Parts {
  Value large, small;
};

struct SplitProductsPass
    : public flex::impl::FlexSplitProductsBase<SplitProductsPass> {
  void runOnOperation() override {
    SmallVector<tt::DotOp> products;
    getOperation().walk([&](tt::DotOp dot) {
      if (dot.getInputPrecision() == tt::InputPrecision::TF32x3 &&
          getElementTypeOrSelf(dot.getA()).isF32())
        products.push_back(dot);
    });
    DenseSet<Value> sums;
    for (tt::DotOp dot : products)
      if (addsToZero(dot) || sums.contains(dot.getC())) {
        sums.insert(split(dot));
        ++numSplit;
      }
  }

  static bool addsToZero(tt::DotOp dot) {
    return matchPattern(dot.getC(), m_AnyZeroFloat());
  }

  static Parts partsOf(TileBuilder &b, Value tile) {
    Value large = b.instruction(tt::kRoundToTF32, b.getF32Type(), {tile});
    return {large, b.subf(tile, large)};
  }

  static Value split(tt::DotOp dot) {
    TileBuilder b(dot.getLoc(), dot);
    Value zero = addsToZero(dot) ? dot.getC() : b.constant(dot.getType(), 0);
    auto product = [&](Value lhs, Value rhs) -> Value {
      return tt::DotOp::create(b, dot.getType(), lhs, rhs, zero,
                               tt::InputPrecision::TF32,
                               /*maxNumImpreciseAcc=*/0);
    };
    Parts lhs = partsOf(b, dot.getA()), rhs = partsOf(b, dot.getB());
    Value left = product(lhs.small, rhs.large);
    Value right = product(lhs.large, rhs.small);
    Value large = product(lhs.large, rhs.large);
    Value rest = b.addf(left, right);
    // What is infinite has no rest: inf - inf is none.
    Value none = b.cmp(arith::CmpFPredicate::UNO, rest, rest);
    Value sum = b.addf(large, b.select(none, zero, rest));
    if (!addsToZero(dot))
      sum = b.addf(sum, dot.getC());
    dot.getResult().replaceAllUsesWith(sum);
    dot.erase();
    return sum;
  }
};

} // namespace
