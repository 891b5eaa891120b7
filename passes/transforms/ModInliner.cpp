//===- ModInliner.cpp - Scalar mods over tiles ----------------------------===//

#include "transforms/ModInliner.h"
#include "Effects.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A score_mod and a mask_mod differ only in what is done with the result.
struct Application {
  tt::FuncOp callee;
  Value scores, batch, head, query, kv, unless;
  ValueRange captures;
  bool isMask;
};

Application describe(Operation *op) {
  auto lookup = [&](FlatSymbolRefAttr callee) {
    return SymbolTable::lookupNearestSymbolFrom<tt::FuncOp>(op, callee);
  };
  if (auto mod = dyn_cast<ScoreModOp>(op))
    return {lookup(mod.getCalleeAttr()),
            mod.getScores(),
            mod.getBatch(),
            mod.getHead(),
            mod.getQuery(),
            mod.getKv(),
            Value(),
            mod.getCaptures(),
            false};
  auto mod = cast<MaskModOp>(op);
  return {lookup(mod.getCalleeAttr()),
          mod.getScores(),
          mod.getBatch(),
          mod.getHead(),
          mod.getQuery(),
          mod.getKv(),
          mod.getUnless(),
          mod.getCaptures(),
          true};
}

/// Of the types that a tile can have.
bool isScalar(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type,
             tt::PointerType>(type);
}

/// Emits the body of a mod before `op`; what does not depend on `loop`, which
/// may be absent, goes before it, but for loads from memory that it writes.
class BodyInliner {
public:
  BodyInliner(Operation *op, Operation *loop, ModShapes shapes)
      : op(op), loop(loop), shapes(shapes), b(op->getLoc(), op),
        movesLoads(loop && onlyReads(loop)) {}

  SmallVector<Value> run(tt::FuncOp callee, ValueRange arguments) {
    Block &body = callee.getBody().front();
    mapping.map(callee.getArguments(), arguments);
    for (Operation &scalar : body.without_terminator())
      inlineOp(scalar);
    return llvm::map_to_vector(
        body.getTerminator()->getOperands(),
        [&](Value value) { return mapping.lookup(value); });
  }

  /// Moves the insertion point to where an op of these operands belongs.
  void placeFor(ValueRange operands) {
    if (leavesLoop(operands))
      b.setInsertionPoint(loop);
    else
      b.setInsertionPoint(op);
  }

  TileBuilder &builder() { return b; }
  int64_t numHoisted() const { return hoisted; }

private:
  bool leavesLoop(ValueRange operands) {
    return shapes == ModShapes::Smallest && loop &&
           llvm::all_of(operands, [&](Value operand) {
             return !loop->getRegion(0).isAncestor(operand.getParentRegion());
           });
  }

  void inlineOp(Operation &scalar) {
    SmallVector<Value> operands;
    SmallVector<int64_t> shape;
    for (Value operand : scalar.getOperands()) {
      operands.push_back(mapping.lookup(operand));
      shape = commonShape(shape, shapeOf(operands.back()));
    }
    placeFor(operands);
    for (Value &operand : operands)
      operand = spreadInPlace(operand, shape);
    bool leaves =
        leavesLoop(operands) && (movesLoads || isMemoryEffectFree(&scalar));
    b.setInsertionPoint(leaves ? loop : op);
    Operation *tiled = tileOp(b, scalar, operands);
    if (leaves && !operands.empty())
      ++hoisted;
    mapping.map(scalar.getResults(), tiled->getResults());
  }

  /// Stretches a value at the place where it is defined, in or before the loop.
  Value spreadInPlace(Value value, ArrayRef<int64_t> shape) {
    if (shape.empty() || shapeOf(value) == shape)
      return value;
    placeFor(value);
    return b.spread(value, shape);
  }

  Operation *op, *loop;
  ModShapes shapes;
  TileBuilder b;
  bool movesLoads;
  IRMapping mapping;
  int64_t hoisted = 0;
};

/// Puts the body of a mod, applied to a tile of scores, in its place.
class Inliner {
public:
  Inliner(Operation *op, ModShapes shapes)
      : app(describe(op)), op(op), shapes(shapes),
        body(op, op->getParentOfType<ForOp>(), shapes), b(body.builder()) {}

