//===- KeyRanges.cpp - The values that expressions of kv take -------------===//

#include "transforms/KeyRanges.h"

#include <limits>

using namespace mlir;
using namespace mlir::flex;

int64_t KeyRanges::bound(Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  return int64_t(1) << (width == 64 ? 40 : width - 1);
}

Number KeyRanges::invariant(Value value) {
  if (auto constant = body.constantOf(value))
    return n.constant(*constant);
  // The same integer in fewer bits.
  while (auto extended = value.getDefiningOp<arith::ExtSIOp>())
    value = extended.getIn();
  auto found = invariants.find(value);
  if (found != invariants.end())
    return found->second;
  unsigned width = value.getType().getIntOrFloatBitWidth();
  int64_t most = std::numeric_limits<int64_t>::max() >> (64 - width);
  int64_t least = body.isIndex(value) ? 0 : -most - 1;
  return invariants[value] = n.of(body.at(value), least, most);
}

Truth KeyRanges::truth(Value value) {
  if (auto constant = body.constantOf(value))
    return {Value(), *constant != 0};
  return {body.at(value)};
}

KeyRange KeyRanges::of(Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  KeyRange range = within(value, ofOp(value));
  known[value] = range;
  return range;
}

/// Adds the condition that the value's type holds the range.
KeyRange KeyRanges::within(Value value, KeyRange range) {
  int64_t bound = this->bound(value.getType());
  auto [least, most, fits] = range;
  fits = n.conj(fits, n.lessOrEqual(n.constant(-bound), least));
  fits = n.conj(fits, n.lessOrEqual(most, n.constant(bound - 1)));
  for (Number *end : {&least, &most})
    if (!end->isConstant()) {
      end->least = std::max(end->least, -bound);
      end->most = std::min(end->most, bound - 1);
    }
  return {least, most, fits};
}

KeyRange KeyRanges::ofOp(Value value) {
  int64_t bound = this->bound(value.getType());
  Truth yes;
  if (value == body.key())
    return {n.constant(0), n.sub(limit, n.constant(1)), yes};
  if (!body.dependsOnKey(value)) {
    Number number = invariant(value);
    return {number, number, yes};
  }
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned index) { return of(op->getOperand(index)); };
  if (isa<arith::AddIOp>(op)) {
    KeyRange x = operand(0), y = operand(1);
    Number least = n.add(x.least, y.least);
    return {least, n.add(x.most, y.most), n.conj(x.fits, y.fits)};
  }
  if (isa<arith::SubIOp>(op)) {
    KeyRange x = operand(0), y = operand(1);
    Number least = n.sub(x.least, y.most);
    return {least, n.sub(x.most, y.least), n.conj(x.fits, y.fits)};
  }
  if (isa<arith::MinSIOp>(op)) {
    KeyRange x = operand(0), y = operand(1);
    Number least = n.min(x.least, y.least);
    return {least, n.min(x.most, y.most), n.conj(x.fits, y.fits)};
  }
  if (isa<arith::MaxSIOp>(op)) {
    KeyRange x = operand(0), y = operand(1);
    Number least = n.max(x.least, y.least);
    return {least, n.max(x.most, y.most), n.conj(x.fits, y.fits)};
  }
  if (Value inner = matchResized(value))
    return of(inner);
  if (Value inner = matchMagnitude(body, value)) {
    KeyRange x = of(inner);
    Number negated = n.sub(n.constant(0), x.least);
    return {n.constant(0), n.max(negated, x.most), x.fits};
  }
  if (auto product = matchProduct(body, value)) {
    KeyRange x = of(product->value);
    Number one = n.scale(x.least, product->factor),
           other = n.scale(x.most, product->factor);
    if (product->factor < 0)
      std::swap(one, other);
    return {one, other, x.fits};
  }
  if (auto quotient = matchQuotient(body, value)) {
    auto [least, most, fits] = of(quotient->value);
    if (quotient->divisor < 0) {
      std::swap(least, most);
      least = n.sub(n.constant(0), least);
      most = n.sub(n.constant(0), most);
    }
    int64_t divisor = std::abs(quotient->divisor);
    least = n.floorDiv(least, divisor);
    most = quotient->roundsDown ? n.floorDiv(most, divisor)
                                : n.ceilDiv(most, divisor);
    return {least, most, fits};
  }
  if (auto multiple = matchMultiple(body, value)) {
    KeyRange x = of(multiple->value);
    Number least = n.sub(x.least, n.constant(multiple->unit - 1));
    return {least, x.most, x.fits};
  }
  if (auto choice = matchChoice(value)) {
    if (!choice->yes)
      return {n.constant(0), n.constant(1), yes};
    KeyRange x = of(choice->yes), y = of(choice->no);
    Number least = n.min(x.least, y.least);
    return {least, n.max(x.most, y.most), n.conj(x.fits, y.fits)};
  }
  if (auto rest = dyn_cast<arith::RemSIOp>(op)) {
    auto divisor = body.constantOf(rest.getRhs());
    if (divisor && std::abs(*divisor) <= bound) {
      int64_t most = std::abs(*divisor) - 1;
      return {n.constant(-most), n.constant(most), yes};
    }
  }
  if (auto both = dyn_cast<arith::AndIOp>(op)) {
    auto bits = body.constantOf(both.getRhs());
    if (bits && *bits >= 0)
      return {n.constant(0), n.constant(*bits), yes};
  }
  // Any integer of its type. Of 64 bits that is more than the bound: see
  // within().
  int64_t most = std::numeric_limits<int64_t>::max() >>
                 (64 - value.getType().getIntOrFloatBitWidth());
  return {n.constant(-most - 1), n.constant(most), yes};
}
