//===- ExpandDecode.cpp - flex.decode to the plainest kernel --------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "flex/Width.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXEXPANDDECODE
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

class Expansion {
public:
  explicit Expansion(DecodeOp op) : op(op), b(op.getLoc(), op) {}

  void run() {
    IntegerAttr qBlock;
    if (op.getPartial())
      qBlock = op.getPartial().getDefiningOp<BlockTableOp>().getQBlockAttr();
    int64_t rows = op.getRows();
    auto i32Column = RankedTensorType::get({rows}, b.getI32Type());
    auto i1Column = RankedTensorType::get({rows}, b.getI1Type());
    Type i32 = b.getI32Type();
    rowsOp = RowsOp::create(
        b, TypeRange{i32, i32, i32, i32, i32Column, i32Column, i1Column},
        op.getKvHeads(), op.getQLen(), op.getGroupAttr(),
        b.getI32IntegerAttr(1), b.getI32IntegerAttr(rows), qBlock);

    // Keys exist below min(kv_len, kv_max).
    Value length = AtOp::create(b, i32, op.getKvLen(), rowsOp.getBatch());
    length = arith::MinSIOp::create(b, length, op.getKvMax());
    length = arith::MaxSIOp::create(
        b, length, arith::ConstantOp::create(b, b.getI32IntegerAttr(0)));
    limit = length;

    Value offset = AtOp::create(b, i32, op.getQOffset(), rowsOp.getBatch());
    offset = tt::SplatOp::create(b, i32Column, offset);
    // One query is number 0 in all rows, and its position is one number.
    bool single = matchPattern(op.getQLen(), m_One());
    position =
        single ? offset : arith::AddIOp::create(b, rowsOp.getQuery(), offset);
    queryTile = LoadOp::create(
        b, tileType(op.getQuery(), rows, op.getHeadDim()), op.getQuery(),
        rowsOp.getBatch(), rowsOp.getHead(), rowsOp.getQuery(),
        rowsOp.getValid(), op.getHeadDimAttr());

    auto column = RankedTensorType::get({rows}, b.getF32Type());
    auto tile = RankedTensorType::get({rows, tileWidth(op.getValueDim())},
                                      b.getF32Type());
    SmallVector<Value> state = {splat(column, -INFINITY), splat(column, 0),
                                splat(tile, 0)};
    if (!op.getPartial()) {
      Value all = RangeOp::create(b, limit);
      state = loop(all, state, /*masked=*/true);
    } else {
      state = loop(list(op.getPartial()), state, /*masked=*/true);
      if (op.getFull())
        state = loop(list(op.getFull()), state, /*masked=*/false);
    }

    auto finish = SoftmaxFinishOp::create(b, tile, column, column, state[0],
                                          state[1], state[2]);
    store(finish.getOut(), op.getOut(), op.getValueDim());
    if (op.getLse())
      store(finish.getLse(), op.getLse(), 1);
    if (op.getMaxScores())
      store(finish.getMaxScore(), op.getMaxScores(), 1);
    op.erase();
  }

private:
  RankedTensorType tileType(Value view, int64_t lines, int64_t columns) {
    return RankedTensorType::get(
        {lines, tileWidth(columns)},
        cast<ViewType>(view.getType()).getElementType());
  }

