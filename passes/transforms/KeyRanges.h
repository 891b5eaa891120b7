//===- KeyRanges.h - The values that expressions of kv take -----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_KEYRANGES_H
#define PYFLEX_TRANSFORMS_KEYRANGES_H

#include "transforms/IntegerForms.h"
#include "transforms/Numbers.h"

namespace mlir::flex {

/// The least and the most that an expression is over all keys. They hold in the
/// rows where it `fits`: there none of its integers wraps.
struct KeyRange {
  Number least, most;
  Truth fits;
};

/// Intervals of a mod's integers over all keys [0, limit), row by row.
class KeyRanges {
public:
  KeyRanges(ModBody &body, Numbers &n, Number limit)
      : body(body), n(n), limit(limit) {}

  KeyRange of(Value value);

  /// An integer that does not depend on kv.
  Number invariant(Value value);

  /// An i1 that does not depend on kv.
  Truth truth(Value value);

  /// The magnitude that no integer of a type passes. Of 64 bits it is far less
  /// than there could be, so that sums of such integers do not wrap.
  static int64_t bound(Type type);

private:
  KeyRange ofOp(Value value);
  KeyRange within(Value value, KeyRange range);

  ModBody &body;
  Numbers &n;
  Number limit;
  DenseMap<Value, KeyRange> known;
  DenseMap<Value, Number> invariants;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_KEYRANGES_H
