//===- FlexOps.cpp - Verifiers of the flex dialect ------------------------===//

#include "flex/Flex.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

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

/// A column whose size differs from the tile dimension it runs along.
static LogicalResult verifyLength(Operation *op, Value column, int64_t size,
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

LogicalResult BlockTableOp::verify() {
  if (getQBlock() < 1 || getKvBlock() < 1)
    return emitOpError() << "expected positive block sizes, got " << getQBlock()
                         << " x " << getKvBlock();
  return success();
}

//===----------------------------------------------------------------------===//
// Mods
//===----------------------------------------------------------------------===//

/// Checks that `callee` names a tt.func (leading..., captures...) -> results,
/// where results are `result`, or `result` and an i1 that says whether every
/// index was in bounds.
static LogicalResult verifyMod(Operation *op, FlatSymbolRefAttr callee,
                               SymbolTableCollection &symbols, bool takesScore,
                               ValueRange captures) {
  auto func = symbols.lookupNearestSymbolFrom<tt::FuncOp>(op, callee);
  if (!func)
    return op->emitOpError() << "expected a tt.func named '"
                             << callee.getValue() << "', found none";
  MLIRContext *context = op->getContext();
  Type f32 = Float32Type::get(context), i32 = IntegerType::get(context, 32),
       i1 = IntegerType::get(context, 1);
  SmallVector<Type> inputs;
  if (takesScore)
    inputs.push_back(f32);
  inputs.append(4, i32);
  llvm::append_range(inputs, captures.getTypes());
  Type result = takesScore ? f32 : i1;
  FunctionType type = func.getFunctionType();
  bool resultsMatch =
      type.getResults() == ArrayRef<Type>{result} ||
      (!takesScore && type.getResults() == ArrayRef<Type>{i1, i1});
  if (type.getInputs() == ArrayRef<Type>(inputs) && resultsMatch)
    return success();
  auto diag = op->emitOpError()
              << "expected '" << callee.getValue() << "' to have type "
              << FunctionType::get(context, inputs, result) << ", got " << type;
  diag.attachNote(func.getLoc()) << "the function is here";
  return diag;
}

LogicalResult DecodeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getScoreModAttr() && failed(verifyMod(*this, getScoreModAttr(), symbols,
                                            true, getScoreCaptures())))
    return failure();
  if (getMaskModAttr() && failed(verifyMod(*this, getMaskModAttr(), symbols,
                                           false, getMaskCaptures())))
    return failure();
  return success();
}

LogicalResult ScoreModOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyMod(*this, getCalleeAttr(), symbols, true, getCaptures());
}

LogicalResult MaskModOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyMod(*this, getCalleeAttr(), symbols, false, getCaptures());
}

//===----------------------------------------------------------------------===//
// Level 1
//===----------------------------------------------------------------------===//

LogicalResult DecodeOp::verify() {
  for (auto [name, view] : {std::pair<StringRef, Value>{"query", getQuery()},
                            {"key", getKey()},
                            {"value", getValue()},
                            {"out", getOut()}})
    if (cast<ViewType>(view.getType()).getRank() != 4)
      return emitOpError() << "expected " << name << " of rank 4, got "
                           << view.getType();
  Type perRow = ViewType::get(getContext(), 3, Float32Type::get(getContext()));
  for (auto [name, view] : {std::pair<StringRef, Value>{"lse", getLse()},
                            {"max_scores", getMaxScores()}})
    if (view && view.getType() != perRow)
      return emitOpError() << "expected " << name << " of type " << perRow
                           << ", got " << view.getType();
  Type keyType = cast<ViewType>(getKey().getType()).getElementType();
  Type queryType = cast<ViewType>(getQuery().getType()).getElementType();
  if (keyType != queryType)
    return emitOpError() << "expected query and key of one element type, got "
                         << queryType << " and " << keyType;
  if (getGroup() < 1)
    return emitOpError() << "expected a positive group, got " << getGroup();
  for (auto [name, size] :
       {std::pair<StringRef, int64_t>{"rows", getRows()}, {"keys", getKeys()}})
    if (size < 16 || !llvm::isPowerOf2_64(size))
      return emitOpError() << "expected " << name
                           << " to be a power of two of at least 16, got "
                           << size;
  for (auto [name, size] :
       {std::pair<StringRef, int64_t>{"head_dim", getHeadDim()},
        {"value_dim", getValueDim()}})
    if (size < 1)
      return emitOpError() << "expected a positive " << name << ", got "
                           << size;
  if (getFull() && !getPartial())
    return emitOpError(
        "expected a list of partial blocks beside the full ones");
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

LogicalResult RowsOp::verify() {
  int64_t rows = shapeOf(getHead())[0];
  if (getHeads() < 1 || getQueries() < 1 ||
      int64_t(getHeads()) * getQueries() > rows)
    return emitOpError() << "expected " << getHeads() << " heads x "
                         << getQueries() << " queries to fit " << rows
                         << " rows";
  if (getHeads() > getGroup())
    return emitOpError() << "expected at most the group's " << getGroup()
                         << " heads in a tile, got " << getHeads();
  if (failed(verifyLength(*this, getQuery(), rows, "query")))
    return failure();
  return verifyLength(*this, getValid(), rows, "valid");
}

LogicalResult LoadOp::verify() {
  auto shape = shapeOf(getResult());
  if (getView().getType().getRank() != 4)
    return emitOpError("expected a view of rank 4");
  if (getView().getType().getElementType() != elementOf(getResult()))
    return emitOpError() << "expected a tile of "
                         << getView().getType().getElementType() << ", got "
                         << elementOf(getResult());
  if (int64_t(getColumns()) > shape[1])
    return emitOpError() << "expected at most " << shape[1] << " columns, got "
                         << getColumns();
  for (auto [name, column] : {std::pair<StringRef, Value>{"head", getHead()},
                              {"index", getIndex()},
                              {"valid", getValid()}})
    if (failed(verifyLength(*this, column, shape[0], name)))
      return failure();
  return success();
}

LogicalResult StoreOp::verify() {
  auto shape = shapeOf(getValue());
  int64_t rank = getView().getType().getRank();
  if (rank != int64_t(shape.size()) + 2)
    return emitOpError() << "expected a view of rank " << shape.size() + 2
                         << ", got " << rank;
  if (shape.size() == 2 && int64_t(getColumns()) > shape[1])
    return emitOpError() << "expected at most " << shape[1] << " columns, got "
                         << getColumns();
  for (auto [name, column] : {std::pair<StringRef, Value>{"head", getHead()},
                              {"index", getIndex()},
                              {"valid", getValid()}})
    if (failed(verifyLength(*this, column, shape[0], name)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// The loop and its state
//===----------------------------------------------------------------------===//

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
  if (!kv || kv.getRank() != 1 || !kv.getElementType().isInteger(32))
    return emitOpError() << "expected positions of type tensor<Nxi32>, got "
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
  if (q[1] == k[1] && s[0] == q[0] && s[1] == k[0])
    return success();
  return emitOpError() << "expected MxD and NxD to give MxN, got "
                       << getQuery().getType() << ", " << getKey().getType()
                       << " and " << getType();
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

#define GET_OP_CLASSES
#include "flex/FlexOps.cpp.inc"
