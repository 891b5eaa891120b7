//===- SolveForKey.cpp - Comparisons as intervals of kv -------------------===//

#include "transforms/SolveForKey.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

KeySet SolveForKey::stop(Value value) {
  if (!obstacle)
    obstacle = value.getDefiningOp();
  return sets.unknown();
}

/// Where no integer of a side wraps. What does not depend on kv is taken as it
/// is.
Truth SolveForKey::fits(Value value) {
  return body.dependsOnKey(value) ? ranges.of(value).fits : Truth();
}

KeySet SolveForKey::compare(CmpIPredicate predicate, Value lhs, Value rhs) {
  Truth fit = fits(lhs);
  fit = n.conj(fit, fits(rhs));
  if (fit.isKnown(false))
    return stop(body.dependsOnKey(lhs) ? lhs : rhs);
  bool isUnsigned =
      predicate == CmpIPredicate::ult || predicate == CmpIPredicate::ule ||
      predicate == CmpIPredicate::ugt || predicate == CmpIPredicate::uge;
  return sets.knownIf(fit, isUnsigned ? unsignedCompare(predicate, lhs, rhs)
                                      : signedCompare(predicate, lhs, rhs));
}

KeySet SolveForKey::signedCompare(CmpIPredicate predicate, Value lhs,
                                  Value rhs) {
  Number zero = n.constant(0), less = n.constant(-1);
  switch (predicate) {
  case CmpIPredicate::sle:
    return below(lhs, rhs, zero);
  case CmpIPredicate::slt:
    return below(lhs, rhs, less);
  case CmpIPredicate::sge:
    return below(rhs, lhs, zero);
  case CmpIPredicate::sgt:
    return below(rhs, lhs, less);
  case CmpIPredicate::eq: {
    KeySet notMore = below(lhs, rhs, zero);
    return sets.conj(notMore, below(rhs, lhs, zero));
  }
  default: { // ne
    KeySet isLess = below(lhs, rhs, less);
    return sets.disj(isLess, below(rhs, lhs, less));
  }
  }
}

/// Against what is not negative, a negative integer counts as too large.
KeySet SolveForKey::unsignedCompare(CmpIPredicate predicate, Value lhs,
                                    Value rhs) {
  if (body.dependsOnKey(lhs) && body.dependsOnKey(rhs))
    return stop(lhs);
  bool keyIsLeft = body.dependsOnKey(lhs);
  Value side = keyIsLeft ? lhs : rhs;
  Number zero = n.constant(0);
  Number other = ranges.invariant(keyIsLeft ? rhs : lhs);
  Truth known = n.lessOrEqual(zero, other);
  bool isStrict =
      predicate == CmpIPredicate::ult || predicate == CmpIPredicate::ugt;
  bool leftIsLess =
      predicate == CmpIPredicate::ult || predicate == CmpIPredicate::ule;
  Number slack = n.constant(isStrict ? -1 : 0);
  KeySet result = leftIsLess ? below(lhs, rhs, slack) : below(rhs, lhs, slack);
  if (keyIsLeft == leftIsLess)
    result = sets.conj(below({}, side, zero), result);
  else
    result = sets.disj(below(side, {}, n.constant(-1)), result);
  return sets.knownIf(known, result);
}

//===----------------------------------------------------------------------===//
// lhs <= rhs + slack, where a side that is absent is 0
//===----------------------------------------------------------------------===//

/// Integers on a side stay below 2^40, so what is moved over stays far from
/// 2^62.
static constexpr int64_t kMostSlack = int64_t(1) << 46;

/// Each choice makes two comparisons of one, so that n in a chain make 2^n.
/// What of a mask takes more steps than these counts as unknown.
static constexpr unsigned kMostSteps = 1024;

/// A slack that says the same of a side's integers, and is no larger than they
/// need.
Number SolveForKey::settled(Number slack, Value side) {
  int64_t bound = KeyRanges::bound(side.getType()) + 1;
  return n.clamp(slack, -bound, bound);
}

