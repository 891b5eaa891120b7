//===- DeriveBounds.cpp - The keys to visit, from the mask ----------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/KeyCount.h"
#include "transforms/MaskBounds.h"
#include "transforms/ModInliner.h"
#include "transforms/SoftmaxLoop.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <limits>

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXDERIVEBOUNDS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A loop over a range, and the mask of its scores.
struct MaskedLoop {
  ForOp loop;
  RangeOp range;
  MaskModOp mask;
  tt::FuncOp callee;
};

/// Bounds of more ops take longer than what they save, and compilers with them.
constexpr unsigned kMostOps = 2000;

struct CountOps : OpBuilder::Listener {
  void notifyOperationInserted(Operation *, OpBuilder::InsertPoint) override {
    ++number;
  }
  unsigned number = 0;
};

class Derivation {
public:
  explicit Derivation(MaskedLoop target)
      : t(target), b(target.mask.getLoc(), target.loop), n(b), sets(n) {
    b.setListener(&built);
  }

  /// Gives the loop what its mask says, or says why that is nothing.
  bool run() {
    Operation *before = t.loop->getPrevNode();
    bool found = derive();
    eraseUnused(before);
    if (isOpTriviallyDead(t.range))
      t.range.erase();
    return found;
  }

private:
  bool derive() {
    constexpr int64_t most = std::numeric_limits<int32_t>::max();
    limit = n.of(t.loop.getLimit(), 0, most);
    ModBody body(b, t.callee, t.mask);
    auto isEnough = [&] { return built.number > kMostOps; };
    MaskBounds bounds(body, n, limit, isEnough);
    KeySet kept = bounds.kept();
    if (isEnough())
      t.mask.emitRemark(
          "bounds are derived of a part of the mask: of the whole "
          "they take more than ")
          << kMostOps << " operations";
    bool bounded = kept.maybe.begin.most > 0 || kept.maybe.end.least <= most;
    bool sure = kept.sure.begin.least <= most && kept.sure.end.most > 0;
    if (!bounded && !sure)
      return refuse(bounds.getObstacle());
    auto range = RangeOp::create(b, t.loop.getLimit());
    if (bounded) {
      bound(range, kept.maybe);
      count(range, kept.maybe);
    }
    if (sure)
      unmask(range, kept.sure);
    range->moveBefore(t.loop);
    range.setExact(bounded && kept.exact);
    t.loop.getBlocksMutable().assign(range);
    t.loop.getLimitMutable().assign(range.getEnd());
    return true;
  }

  bool refuse(Operation *obstacle) {
    auto diag =
        t.mask.emitRemark("no bounds are derived: the mask says nothing of kv");
    if (obstacle)
      diag.attachNote(obstacle->getLoc())
          << "'" << obstacle->getName() << "' is not solved for kv";
    return false;
  }

  /// The number as an i32 in [0, limit].
  Value position(Number number) {
    number = n.min(n.max(number, n.constant(0)), limit);
    if (number.isConstant())
      return b.i32(number.least);
    if (number == limit)
      return t.loop.getLimit();
    Value value = number.value;
    Type type = b.getI32Type();
    if (auto tensor = dyn_cast<RankedTensorType>(value.getType()))
      type = tensor.clone(type);
    return arith::TruncIOp::create(b, type, value);
  }

  static bool isColumn(Number number) {
    return number.value && !shapeOf(number.value).empty();
  }

  /// The tile visits what any of its rows may see.
  void bound(RangeOp range, Interval maybe) {
    bool hasBegin = maybe.begin.most > 0;
    if (hasBegin && (isColumn(maybe.begin) || isColumn(maybe.end)))
      maybe = sets.normalized(maybe);
    Value end = b.greatest(position(maybe.end));
    if (hasBegin) {
      Value begin = b.least(position(maybe.begin));
      range.getBeginMutable().assign(begin);
      end = b.max(begin, end);
    }
    range.getEndMutable().assign(end);
  }

