//===- BlockLoops.h - Sequences of KV blocks as loop bounds -----*- C++ -*-===//

#ifndef PYFLEX_TRANSFORMS_BLOCKLOOPS_H
#define PYFLEX_TRANSFORMS_BLOCKLOOPS_H

#include "flex/Flex.h"
#include "transforms/TileBuilder.h"

#include <memory>

namespace mlir::flex {

/// A !flex.blocks value as numbered tiles of `keys` positions each.
///
/// The loop visits the numbers from `begin` on, by `step`, below `end`, which
/// may be less than `begin`: then there is no tile. It asks to `read` and is
/// `at` such numbers alone, but for reads that do not exist.
///
/// A sequence that is made of another one turns its numbers into that one's
/// before it asks, and takes over that one's step, or its op's verifier refuses
/// those that have one. Only where the numbers are the same may it hand on
/// which share of them is visited (`lowerShare`).
class TileSequence {
public:
  virtual ~TileSequence() = default;

  /// Without a step it is one.
  Value begin, end, step;

  /// What one tile holds.
  struct Tile {
    /// i32: the first of `keys` consecutive positions, from which loads count
    /// their lines (LowerMemory.cpp); or tensor<keys x i32>: each position,
    /// i32's largest where no block holds one.
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

/// Whether `op` makes a sequence that `lowerBlocks` knows: one case in
/// `lowerShare` for each.
bool makesBlocks(Operation *op);

/// Emits what `blocks` needs before a loop over it.
std::unique_ptr<TileSequence> lowerBlocks(TileBuilder &b, Value blocks,
                                          int64_t keys);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_BLOCKLOOPS_H
