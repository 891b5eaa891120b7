//===- FlexDecode.cpp - Verifiers of decode attention and its mods --------===//

#include "flex/Flex.h"
#include "flex/Verify.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;

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

LogicalResult ClassifyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyMod(*this, getCalleeAttr(), symbols, false, getCaptures());
}

//===----------------------------------------------------------------------===//
// Level 1
//===----------------------------------------------------------------------===//

static Type elementOf(Value view) {
  return cast<ViewType>(view.getType()).getElementType();
}

/// Checks that a view names lines of floats, [batch, head, row, column].
static LogicalResult verifyLines(Operation *op, StringRef name, Value view) {
  if (cast<ViewType>(view.getType()).getRank() != 4)
    return op->emitOpError()
           << "expected " << name << " of rank 4, got " << view.getType();
  Type element = elementOf(view);
  if (element.isF16() || element.isBF16() || element.isF32())
    return success();
  return op->emitOpError() << "expected " << name
                           << " of f16, bf16 or f32, got " << element;
}

/// Checks that a view, where given, names one f32 for each row.
static LogicalResult verifyPerRow(Operation *op, StringRef name, Value view) {
  MLIRContext *context = op->getContext();
  Type expected = ViewType::get(context, 3, Float32Type::get(context));
  if (!view || view.getType() == expected)
    return success();
  return op->emitOpError() << "expected " << name << " of type " << expected
                           << ", got " << view.getType();
}

static LogicalResult verifyPositive(Operation *op, StringRef name,
                                    IntegerAttr size) {
  if (size.getInt() >= 1)
    return success();
  return op->emitOpError() << "expected a positive " << name << ", got "
                           << size.getInt();
}

static LogicalResult verifyPowerOfTwo(Operation *op, StringRef name,
                                      IntegerAttr size, int64_t least) {
  if (size.getInt() >= least && llvm::isPowerOf2_64(size.getInt()))
    return success();
  return op->emitOpError() << "expected " << name
                           << " to be a power of two of at least " << least
                           << ", got " << size.getInt();
}

LogicalResult DecodeOp::verify() {
  if (failed(verifyLines(*this, "query", getQuery())) ||
      failed(verifyLines(*this, "key", getKey())) ||
      failed(verifyLines(*this, "value", getValue())) ||
      failed(verifyLines(*this, "out", getOut())) ||
      failed(verifyPerRow(*this, "lse", getLse())) ||
      failed(verifyPerRow(*this, "max_scores", getMaxScores())))
    return failure();
  Type element = elementOf(getQuery());
  for (auto [name, view] :
       {std::pair<StringRef, Value>{"key", getKey()}, {"value", getValue()}})
    if (elementOf(view) != element)
      return emitOpError() << "expected query and " << name
                           << " of one element type, got " << element << " and "
                           << elementOf(view);
  if (failed(verifyPositive(*this, "group", getGroupAttr())) ||
      failed(verifyPowerOfTwo(*this, "rows", getRowsAttr(), 8)) ||
      failed(verifyPowerOfTwo(*this, "keys", getKeysAttr(), 16)) ||
      failed(verifyPositive(*this, "head_dim", getHeadDimAttr())) ||
      failed(verifyPositive(*this, "value_dim", getValueDimAttr())))
    return failure();
  if (!getScoreModAttr() && !getScoreCaptures().empty())
    return emitOpError("expected a score_mod beside score_captures");
  if (!getMaskModAttr() && !getMaskCaptures().empty())
    return emitOpError("expected a mask_mod beside mask_captures");
  if (getFull() && !getPartial())
    return emitOpError(
        "expected a list of partial blocks beside the full ones");
  return success();
}

LogicalResult CombineOp::verify() {
  if (failed(verifyLines(*this, "out", getOut())) ||
      failed(verifyPerRow(*this, "lse", getLse())) ||
      failed(verifyPerRow(*this, "max_scores", getMaxScores())) ||
      failed(verifyPositive(*this, "value_dim", getValueDimAttr())))
    return failure();
  return verifyPowerOfTwo(*this, "chunk", getChunkAttr(), 2);
}

LogicalResult CombineInClusterOp::verify() {
  auto acc = cast<RankedTensorType>(getAcc().getType());
  int64_t rows = acc.getDimSize(0), columns = getColumnsAttr().getInt();
  if (failed(verifyLength(*this, getMax(), rows, "max")) ||
      failed(verifyLength(*this, getSum(), rows, "sum")) ||
      failed(verifyColumns(*this, columns, acc.getDimSize(1))) ||
      failed(verifyTile(*this, rows, getGroupAttr(), getHeadsAttr(),
                        getQueriesAttr(), getQBlockAttr())) ||
      failed(verifyLines(*this, "out", getOut())) ||
      failed(verifyPerRow(*this, "lse", getLse())))
    return failure();
  return verifyPerRow(*this, "max_scores", getMaxScores());
}
