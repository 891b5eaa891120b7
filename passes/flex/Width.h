//===- Width.h - Columns of a tile ------------------------------*- C++ -*-===//
//
// Triton's tensors are powers of two wide, and matrix units take 16 columns at
// least. A tile is one such tensor or two side by side, its pieces: 80 columns
// are 64 + 16 and not 128.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_FLEX_WIDTH_H
#define PYFLEX_FLEX_WIDTH_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdint>

namespace mlir::flex {

inline constexpr int64_t leastWidth = 16;

/// The width of the one tensor that holds `columns`.
inline int64_t tensorWidth(int64_t columns) {
  return std::max<int64_t>(leastWidth, llvm::PowerOf2Ceil(columns));
}

/// The width of the narrowest tile that holds `columns`.
inline int64_t tileWidth(int64_t columns) {
  int64_t half = tensorWidth(columns) / 2;
  return half < leastWidth ? leastWidth : half + tensorWidth(columns - half);
}

/// The widths of a tile's pieces, the wider one first; none where no tile has
/// this width.
inline llvm::SmallVector<int64_t, 2> pieceWidths(int64_t width) {
  if (width < leastWidth)
    return {};
  int64_t last = width & -width, first = width - last;
  if (first == 0)
    return {last};
  if (last < leastWidth || !llvm::isPowerOf2_64(first))
    return {};
  return {first, last};
}

/// Columns of a row that one program joins: a warp holds 32 lines of as many,
/// asks for them at once, and each of its lanes weighs one.
inline int64_t joinedWidth(int64_t columns) {
  return std::min<int64_t>(tensorWidth(columns), 128);
}

/// Programs that join a row.
inline int64_t joiningPrograms(int64_t columns) {
  return llvm::divideCeil(columns, joinedWidth(columns));
}

} // namespace mlir::flex

#endif // PYFLEX_FLEX_WIDTH_H
