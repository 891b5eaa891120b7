//===- ListBlocks.cpp - Block lists from the mask itself ------------------===//

#include "Effects.h"
#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/FindOp.h"
#include "transforms/NewKernel.h"
#include "transforms/SoftmaxLoop.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXLISTBLOCKS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A loop over all keys, and the mask that it asks.
struct Kernel {
  tt::FuncOp func;
  RowsOp rows;
  ForOp loop;
  MaskModOp mask;
};

/// Elements of a tile for which a program evaluates a mask at once, and the
/// most keys: enough loads in flight, in few registers.
constexpr int64_t kTileElements = 4096, kTileKeys = 2048;
/// Blocks of a word.
constexpr int64_t kWordBlocks = 32;

std::string blocksName(tt::FuncOp func) {
  return (func.getName() + "_blocks").str();
}

/// Whether an op's result depends on the kernel that it stands in: another one
/// has a grid and tiles of its own.
bool isOfItsKernel(Operation *op) {
  return isa<RowsOp, tt::MakeRangeOp, tt::GetProgramIdOp, tt::GetNumProgramsOp>(
      op);
}

/// Copies what values of a kernel depend on into another one, whose tiles have
/// `to` rows where this one's have `from`: a column of as many becomes one of
/// those. What `map` is given a copy of is taken as it is.
class RowSlice {
public:
  RowSlice(TileBuilder &b, int64_t from, int64_t to)
      : b(b), from(from), to(to) {}

  void map(Value value, Value copy) { mapping.map(value, copy); }

  /// The copy of `value`; null if an op that it depends on, `obstacle`, has
  /// none.
  Value copy(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() || isOfItsKernel(op) || !onlyReads(op) ||
        !isSplatIfConstant(op) || !worksOnColumns(op)) {
      obstacle = op;
      return {};
    }
    for (Value operand : op->getOperands())
      if (!copy(operand))
        return {};
    Operation *clone = b.clone(*op, mapping);
    for (Value result : clone->getResults())
      result.setType(resized(result.getType()));
    if (auto constant = dyn_cast<arith::ConstantOp>(clone))
      if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
        constant.setValueAttr(
            splat.resizeSplat(cast<ShapedType>(constant.getType())));
    return mapping.lookup(value);
  }

  Operation *obstacle = nullptr;

private:
  static bool isSplatIfConstant(Operation *op) {
    DenseElementsAttr elements;
    return !matchPattern(op, m_Constant(&elements)) || elements.isSplat();
  }

  /// Whether no tile has more dimensions than a column: others stay as they
  /// are.
  static bool worksOnColumns(Operation *op) {
    auto isColumn = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return !tensor || tensor.getRank() == 1;
    };
    return llvm::all_of(op->getOperandTypes(), isColumn) &&
           llvm::all_of(op->getResultTypes(), isColumn);
  }

  Type resized(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getShape() != ArrayRef<int64_t>{from})
      return type;
    return tensor.clone(ArrayRef<int64_t>{to});
  }

  TileBuilder &b;
  int64_t from, to;
  IRMapping mapping;
};

class Listing {
public:
  Listing(Kernel kernel, int64_t mostQueries)
      : k(kernel), b(kernel.func.getLoc(), kernel.func) {
    callee = SymbolTable::lookupNearestSymbolFrom<tt::FuncOp>(
        k.mask, k.mask.getCalleeAttr());
    perHead = callee.isExternal() || !callee.getArgument(1).use_empty();
    keys = shapeOf(k.loop.getPositions())[0];
    heads = perHead ? int64_t(k.rows.getHeads()) : 1;
    queries = k.rows.getQueries();
    if (mostQueries > 0)
      queries = std::min(queries, mostQueries);
    rowCount = llvm::PowerOf2Ceil(heads * queries);
    blocks = std::clamp<int64_t>(
        std::min(kTileKeys, kTileElements / rowCount) / keys, 1, kWordBlocks);
  }

