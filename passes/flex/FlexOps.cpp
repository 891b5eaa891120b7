//===- FlexOps.cpp - The flex dialect and its verifiers -------------------===//

#include "flex/Flex.h"
#include "flex/Verify.h"
#include "flex/Width.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::flex;

#include "flex/FlexDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "flex/FlexTypes.cpp.inc"

void FlexDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "flex/FlexTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flex/FlexOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getShape();
}

static Type elementOf(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getElementType();
}

bool flex::hasTileShape(Type type) {
  auto shaped = cast<ShapedType>(type);
  return shaped.hasStaticShape() &&
         llvm::all_of(shaped.getShape(), llvm::isPowerOf2_64);
}

bool flex::hasLineShape(Type type) {
  auto shaped = cast<ShapedType>(type);
  return shaped.hasStaticShape() && llvm::isPowerOf2_64(shaped.getDimSize(0)) &&
         !pieceWidths(shaped.getDimSize(1)).empty();
}

LogicalResult flex::verifyLength(Operation *op, Value column, int64_t size,
                                 StringRef name) {
  auto type = dyn_cast<RankedTensorType>(column.getType());
  if (!type || type.getDimSize(0) == size)
    return success();
  return op->emitOpError() << "expected " << name << " of " << size
                           << " elements, got " << type.getDimSize(0);
}

//===----------------------------------------------------------------------===//
// Operands in memory
//===----------------------------------------------------------------------===//

LogicalResult ViewType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rank, Type elementType) {
  if (rank != 3 && rank != 4)
    return emitError() << "expected a rank of 3 or 4, got " << rank;
  if (!elementType.isIntOrFloat())
    return emitError() << "expected an integer or a float element type, got "
                       << elementType;
  return success();
}

LogicalResult ViewOp::verify() {
  if (int64_t(getStrides().size()) != getType().getRank())
    return emitOpError() << "expected " << getType().getRank()
                         << " strides, got " << getStrides().size();
  Type pointee = cast<tt::PointerType>(getPointer().getType()).getPointeeType();
  if (pointee != getType().getElementType())
    return emitOpError() << "expected a pointer to "
                         << getType().getElementType() << ", got a pointer to "
                         << pointee;
  return success();
}

LogicalResult PerBatchOp::verify() {
  Type pointee = cast<tt::PointerType>(getPointer().getType()).getPointeeType();
  for (unsigned width : {8, 16, 32, 64})
    if (pointee.isSignlessInteger(width))
      return success();
  return emitOpError() << "expected a pointer to i8, i16, i32 or i64, got a "
                          "pointer to "
                       << pointee;
}

LogicalResult BlockTableOp::verify() {
  int64_t qBlock = getQBlockAttr().getInt(),
          kvBlock = getKvBlockAttr().getInt();
  if (qBlock < 1 || kvBlock < 1)
    return emitOpError() << "expected positive block sizes, got " << qBlock
                         << " x " << kvBlock;
  return success();
}

//===----------------------------------------------------------------------===//
// Rows, loads and stores
//===----------------------------------------------------------------------===//

void RowsOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getBatch(), "batch");
  setName(getKvHead(), "kv_head");
  setName(getFirstHead(), "first_head");
  setName(getFirstQuery(), "first_query");
  setName(getHead(), "head");
  setName(getQuery(), "query");
  setName(getValid(), "row_valid");
}

LogicalResult flex::verifyTile(Operation *op, int64_t rows, IntegerAttr inGroup,
                               IntegerAttr inTile, IntegerAttr ofEach,
                               IntegerAttr qBlock) {
  int64_t group = inGroup.getInt(), heads = inTile.getInt(),
          queries = ofEach.getInt();
  if (heads < 1 || queries < 1 || heads * queries > rows)
    return op->emitOpError() << "expected " << heads << " heads x " << queries
                             << " queries to fit " << rows << " rows";
  if (heads > group)
    return op->emitOpError() << "expected at most the group's " << group
                             << " heads in a tile, got " << heads;
  if (qBlock && qBlock.getInt() < 1)
    return op->emitOpError()
           << "expected a block of at least 1 query, got " << qBlock.getInt();
  return success();
}

