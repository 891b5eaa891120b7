//===- Triton.cpp - Verifiers, folds and parsing of the tt mirror ---------===//

#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::tt;

#include "tt/TritonDialect.cpp.inc"
#include "tt/TritonEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "tt/TritonTypes.cpp.inc"

void TTDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "tt/TritonTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tt/TritonOps.cpp.inc"
      >();
}

Operation *TTDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult PointerType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  Type pointeeType, int addressSpace) {
  if (isa<IntegerType, FloatType>(pointeeType))
    return success();
  return emitError() << "expected a pointer to an integer or a float, got "
                     << pointeeType;
}

/// `type` with its scalar (or each element) replaced by `map(scalar)`.
static Type mapElement(Type type, function_ref<Type(Type)> map) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.clone(map(tensor.getElementType()));
  return map(type);
}

Type tt::pointeeTypeOf(Type pointerLike) {
  return mapElement(pointerLike, [](Type element) -> Type {
    auto pointer = dyn_cast<PointerType>(element);
    return pointer ? pointer.getPointeeType() : element;
  });
}

Type tt::maskTypeOf(Type pointerLike) {
  return mapElement(pointerLike, [](Type element) -> Type {
    return IntegerType::get(element.getContext(), 1);
  });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                   FunctionType type) {
  state.addAttribute(SymbolTable::getSymbolAttrName(),
                     builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addRegion();
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType =
      [](Builder &builder, ArrayRef<Type> args, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag, std::string &) -> Type {
    return builder.getFunctionType(args, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, "function_type",
      getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "expected a tt.func named '" << getCallee()
                         << "', found none";
  auto type = callee.getFunctionType();
  if (TypeRange(getOperandTypes()) != TypeRange(type.getInputs()) ||
      TypeRange(getResultTypes()) != TypeRange(type.getResults())) {
    auto diag = emitOpError()
                << "expected the callee's type " << type << ", got "
                << FunctionType::get(getContext(), getOperandTypes(),
                                     getResultTypes());
    diag.attachNote(callee.getLoc()) << "the callee is here";
    return diag;
  }
  return success();
}

LogicalResult ReturnOp::verify() {
  auto func = cast<FuncOp>((*this)->getParentOp());
  auto expected = func.getFunctionType().getResults();
  if (TypeRange(getOperandTypes()) == TypeRange(expected))
    return success();
  auto diag = emitOpError() << "expected to return (";
  llvm::interleaveComma(expected, diag);
  diag << "), got (";
  llvm::interleaveComma(getOperandTypes(), diag);
  return diag << ")";
}

//===----------------------------------------------------------------------===//
// Index space and shapes
//===----------------------------------------------------------------------===//

LogicalResult MakeRangeOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  int64_t size = int64_t(getEnd()) - int64_t(getStart());
  if (type.getRank() != 1 || type.getDimSize(0) != size)
    return emitOpError() << "expected a result of shape [" << size << "], got "
                         << type;
  if (size <= 0 || (size & (size - 1)))
    return emitOpError() << "expected a power of two of elements, got " << size;
  return success();
}

OpFoldResult SplatOp::fold(FoldAdaptor adaptor) {
  auto scalar = adaptor.getSrc();
  if (!isa_and_nonnull<IntegerAttr, FloatAttr>(scalar))
    return {};
  return SplatElementsAttr::get(cast<ShapedType>(getType()), scalar);
}

/// A splat constant keeps its value under any change of shape.
static OpFoldResult foldSplat(Attribute src, Type result) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(src);
  return splat ? OpFoldResult(splat.resizeSplat(cast<ShapedType>(result)))
               : OpFoldResult();
}

OpFoldResult ExpandDimsOp::fold(FoldAdaptor adaptor) {
  return foldSplat(adaptor.getSrc(), getType());
}

LogicalResult
ExpandDimsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                               ValueRange operands, DictionaryAttr attributes,
                               OpaqueProperties properties, RegionRange,
                               SmallVectorImpl<Type> &results) {
  auto src = cast<RankedTensorType>(operands[0].getType());
  int32_t axis = Adaptor(operands, attributes, properties).getAxis();
  if (axis < 0 || axis > src.getRank())
    return emitOptionalError(loc, "expected an axis between 0 and ",
                             src.getRank(), ", got ", axis);
  SmallVector<int64_t> shape(src.getShape());
  shape.insert(shape.begin() + axis, 1);
  results.push_back(RankedTensorType::get(shape, src.getElementType()));
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getSrc().getType() == getType())
    return getSrc();
  return foldSplat(adaptor.getSrc(), getType());
}

