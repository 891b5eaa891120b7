//===- BlockLoops.h - Sequences of KV blocks as loop bounds -----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_BLOCKLOOPS_H
#define PYFLEX_TRANSFORMS_BLOCKLOOPS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include <memory>

namespace mlir::flex {

/// A !flex.blocks value as numbered tiles of `keys` positions each.
class TileSequence {
public:
  virtual ~TileSequence() = default;

  /// The tiles are those numbered [begin, end), every `step`th of them where
  /// there is one.
  Value begin, end, step;

  /// What one tile holds.
  struct Tile {
    /// i32: the first of `keys` consecutive positions; or tensor<keys x i32>:
    /// each position, i32's largest where no block holds one.
    Value start;
    /// i1: the tile needs no mask.
    Value unmasked;

    /// The positions as a tensor.
    Value positions(TileBuilder &b, int64_t keys) const {
      return shapeOf(start).empty() ? b.add(start, b.range(keys)) : start;
    }
  };

  /// How many values are read from memory for a tile.
  virtual size_t numReads() const { return 0; }

  /// Emits the reads for tile `index`; nothing is read unless it `exists`.
  virtual SmallVector<Value> read(TileBuilder &, Value /*index*/,
                                  Value /*exists*/) {
    return {};
  }

  /// Emits the positions of tile `index`, from what was read for it.
  virtual Tile at(TileBuilder &b, Value index, ValueRange read) = 0;
};

/// Emits what `blocks` needs before a loop over it.
std::unique_ptr<TileSequence> lowerBlocks(TileBuilder &b, Value blocks,
                                          int64_t keys);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_BLOCKLOOPS_H
