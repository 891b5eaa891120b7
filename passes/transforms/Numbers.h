//===- Numbers.h - Integers of a tile's rows, known in part -----*- C++ -*-===//
//
// Whole numbers as they are meant: 64 bits, none of which wraps. What is known
// of them at compile time keeps ops from being made that would change nothing.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_TRANSFORMS_NUMBERS_H
#define PYFLEX_TRANSFORMS_NUMBERS_H

#include "transforms/TileBuilder.h"

#include "llvm/ADT/DenseSet.h"

#include <cstdint>
#include <map>
#include <tuple>

namespace mlir::flex {

/// One i64 for all rows of a tile, or one for each.
struct Number {
  /// A scalar or a column; null for a constant.
  Value value;
  /// It lies between these two, both included.
  int64_t least, most;

  bool isConstant() const { return !value; }
  bool isConstant(int64_t number) const { return !value && least == number; }
  bool operator==(const Number &other) const {
    return value == other.value && (value || least == other.least);
  }
};

/// One i1 for all rows of a tile, or one for each.
struct Truth {
  /// A scalar or a column; null where `known` says what it is.
  Value value;
  bool known = true;

  bool isKnown(bool truth) const { return !value && known == truth; }
};

/// Arithmetic on numbers. Constants and what follows from the ranges is folded.
class Numbers {
public:
  /// More than any position, and less: the ends of what has no end. They are
  /// compared and chosen, never added to.
  static constexpr int64_t kInfinity = int64_t(1) << 62;

  explicit Numbers(TileBuilder &b) : b(b) {}

  Number constant(int64_t number) const { return {Value(), number, number}; }
  Number infinity() const { return constant(kInfinity); }
  Number minusInfinity() const { return constant(-kInfinity); }

  /// A signed integer of any width up to 64, between `least` and `most`.
  Number of(Value integer, int64_t least, int64_t most);
  /// The number as an i64.
  Value get(Number number);
  Value get(Truth truth);

  Number add(Number lhs, Number rhs);
  Number sub(Number lhs, Number rhs);
  Number min(Number lhs, Number rhs);
  Number max(Number lhs, Number rhs);
  Number scale(Number number, int64_t factor);
  /// The quotient by a positive number, rounded down or up.
  Number floorDiv(Number number, int64_t divisor);
  Number ceilDiv(Number number, int64_t divisor);
  Number clamp(Number number, int64_t least, int64_t most);
  Number select(Truth condition, Number yes, Number no);

  Truth lessOrEqual(Number lhs, Number rhs);
  Truth conj(Truth lhs, Truth rhs);

  /// Notes that a condition asks whether integers wrap.
  void noteGuard(Truth truth) { guards.insert(truth.value); }
  bool isGuard(Value condition) const { return guards.contains(condition); }

private:
  template <typename Op>
  Number binary(Number lhs, Number rhs, int64_t least, int64_t most);

  TileBuilder &b;
  /// Equal ops are built once, so that equal numbers are seen to be.
  std::map<std::tuple<StringRef, const void *, int64_t, const void *, int64_t>,
           Value>
      built;
  llvm::SmallDenseSet<Value> guards;
};

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_NUMBERS_H