  void count(RangeOp range, Interval maybe) {
    auto count = countKeys(n, maybe, t.mask.getQuery());
    if (!count)
      return;
    range.setMostAttr(b.getI64IntegerAttr(count->ofRow));
    range.setMostPerQueryAttr(b.getI64IntegerAttr(count->perQuery));
  }

  /// A tile needs no mask where each of its rows surely sees it.
  void unmask(RangeOp range, Interval sure) {
    Value begin = b.greatest(position(sure.begin));
    range.getSureBeginMutable().assign(begin);
    range.getSureEndMutable().assign(b.least(position(sure.end)));
    // To leave out a mask of a few ops takes as long as the mask.
    if (isCostly(t.callee))
      t.mask.getUnlessMutable().assign(t.loop.getUnmasked());
  }

  /// Erases what was built between `before` and the loop in vain.
  void eraseUnused(Operation *before) {
    Operation *op = t.loop->getPrevNode();
    while (op && op != before) {
      Operation *previous = op->getPrevNode();
      if (isOpTriviallyDead(op))
        op->erase();
      op = previous;
    }
  }

  MaskedLoop t;
  CountOps built;
  TileBuilder b;
  Numbers n;
  KeySets sets;
  Number limit;
};

struct DeriveBoundsPass
    : public flex::impl::FlexDeriveBoundsBase<DeriveBoundsPass> {
  void runOnOperation() override {
    SmallVector<MaskModOp> masks;
    getOperation().walk([&](MaskModOp mask) { masks.push_back(mask); });
    for (MaskModOp mask : masks)
      if (auto target = findLoop(mask))
        numBounded += Derivation(*target).run();
  }

  /// The loop that a mask belongs to, if what the mask hides does not count
  /// there. A loop over lists is left alone: the lists say what to visit.
  std::optional<MaskedLoop> findLoop(MaskModOp mask) {
    auto loop = mask->getParentOfType<ForOp>();
    auto range = loop ? loop.getBlocks().getDefiningOp<RangeOp>() : nullptr;
    if (!range)
      return std::nullopt;
    auto refuse = [&](const Twine &reason) {
      mask.emitRemark() << "no bounds are derived: " << reason;
      return std::nullopt;
    };
    auto callee = SymbolTable::lookupNearestSymbolFrom<tt::FuncOp>(
        mask, mask.getCalleeAttr());
    if (range.getBegin() || range.getSureBegin() ||
        range.getEnd() != loop.getLimit() || mask.getUnless() ||
        !loop.getUnmasked().use_empty())
      return refuse("the loop has bounds of its own");
    if (!masksAllThatCounts(loop, mask))
      return refuse("the loop does more than a masked online softmax");
    // The loop will end where the mask does. Past an end positions are those of
    // its last key, which the mask shows.
    if (!softmaxOf(loop).getScores().getDefiningOp<BoundOp>())
      return refuse("the loop counts what is past the last key");
    unsigned kv = mask.getKvMutable().getOperandNumber();
    for (OpOperand &operand : mask->getOpOperands().drop_front())
      if (operand.getOperandNumber() != kv &&
          loop.getBody().isAncestor(operand.get().getParentRegion()))
        return refuse("the mask's rows are known in the loop only");
    if (mask.getKv() != loop.getPositions())
      return refuse("the mask is asked at other positions than the loop's");
    if (!isOneBlock(callee))
      return refuse("the mask has no body of one block");
    for (Operation &op : callee.getBody().front().without_terminator())
      if (!worksOnTiles(op)) {
        auto diag = mask.emitRemark()
                    << "no bounds are derived: the mask is not elementwise";
        diag.attachNote(op.getLoc()) << "'" << op.getName() << "' is here";
        return std::nullopt;
      }
    return MaskedLoop{loop, range, mask, callee};
  }
};

} // namespace
