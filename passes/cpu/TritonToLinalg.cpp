//===- TritonToLinalg.cpp - convert-tt-to-linalg --------------------------===//

#include "cpu/TritonToLinalg.h"
#include "cpu/ExternFunctions.h"
#include "cpu/Passes.h"
#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CONVERTTRITONTOLINALG
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

Value cpu::buildTile(OpBuilder &builder, Location loc, RankedTensorType space,
                     ValueRange inputs, ArrayRef<AffineMap> inputMaps,
                     bool hasResult, TileBody body) {
  auto identity = builder.getMultiDimIdentityMap(space.getRank());
  auto scalar = AffineMap::get(space.getRank(), 0, builder.getContext());
  SmallVector<AffineMap> maps(inputMaps);
  for (Value input : inputs.drop_front(maps.size()))
    maps.push_back(isa<RankedTensorType>(input.getType()) ? identity : scalar);
  SmallVector<Value> outputs;
  if (hasResult) {
    maps.push_back(identity);
    outputs.push_back(tensor::EmptyOp::create(builder, loc, space.getShape(),
                                              space.getElementType()));
  }
  SmallVector<utils::IteratorType> iterators(space.getRank(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange(ValueRange(outputs)), inputs, outputs, maps,
      iterators, [&](OpBuilder &inner, Location loc, ValueRange args) {
        Value result = body(inner, loc, args.take_front(inputs.size()));
        linalg::YieldOp::create(inner, loc,
                                hasResult ? ValueRange(result) : ValueRange());
      });
  return hasResult ? generic.getResult(0) : Value();
}

namespace {

/// Where the entry convention puts the indices and extents of the grid.
constexpr unsigned kFirstProgramId = 1;
constexpr unsigned kFirstNumPrograms = 4;
constexpr int64_t kSlotBytes = 8;

struct PointerTypeConverter : TypeConverter {
  PointerTypeConverter() {
    addConversion([](Type type) { return type; });
    addConversion([](tt::PointerType type) -> Type {
      return LLVM::LLVMPointerType::get(type.getContext());
    });
    addConversion(
        [](RankedTensorType type,
           SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
          if (!isa<tt::PointerType>(type.getElementType()))
            return std::nullopt;
          MLIRContext *context = type.getContext();
          types.push_back(LLVM::LLVMPointerType::get(context));
          types.push_back(type.clone(IntegerType::get(context, 64)));
          return success();
        });
  }
};

//===----------------------------------------------------------------------===//
// Functions and the grid
//===----------------------------------------------------------------------===//

struct ConvertFunc : OpConversionPattern<tt::FuncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::FuncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.isPrivate()) {
      rewriter.eraseOp(op);
      return success();
    }
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    SmallVector<Type> inputs(7, rewriter.getI32Type());
    inputs[0] = pointer;
    auto kernel =
        func::FuncOp::create(rewriter, loc, op.getName(),
                             rewriter.getFunctionType(inputs, TypeRange()));
    Block *entry = kernel.addEntryBlock();
    rewriter.setInsertionPointToStart(entry);
    SmallVector<Value> arguments;
    for (auto [index, type] : llvm::enumerate(op.getArgumentTypes())) {
      Value slot = LLVM::GEPOp::create(
          rewriter, loc, pointer, rewriter.getI8Type(), entry->getArgument(0),
          ArrayRef<LLVM::GEPArg>{int32_t(index * kSlotBytes)});
      arguments.push_back(LLVM::LoadOp::create(
          rewriter, loc, getTypeConverter()->convertType(type), slot));
    }
    rewriter.inlineBlockBefore(&op.getBody().front(), entry, entry->end(),
                               arguments);
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertReturn : OpConversionPattern<tt::ReturnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ReturnOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<func::ReturnOp>(op);
    return success();
  }
};

/// get_program_id and get_num_programs: an argument of the kernel.
template <typename Op, unsigned first>
struct ConvertGrid : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto kernel = op->template getParentOfType<func::FuncOp>();
    if (!kernel)
      return rewriter.notifyMatchFailure(op, "expected to be in a kernel");
    unsigned axis = static_cast<unsigned>(op.getAxis());
    rewriter.replaceOp(op, kernel.getArgument(first + axis));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Shapes: each a tile whose input map says it all
//===----------------------------------------------------------------------===//

struct ConvertMakeRange : OpConversionPattern<tt::MakeRangeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::MakeRangeOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto body = [&](OpBuilder &builder, Location loc, ValueRange) -> Value {
      Value index = linalg::IndexOp::create(builder, loc, 0);
      Value value =
          arith::IndexCastOp::create(builder, loc, builder.getI32Type(), index);
      if (op.getStart() == 0)
        return value;
      Value start = arith::ConstantIntOp::create(
          builder, loc, int64_t(op.getStart()), /*width=*/32);
      return arith::AddIOp::create(builder, loc, value, start);
    };
    rewriter.replaceOp(op, buildTile(rewriter, op.getLoc(), op.getType(), {},
                                     {}, /*hasResult=*/true, body));
    return success();
  }
};

