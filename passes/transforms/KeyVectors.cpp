//===- KeyVectors.cpp - Values of adjacent keys, several at a time --------===//
//
// A tile's keys are clamped to the last one, so that no mod reads past a table.
// That hides from Triton that they are adjacent: it would load one at a time.
// Without the clamp, and with a mask that is the same for a whole vector, it
// sees vectors. One that lies as aligned as it is long and holds an element of
// a table is in the memory's same page.
//
//===----------------------------------------------------------------------===//

#include "transforms/KeyVectors.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;

namespace {

/// Bytes of the longest vector that a thread loads.
constexpr int64_t kLongest = 16;

/// Whether an op numbers the positions of a tile.
bool isPositions(Operation *op) {
  auto sum = dyn_cast<arith::AddIOp>(op);
  return sum && sum.getLhs().getDefiningOp<tt::SplatOp>() &&
         sum.getRhs().getDefiningOp<tt::MakeRangeOp>();
}

/// Positions of a tile, and the last one that exists.
struct Clamp {
  Value positions, last;
};

std::optional<Clamp> matchClamp(Operation *op) {
  auto least = dyn_cast<arith::MinSIOp>(op);
  if (!least)
    return std::nullopt;
  Operation *positions = least.getLhs().getDefiningOp();
  auto last = least.getRhs().getDefiningOp<tt::SplatOp>();
  if (!positions || !isPositions(positions) || !last)
    return std::nullopt;
  return Clamp{least.getLhs(), last.getSrc()};
}

/// Bytes of what a pointer, or each of a tile, points to.
int64_t bytesBehind(Type pointer) {
  auto type = cast<tt::PointerType>(getElementTypeOrSelf(pointer));
  return llvm::divideCeil(type.getPointeeType().getIntOrFloatBitWidth(), 8);
}

/// Powers of two, `kLongest` at most, that divide integers or the bytes of
/// addresses. Each value is looked at once, however many paths lead to it.
class Divisors {
public:
  int64_t of(Value value) {
    if (auto it = known.find(value); it != known.end())
      return it->second;
    int64_t divisor = find(value);
    return known[value] = divisor;
  }

private:
  int64_t find(Value value);

  DenseMap<Value, int64_t> known;
};

int64_t Divisors::find(Value value) {
  APInt number;
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.countr_zero() < 4 ? int64_t(1) << number.countr_zero()
                                    : kLongest;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto func = dyn_cast<tt::FuncOp>(argument.getOwner()->getParentOp());
    auto known = func ? func.getArgAttrOfType<IntegerAttr>(
                            argument.getArgNumber(), "tt.divisibility")
                      : IntegerAttr();
    return known ? std::min<int64_t>(kLongest, known.getInt() & -known.getInt())
                 : 1;
  }
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned index) { return of(op->getOperand(index)); };
  if (isa<arith::ExtSIOp, arith::ExtUIOp, tt::SplatOp, tt::BroadcastOp,
          tt::ExpandDimsOp>(op))
    return operand(0);
  if (isa<arith::AddIOp, arith::SubIOp>(op))
    return std::min(operand(0), operand(1));
  if (isa<arith::MulIOp>(op))
    return std::min(kLongest, operand(0) * operand(1));
  if (isa<tt::AddPtrOp>(op))
    return std::min(operand(0), operand(1) * bytesBehind(value.getType()));
  return 1;
}

/// The path from a load's address to the clamped keys that it grows by, element
/// by element.
class KeyPath {
public:
  explicit KeyPath(tt::LoadOp load)
      : load(load), loop(cast<scf::ForOp>(load->getParentOp())),
        bytes(bytesBehind(load.getPtr().getType())) {}