  Value splat(RankedTensorType type, double value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getF32FloatAttr(value).getValue()));
  }

  Value list(Value table) {
    return ListOp::create(b, b.getType<BlocksType>(), table, rowsOp.getBatch(),
                          rowsOp.getFirstHead(), rowsOp.getFirstQuery());
  }

  SmallVector<Value> loop(Value blocks, ArrayRef<Value> state, bool masked) {
    int64_t keys = op.getKeys();
    SmallVector<Type> stateTypes(ValueRange(state).getTypes());
    auto forOp = ForOp::create(b, stateTypes, blocks, limit, state);
    SmallVector<Type> argTypes = {RankedTensorType::get({keys}, b.getI32Type()),
                                  RankedTensorType::get({keys}, b.getI1Type()),
                                  b.getI1Type()};
    llvm::append_range(argTypes, stateTypes);
    Block *body =
        b.createBlock(&forOp.getBody(), {}, argTypes,
                      SmallVector<Location>(argTypes.size(), b.getLoc()));
    b.setInsertionPointToStart(body);

    Value kv = forOp.getPositions();
    Value key = loadKV(op.getKey(), op.getHeadDimAttr(), forOp);
    auto scoreType =
        RankedTensorType::get({int64_t(op.getRows()), keys}, b.getF32Type());
    Value scores = ScoresOp::create(b, scoreType, queryTile, key, op.getScale(),
                                    op.getPrecision());
    if (op.getScoreMod())
      scores = ScoreModOp::create(b, scoreType, op.getScoreModAttr(), scores,
                                  rowsOp.getBatch(), rowsOp.getHead(), position,
                                  kv, op.getScoreCaptures());
    if (masked && op.getMaskMod())
      scores = MaskModOp::create(b, scoreType, op.getMaskModAttr(), scores,
                                 rowsOp.getBatch(), rowsOp.getHead(), position,
                                 kv, op.getMaskCaptures(), Value());
    scores = BoundOp::create(b, scoreType, scores, forOp.getValid());
    Value value = loadKV(op.getValue(), op.getValueDimAttr(), forOp);
    auto in = forOp.getState();
    auto step = OnlineSoftmaxOp::create(b, in[0].getType(), in[1].getType(),
                                        in[2].getType(), in[0], in[1], in[2],
                                        scores, value, op.getPrecision());
    YieldOp::create(b, step.getResults());
    b.setInsertionPointAfter(forOp);
    return SmallVector<Value>(forOp.getResults());
  }

  Value loadKV(Value view, IntegerAttr columns, ForOp forOp) {
    return LoadOp::create(b, tileType(view, op.getKeys(), columns.getInt()),
                          view, rowsOp.getBatch(), rowsOp.getKvHead(),
                          forOp.getPositions(), forOp.getValid(), columns);
  }

  void store(Value value, Value view, int64_t columns) {
    StoreOp::create(b, value, view, rowsOp.getBatch(), rowsOp.getHead(),
                    rowsOp.getQuery(), rowsOp.getValid(),
                    b.getI32IntegerAttr(columns));
  }

  DecodeOp op;
  ImplicitLocOpBuilder b;
  RowsOp rowsOp;
  Value limit, position, queryTile;
};

struct ExpandDecodePass
    : public flex::impl::FlexExpandDecodeBase<ExpandDecodePass> {
  void runOnOperation() override {
    SmallVector<DecodeOp> ops;
    getOperation().walk([&](DecodeOp op) { ops.push_back(op); });
    for (DecodeOp op : ops) {
      if (failed(tablesAreKnown(op)))
        return signalPassFailure();
      Expansion(op).run();
      ++numExpanded;
    }
  }

  /// The rows of a tile share a partial list and a full one: both tables must
  /// divide the queries alike. Their blocks of keys may differ.
  LogicalResult tablesAreKnown(DecodeOp op) {
    for (Value table : {op.getPartial(), op.getFull()})
      if (table && !table.getDefiningOp<BlockTableOp>())
        return op.emitError("expected block lists given by a flex.block_table");
    if (!op.getFull())
      return success();
    auto partial = op.getPartial().getDefiningOp<BlockTableOp>();
    auto full = op.getFull().getDefiningOp<BlockTableOp>();
    if (partial.getQBlock() == full.getQBlock())
      return success();
    auto diag = op.emitError()
                << "expected partial and full blocks of the same queries, got "
                << int64_t(partial.getQBlock()) << " and "
                << int64_t(full.getQBlock()) << " queries in a block";
    diag.attachNote(full.getLoc()) << "the full blocks are given here";
    return diag;
  }
};

} // namespace
