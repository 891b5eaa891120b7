//===- MemoryToLinalg.cpp - Pointers, loads and stores --------------------===//
//
// A scalar pointer is one !llvm.ptr. A tensor of pointers is a base !llvm.ptr
// and a tensor of byte offsets from it.
//
//===----------------------------------------------------------------------===//

#include "cpu/TritonToLinalg.h"
#include "tt/Triton.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::cpu;

/// The size in memory of what a pointer (or each of a tensor of them) means.
static int64_t pointeeBytes(Type pointerLike) {
  Type pointee = getElementTypeOrSelf(tt::pointeeTypeOf(pointerLike));
  return (pointee.getIntOrFloatBitWidth() + 7) / 8;
}

static Value addressOf(OpBuilder &builder, Location loc, Value base,
                       Value byteOffset) {
  return LLVM::GEPOp::create(builder, loc, base.getType(), builder.getI8Type(),
                             base, ArrayRef<LLVM::GEPArg>{byteOffset});
}

/// The value of `access`, guarded by `mask` where there is one; `other` where
/// the mask is false. Without `other` the access is run for its effects.
static Value guarded(OpBuilder &builder, Location loc, Value mask, Value other,
                     function_ref<Value(OpBuilder &)> access) {
  if (!mask)
    return access(builder);
  if (!other) {
    scf::IfOp::create(builder, loc, mask, [&](OpBuilder &then, Location) {
      access(then);
      scf::YieldOp::create(then, loc);
    });
    return Value();
  }
  auto branch = scf::IfOp::create(
      builder, loc, mask,
      [&](OpBuilder &then, Location) {
        scf::YieldOp::create(then, loc, access(then));
      },
      [&](OpBuilder &otherwise, Location) {
        scf::YieldOp::create(otherwise, loc, other);
      });
  return branch.getResult(0);
}

static Value zeroOf(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

/// Does `access(address, value)` at a scalar pointer or for each element of a
/// tensor of them. `value` and `mask` may be absent; `other` is the result
/// where the mask is false, zero if absent. Returns nothing without `result`.
static Value accessEach(OpBuilder &builder, Location loc, ValueRange pointer,
                        Value value, Value mask, Value other, Type result,
                        function_ref<Value(OpBuilder &, Value, Value)> access) {
  Type element = result ? getElementTypeOrSelf(result) : Type();
  if (pointer.size() == 1) {
    if (result && mask && !other)
      other = zeroOf(builder, loc, element);
    return guarded(builder, loc, mask, other, [&](OpBuilder &inner) {
      return access(inner, pointer[0], value);
    });
  }
  SmallVector<Value> inputs{pointer[0], pointer[1]};
  for (Value tile : {value, mask, other})
    if (tile)
      inputs.push_back(tile);
  auto space = cast<RankedTensorType>(pointer[1].getType());
  if (result)
    space = cast<RankedTensorType>(result);
  return buildTile(
      builder, loc, space, inputs, {}, bool(result),
      [&](OpBuilder &body, Location loc, ValueRange lane) -> Value {
        size_t next = 2;
        Value laneValue = value ? lane[next++] : Value();
        Value laneMask = mask ? lane[next++] : Value();
        Value laneOther = other ? lane[next++] : Value();
        if (result && laneMask && !laneOther)
          laneOther = zeroOf(body, loc, element);
        return guarded(body, loc, laneMask, laneOther, [&](OpBuilder &inner) {
          Value address = addressOf(inner, loc, lane[0], lane[1]);
          return access(inner, address, laneValue);
        });
      });
}

namespace {

/// The one value of an operand that may be absent.
Value optional(ValueRange values) {
  return values.empty() ? Value() : values.front();
}

struct ConvertAddPtr : OpConversionPattern<tt::AddPtrOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::AddPtrOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value offset = adaptor.getOffset().front();
    Type wide = rewriter.getI64Type();
    if (auto tensor = dyn_cast<RankedTensorType>(offset.getType()))
      wide = tensor.clone(wide);
    if (offset.getType() != wide)
      offset = arith::ExtSIOp::create(rewriter, loc, wide, offset);
    Value size = arith::ConstantOp::create(
        rewriter, loc,
        isa<RankedTensorType>(wide)
            ? TypedAttr(DenseElementsAttr::get(
                  cast<ShapedType>(wide),
                  rewriter.getI64IntegerAttr(pointeeBytes(op.getType()))))
            : rewriter.getI64IntegerAttr(pointeeBytes(op.getType())));
    auto noWrap = arith::IntegerOverflowFlags::nsw;
    Value bytes =
        rewriter.createOrFold<arith::MulIOp>(loc, offset, size, noWrap);
    ValueRange pointer = adaptor.getPtr();
    if (pointer.size() == 1) {
      rewriter.replaceOp(op, addressOf(rewriter, loc, pointer[0], bytes));
      return success();
    }
    Value sum =
        rewriter.createOrFold<arith::AddIOp>(loc, pointer[1], bytes, noWrap);
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>{pointer[0], sum}});
    return success();
  }
};

struct ConvertPtrToInt : OpConversionPattern<tt::PtrToIntOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::PtrToIntOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ValueRange pointer = adaptor.getSrc();
    Value base = LLVM::PtrToIntOp::create(rewriter, loc, rewriter.getI64Type(),
                                          pointer[0]);
    if (pointer.size() == 1) {
      rewriter.replaceOp(op, base);
      return success();
    }
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(
        op, buildTile(rewriter, loc, type, {pointer[1], base}, {},
                      /*hasResult=*/true,
                      [](OpBuilder &body, Location loc, ValueRange lane) {
                        return arith::AddIOp::create(body, loc, lane[0],
                                                     lane[1]);
                      }));
    return success();
  }
};

struct ConvertLoad : OpConversionPattern<tt::LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    Value loaded = accessEach(
        rewriter, op.getLoc(), adaptor.getPtr(), Value(),
        optional(adaptor.getMask()), optional(adaptor.getOther()), op.getType(),
        [&](OpBuilder &builder, Value address, Value) -> Value {
          return LLVM::LoadOp::create(builder, op.getLoc(), element, address,
                                      /*alignment=*/0, op.getIsVolatile());
        });
    rewriter.replaceOp(op, loaded);
    return success();
  }
};

struct ConvertStore : OpConversionPattern<tt::StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tt::StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    accessEach(rewriter, op.getLoc(), adaptor.getPtr(),
               adaptor.getValue().front(), optional(adaptor.getMask()), Value(),
               Type(), [&](OpBuilder &builder, Value address, Value value) {
                 LLVM::StoreOp::create(builder, op.getLoc(), value, address);
                 return Value();
               });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void cpu::populateMemoryPatterns(const TypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<ConvertAddPtr, ConvertPtrToInt, ConvertLoad, ConvertStore>(
      converter, patterns.getContext());
}