KeySet SolveForKey::below(Value lhs, Value rhs, Number slack) {
  constexpr int64_t most = kMostSlack / 4;
  if (lhs && !body.dependsOnKey(lhs)) {
    Number term = n.clamp(ranges.invariant(lhs), -most, most);
    return below({}, rhs, n.sub(slack, term));
  }
  if (rhs && !body.dependsOnKey(rhs)) {
    Number term = n.clamp(ranges.invariant(rhs), -most, most);
    return below(lhs, {}, n.add(slack, term));
  }
  if (!lhs && !rhs)
    return sets.where(n.lessOrEqual(n.constant(0), slack));
  if (++steps > kMostSteps)
    return stop(lhs ? lhs : rhs);
  if (slack.least < -kMostSlack || slack.most > kMostSlack) {
    if (lhs && rhs)
      return stop(lhs);
    slack = settled(slack, lhs ? lhs : rhs);
  }
  for (bool isLeft : {true, false}) {
    Value side = isLeft ? lhs : rhs, other = isLeft ? rhs : lhs;
    if (!side)
      continue;
    if (auto moved = moveTerm(side, other, isLeft, slack))
      return *moved;
    if (auto split = splitChoice(side, other, isLeft, slack))
      return *split;
  }
  if (lhs && rhs)
    return bringTogether(lhs, rhs, slack);
  return belowAlone(lhs ? lhs : rhs, !rhs, slack);
}

/// A sum or a difference, of which one part does not depend on kv.
std::optional<KeySet> SolveForKey::moveTerm(Value side, Value other,
                                            bool isLeft, Number slack) {
  auto on = [&](Value rest, Number slack) {
    return isLeft ? below(rest, other, slack) : below(other, rest, slack);
  };
  auto moved = [&](Value term, bool isAdded) {
    Number number = ranges.of(term).least;
    return isAdded == isLeft ? n.sub(slack, number) : n.add(slack, number);
  };
  if (Value inner = matchResized(side))
    return on(inner, slack);
  if (auto sum = side.getDefiningOp<arith::AddIOp>()) {
    if (!body.dependsOnKey(sum.getRhs()))
      return on(sum.getLhs(), moved(sum.getRhs(), true));
    if (!body.dependsOnKey(sum.getLhs()))
      return on(sum.getRhs(), moved(sum.getLhs(), true));
  }
  if (auto difference = side.getDefiningOp<arith::SubIOp>()) {
    if (!body.dependsOnKey(difference.getRhs()))
      return on(difference.getLhs(), moved(difference.getRhs(), false));
    if (!other && !body.dependsOnKey(difference.getLhs())) {
      // c - x on one side is x on the other.
      slack = moved(difference.getLhs(), true);
      Value rest = difference.getRhs();
      return isLeft ? below({}, rest, slack) : below(rest, {}, slack);
    }
  }
  return std::nullopt;
}

/// A choice of two integers, the less or the greater of two, a magnitude.
std::optional<KeySet> SolveForKey::splitChoice(Value side, Value other,
                                               bool isLeft, Number slack) {
  auto on = [&](Value part) {
    return isLeft ? below(part, other, slack) : below(other, part, slack);
  };
  bool isLess = isa_and_nonnull<arith::MinSIOp>(side.getDefiningOp()),
       isGreater = isa_and_nonnull<arith::MaxSIOp>(side.getDefiningOp());
  if (isLess || isGreater) {
    KeySet first = on(side.getDefiningOp()->getOperand(0)),
           second = on(side.getDefiningOp()->getOperand(1));
    return isGreater == isLeft ? sets.conj(first, second)
                               : sets.disj(first, second);
  }
  if (Value inner = matchMagnitude(body, side); inner && !other) {
    KeySet first = below(inner, {}, slack), second = below({}, inner, slack);
    return isLeft ? sets.conj(first, second) : sets.disj(first, second);
  }
  auto choice = matchChoice(side);
  // A quotient that is rounded down is written as a choice.
  if (!choice || (!other && matchQuotient(body, side)))
    return std::nullopt;
  KeySet yes, no;
  if (choice->yes) {
    yes = on(choice->yes);
    no = on(choice->no);
  } else {
    Number one = n.constant(1);
    Number changed = isLeft ? n.sub(slack, one) : n.add(slack, one);
    yes = isLeft ? below({}, other, changed) : below(other, {}, changed);
    no = isLeft ? below({}, other, slack) : below(other, {}, slack);
  }
  if (!body.dependsOnKey(choice->condition))
    return sets.select(ranges.truth(choice->condition), yes, no);
  yes = sets.conj(condition(choice->condition, false), yes);
  return sets.disj(yes, sets.conj(condition(choice->condition, true), no));
}

