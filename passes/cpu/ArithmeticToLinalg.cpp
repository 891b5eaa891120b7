//===- ArithmeticToLinalg.cpp - Products, reductions, functions -----------===//

#include "cpu/ExternFunctions.h"
#include "cpu/TritonToLinalg.h"
#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cpu;

namespace {

/// The operands are widened first, so that the loops see one type.
struct ConvertDot : OpConversionPattern<tt::DotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::DotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto result = cast<RankedTensorType>(op.getType());
    // A half accumulator is summed in f32 and rounded once.
    Type sum = result.getElementType();
    if (sum.getIntOrFloatBitWidth() < 32)
      sum = rewriter.getF32Type();
    auto widened = [&](Value value) -> Value {
      auto type = cast<RankedTensorType>(value.getType());
      if (type.getElementType() == sum)
        return value;
      return arith::ExtFOp::create(rewriter, loc, type.clone(sum), value);
    };
    auto product = linalg::MatmulOp::create(
        rewriter, loc, result.clone(sum),
        ValueRange{widened(adaptor.getA()), widened(adaptor.getB())},
        ValueRange{widened(adaptor.getC())});
    Value value = product.getResult(0);
    if (sum != result.getElementType())
      value = arith::TruncFOp::create(rewriter, loc, result, value);
    rewriter.replaceOp(op, value);
    return success();
  }
};

/// Starts from the first element, so that no neutral element is needed:
///   for each result: acc = x[0]; for k = 1..n: acc = combine(acc, x[k])
struct ConvertReduce : OpConversionPattern<tt::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto source = cast<RankedTensorType>(op.getSrcs()[0].getType());
    if (source.getRank() == 1) {
      rewriter.replaceOp(op,
                         reduceLine(op, adaptor.getSrcs(), {}, rewriter, loc));
      return success();
    }
    // One tile for each result; a second result repeats the scan.
    SmallVector<Value> results;
    for (unsigned index = 0; index < op.getNumResults(); ++index) {
      auto type = cast<RankedTensorType>(op->getResult(index).getType());
      auto body = [&](OpBuilder &builder, Location loc, ValueRange) {
        SmallVector<Value> position;
        for (int64_t dim = 0; dim < type.getRank(); ++dim)
          position.push_back(linalg::IndexOp::create(builder, loc, dim));
        return reduceLine(op, adaptor.getSrcs(), position, builder, loc)[index];
      };
      results.push_back(buildTile(rewriter, loc, type, {}, {},
                                  /*hasResult=*/true, body));
    }
    rewriter.replaceOp(op, results);
    return success();
  }

  /// Reduces the elements whose other indices are `position`.
  static SmallVector<Value> reduceLine(tt::ReduceOp op, ValueRange sources,
                                       ArrayRef<Value> position,
                                       OpBuilder &builder, Location loc) {
    auto source = cast<RankedTensorType>(sources[0].getType());
    auto elementsAt = [&](OpBuilder &at, Value index) {
      SmallVector<Value> indices(position);
      indices.insert(indices.begin() + op.getAxis(), index);
      return llvm::map_to_vector(sources, [&](Value tile) -> Value {
        return tensor::ExtractOp::create(at, loc, tile, indices);
      });
    };
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    int64_t extent = source.getDimSize(op.getAxis());
    auto loop = scf::ForOp::create(
        builder, loc, constant(1), constant(extent), constant(1),
        elementsAt(builder, constant(0)),
        [&](OpBuilder &inner, Location, Value index, ValueRange carried) {
          SmallVector<Value> values(carried);
          llvm::append_range(values, elementsAt(inner, index));
          Block &combine = op.getCombineOp().front();
          IRMapping mapping;
          mapping.map(combine.getArguments(), values);
          for (Operation &nested : combine.without_terminator())
            allowReordering(inner.clone(nested, mapping));
          auto yielded = llvm::map_to_vector(
              combine.getTerminator()->getOperands(),
              [&](Value value) { return mapping.lookupOrDefault(value); });
          scf::YieldOp::create(inner, loc, yielded);
        });
    return llvm::to_vector(ValueRange(loop.getResults()));
  }

  /// The order of a reduction is not defined: let LLVM vectorise sums.
  static void allowReordering(Operation *op) {
    if (auto sum = dyn_cast<arith::AddFOp>(op))
      sum.setFastmath(sum.getFastmath() | arith::FastMathFlags::reassoc);
  }
};

