//===- KeyCount.h - How many keys an interval holds at most -----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_KEYCOUNT_H
#define PYFLEX_TRANSFORMS_KEYCOUNT_H

#include "transforms/KeySets.h"

#include <optional>

namespace mlir::flex {

/// Keys of one row, and how many more each further query of a tile adds.
struct KeyCount {
  int64_t ofRow, perQuery;
};

/// The least such count that holds for all arguments, if there is one. `query`
/// is the column of positions; rows where integers wrap are left out.
std::optional<KeyCount> countKeys(const Numbers &n, Interval interval,
                                  Value query);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_KEYCOUNT_H