  /// Adds the kernel that finds the blocks, then lists those of the rows.
  LogicalResult run() {
    if (failed(addBlocksKernel()))
      return failure();
    list();
    return success();
  }

private:
  /// The arguments that both kernels gain: words, entries, and for how many
  /// blocks of a list there is room.
  void listArguments(SmallVectorImpl<Type> &types,
                     SmallVectorImpl<DictionaryAttr> &attrs) {
    types.push_back(tt::PointerType::get(b.getI64Type()));
    types.push_back(tt::PointerType::get(b.getI32Type()));
    types.push_back(b.getI64Type());
    attrs.append(3, alignedArgument(b));
  }

  LogicalResult addBlocksKernel() {
    SmallVector<Type> types(k.func.getArgumentTypes());
    SmallVector<DictionaryAttr> attrs;
    for (unsigned index = 0; index < types.size(); ++index) {
      auto given = k.func.getArgAttrDict(index);
      attrs.push_back(given ? given : b.getDictionaryAttr({}));
    }
    unsigned firstOfLists = types.size();
    listArguments(types, attrs);
    auto func =
        tt::FuncOp::create(b, blocksName(k.func), b.getFunctionType(types, {}));
    func.setSymVisibilityAttr(b.getStringAttr("public"));
    Block *entry = func.addEntryBlock();
    func.setAllArgAttrs(attrs);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    if (failed(fillBlocksKernel(entry, firstOfLists))) {
      func.erase();
      return failure();
    }
    return success();
  }

  LogicalResult fillBlocksKernel(Block *entry, unsigned firstOfLists) {
    RowSlice slice(b, shapeOf(k.rows.getHead())[0], rowCount);
    for (auto [from, to] :
         llvm::zip(k.func.getArguments(), entry->getArguments()))
      slice.map(from, to);
    RowsOp rows = copyRows(slice);
    if (!rows)
      return refuse(slice.obstacle);
    SmallVector<Value> operands;
    auto take = [&](Value value) {
      operands.push_back(slice.copy(value));
      return bool(operands.back());
    };
    bool copied = take(k.loop.getLimit()) && take(k.mask.getBatch()) &&
                  take(k.mask.getQuery()) &&
                  llvm::all_of(k.mask.getCaptures(), take);
    if (!copied)
      return refuse(slice.obstacle);
    if (Operation *grid = findOp(callee, isOfItsKernel))
      return refuse(grid);

    // flex.rows enumerates the lists along axis x.
    Value list = b.extend(tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X));
    auto lists = entry->getArguments().drop_front(firstOfLists);
    ClassifyOp::create(b, k.mask.getCalleeAttr(), operands[1], rows.getHead(),
                       operands[2], ValueRange(operands).drop_front(3),
                       operands[0], kindsOf(list, lists),
                       b.getI32IntegerAttr(blocks), b.getI32IntegerAttr(keys));
    tt::ReturnOp::create(b);
    return success();
  }

  /// The rows of one list: those of a tile; or, where the mask does not ask for
  /// the head, the tile's queries alone, as of one KV head with a group of one.
  /// Null if the sizes of the grid depend on more than arguments.
  RowsOp copyRows(RowSlice &slice) {
    Value kvHeads = perHead ? slice.copy(k.rows.getKvHeads()) : b.i32(1);
    Value qLen = slice.copy(k.rows.getQLen());
    if (!kvHeads || !qLen)
      return {};
    Type i32 = b.getI32Type();
    auto column = RankedTensorType::get({rowCount}, i32);
    auto rows = RowsOp::create(
        b,
        TypeRange{i32, i32, i32, i32, column, column,
                  column.clone(b.getI1Type())},
        kvHeads, qLen, perHead ? k.rows.getGroupAttr() : b.getI32IntegerAttr(1),
        b.getI32IntegerAttr(heads), b.getI32IntegerAttr(queries),
        IntegerAttr());
    slice.map(k.rows.getBatch(), rows.getBatch());
    slice.map(k.rows.getQuery(), rows.getQuery());
    if (perHead)
      slice.map(k.rows.getHead(), rows.getHead());
    return rows;
  }

  LogicalResult refuse(Operation *obstacle) {
    auto diag = k.mask.emitRemark(
        "blocks are not listed: the mask depends on more than the rows");
    if (obstacle)
      diag.attachNote(obstacle->getLoc()) << "it depends on this";
    return failure();
  }

  /// Where the words of a list begin: one for each `blocks` of its room.
  Value kindsOf(Value list, ValueRange lists) {
    Value room = b.add(lists[2], b.i64(blocks - 1));
    Value words = b.div(room, b.i64(blocks));
    return b.move(lists[0], b.mul(list, words));
  }

  void list() {
    SmallVector<Type> types;
    SmallVector<DictionaryAttr> attrs;
    listArguments(types, attrs);
    SmallVector<Value> lists;
    for (auto [type, attr] : llvm::zip(types, attrs))
      lists.push_back(appendArgument(k.func, type, attr));
    b.setInsertionPoint(k.loop);
    Value program =
        b.extend(tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X));
    Value list = program;
    if (!perHead) {
      int64_t ofTile = k.rows.getQueries();
      Value tiles = b.extend(b.ceilDiv(k.rows.getQLen(), ofTile));
      Value before = b.mul(b.extend(k.rows.getBatch()), tiles);
      Value tile = b.div(k.rows.getFirstQuery(), b.i32(ofTile));
      list = b.add(before, b.extend(tile));
    }
    Value entries = b.move(lists[1], b.mul(program, lists[2]));
    Value seen = CompactOp::create(
        b, b.getType<BlocksType>(), kindsOf(list, lists), k.loop.getLimit(),
        entries, b.getI32IntegerAttr(blocks), b.getI32IntegerAttr(keys));
    Operation *range = k.loop.getBlocks().getDefiningOp();
    k.loop.getBlocksMutable().assign(seen);
    k.mask.getUnlessMutable().assign(k.loop.getUnmasked());
    if (range->use_empty())
      range->erase();
  }

  Kernel k;
  TileBuilder b;
  tt::FuncOp callee;
  bool perHead;
  int64_t keys, heads, queries, rowCount, blocks;
};