  /// Whether a value of the loop is not the same for all keys.
  bool dependsOnKeys(Value value) {
    SmallVector<Value> open = {value};
    llvm::DenseSet<Operation *> seen;
    while (!open.empty()) {
      Value next = open.pop_back_val();
      Operation *op = next.getDefiningOp();
      if (!op || loop.isDefinedOutsideOfLoop(next) || !seen.insert(op).second)
        continue;
      if (isPositions(op))
        return true;
      llvm::append_range(open, op->getOperands());
    }
    return false;
  }

  /// Elements of a vector, 0 where there is none to load.
  int64_t find() {
    int64_t aligned = kLongest; // in bytes, of all but the keys
    Divisors divisors;
    Value value = load.getPtr();
    while (true) {
      Operation *op = value.getDefiningOp();
      if (!op || loop.isDefinedOutsideOfLoop(value))
        return 0;
      if (auto found = matchClamp(op)) {
        clamp = *found;
        break;
      }
      unsigned next = 0;
      if (isa<arith::AddIOp, tt::AddPtrOp>(op)) {
        bool first = dependsOnKeys(op->getOperand(0));
        if (first && dependsOnKeys(op->getOperand(1)))
          return 0;
        next = first ? 0 : 1;
        Value other = op->getOperand(1 - next);
        bool inBytes = isa<tt::AddPtrOp>(op) && next == 1;
        aligned = std::min(aligned, divisors.of(other) * (inBytes ? 1 : bytes));
      } else if (!isa<arith::ExtSIOp, tt::BroadcastOp, tt::ExpandDimsOp>(op)) {
        return 0;
      }
      steps.push_back(&op->getOpOperand(next));
      value = op->getOperand(next);
    }
    return aligned >= tt::kLeastAhead && aligned > bytes ? aligned / bytes : 0;
  }

  /// The address without the clamp, and which of its elements are in a vector
  /// of `size` with one that exists.
  std::pair<Value, Value> emit(TileBuilder &b, int64_t size) {
    Value address = clamp.positions;
    Value exists =
        b.cmp(arith::CmpIPredicate::sle, b.divu(clamp.positions, b.i32(size)),
              b.divu(clamp.last, b.i32(size)));
    for (OpOperand *step : llvm::reverse(steps)) {
      IRMapping mapping;
      mapping.map(step->get(), address);
      address = b.clone(*step->getOwner(), mapping)->getResult(0);
      if (auto expand = dyn_cast<tt::ExpandDimsOp>(step->getOwner()))
        exists = b.expand(exists, expand.getAxis());
    }
    return {address, b.spread(exists, shapeOf(address))};
  }

private:
  tt::LoadOp load;
  scf::ForOp loop;
  int64_t bytes;
  Clamp clamp;
  SmallVector<OpOperand *> steps;
};

} // namespace

llvm::DenseSet<Operation *> flex::opsBehindAddresses(Operation *root) {
  llvm::DenseSet<Operation *> found;
  SmallVector<Value> open;
  root->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (isa<tt::PointerType>(getElementTypeOrSelf(operand)))
        open.push_back(operand);
  });
  llvm::DenseSet<Value> seen;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (Operation *op = value.getDefiningOp()) {
      if (found.insert(op).second)
        op->walk([&](Operation *inner) {
          llvm::append_range(open, inner->getOperands());
        });
      continue;
    }
    // What a loop carries comes from ahead of it or the iteration before.
    auto argument = cast<BlockArgument>(value);
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument == loop.getInductionVar())
      continue;
    open.push_back(loop.getTiedLoopInit(argument)->get());
    open.push_back(loop.getTiedLoopYieldedValue(argument)->get());
  }
  return found;
}

bool flex::loadKeyVectors(tt::LoadOp load) {
  KeyPath path(load);
  Value mask = load.getMask();
  int64_t size = mask && path.dependsOnKeys(mask) ? 0 : path.find();
  if (size == 0)
    return false;
  TileBuilder b(load.getLoc(), load);
  auto [address, exists] = path.emit(b, size);
  b.loadWhere(load, address, exists);
  return true;
}
