//===- SolveForKey.h - Comparisons as intervals of kv -----------*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_SOLVEFORKEY_H
#define PYFLEX_TRANSFORMS_SOLVEFORKEY_H

#include "transforms/KeyRanges.h"
#include "transforms/KeySets.h"

#include <functional>

namespace mlir::flex {

/// Moves ops from one side of a comparison of integers to the other until kv
/// alone is left.
///
/// What is moved is right as long as no integer wraps, for any key that exists.
/// Where that is not known at compile time it is asked at run time, row by row;
/// nothing is known of the keys of a row whose integers wrap.
class SolveForKey {
public:
  /// Gives the keys for which an i1 of the mask is true.
  using Condition = std::function<KeySet(Value condition, bool negated)>;

  /// Keys lie in [0, limit).
  SolveForKey(ModBody &body, Numbers &n, Number limit, Condition condition)
      : body(body), n(n), sets(n), ranges(body, n, limit),
        condition(condition) {}

  /// The keys for which `lhs predicate rhs` holds.
  KeySet compare(arith::CmpIPredicate predicate, Value lhs, Value rhs);

  /// Says that nothing is known, because of the op that made `value`.
  KeySet stop(Value value);

  /// The first op at which the solving stopped, if any.
  Operation *getObstacle() const { return obstacle; }

private:
  /// coefficient * kv + rest.
  struct Affine {
    int64_t coefficient;
    Number rest;
  };

  KeySet signedCompare(arith::CmpIPredicate predicate, Value lhs, Value rhs);
  KeySet unsignedCompare(arith::CmpIPredicate predicate, Value lhs, Value rhs);

  KeySet below(Value lhs, Value rhs, Number slack);
  KeySet belowAlone(Value side, bool isLeft, Number slack);
  std::optional<KeySet> moveTerm(Value side, Value other, bool isLeft,
                                 Number slack);
  std::optional<KeySet> splitChoice(Value side, Value other, bool isLeft,
                                    Number slack);
  KeySet bringTogether(Value lhs, Value rhs, Number slack);
  std::optional<Affine> affineOf(Value value);
  std::optional<Affine> affineOfOp(Value value);

  Truth fits(Value value);
  Number settled(Number slack, Value side);

  ModBody &body;
  Numbers &n;
  KeySets sets;
  KeyRanges ranges;
  Condition condition;
  Operation *obstacle = nullptr;
  unsigned steps = 0;
  DenseMap<Value, std::optional<Affine>> affine;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_SOLVEFORKEY_H