/// One element after the other:
///   result[0] = x[0]; for k = 1..n: result[k] = combine(result[k - 1], x[k])
struct ConvertScan : OpConversionPattern<tt::ScanOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ScanOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto shape = cast<RankedTensorType>(op.getSrcs()[0].getType()).getShape();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(rewriter, loc, value);
    };
    SmallVector<Value> starts(shape.size(), constant(0)),
        steps(shape.size(), constant(1)),
        ends(llvm::map_range(shape, constant)), empty;
    for (Value source : op.getSrcs()) {
      auto type = cast<RankedTensorType>(source.getType());
      empty.push_back(
          tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType()));
    }
    auto nest = scf::buildLoopNest(
        rewriter, loc, starts, ends, steps, empty,
        [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange made) {
          return scanStep(op, adaptor.getSrcs(), made, indices, b, loc);
        });
    rewriter.replaceOp(op, nest.results);
    return success();
  }

  /// Adds the elements at `indices`, counted along the scan, to those `made`.
  static SmallVector<Value> scanStep(tt::ScanOp op, ValueRange sources,
                                     ValueRange made, ValueRange indices,
                                     OpBuilder &b, Location loc) {
    int64_t axis = op.getAxis();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value step = indices[axis], zero = constant(0);
    Value isFirst =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, step, zero);
    Value before = arith::SubIOp::create(b, loc, step, constant(1));
    before = arith::SelectOp::create(b, loc, isFirst, zero, before);
    auto place = [&](Value along) {
      SmallVector<Value> at(indices);
      int64_t extent =
          cast<RankedTensorType>(made[0].getType()).getDimSize(axis);
      at[axis] =
          op.getReverse()
              ? arith::SubIOp::create(b, loc, constant(extent - 1), along)
              : along;
      return at;
    };
    auto at = place(step), previous = place(before);
    SmallVector<Value> operands;
    for (Value tile : made)
      operands.push_back(tensor::ExtractOp::create(b, loc, tile, previous));
    for (Value tile : sources)
      operands.push_back(tensor::ExtractOp::create(b, loc, tile, at));
    Block &combine = op.getCombineOp().front();
    IRMapping mapping;
    mapping.map(combine.getArguments(), operands);
    for (Operation &nested : combine.without_terminator())
      b.clone(nested, mapping);
    SmallVector<Value> results;
    for (auto [index, value] :
         llvm::enumerate(combine.getTerminator()->getOperands())) {
      Value element = arith::SelectOp::create(b, loc, isFirst,
                                              operands[made.size() + index],
                                              mapping.lookupOrDefault(value));
      results.push_back(
          tensor::InsertOp::create(b, loc, element, made[index], at));
    }
    return results;
  }
};

/// By an op of this name, of the same type.
static void replaceByNamed(Operation *op, StringRef name, ValueRange operands,
                           ConversionPatternRewriter &rewriter) {
  OperationState state(op->getLoc(), name, operands, op->getResultTypes());
  rewriter.replaceOp(op, rewriter.create(state));
}

struct ConvertExternElementwise : OpConversionPattern<tt::ExternElementwiseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ExternElementwiseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    replaceByNamed(op, mathOpForDeviceFunction(op.getSymbol()),
                   adaptor.getSrcs(), rewriter);
    return success();
  }
};

/// Arithmetic, or a call of the runtime for each element, or nothing.
struct ConvertInlineAsm : OpConversionPattern<tt::ElementwiseInlineAsmOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::ElementwiseInlineAsmOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (StringRef known = mathOpForInstruction(op.getAsmString());
        !known.empty()) {
      replaceByNamed(op, known, adaptor.getArgs(), rewriter);
      return success();
    }
    StringRef name = *functionForInstruction(op.getAsmString());
    if (name.empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    Location loc = op.getLoc();
    Type result = op.getResult().front().getType();
    auto callee = declare(op->getParentOfType<ModuleOp>(), name, op, rewriter);
    SmallVector<Value> operands{
        LLVM::AddressOfOp::create(rewriter, loc, callee)};
    llvm::append_range(operands, adaptor.getArgs());
    auto call = [&](OpBuilder &builder, Location loc, ValueRange operands) {
      return LLVM::CallOp::create(builder, loc, callee.getFunctionType(),
                                  operands)
          .getResult();
    };
    Value made;
    if (auto tile = dyn_cast<RankedTensorType>(result))
      made = buildTile(rewriter, loc, tile, operands, {},
                       /*hasResult=*/!op->use_empty(), call);
    else
      made = call(rewriter, loc, operands);
    if (op->use_empty())
      rewriter.eraseOp(op);
    else
      rewriter.replaceOp(op, made);
    return success();
  }

  static LLVM::LLVMFuncOp declare(ModuleOp module, StringRef name,
                                  tt::ElementwiseInlineAsmOp op,
                                  OpBuilder &builder) {
    if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return known;
    SmallVector<Type> inputs;
    for (Type type : op.getArgs().getTypes())
      inputs.push_back(getElementTypeOrSelf(type));
    auto type = LLVM::LLVMFunctionType::get(
        getElementTypeOrSelf(op.getResult().front().getType()), inputs);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    return LLVM::LLVMFuncOp::create(builder, op.getLoc(), name, type);
  }
};

struct ConvertBitcast : OpConversionPattern<tt::BitcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::BitcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // An address is the same whatever lies there.
    if (isa<tt::PointerType>(getElementTypeOrSelf(op.getType())))
      rewriter.replaceOpWithMultiple(op, {adaptor.getSrc()});
    else
      rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(),
                                                    adaptor.getSrc().front());
    return success();
  }
};

/// A choice between scalar pointers.
struct ConvertPointerSelect : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, adaptor.getCondition(),
                                                 adaptor.getTrueValue(),
                                                 adaptor.getFalseValue());
    return success();
  }
};

} // namespace

void cpu::populateArithmeticPatterns(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns
      .add<ConvertDot, ConvertReduce, ConvertScan, ConvertBitcast,
           ConvertExternElementwise, ConvertInlineAsm, ConvertPointerSelect>(
          converter, patterns.getContext());
}