struct ListBlocksPass : public flex::impl::FlexListBlocksBase<ListBlocksPass> {
  using FlexListBlocksBase::FlexListBlocksBase;

  void runOnOperation() override {
    if (queries < 0) {
      getOperation().emitError()
          << "expected a number of queries, or 0 for any, got "
          << int64_t(queries);
      return signalPassFailure();
    }
    SmallVector<tt::FuncOp> funcs(getOperation().getOps<tt::FuncOp>());
    for (tt::FuncOp func : funcs) {
      FailureOr<Kernel> kernel = find(func);
      if (failed(kernel))
        continue;
      if (failed(checkNameIsFree(func, blocksName(func), "the first kernel")))
        return signalPassFailure();
      if (succeeded(Listing(*kernel, queries).run()))
        ++numListed;
    }
  }

  /// A kernel with one loop over all keys, which asks one mask.
  FailureOr<Kernel> find(tt::FuncOp func) {
    SmallVector<ForOp> loops;
    SmallVector<RowsOp> rows;
    func.walk([&](ForOp loop) { loops.push_back(loop); });
    func.walk([&](RowsOp op) { rows.push_back(op); });
    if (loops.size() != 1)
      return failure();
    // A mask whose bounds were derived is solved: its loop is short as it is.
    auto range = loops[0].getBlocks().getDefiningOp<RangeOp>();
    if (!range || range.getBegin() || range.getExact())
      return failure();
    SmallVector<MaskModOp> masks;
    loops[0].walk([&](MaskModOp mask) { masks.push_back(mask); });
    if (masks.empty())
      return failure();
    MaskModOp mask = masks[0];
    auto refuse = [&](StringRef why) {
      loops[0].emitRemark() << "blocks are not listed: " << why;
      return failure();
    };
    if (range.getEnd() != loops[0].getLimit())
      return refuse("the loop has bounds of its own");
    if (masks.size() != 1 || mask.getUnless() ||
        mask.getKv() != loops[0].getPositions() ||
        !loops[0].getUnmasked().use_empty())
      return refuse("expected one mask, asked at each position of the loop");
    if (rows.size() != 1 || rows[0].getQBlock() ||
        mask.getBatch() != rows[0].getBatch() ||
        mask.getHead() != rows[0].getHead() ||
        rows[0]->getBlock() != loops[0]->getBlock())
      return refuse("expected the mask to be asked for the kernel's own rows");
    if (!masksAllThatCounts(loops[0], mask))
      return refuse("the loop does more than a masked online softmax");
    return Kernel{func, rows[0], loops[0], mask};
  }
};

} // namespace
