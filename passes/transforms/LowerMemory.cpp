//===- LowerMemory.cpp - Loads and stores as tiles of pointers ------------===//

#include "transforms/LowerMemory.h"
#include "transforms/Pieces.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

namespace {

/// Where a tile's lines start: pointers, and how far behind them.
struct Lines {
  Value pointers;
  Value offset; // may be absent
};

/// Where a piece of a tile is, and which of its elements exist.
struct Place {
  Value pointers, exists;
};

} // namespace

Value flex::linesAt(TileBuilder &b, ViewOp view, Value batch, Value head,
                    Value index) {
  auto strides = view.getStrides();
  Value base = b.move(view.getPointer(), b.mul(b.extend(batch), strides[0]));
  Value line = b.mul(b.extend(b.asColumn(index)), strides[2]);
  if (shapeOf(head).empty())
    base = b.move(base, b.mul(b.extend(head), strides[1]));
  else
    line = b.add(line, b.mul(b.extend(b.asColumn(head)), strides[1]));
  return b.move(base, line);
}

/// Consecutive lines from `first` on. What differs between tiles is one scalar;
/// the offsets inside a tile are left for the loop to hoist.
static Lines linesFrom(TileBuilder &b, ViewOp view, LoadOp op, Value first) {
  auto strides = view.getStrides();
  Value base =
      b.move(view.getPointer(), b.mul(b.extend(op.getBatch()), strides[0]));
  base = b.move(base, b.mul(b.extend(op.getHead()), strides[1]));
  // Lines are counted from `count` on and not from 0, as keys are for the mask:
  // that keeps LLVM from merging the two, and lets it find that a thread's
  // lines are constants apart, which a load adds for nothing.
  int64_t count = shapeOf(op.getResult())[0];
  Value before = b.sub(first, b.i32(count));
  base = b.move(base, b.mul(b.extend(before), strides[2]));
  Value line = b.range(count, 2 * count);
  return {base, b.mul(b.extend(b.asColumn(line)), strides[2])};
}

/// The places of a tile's pieces. Only columns below `columns` of valid lines
/// exist; a piece that lies below them asks for the lines alone.
static SmallVector<Place> piecePlaces(TileBuilder &b, ViewOp view, Lines lines,
                                      Value valid, int64_t columns, Type tile) {
  SmallVector<Place> places;
  int64_t first = 0;
  for (Type type : pieceTypes(tile)) {
    auto shape = cast<RankedTensorType>(type).getShape();
    int64_t end = first + shape[1];
    Value column = b.asRow(b.range(first, end));
    Value offset = b.mul(b.extend(column), view.getStrides()[3]);
    if (lines.offset)
      offset = b.add(lines.offset, offset);
    Value pointers = b.move(lines.pointers, offset);
    Value exists = b.asColumn(valid);
    if (columns < end)
      exists =
          b.conj(exists, b.cmp(CmpIPredicate::slt, column, b.i32(columns)));
    places.push_back({pointers, b.spread(exists, shape)});
    first = end;
  }
  return places;
}

void flex::lowerLoad(TileBuilder &b, LoadOp op, Value firstLine) {
  auto view = op.getView().getDefiningOp<ViewOp>();
  Lines lines;
  if (firstLine)
    lines = linesFrom(b, view, op, firstLine);
  else
    lines.pointers =
        linesAt(b, view, op.getBatch(), op.getHead(), op.getIndex());
  SmallVector<Value> pieces;
  for (auto [pointers, exists] : piecePlaces(b, view, lines, op.getValid(),
                                             op.getColumns(), op.getType())) {
    auto type =
        RankedTensorType::get(shapeOf(pointers), op.getType().getElementType());
    pieces.push_back(
        tt::LoadOp::create(b, pointers, exists, b.constant(type, 0)));
  }
  op.replaceAllUsesWith(join(b, op->getResultTypes(), pieces).front());
}

void flex::lowerStore(TileBuilder &b, StoreOp op) {
  auto view = op.getView().getDefiningOp<ViewOp>();
  Type element = view.getType().getElementType();
  Value lines = linesAt(b, view, op.getBatch(), op.getHead(), op.getIndex());
  auto store = [&](Value value, Value pointers, Value exists) {
    auto type = cast<RankedTensorType>(value.getType());
    if (element != type.getElementType())
      value = arith::TruncFOp::create(b, type.clone(element), value);
    tt::StoreOp::create(b, pointers, value, exists);
  };
  if (view.getType().getRank() == 3) {
    Value exists = b.asColumn(op.getValid());
    return store(b.asColumn(op.getValue()), lines, exists);
  }
  auto places = piecePlaces(b, view, {lines, {}}, op.getValid(),
                            op.getColumns(), op.getValue().getType());
  auto pieces = cut(b, op.getValue());
  for (auto [piece, place] : llvm::zip_equal(pieces, places))
    store(piece, place.pointers, place.exists);
}