/// A tile of `type` whose elements are those of `source` that `map` names.
Value takeFrom(Value source, AffineMap map, RankedTensorType type,
               OpBuilder &builder, Location loc) {
  return buildTile(
      builder, loc, type, source, map, /*hasResult=*/true,
      [](OpBuilder &, Location, ValueRange lane) { return lane[0]; });
}

/// A change of shape of a tensor, or of a tensor of pointers: the base stays,
/// the offsets change their shape.
template <typename Op> struct ConvertShape : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
  LogicalResult
  matchAndRewrite(Op op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> results(adaptor.getSrc());
    auto src = cast<RankedTensorType>(results.back().getType());
    auto type =
        cast<RankedTensorType>(op.getType()).clone(src.getElementType());
    results.back() =
        takeFrom(results.back(), inputMap(op), type, rewriter, op.getLoc());
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

  static AffineMap inputMap(tt::ExpandDimsOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    auto identity =
        AffineMap::getMultiDimIdentityMap(type.getRank(), op.getContext());
    return identity.dropResult(op.getAxis());
  }

  static AffineMap inputMap(tt::BroadcastOp op) {
    auto src = cast<RankedTensorType>(op.getSrc().getType());
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<AffineExpr> source;
    for (int64_t dim = 0; dim < src.getRank(); ++dim)
      source.push_back(src.getDimSize(dim) == type.getDimSize(dim)
                           ? getAffineDimExpr(dim, op.getContext())
                           : getAffineConstantExpr(0, op.getContext()));
    return AffineMap::get(src.getRank(), 0, source, op.getContext());
  }

  static AffineMap inputMap(tt::TransOp op) {
    SmallVector<unsigned> order(op.getOrder().begin(), op.getOrder().end());
    return inversePermutation(
        AffineMap::getPermutationMap(order, op.getContext()));
  }
};

/// Where dimensions are divided or put together.
struct ConvertReshape : OpConversionPattern<tt::ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ReshapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto src = cast<RankedTensorType>(adaptor.getSrc().getType());
    auto type = cast<RankedTensorType>(op.getType());
    auto groups = getReassociationIndicesForReshape(src, type);
    if (src.getRank() < type.getRank())
      rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(
          op, type, adaptor.getSrc(), *groups);
    else
      rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
          op, type, adaptor.getSrc(), *groups);
    return success();
  }
};

struct ConvertSplit : OpConversionPattern<tt::SplitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::SplitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getOutLHS().getType());
    auto identity = rewriter.getMultiDimIdentityMap(type.getRank());
    SmallVector<Value> halves;
    for (int64_t half : {0, 1}) {
      AffineMap map = identity.insertResult(
          rewriter.getAffineConstantExpr(half), type.getRank());
      halves.push_back(
          takeFrom(adaptor.getSrc(), map, type, rewriter, op.getLoc()));
    }
    rewriter.replaceOp(op, halves);
    return success();
  }
};

struct ConvertSplat : OpConversionPattern<tt::SplatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::SplatOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    Value scalar = adaptor.getSrc().front();
    if (isa<LLVM::LLVMPointerType>(scalar.getType())) {
      auto offsets = type.clone(rewriter.getI64Type());
      Value zero = arith::ConstantOp::create(rewriter, loc,
                                             rewriter.getZeroAttr(offsets));
      rewriter.replaceOpWithMultiple(op, {SmallVector<Value>{scalar, zero}});
      return success();
    }
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                          type.getElementType());
    auto fill = linalg::FillOp::create(rewriter, loc, scalar, empty);
    rewriter.replaceOp(op, fill.getResult(0));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// What has no lowering
//===----------------------------------------------------------------------===//

bool isPointerTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<tt::PointerType>(tensor.getElementType());
}

/// Whether one result, $0, and the operands behind it are all that an
/// instruction's text names.
bool isWhole(tt::ElementwiseInlineAsmOp op) {
  auto isNamed = [&](unsigned number) {
    return op.getAsmString().contains(("$" + Twine(number)).str());
  };
  unsigned last = op.getArgs().size();
  return op->getNumResults() == 1 && isNamed(last) && !isNamed(last + 1);
}

