//===- WidenLoads.cpp - Values of keys by the words they lie in -----------===//

#include "Effects.h"
#include "Passes.h"
#include "transforms/KeyVectors.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXWIDENLOADS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Bytes of a word.
constexpr int64_t kWord = tt::kLeastAhead;

/// Dimensions along which `load` brings more than one value.
int64_t rankOf(tt::LoadOp load) {
  auto isWide = [](int64_t size) { return size > 1; };
  return llvm::count_if(shapeOf(load.getResult()), isWide);
}

/// Whether each value is less than a word.
bool isNarrow(tt::LoadOp load) {
  Type element = getElementTypeOrSelf(load.getType());
  return element.isIntOrFloat() &&
         llvm::is_contained({8, 16}, element.getIntOrFloatBitWidth());
}

/// Replaces `load` by one of whole words, which lie as aligned as they are
/// long: none of them reaches into memory that its value does not lie in.
void loadWords(tt::LoadOp load) {
  TileBuilder b(load.getLoc(), load);
  auto type = cast<RankedTensorType>(load.getType());
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  auto word = type.clone(b.getI32Type());
  Value address =
      tt::PtrToIntOp::create(b, type.clone(b.getI64Type()), load.getPtr());
  address = arith::TruncIOp::create(b, word, address);
  // Whole elements, also where these are less aligned than they are long.
  Value within = b.conj(address, b.i32(kWord - bytes));
  Value elements = bytes == 1 ? within : b.divu(within, b.i32(bytes));
  Value first = b.move(load.getPtr(), b.sub(b.i32(0), elements));
  auto words = tt::PointerType::get(b.getI32Type());
  first = tt::BitcastOp::create(b, type.clone(words), first);
  bool hasOther = load.getMask() && load.getOther();
  Value other = hasOther ? b.constant(word, 0) : Value();
  Value loaded = tt::LoadOp::create(b, first, load.getMask(), other);

  Value below = b.mul(within, b.i32(8));
  Value shifted = arith::ShRUIOp::create(b, loaded, below);
  auto bits = type.clone(b.getIntegerType(8 * bytes));
  Value value = arith::TruncIOp::create(b, bits, shifted);
  if (value.getType() != type)
    value = tt::BitcastOp::create(b, type, value);
  if (hasOther)
    value = b.select(load.getMask(), value, load.getOther());
  load.replaceAllUsesWith(value);
  load.erase();
}

struct WidenLoadsPass : public flex::impl::FlexWidenLoadsBase<WidenLoadsPass> {
  void runOnOperation() override {
    SmallVector<tt::LoadOp> loads;
    getOperation().walk([&](tt::LoadOp load) {
      if (isa<scf::ForOp>(load->getParentOp()) && !load.getIsVolatile() &&
          onlyReads(load->getParentOp()))
        loads.push_back(load);
    });
    auto behindAddresses = opsBehindAddresses(getOperation());
    for (tt::LoadOp load : loads) {
      int64_t rank = rankOf(load);
      // A value for each key is less than a program has threads. And what is
      // read past the last key is no index.
      if (rank == 1 && isNarrow(load))
        loadWords(load);
      else if (rank < 2 || behindAddresses.contains(load) ||
               !loadKeyVectors(load))
        continue;
      ++numWidened;
    }
  }
};

} // namespace
