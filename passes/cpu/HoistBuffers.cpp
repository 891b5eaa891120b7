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

namespace {
struct CpuHoistBuffersPass
    : cpu::impl::CpuHoistBuffersBase<CpuHoistBuffersPass> {
  using CpuHoistBuffersBase::CpuHoistBuffersBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
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