LogicalResult RowsOp::verify() {
  int64_t rows = shapeOf(getHead())[0];
  if (failed(verifyTile(*this, rows, getGroupAttr(), getHeadsAttr(),
                        getQueriesAttr(), getQBlockAttr())))
    return failure();
  return verifyLength(*this, getValid(), rows, "valid");
}

LogicalResult flex::verifyColumns(Operation *op, int64_t columns,
                                  int64_t width) {
  if (columns >= 1 && columns <= width)
    return success();
  return op->emitOpError() << "expected between 1 and " << width
                           << " columns, got " << columns;
}

/// Checks what a load and a store share: how many columns they touch, and one
/// head, index and validity for each line.
template <typename OpTy>
static LogicalResult verifyLines(OpTy op, ArrayRef<int64_t> shape) {
  int64_t width = shape.size() == 2 ? shape[1] : 1;
  if (failed(verifyColumns(op, op.getColumnsAttr().getInt(), width)))
    return failure();
  for (auto [name, column] : {std::pair<StringRef, Value>{"head", op.getHead()},
                              {"index", op.getIndex()},
                              {"valid", op.getValid()}})
    if (failed(verifyLength(op, column, shape[0], name)))
      return failure();
  return success();
}

LogicalResult LoadOp::verify() {
  if (getView().getType().getRank() != 4)
    return emitOpError("expected a view of rank 4");
  if (getView().getType().getElementType() != elementOf(getResult()))
    return emitOpError() << "expected a tile of "
                         << getView().getType().getElementType() << ", got "
                         << elementOf(getResult());
  return verifyLines(*this, shapeOf(getResult()));
}

LogicalResult StoreOp::verify() {
  auto shape = shapeOf(getValue());
  int64_t rank = getView().getType().getRank();
  if (rank != int64_t(shape.size()) + 2)
    return emitOpError() << "expected a view of rank " << shape.size() + 2
                         << ", got " << rank;
  Type element = getView().getType().getElementType();
  if (!element.isF16() && !element.isBF16() && !element.isF32())
    return emitOpError() << "expected a view of f16, bf16 or f32, got "
                         << element;
  return verifyLines(*this, shape);
}

//===----------------------------------------------------------------------===//
// Block lists made from a mask
//===----------------------------------------------------------------------===//

/// Checks how the blocks lie in words: powers of two, at most 32 in a word.
template <typename OpTy> static LogicalResult verifyWords(OpTy op) {
  int64_t blocks = op.getBlocksAttr().getInt();
  if (blocks < 1 || blocks > 32 || !llvm::isPowerOf2_64(blocks))
    return op.emitOpError() << "expected a power of two of blocks in a word, "
                               "at most 32, got "
                            << blocks;
  int64_t kvBlock = op.getKvBlockAttr().getInt();
  if (kvBlock < 1 || !llvm::isPowerOf2_64(kvBlock))
    return op.emitOpError()
           << "expected a power of two of keys in a block, got " << kvBlock;
  return success();
}

LogicalResult ClassifyOp::verify() {
  if (failed(verifyLength(*this, getQuery(), shapeOf(getHead())[0], "query")))
    return failure();
  return verifyWords(*this);
}

LogicalResult CompactOp::verify() { return verifyWords(*this); }

//===----------------------------------------------------------------------===//
// The loop and its state
//===----------------------------------------------------------------------===//

void RangeOp::build(OpBuilder &builder, OperationState &state, Value end) {
  build(builder, state, builder.getType<BlocksType>(), Value(), end, Value(),
        Value(), /*exact=*/false, IntegerAttr(), IntegerAttr());
}

/// Refuses blocks of which some are left out already, by whatever op.
static LogicalResult verifyWhole(Operation *op, Value blocks) {
  Operation *name = blocks.getDefiningOp();
  if (!name)
    return success();
  if (isa<SliceOp>(name)) {
    auto diag = op->emitOpError("expected a whole sequence, got a part of one");
    diag.attachNote(name->getLoc()) << "the part is taken here";
    return diag;
  }
  for (Value operand : name->getOperands())
    if (isa<BlocksType>(operand.getType()) && failed(verifyWhole(op, operand)))
      return failure();
  return success();
}

LogicalResult ConcatOp::verify() {
  if (failed(verifyWhole(*this, getMasked())))
    return failure();
  return verifyWhole(*this, getUnmasked());
}

LogicalResult SliceOp::verify() { return verifyWhole(*this, getBlocks()); }

