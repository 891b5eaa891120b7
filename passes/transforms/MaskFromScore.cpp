//===- MaskFromScore.cpp - A score_mod's -inf as a part of the mask -------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/ModInliner.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXMASKFROMSCORE
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A score_mod's result: `score` where `condition` is, or is not, true; else
/// -inf.
struct MaskedScore {
  Value condition, score;
  bool keepsWhereTrue;
};

std::optional<MaskedScore> matchMaskedScore(Value result) {
  auto select = result.getDefiningOp<arith::SelectOp>();
  if (!select)
    return std::nullopt;
  if (matchPattern(select.getFalseValue(), m_NegInfFloat()))
    return MaskedScore{select.getCondition(), select.getTrueValue(), true};
  if (matchPattern(select.getTrueValue(), m_NegInfFloat()))
    return MaskedScore{select.getCondition(), select.getFalseValue(), false};
  return std::nullopt;
}

/// What an argument of a function of one block has a part in.
DenseSet<Value> dependents(BlockArgument argument) {
  DenseSet<Value> found = {argument};
  for (Operation &op : *argument.getOwner())
    if (llvm::any_of(op.getOperands(),
                     [&](Value operand) { return found.contains(operand); }))
      found.insert_range(op.getResults());
  return found;
}

/// Whether a function is one block, with no op that hides others: what these
/// depend on would be missed.
bool isPlain(tt::FuncOp func) {
  return func && isOneBlock(func) &&
         llvm::all_of(func.getBody().front(),
                      [](Operation &op) { return !op.getNumRegions(); });
}

class Extraction {
public:
  Extraction(DecodeOp op, tt::FuncOp score, tt::FuncOp mask)
      : op(op), score(score), mask(mask), b(op.getLoc(), score) {}

  /// Takes conditions from the score until there is none; how many there were.
  int64_t run() {
    Operation *end = score.getBody().front().getTerminator();
    Value result = end->getOperand(0);
    DenseSet<Value> ofScore = dependents(score.getArgument(0));
    while (auto found = matchMaskedScore(result)) {
      if (ofScore.contains(found->condition))
        break;
      taken.push_back(*found);
      result = found->score;
    }
    if (taken.empty())
      return 0;
    op.setScoreMod(addScore(result));
    op.setMaskMod(addMask());
    SmallVector<Value> captures(op.getScoreCaptures());
    llvm::append_range(captures, op.getMaskCaptures());
    op.getMaskCapturesMutable().assign(captures);
    return taken.size();
  }

private:
  /// The score_mod without the conditions.
  StringRef addScore(Value result) {
    IRMapping mapping;
    b.setInsertionPoint(score);
    auto rest = cast<tt::FuncOp>(b.clone(*score, mapping));
    Operation *end = rest.getBody().front().getTerminator();
    end->setOperand(0, mapping.lookup(result));
    for (Operation &inner :
         llvm::make_early_inc_range(llvm::reverse(rest.getBody().front())))
      if (isOpTriviallyDead(&inner))
        inner.erase();
    return insert(rest, "_unmasked");
  }

  /// (b, h, q, kv, captures of the score, captures of the mask) -> what the
  /// mask gives, kept only where the conditions hold.
  StringRef addMask() {
    SmallVector<Type> inputs(score.getArgumentTypes().drop_front());
    SmallVector<Type> results = {b.getI1Type()};
    if (mask) {
      llvm::append_range(inputs, mask.getArgumentTypes().drop_front(4));
      results.assign(mask.getResultTypes().begin(),
                     mask.getResultTypes().end());
    }
    b.setInsertionPoint(score);
    auto joined = tt::FuncOp::create(b, score.getName(),
                                     b.getFunctionType(inputs, results));
    joined.setSymVisibilityAttr(b.getStringAttr("private"));
    Block *entry = joined.addEntryBlock();
    b.setInsertionPointToStart(entry);
    auto arguments = entry->getArguments();
    unsigned ofScore = score.getNumArguments() - 1;

    IRMapping mapping;
    mapping.map(score.getArguments().drop_front(),
                arguments.take_front(ofScore));
    Value keep;
    for (const MaskedScore &one : taken) {
      cloneFor(one.condition, mapping);
      Value condition = mapping.lookup(one.condition);
      if (!one.keepsWhereTrue)
        condition = arith::XOrIOp::create(
            b, condition, arith::ConstantOp::create(b, b.getBoolAttr(true)));
      keep = keep ? arith::AndIOp::create(b, keep, condition) : condition;
    }
    SmallVector<Value> returned = {keep};
    if (mask) {
      IRMapping ofMask;
      ofMask.map(mask.getArguments().take_front(4), arguments.take_front(4));
      ofMask.map(mask.getArguments().drop_front(4),
                 arguments.drop_front(ofScore));
      Block &body = mask.getBody().front();
      for (Operation &inner : body.without_terminator())
        b.clone(inner, ofMask);
      returned.clear();
      for (Value result : body.getTerminator()->getOperands())
        returned.push_back(ofMask.lookup(result));
      returned[0] = arith::AndIOp::create(b, keep, returned[0]);
    }
    tt::ReturnOp::create(b, returned);
    return insert(joined, "_mask");
  }

  void cloneFor(Value value, IRMapping &mapping) {
    if (mapping.contains(value))
      return;
    Operation *made = value.getDefiningOp();
    for (Value operand : made->getOperands())
      cloneFor(operand, mapping);
    b.clone(*made, mapping);
  }

  /// Names a function after the score_mod, as no other is named.
  StringRef insert(tt::FuncOp func, StringRef suffix) {
    func.setSymName((score.getName() + suffix).str());
    auto module = score->getParentOfType<ModuleOp>();
    func->remove();
    return SymbolTable(module).insert(func, score->getIterator());
  }

  DecodeOp op;
  tt::FuncOp score, mask;
  ImplicitLocOpBuilder b;
  SmallVector<MaskedScore> taken;
};

struct MaskFromScorePass
    : public flex::impl::FlexMaskFromScoreBase<MaskFromScorePass> {
  void runOnOperation() override {
    SmallVector<DecodeOp> ops;
    getOperation().walk([&](DecodeOp op) { ops.push_back(op); });
    for (DecodeOp op : ops)
      extract(op);
  }

  void extract(DecodeOp op) {
    auto lookup = [&](FlatSymbolRefAttr name) {
      return name ? SymbolTable::lookupNearestSymbolFrom<tt::FuncOp>(op, name)
                  : tt::FuncOp();
    };
    auto score = lookup(op.getScoreModAttr()),
         mask = lookup(op.getMaskModAttr());
    if (!isPlain(score) || (mask && !isPlain(mask)))
      return;
    // In blocks that are listed as full the mask is not asked.
    if (op.getPartial()) {
      if (matchMaskedScore(
              score.getBody().front().getTerminator()->getOperand(0)))
        op.emitRemark("the score_mod's -inf is not taken for a mask: block "
                      "lists say where the mask is asked");
      return;
    }
    numTaken += Extraction(op, score, mask).run();
  }
};

} // namespace