  FailureOr<int64_t> run() {
    if (failed(checkBody(op, app.callee)))
      return failure();
    if (app.unless && shapes == ModShapes::Smallest && isCostly(app.callee))
      branchAround();
    SmallVector<Value> results = body.run(app.callee, arguments());
    op->getResult(0).replaceAllUsesWith(finish(results));
    op->erase();
    return body.numHoisted();
  }

private:
  /// Moves the op into a branch that is taken where the mask is asked.
  void branchAround() {
    auto branch = scf::IfOp::create(b, app.scores.getType(), app.unless,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    op->getResult(0).replaceAllUsesWith(branch.getResult(0));
    b.setInsertionPointToEnd(branch.thenBlock());
    scf::YieldOp::create(b, app.scores);
    b.setInsertionPointToEnd(branch.elseBlock());
    op->moveBefore(scf::YieldOp::create(b, op->getResult(0)));
    app.unless = {};
  }

  /// A column of rows or a row of keys, as one dimension of the tile.
  Value align(Value column, bool isRowOfTile) {
    body.placeFor(column);
    Value aligned = isRowOfTile ? b.perRow(column) : b.asRow(column);
    return shapes == ModShapes::Tile ? b.spread(aligned, shapeOf(app.scores))
                                     : aligned;
  }

  SmallVector<Value> arguments() {
    Value batch = app.batch;
    if (shapes == ModShapes::Tile)
      batch = b.spread(batch, shapeOf(app.scores));
    SmallVector<Value> actuals;
    if (!app.isMask)
      actuals.push_back(app.scores);
    actuals.append({batch, align(app.head, true), align(app.query, true),
                    align(app.kv, false)});
    llvm::append_range(actuals, app.captures);
    return actuals;
  }

  Value finish(ArrayRef<Value> results) {
    b.setInsertionPoint(op);
    auto shape = shapeOf(app.scores);
    if (!app.isMask)
      return b.spread(results[0], shape);
    Value keep = results[0];
    if (app.unless)
      keep = b.disj(keep, app.unless);
    Value masked = b.select(keep, app.scores, b.f32(-INFINITY));
    if (results.size() == 1)
      return masked;
    // An index out of a captured tensor's bounds must not pass for a number.
    Value inBounds = results[1];
    if (app.unless)
      inBounds = b.disj(inBounds, app.unless);
    return b.select(inBounds, masked, b.f32(NAN));
  }

  Application app;
  Operation *op;
  ModShapes shapes;
  BodyInliner body;
  TileBuilder &b;
};

} // namespace

bool flex::isCostly(tt::FuncOp mask) {
  constexpr int64_t costly = 16;
  // Ops of what differs between rows and between keys are done for each score.
  DenseMap<Value, std::pair<bool, bool>> varies;
  for (BlockArgument argument : mask.getArguments()) {
    unsigned number = argument.getArgNumber();
    varies[argument] = {number == 1 || number == 2, number == 3};
  }
  int64_t cost = 0;
  for (Operation &op : mask.getBody().front().without_terminator()) {
    std::pair<bool, bool> own;
    for (Value operand : op.getOperands()) {
      own.first |= varies[operand].first;
      own.second |= varies[operand].second;
    }
    for (Value result : op.getResults())
      varies[result] = own;
    if (own.first && own.second)
      cost += isa<tt::LoadOp, arith::DivSIOp, arith::RemSIOp>(op) ? 8 : 1;
  }
  return cost >= costly;
}

bool flex::worksOnTiles(Operation &op) {
  if (op.getNumRegions() || op.getNumResults() != 1 ||
      !isScalar(op.getResult(0).getType()) ||
      !llvm::all_of(op.getOperandTypes(), isScalar))
    return false;
  if (!onlyReads(&op))
    return false;
  return op.getNumOperands() == 0 || op.hasTrait<OpTrait::Elementwise>() ||
         isa<tt::AddPtrOp, tt::LoadOp, tt::ExternElementwiseOp>(op);
}

Operation *flex::tileOp(TileBuilder &b, Operation &scalar,
                        ValueRange operands) {
  auto shape = operands.empty() ? ArrayRef<int64_t>() : shapeOf(operands[0]);
  OperationState state(scalar.getLoc(), scalar.getName());
  state.addOperands(operands);
  for (Type type : scalar.getResultTypes())
    state.addTypes(shape.empty() ? type : RankedTensorType::get(shape, type));
  state.addAttributes(scalar.getDiscardableAttrDictionary().getValue());
  state.propertiesAttr = scalar.getPropertiesAsAttribute();
  return b.create(state);
}

FailureOr<int64_t> flex::inlineMod(Operation *mod, ModShapes shapes) {
  return Inliner(mod, shapes).run();
}

bool flex::isOneBlock(tt::FuncOp func) {
  return !func.isExternal() && func.getBody().hasOneBlock() &&
         isa<tt::ReturnOp>(func.getBody().front().getTerminator());
}

LogicalResult flex::checkBody(Operation *op, tt::FuncOp callee) {
  if (!isOneBlock(callee))
    return op->emitOpError("expected a callee of one block");
  for (Operation &scalar : callee.getBody().front().without_terminator()) {
    if (worksOnTiles(scalar))
      continue;
    auto diag = scalar.emitError() << "cannot inline '" << scalar.getName()
                                   << "' into a tile of scores";
    diag.attachNote(op->getLoc()) << "the function is applied here";
    return diag;
  }
  return success();
}

SmallVector<Value> flex::inlineBody(Operation *op, tt::FuncOp callee,
                                    ValueRange arguments) {
  return BodyInliner(op, /*loop=*/nullptr, ModShapes::Smallest)
      .run(callee, arguments);
}