/// kv, or what is a product or a quotient of it.
KeySet SolveForKey::belowAlone(Value side, bool isLeft, Number slack) {
  auto on = [&](Value rest, bool isLeft, Number slack) {
    return isLeft ? below(rest, {}, slack) : below({}, rest, slack);
  };
  if (side == body.key())
    return isLeft ? sets.before(n.add(slack, n.constant(1)))
                  : sets.from(n.sub(n.constant(0), slack));
  slack = settled(slack, side);
  if (auto product = matchProduct(body, side)) {
    bool stays = product->factor > 0;
    slack = n.floorDiv(slack, std::abs(product->factor));
    return on(product->value, isLeft == stays, slack);
  }
  if (auto quotient = matchQuotient(body, side)) {
    bool stays = quotient->divisor > 0;
    int64_t divisor = std::abs(quotient->divisor);
    // How far a quotient of the slack goes on, on the side to which it rounds.
    Number more = n.constant(isLeft ? divisor - 1 : 0);
    if (!quotient->roundsDown)
      more = n.select(n.lessOrEqual(n.constant(0), slack),
                      n.constant(divisor - 1), n.constant(0));
    slack = n.add(n.scale(slack, divisor), more);
    return on(quotient->value, isLeft == stays, slack);
  }
  if (auto multiple = matchMultiple(body, side)) {
    slack = n.scale(n.floorDiv(slack, multiple->unit), multiple->unit);
    if (isLeft)
      slack = n.add(slack, n.constant(multiple->unit - 1));
    return on(multiple->value, isLeft, slack);
  }
  if (auto form = affineOf(side); form && form->coefficient) {
    bool stays = form->coefficient > 0;
    slack = isLeft ? n.sub(slack, form->rest) : n.add(slack, form->rest);
    slack = n.floorDiv(slack, std::abs(form->coefficient));
    return on(body.key(), isLeft == stays, slack);
  }
  return stop(side);
}

/// Both sides depend on kv.
KeySet SolveForKey::bringTogether(Value lhs, Value rhs, Number slack) {
  auto left = affineOf(lhs), right = affineOf(rhs);
  if (!left)
    return stop(lhs);
  if (!right)
    return stop(rhs);
  int64_t coefficient = left->coefficient - right->coefficient;
  slack = n.add(slack, n.sub(right->rest, left->rest));
  if (coefficient == 0)
    return below({}, {}, slack);
  slack = n.floorDiv(slack, std::abs(coefficient));
  return coefficient > 0 ? below(body.key(), {}, slack)
                         : below({}, body.key(), slack);
}

std::optional<SolveForKey::Affine> SolveForKey::affineOf(Value value) {
  auto found = affine.find(value);
  if (found != affine.end())
    return found->second;
  auto form = affineOfOp(value);
  affine[value] = form;
  return form;
}

std::optional<SolveForKey::Affine> SolveForKey::affineOfOp(Value value) {
  constexpr int64_t most = int64_t(1) << 31;
  if (value == body.key())
    return Affine{1, n.constant(0)};
  if (!body.dependsOnKey(value))
    return Affine{0, ranges.of(value).least};
  if (Value inner = matchResized(value))
    return affineOf(inner);
  if (auto product = matchProduct(body, value)) {
    auto inner = affineOf(product->value);
    if (!inner ||
        std::abs(inner->coefficient) > most / std::abs(product->factor))
      return std::nullopt;
    return Affine{inner->coefficient * product->factor,
                  n.scale(inner->rest, product->factor)};
  }
  Operation *op = value.getDefiningOp();
  if (!isa<arith::AddIOp, arith::SubIOp>(op))
    return std::nullopt;
  auto left = affineOf(op->getOperand(0)), right = affineOf(op->getOperand(1));
  if (!left || !right)
    return std::nullopt;
  bool isSum = isa<arith::AddIOp>(op);
  int64_t coefficient = isSum ? left->coefficient + right->coefficient
                              : left->coefficient - right->coefficient;
  if (std::abs(coefficient) > most)
    return std::nullopt;
  return Affine{coefficient, isSum ? n.add(left->rest, right->rest)
                                   : n.sub(left->rest, right->rest)};
}
