//===- WidenLoads.cpp - Narrow values of keys by the words they lie in ----===//

#include "Effects.h"
#include "Passes.h"
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

/// Bytes of a word, the least that Triton loads ahead for a thread.
constexpr int64_t kWord = 4;

/// Whether `load` brings a loop one value for each key, each less than a word.
bool isNarrow(tt::LoadOp load) {
  auto type = dyn_cast<RankedTensorType>(load.getType());
  if (!type || load.getIsVolatile() || !isa<scf::ForOp>(load->getParentOp()))
    return false;
  unsigned width = type.getElementTypeBitWidth();
  auto isWide = [](int64_t size) { return size > 1; };
  return (width == 8 || width == 16) &&
         llvm::count_if(type.getShape(), isWide) == 1;
}

/// Replaces `load` by one of whole words, which lie as aligned as they are
/// long: none of them reaches into memory that its value does not lie in.
void widen(tt::LoadOp load) {
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
      if (isNarrow(load) && onlyReads(load->getParentOp()))
        loads.push_back(load);
    });
    for (tt::LoadOp load : loads)
      widen(load);
    numWidened += loads.size();
  }
};

} // namespace
