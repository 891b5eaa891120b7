//===- MaskBounds.h - The keys that a mask keeps, as intervals --*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_MASKBOUNDS_H
#define PYFLEX_TRANSFORMS_MASKBOUNDS_H

#include "transforms/SolveForKey.h"

#include <functional>

namespace mlir::flex {

/// Follows the boolean ops of a mask down to comparisons.
class MaskBounds {
public:
  /// Keys lie in [0, limit). Once `isEnough` says so, conditions that are not
  /// known yet stay unknown.
  MaskBounds(ModBody &body, Numbers &n, Number limit,
             std::function<bool()> isEnough);

  /// The keys that the mask keeps. A key at which an index is out of a captured
  /// tensor's bounds is neither surely masked nor surely kept.
  KeySet kept();

  /// The first op that says nothing of kv, if any.
  Operation *getObstacle() const { return solve.getObstacle(); }

private:
  KeySet of(Value condition, bool negated);
  KeySet ofOp(Value condition, bool negated);

  ModBody &body;
  KeySets sets;
  KeyRanges invariants;
  SolveForKey solve;
  std::function<bool()> isEnough;
  DenseMap<std::pair<Value, unsigned>, KeySet> known;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_MASKBOUNDS_H
