//===- KeySets.h - The keys that rows may see, and surely see ---*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_KEYSETS_H
#define PYFLEX_TRANSFORMS_KEYSETS_H

#include "transforms/Numbers.h"

namespace mlir::flex {

/// The keys [begin, end); none where end is not greater.
struct Interval {
  Number begin, end;
};

/// What is known of the keys for which a condition holds, row by row.
struct KeySet {
  /// The condition is false outside it.
  Interval maybe;
  /// The condition is true inside it.
  Interval sure;
  /// The two are equal, wherever integers do not wrap.
  bool exact;
};

/// The algebra of conditions on a key.
class KeySets {
public:
  explicit KeySets(Numbers &n) : n(n) {}

  KeySet unknown() const;
  /// All keys where the condition holds, or where it fails; else none.
  KeySet where(Truth condition, bool negated = false);
  KeySet from(Number begin);
  KeySet before(Number end);

  KeySet conj(KeySet lhs, KeySet rhs);
  KeySet disj(KeySet lhs, KeySet rhs);
  KeySet select(Truth condition, KeySet yes, KeySet no);

  /// `set` where `condition` holds, nothing known elsewhere.
  KeySet knownIf(Truth condition, KeySet set);

  Interval everything() const { return {n.minusInfinity(), n.infinity()}; }
  Interval nothing() const { return {n.infinity(), n.minusInfinity()}; }

  /// `interval` as `nothing` in the rows where it is empty.
  Interval normalized(Interval interval);

private:
  Interval intersection(Interval lhs, Interval rhs);
  Interval hull(Interval lhs, Interval rhs);
  Number positions(Interval interval);
  Interval longestOfUnion(Interval lhs, Interval rhs);
  Interval select(Truth condition, Interval yes, Interval no);

  Numbers &n;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_KEYSETS_H