/// Emits an error if `op` cannot be lowered.
LogicalResult checkSupported(Operation *op) {
  auto refuse = [&](const Twine &why) {
    return op->emitError() << "'" << op->getName()
                           << "' has no CPU lowering: " << why;
  };
  StringRef dialect = op->getName().getDialectNamespace();
  if (!llvm::is_contained({"tt", "arith", "math", "scf", "builtin"}, dialect))
    return refuse("expected an op of tt, arith, math or scf");
  for (Type type : op->getResultTypes())
    if (auto pointer = dyn_cast<tt::PointerType>(getElementTypeOrSelf(type)))
      if (pointer.getPointeeType().isInteger(1))
        return refuse("expected pointers to whole bytes, got " +
                      Twine("pointers to i1"));
  if (isa<tt::CallOp>(op))
    return refuse("calls are expected to have been inlined");
  if (auto external = dyn_cast<tt::ExternElementwiseOp>(op)) {
    StringRef known = mathOpForDeviceFunction(external.getSymbol());
    if (known.empty())
      return refuse("unknown device function '" + external.getSymbol() + "'");
    unsigned wanted = numOperandsOf(known), got = op->getNumOperands();
    if (got != wanted)
      return refuse("expected " + Twine(wanted) + " operands, got " +
                    Twine(got));
  }
  if (auto inlined = dyn_cast<tt::ElementwiseInlineAsmOp>(op)) {
    auto function = functionForInstruction(inlined.getAsmString());
    if (!isWhole(inlined) ||
        (mathOpForInstruction(inlined.getAsmString()).empty() &&
         (!function || (function->empty() && !inlined->use_empty()))))
      return refuse("expected no instructions of a GPU but those that pyflex "
                    "emits");
    if (function && !function->empty() &&
        op->getParentOfType<ModuleOp>().lookupSymbol(*function))
      return refuse("expected the name '" + *function + "' to be free");
  }
  if (auto dot = dyn_cast<tt::DotOp>(op)) {
    Type factor = getElementTypeOrSelf(dot.getA()),
         sum = getElementTypeOrSelf(dot.getC());
    if (sum.getIntOrFloatBitWidth() < factor.getIntOrFloatBitWidth())
      return refuse("expected sums at least as wide as the factors");
  }
  if (isa<tt::ReshapeOp, tt::SplitOp>(op)) {
    auto src = cast<RankedTensorType>(op->getOperand(0).getType());
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (isPointerTensor(src))
      return refuse("expected no tensor of pointers");
    if (isa<tt::ReshapeOp>(op) && !getReassociationIndicesForReshape(src, type))
      return refuse("expected dimensions that are divided or put together");
  }
  if (auto select = dyn_cast<arith::SelectOp>(op))
    if (isPointerTensor(select.getType()))
      return refuse("a choice between tensors of pointers; expected a choice "
                    "between their offsets or values");
  if (auto func = dyn_cast<tt::FuncOp>(op)) {
    if (func.isPrivate())
      return success();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return refuse("expected a body of one block with structured control "
                    "flow");
    if (func.getNumResults() != 0)
      return refuse("expected a kernel without results");
    if (llvm::any_of(func.getArgumentTypes(), llvm::IsaPred<ShapedType>))
      return refuse("expected scalar arguments");
  }
  return success();
}

struct ConvertTritonToLinalgPass
    : cpu::impl::ConvertTritonToLinalgBase<ConvertTritonToLinalgPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto checked = module.walk<WalkOrder::PreOrder>([](Operation *op) {
      if (failed(checkSupported(op)))
        return WalkResult::interrupt();
      // Unused device functions are dropped, whatever they hold.
      auto func = dyn_cast<tt::FuncOp>(op);
      return func && func.isPrivate() ? WalkResult::skip()
                                      : WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();

    MLIRContext *context = &getContext();
    PointerTypeConverter converter;
    RewritePatternSet patterns(context);
    ConversionTarget target(*context);
    target.addIllegalDialect<tt::TTDialect>();
    target.addLegalDialect<arith::ArithDialect, math::MathDialect,
                           func::FuncDialect, linalg::LinalgDialect,
                           LLVM::LLVMDialect, tensor::TensorDialect>();
    target.addDynamicallyLegalOp<arith::SelectOp>(
        [&](arith::SelectOp op) { return converter.isLegal(op.getType()); });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    populateMemoryPatterns(converter, patterns);
    populateArithmeticPatterns(converter, patterns);
    patterns.add<ConvertFunc, ConvertReturn,
                 ConvertGrid<tt::GetProgramIdOp, kFirstProgramId>,
                 ConvertGrid<tt::GetNumProgramsOp, kFirstNumPrograms>,
                 ConvertMakeRange, ConvertShape<tt::ExpandDimsOp>,
                 ConvertShape<tt::BroadcastOp>, ConvertShape<tt::TransOp>,
                 ConvertReshape, ConvertSplit, ConvertSplat>(converter,
                                                             context);
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
