//===- MaskBounds.cpp - The keys that a mask keeps, as intervals ----------===//

#include "transforms/MaskBounds.h"

using namespace mlir;
using namespace mlir::flex;

MaskBounds::MaskBounds(ModBody &body, Numbers &n, Number limit,
                       std::function<bool()> isEnough)
    : body(body), sets(n), invariants(body, n, limit),
      solve(body, n, limit,
            [this](Value condition, bool negated) {
              return of(condition, negated);
            }),
      isEnough(std::move(isEnough)) {}

KeySet MaskBounds::kept() {
  ValueRange results = body.results();
  KeySet keep = of(results[0], false);
  if (results.size() == 1)
    return keep;
  KeySet outside = of(results[1], true), inside = of(results[1], false);
  return {sets.disj(keep, outside).maybe, sets.conj(keep, inside).sure,
          keep.exact && inside.exact};
}

KeySet MaskBounds::of(Value condition, bool negated) {
  auto key = std::make_pair(condition, unsigned(negated));
  auto found = known.find(key);
  if (found != known.end())
    return found->second;
  if (isEnough())
    return sets.unknown();
  KeySet set = ofOp(condition, negated);
  known[key] = set;
  return set;
}

/// A negation is carried down to the comparisons, by De Morgan's laws.
KeySet MaskBounds::ofOp(Value condition, bool negated) {
  if (!body.dependsOnKey(condition))
    return sets.where(invariants.truth(condition), negated);
  Operation *op = condition.getDefiningOp();
  auto operand = [&](unsigned index, bool negated) {
    return of(op->getOperand(index), negated);
  };
  // lhs and not rhs, or rhs and not lhs; or the other way round.
  auto differ = [&](bool negated) {
    KeySet left = operand(0, false), notLeft = operand(0, true);
    KeySet right = operand(1, negated), notRight = operand(1, !negated);
    KeySet first = sets.conj(left, notRight);
    return sets.disj(first, sets.conj(notLeft, right));
  };
  if (isa<arith::AndIOp, arith::OrIOp>(op)) {
    KeySet lhs = operand(0, negated), rhs = operand(1, negated);
    return isa<arith::AndIOp>(op) != negated ? sets.conj(lhs, rhs)
                                             : sets.disj(lhs, rhs);
  }
  if (isa<arith::XOrIOp>(op)) {
    for (unsigned index : {0, 1})
      if (auto constant = body.constantOf(op->getOperand(index)))
        return operand(1 - index, negated != (*constant != 0));
    return differ(negated);
  }
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    KeySet yes = operand(1, negated), no = operand(2, negated);
    if (!body.dependsOnKey(select.getCondition()))
      return sets.select(invariants.truth(select.getCondition()), yes, no);
    yes = sets.conj(operand(0, false), yes);
    return sets.disj(yes, sets.conj(operand(0, true), no));
  }
  auto compare = dyn_cast<arith::CmpIOp>(op);
  if (!compare)
    return solve.stop(condition);
  auto predicate = compare.getPredicate();
  if (!compare.getLhs().getType().isInteger(1))
    return solve.compare(negated ? arith::invertPredicate(predicate)
                                 : predicate,
                         compare.getLhs(), compare.getRhs());
  if (predicate == arith::CmpIPredicate::eq)
    return differ(!negated);
  if (predicate == arith::CmpIPredicate::ne)
    return differ(negated);
  return solve.stop(condition);
}