LogicalResult BroadcastOp::verify() {
  auto src = cast<RankedTensorType>(getSrc().getType());
  auto result = cast<RankedTensorType>(getType());
  if (src.getRank() != result.getRank())
    return emitOpError() << "expected equal ranks, got " << src << " and "
                         << result;
  for (auto [from, to] : llvm::zip(src.getShape(), result.getShape()))
    if (from != to && from != 1)
      return emitOpError() << "cannot stretch a dimension of size " << from
                           << " to " << to;
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  return foldSplat(adaptor.getSrc(), getType());
}

LogicalResult ReshapeOp::verify() {
  auto src = cast<RankedTensorType>(getSrc().getType());
  auto result = cast<RankedTensorType>(getType());
  if (src.getNumElements() == result.getNumElements())
    return success();
  return emitOpError() << "expected as many elements, got " << src << " and "
                       << result;
}

LogicalResult SplitOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        ValueRange operands, DictionaryAttr,
                                        OpaqueProperties, RegionRange,
                                        SmallVectorImpl<Type> &results) {
  auto src = cast<RankedTensorType>(operands[0].getType());
  if (src.getRank() < 2 || src.getShape().back() != 2)
    return emitOptionalError(loc, "expected a last dimension of two, got ",
                             src);
  results.assign(2, RankedTensorType::get(src.getShape().drop_back(),
                                          src.getElementType()));
  return success();
}

LogicalResult
TransOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                          ValueRange operands, DictionaryAttr attributes,
                          OpaqueProperties properties, RegionRange,
                          SmallVectorImpl<Type> &results) {
  auto src = cast<RankedTensorType>(operands[0].getType());
  auto order = Adaptor(operands, attributes, properties).getOrder();
  SmallVector<int32_t> sorted(order);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int32_t>(0, src.getRank())))
    return emitOptionalError(loc, "expected a permutation of ", src.getRank(),
                             " dimensions");
  SmallVector<int64_t> shape;
  for (int32_t dim : order)
    shape.push_back(src.getDimSize(dim));
  results.push_back(RankedTensorType::get(shape, src.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

OpFoldResult AddPtrOp::fold(FoldAdaptor adaptor) {
  return matchPattern(adaptor.getOffset(), m_Zero()) ? getPtr() : Value();
}

void LoadOp::build(OpBuilder &builder, OperationState &state, Value ptr,
                   Value mask, Value other) {
  build(builder, state, pointeeTypeOf(ptr.getType()), ptr, mask, other,
        ArrayRef<int32_t>{}, PaddingOptionAttr{}, CacheModifier::NONE,
        EvictionPolicy::NORMAL, false);
}

void LoadOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getPtrMutable());
  if (getIsVolatile())
    effects.emplace_back(MemoryEffects::Write::get());
}

LogicalResult BitcastOp::verify() {
  Type from = getElementTypeOrSelf(getSrc().getType());
  Type to = getElementTypeOrSelf(getType());
  if (isa<PointerType>(from) && isa<PointerType>(to))
    return success();
  if (from.isIntOrFloat() && to.isIntOrFloat() &&
      from.getIntOrFloatBitWidth() == to.getIntOrFloatBitWidth())
    return success();
  return emitOpError() << "expected numbers of one width, got " << from
                       << " and " << to;
}

void ExternElementwiseOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (getPure())
    return;
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
}

void ElementwiseInlineAsmOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  if (getPure())
    return;
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
}

LogicalResult ElementwiseInlineAsmOp::verify() {
  if (getNumResults() == 0)
    return emitOpError() << "expected at least one result";
  return success();
}

//===----------------------------------------------------------------------===//
// Tile arithmetic
//===----------------------------------------------------------------------===//

LogicalResult DotOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType());
  auto b = cast<RankedTensorType>(getB().getType());
  auto d = cast<RankedTensorType>(getType());
  if (a.getRank() != 2 || b.getRank() != 2 || d.getRank() != 2)
    return emitOpError() << "expected matrices, got " << a << ", " << b
                         << " and " << d;
  if (a.getDimSize(1) != b.getDimSize(0) ||
      a.getDimSize(0) != d.getDimSize(0) || b.getDimSize(1) != d.getDimSize(1))
    return emitOpError() << "expected shapes MxK * KxN -> MxN, got " << a
                         << " * " << b << " -> " << d;
  if (a.getElementType() != b.getElementType())
    return emitOpError() << "expected equal element types, got "
                         << a.getElementType() << " and " << b.getElementType();
  return success();
}

LogicalResult
ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                           ValueRange operands, DictionaryAttr attributes,
                           OpaqueProperties properties, RegionRange regions,
                           SmallVectorImpl<Type> &results) {
  int32_t axis = Adaptor(operands, attributes, properties, regions).getAxis();
  for (Value src : operands) {
    auto type = cast<RankedTensorType>(src.getType());
    if (axis < 0 || axis >= type.getRank())
      return emitOptionalError(loc, "expected an axis below ", type.getRank(),
                               ", got ", axis);
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    results.push_back(shape.empty() ? type.getElementType()
                                    : Type(RankedTensorType::get(
                                          shape, type.getElementType())));
  }
  return success();
}

/// Checks the region of an op that combines two elements of each operand.
template <typename ReturnOpTy, typename OpTy>
static LogicalResult verifyCombination(OpTy op) {
  Block &body = op.getCombineOp().front();
  size_t count = op.getSrcs().size();
  if (body.getNumArguments() != 2 * count)
    return op.emitOpError()
           << "expected " << 2 * count << " arguments of its region, got "
           << body.getNumArguments();
  auto terminator =
      body.empty() ? ReturnOpTy() : dyn_cast<ReturnOpTy>(body.back());
  if (!terminator)
    return op.emitOpError() << "expected a region that ends in "
                            << ReturnOpTy::getOperationName();
  if (terminator.getNumOperands() != count)
    return op.emitOpError() << "expected the region to return " << count
                            << " values, got " << terminator.getNumOperands();
  for (auto [index, src] : llvm::enumerate(op.getSrcs())) {
    Type element = getElementTypeOrSelf(src.getType());
    if (body.getArgument(index).getType() != element ||
        body.getArgument(count + index).getType() != element)
      return op.emitOpError() << "expected the region to take two " << element
                              << " for operand " << index;
    if (terminator.getOperand(index).getType() != element)
      return op.emitOpError() << "expected the region to return " << element
                              << " for operand " << index;
  }
  return success();
}

LogicalResult ReduceOp::verify() {
  return verifyCombination<ReduceReturnOp>(*this);
}

LogicalResult ScanOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                       ValueRange operands, DictionaryAttr,
                                       OpaqueProperties, RegionRange,
                                       SmallVectorImpl<Type> &results) {
  llvm::append_range(results, operands.getTypes());
  return success();
}

LogicalResult ScanOp::verify() {
  for (Value src : getSrcs())
    if (int64_t rank = cast<RankedTensorType>(src.getType()).getRank();
        int64_t(getAxis()) >= rank)
      return emitOpError() << "expected an axis below " << rank << ", got "
                           << getAxis();
  return verifyCombination<ScanReturnOp>(*this);
}

#define GET_OP_CLASSES
#include "tt/TritonOps.cpp.inc"
