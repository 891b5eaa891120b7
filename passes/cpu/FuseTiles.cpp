//===- FuseTiles.cpp - cpu-fuse-tiles -------------------------------------===//

#include "Effects.h"
#include "cpu/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPUFUSETILES
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

/// The most operations that are repeated rather than kept in memory.
static constexpr size_t kCheapOps = 12;

/// Whether a tile computes offsets, masks or copies alone.
static bool isCheap(linalg::GenericOp op) {
  Block &body = op.getRegion().front();
  if (body.getOperations().size() > kCheapOps)
    return false;
  return llvm::all_of(body.without_terminator(), [](Operation &nested) {
    if (isa<linalg::IndexOp, arith::ConstantOp, affine::AffineApplyOp>(nested))
      return true;
    if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
            arith::FloorDivSIOp>(nested))
      return false;
    return isa<arith::ArithDialect>(nested.getDialect()) &&
           llvm::all_of(nested.getResultTypes(),
                        [](Type type) { return type.isIntOrIndex(); });
  });
}

/// Whether `producer` may run as late as `consumer`, and with it: element by
/// element, one would be written where the next is read.
static bool canSink(Operation *producer, Operation *consumer) {
  if (isMemoryEffectFree(producer))
    return true;
  if (!flex::onlyReads(producer) || !flex::onlyReads(consumer))
    return false;
  for (Operation *op = producer->getNextNode(); op != consumer;
       op = op->getNextNode())
    if (!flex::onlyReads(op))
      return false;
  return true;
}

static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = cast<linalg::GenericOp>(operand->getOwner());
  if (!producer)
    return false;
  if (isCheap(producer))
    return true;
  // A broadcast would repeat the work for each copy.
  if (!consumer.getMatchingIndexingMap(operand).isPermutation())
    return false;
  // Two uses by one consumer would repeat it too, until they are made one.
  return producer->hasOneUse() &&
         producer->getBlock() == consumer->getBlock() &&
         canSink(producer, consumer);
}

namespace {
struct CpuFuseTilesPass : cpu::impl::CpuFuseTilesBase<CpuFuseTilesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [this](OpOperand *operand) {
          bool fuse = shouldFuse(operand);
          if (fuse)
            ++numFused;
          return fuse;
        });
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    linalg::FillOp::getCanonicalizationPatterns(patterns, &getContext());
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
