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

/// Parts of a split that are few. So are those of many rows mostly, where each
/// of the programs that combine them counts; of few rows each instruction does.
inline constexpr int64_t fewParts = 8;

/// Columns of a row that one program, a warp, combines of so many parts.
inline int64_t combinedWidth(int64_t columns, int64_t parts) {
  int64_t width = tensorWidth(columns);
  if (parts <= fewParts)
    return std::min<int64_t>(width, 128);
  return std::min(width, std::clamp<int64_t>(width / 2, 32, 64));
}

/// Programs that combine a row.
inline int64_t combiningPrograms(int64_t columns, int64_t parts) {
  return llvm::divideCeil(columns, combinedWidth(columns, parts));
}

/// Parts that a program combines at once where they are many: 64 elements a
/// lane.
inline int64_t combinedAtOnce(int64_t columns) {
  return std::min<int64_t>(2048 / combinedWidth(columns, fewParts + 1), 64);
}

} // namespace mlir::flex

#endif // PYFLEX_FLEX_WIDTH_H