LogicalResult RangeOp::verify() {
  if (!getSureBegin() != !getSureEnd())
    return emitOpError("expected both ends of the keys that need no mask, or "
                       "none");
  if (!getMostAttr() != !getMostPerQueryAttr())
    return emitOpError("expected most and most_per_query together, or neither");
  for (IntegerAttr count : {getMostAttr(), getMostPerQueryAttr()})
    if (count && count.getInt() < 0)
      return emitOpError() << "expected a count of keys that is not negative, "
                              "got "
                           << count.getInt();
  return success();
}

LogicalResult ForOp::verify() {
  if (getInits().getTypes() != getResultTypes())
    return emitOpError("expected results of the types of the initial state");
  return success();
}

LogicalResult ForOp::verifyRegions() {
  Block &body = *getBody().begin();
  if (body.getNumArguments() != 3 + getInits().size())
    return emitOpError() << "expected " << 3 + getInits().size()
                         << " region arguments, got " << body.getNumArguments();
  auto kv = dyn_cast<RankedTensorType>(getPositions().getType());
  auto valid = dyn_cast<RankedTensorType>(getValid().getType());
  if (!kv || kv.getRank() != 1 || !kv.getElementType().isInteger(32) ||
      !hasTileShape(kv))
    return emitOpError() << "expected positions of type tensor<Nxi32>, N a "
                            "power of two, got "
                         << getPositions().getType();
  if (!valid || valid != kv.clone(IntegerType::get(getContext(), 1)))
    return emitOpError() << "expected a tensor<" << kv.getDimSize(0)
                         << "xi1> beside the positions, got "
                         << getValid().getType();
  if (!getUnmasked().getType().isInteger(1))
    return emitOpError() << "expected an i1 as third region argument, got "
                         << getUnmasked().getType();
  if (TypeRange(getState()) != TypeRange(getInits()))
    return emitOpError(
        "expected region arguments of the types of the initial state");
  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield.getState().getTypes() != getInits().getTypes())
    return yield.emitOpError("expected the types of the loop's initial state");
  return success();
}

LogicalResult ScoresOp::verify() {
  auto q = shapeOf(getQuery()), k = shapeOf(getKey()), s = shapeOf(getResult());
  if (elementOf(getQuery()) != elementOf(getKey()))
    return emitOpError() << "expected query and key of one element type, got "
                         << elementOf(getQuery()) << " and "
                         << elementOf(getKey());
  if (q[1] == k[1] && s[0] == q[0] && s[1] == k[0])
    return success();
  return emitOpError() << "expected MxD and NxD to give MxN, got "
                       << getQuery().getType() << ", " << getKey().getType()
                       << " and " << getType();
}

/// Checks that rows and keys of a mod are those of its scores.
template <typename OpTy> static LogicalResult verifyPositions(OpTy op) {
  auto shape = shapeOf(op.getScores());
  if (failed(verifyLength(op, op.getHead(), shape[0], "head")) ||
      failed(verifyLength(op, op.getQuery(), shape[0], "query")))
    return failure();
  return verifyLength(op, op.getKv(), shape[1], "kv");
}

LogicalResult ScoreModOp::verify() { return verifyPositions(*this); }

LogicalResult MaskModOp::verify() { return verifyPositions(*this); }

LogicalResult BoundOp::verify() {
  return verifyLength(*this, getValid(), shapeOf(getScores())[1], "valid");
}

LogicalResult OnlineSoftmaxOp::verify() {
  auto s = shapeOf(getScores()), v = shapeOf(getValue()), a = shapeOf(getAcc());
  if (s[1] != v[0] || a[0] != s[0] || a[1] != v[1])
    return emitOpError() << "expected scores MxN, values NxD and acc MxD, got "
                         << getScores().getType() << ", "
                         << getValue().getType() << " and "
                         << getAcc().getType();
  if (failed(verifyLength(*this, getMax(), s[0], "max")))
    return failure();
  return verifyLength(*this, getSum(), s[0], "sum");
}

LogicalResult SoftmaxFinishOp::verify() {
  int64_t rows = shapeOf(getAcc())[0];
  if (failed(verifyLength(*this, getMax(), rows, "max")))
    return failure();
  return verifyLength(*this, getSum(), rows, "sum");
}

#define GET_OP_CLASSES
#include "flex/FlexOps.cpp.inc"
