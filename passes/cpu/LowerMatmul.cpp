//===- LowerMatmul.cpp - cpu-lower-matmul ---------------------------------===//

#include "cpu/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPULOWERMATMUL
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

/// Four rows of 64 bytes: eight of the sixteen registers of AVX2, four of the
/// thirty-two of AVX-512 or eight pairs of NEON's.
static constexpr int64_t kBlockRows = 4;
static constexpr int64_t kBlockBytes = 64;

/// The largest power of two up to `limit` that divides `size`.
static int64_t blockSize(int64_t size, int64_t limit) {
  int64_t block = limit;
  while (size % block != 0)
    block /= 2;
  return block;
}

static LogicalResult lowerMatmul(linalg::MatmulOp op) {
  if (op.hasUserDefinedMaps())
    return op.emitError() << "expected rows times columns, got maps of its own";
  Value left = op.getInputs()[0], right = op.getInputs()[1];
  Value result = op.getOutputs()[0];
  auto type = dyn_cast<MemRefType>(result.getType());
  auto leftType = dyn_cast<MemRefType>(left.getType());
  auto rightType = dyn_cast<MemRefType>(right.getType());
  if (!type || !leftType || !rightType || !type.hasStaticShape() ||
      !leftType.hasStaticShape())
    return op.emitError() << "expected buffers of static size";
  // These two are touched by the vector.
  if (!rightType.isLastDimUnitStride() || !type.isLastDimUnitStride())
    return op.emitError() << "expected a right side and a result whose rows "
                             "have a stride of 1";
  Type element = type.getElementType();
  if (leftType.getElementType() != element ||
      rightType.getElementType() != element || !isa<FloatType>(element))
    return op.emitError() << "expected buffers of one float type";

  int64_t rows = blockSize(type.getDimSize(0), kBlockRows);
  int64_t columns = blockSize(
      type.getDimSize(1), kBlockBytes * 8 / element.getIntOrFloatBitWidth());
  auto vector = VectorType::get({columns}, element);
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value zero = constant(0), one = constant(1);
  Value depth = constant(leftType.getDimSize(1));
  Value rowEnd = constant(type.getDimSize(0)), rowStep = constant(rows);
  Value columnEnd = constant(type.getDimSize(1)),
        columnStep = constant(columns);
  auto byRow = scf::ForOp::create(builder, loc, zero, rowEnd, rowStep);
  builder.setInsertionPointToStart(byRow.getBody());
  SmallVector<Value> row{byRow.getInductionVar()};
  for (int64_t offset = 1; offset < rows; ++offset)
    row.push_back(
        arith::AddIOp::create(builder, loc, row[0], constant(offset)));
  auto byColumn = scf::ForOp::create(builder, loc, zero, columnEnd, columnStep);
  builder.setInsertionPointToStart(byColumn.getBody());
  Value column = byColumn.getInductionVar();
  auto sums = llvm::map_to_vector(row, [&](Value index) -> Value {
    return vector::LoadOp::create(builder, loc, vector, result,
                                  ValueRange{index, column});
  });
  auto byDepth = scf::ForOp::create(
      builder, loc, zero, depth, one, sums,
      [&](OpBuilder &inner, Location, Value k, ValueRange carried) {
        Value factor = vector::LoadOp::create(inner, loc, vector, right,
                                              ValueRange{k, column});
        SmallVector<Value> next;
        for (auto [index, sum] : llvm::zip(row, carried)) {
          Value scalar =
              memref::LoadOp::create(inner, loc, left, ValueRange{index, k});
          Value splat = vector::BroadcastOp::create(inner, loc, vector, scalar);
          next.push_back(vector::FMAOp::create(inner, loc, splat, factor, sum));
        }
        scf::YieldOp::create(inner, loc, next);
      });
  for (auto [index, sum] : llvm::zip(row, byDepth.getResults()))
    vector::StoreOp::create(builder, loc, sum, result,
                            ValueRange{index, column});
  op.erase();
  return success();
}

namespace {
struct CpuLowerMatmulPass : cpu::impl::CpuLowerMatmulBase<CpuLowerMatmulPass> {
  void runOnOperation() override {
    SmallVector<linalg::MatmulOp> products;
    getOperation().walk([&](linalg::MatmulOp op) { products.push_back(op); });
    for (linalg::MatmulOp op : products)
      if (failed(lowerMatmul(op)))
        return signalPassFailure();
  }
};
} // namespace
