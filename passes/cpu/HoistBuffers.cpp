//===- HoistBuffers.cpp - cpu-hoist-buffers -------------------------------===//

#include "cpu/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::cpu {
#define GEN_PASS_DEF_CPUHOISTBUFFERS
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

static int64_t bytesOf(MemRefType type) {
  unsigned bits =
      type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  return type.getNumElements() * ((bits + 7) / 8);
}

/// Checks that each buffer can live from the start of the function to its end.
static LogicalResult checkLifetimes(func::FuncOp func) {
  if (!func.getBody().hasOneBlock())
    return func.emitError("expected a body of one block, at whose end buffers "
                          "are freed");
  if (llvm::any_of(func.getResultTypes(), llvm::IsaPred<BaseMemRefType>))
    return func.emitError("expected a function that returns no buffer");
  auto freed = func.walk([](memref::DeallocOp free) -> WalkResult {
    return free.emitError("expected buffers that nothing frees yet");
  });
  return failure(freed.wasInterrupted());
}

namespace {
struct CpuHoistBuffersPass
    : cpu::impl::CpuHoistBuffersBase<CpuHoistBuffersPass> {
  using CpuHoistBuffersBase::CpuHoistBuffersBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (failed(checkLifetimes(func)))
      return signalPassFailure();
    Block &entry = func.getBody().front();
    SmallVector<memref::AllocOp> allocs;
    func.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    OpBuilder atStart = OpBuilder::atBlockBegin(&entry);
    OpBuilder atEnd(entry.getTerminator());
    for (memref::AllocOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape()) {
        alloc.emitError() << "expected a buffer of static size, got " << type;
        return signalPassFailure();
      }
      if (!type.getElementType().isIntOrIndexOrFloat()) {
        alloc.emitError() << "expected a buffer of integers, indices or "
                             "floats, got "
                          << type;
        return signalPassFailure();
      }
      Value buffer;
      if (bytesOf(type) <= maxStackBytes) {
        buffer = memref::AllocaOp::create(atStart, alloc.getLoc(), type,
                                          alloc.getAlignmentAttr());
      } else {
        buffer = memref::AllocOp::create(atStart, alloc.getLoc(), type,
                                         alloc.getAlignmentAttr());
        memref::DeallocOp::create(atEnd, alloc.getLoc(), buffer);
      }
      alloc.replaceAllUsesWith(buffer);
      alloc.erase();
    }
  }
};
} // namespace
