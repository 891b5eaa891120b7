//===- SplitProducts.cpp - Products of float32 as three of TF32 -----------===//

#include "Passes.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXSPLITPRODUCTS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// TF32's bits of a float.
constexpr int64_t kBitsOfTF32 = 0xffffe000;
/// Half a last place of TF32 in the mean: one is 2**-10 of the power of two
/// below a float, whose mantissas' mean is 1 / ln 2.
constexpr double kToNearest = 1 + llvm::numbers::ln2 / 2048;

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
    left.clear();
    DenseSet<Value> sums;
    for (tt::DotOp dot : products) {
      bool inChains = addsToZero(dot) || sums.contains(dot.getC());
      Value sum = split(dot, inChains);
      if (inChains)
        sums.insert(sum);
      ++numSplit;
    }
  }

  static bool addsToZero(tt::DotOp dot) {
    return matchPattern(dot.getC(), m_AnyZeroFloat());
  }

  static Parts partsOf(TileBuilder &b, Value tile) {
    Type floats = tile.getType();
    auto integers = cast<RankedTensorType>(floats).clone(b.getI32Type());
    Value larger = b.mulf(tile, b.constant(floats, kToNearest));
    Value bits = arith::BitcastOp::create(b, integers, larger);
    auto kept = DenseElementsAttr::get(integers, APInt(32, kBitsOfTF32));
    bits = b.conj(bits, arith::ConstantOp::create(b, kept));
    Value large = arith::BitcastOp::create(b, floats, bits);
    return {large, b.subf(tile, large)};
  }

  /// Those of a product's left side: queries are taken apart ahead of the loop,
  /// weights for the first of their products.
  Parts partsOfLeft(tt::DotOp dot) {
    Value tile = dot.getA();
    Parts &parts = left[tile];
    if (!parts.large) {
      TileBuilder b(tile.getLoc(), dot);
      if (tile.getParentBlock() != dot->getBlock())
        b.setInsertionPointAfterValue(tile);
      parts = partsOf(b, tile);
    }
    return parts;
  }

  /// Writes a product out; `inChains`: each of the three has a sum of its own.
  Value split(tt::DotOp dot, bool inChains) {
    TileBuilder b(dot.getLoc(), dot);
    Value zero = addsToZero(dot) ? dot.getC() : b.constant(dot.getType(), 0);
    auto product = [&](Value lhs, Value rhs, Value sum) -> Value {
      return tt::DotOp::create(b, dot.getType(), lhs, rhs, sum,
                               tt::InputPrecision::TF32,
                               /*maxNumImpreciseAcc=*/0);
    };
    // What is infinite has no rest: inf - inf is none.
    auto withoutNone = [&](Value rest) {
      Value none = b.cmp(arith::CmpFPredicate::UNO, rest, rest);
      return b.select(none, zero, rest);
    };
    Parts lhs = partsOfLeft(dot), rhs = partsOf(b, dot.getB());
    Value rest = product(lhs.small, rhs.large, zero), sum;
    if (inChains) {
      Value right = product(lhs.large, rhs.small, zero);
      Value large = product(lhs.large, rhs.large, zero);
      rest = b.addf(rest, right);
      sum = b.addf(large, withoutNone(rest));
    } else {
      rest = product(lhs.large, rhs.small, rest);
      sum = product(lhs.large, rhs.large, withoutNone(rest));
    }
    if (!addsToZero(dot))
      sum = b.addf(sum, dot.getC());
    dot.getResult().replaceAllUsesWith(sum);
    dot.erase();
    return sum;
  }

  DenseMap<Value, Parts> left;
};

} // namespace
