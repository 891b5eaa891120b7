//===- KeySets.cpp - The keys that rows may see, and surely see -----------===//

#include "transforms/KeySets.h"

#include <limits>

using namespace mlir;
using namespace mlir::flex;

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

Interval KeySets::intersection(Interval lhs, Interval rhs) {
  Number begin = n.max(lhs.begin, rhs.begin);
  return {begin, n.min(lhs.end, rhs.end)};
}

/// Both begin, or both end, at the same place.
static bool shareAnEnd(Interval lhs, Interval rhs) {
  return lhs.begin == rhs.begin || lhs.end == rhs.end;
}

Interval KeySets::normalized(Interval interval) {
  Truth empty = n.lessOrEqual(interval.end, interval.begin);
  return select(empty, nothing(), interval);
}

/// Rows where one of the two is empty must not stretch to where it would be.
Interval KeySets::hull(Interval lhs, Interval rhs) {
  if (!shareAnEnd(lhs, rhs)) {
    lhs = normalized(lhs);
    rhs = normalized(rhs);
  }
  Number begin = n.min(lhs.begin, rhs.begin);
  return {begin, n.max(lhs.end, rhs.end)};
}

/// How many positions an interval holds; not positive where it holds none.
Number KeySets::positions(Interval interval) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  Number begin = n.clamp(interval.begin, 0, most);
  return n.sub(n.clamp(interval.end, 0, most), begin);
}

/// The union if it is an interval, which holds too where the two that touch are
/// empty; else the longer of the two.
Interval KeySets::longestOfUnion(Interval lhs, Interval rhs) {
  Number begin = n.min(lhs.begin, rhs.begin), end = n.max(lhs.end, rhs.end);
  if (shareAnEnd(lhs, rhs))
    return {begin, end};
  Truth meets = n.lessOrEqual(lhs.begin, rhs.end);
  Truth touch = n.conj(meets, n.lessOrEqual(rhs.begin, lhs.end));
  Truth first = n.lessOrEqual(positions(rhs), positions(lhs));
  return select(touch, {begin, end}, select(first, lhs, rhs));
}

Interval KeySets::select(Truth condition, Interval yes, Interval no) {
  Number begin = n.select(condition, yes.begin, no.begin);
  return {begin, n.select(condition, yes.end, no.end)};
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

KeySet KeySets::unknown() const { return {everything(), nothing(), false}; }

KeySet KeySets::where(Truth condition, bool negated) {
  // One end is enough to say that nothing is there.
  Number yes = n.infinity(), no = n.minusInfinity();
  if (negated)
    std::swap(yes, no);
  Number end = n.select(condition, yes, no);
  Interval all = {n.minusInfinity(), end};
  return {all, all, true};
}

KeySet KeySets::from(Number begin) {
  Interval all = {begin, n.infinity()};
  return {all, all, true};
}

KeySet KeySets::before(Number end) {
  Interval all = {n.minusInfinity(), end};
  return {all, all, true};
}

KeySet KeySets::conj(KeySet lhs, KeySet rhs) {
  Interval maybe = intersection(lhs.maybe, rhs.maybe);
  return {maybe, intersection(lhs.sure, rhs.sure), lhs.exact && rhs.exact};
}

KeySet KeySets::disj(KeySet lhs, KeySet rhs) {
  Interval maybe = hull(lhs.maybe, rhs.maybe);
  bool exact = lhs.exact && rhs.exact && shareAnEnd(lhs.sure, rhs.sure);
  return {maybe, longestOfUnion(lhs.sure, rhs.sure), exact};
}

KeySet KeySets::select(Truth condition, KeySet yes, KeySet no) {
  Interval maybe = select(condition, yes.maybe, no.maybe);
  return {maybe, select(condition, yes.sure, no.sure), yes.exact && no.exact};
}

KeySet KeySets::knownIf(Truth condition, KeySet set) {
  n.noteGuard(condition);
  Interval sure = set.sure;
  // One end is enough to say that nothing is there.
  if (sure.begin.isConstant())
    sure.end = n.select(condition, sure.end, n.minusInfinity());
  else
    sure.begin = n.select(condition, sure.begin, n.infinity());
  return {select(condition, set.maybe, everything()), sure, set.exact};
}
