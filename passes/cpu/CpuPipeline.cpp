//===- CpuPipeline.cpp - The one list of the CPU backend's passes ---------===//

#include "cpu/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::cpu {
#define GEN_PASS_REGISTRATION
#include "cpu/Passes.h.inc"
} // namespace mlir::cpu

using namespace mlir;
using namespace mlir::cpu;

/// tt to few, large linalg loops on tensors.
static void addTileStage(OpPassManager &manager) {
  manager.addPass(createConvertTritonToLinalg());
  OpPassManager &func = manager.nest<func::FuncOp>();
  func.addPass(createConvertElementwiseToLinalgPass());
  func.addPass(createCSEPass());
  // Widened operands of products, mostly; fusion takes back what is cheap.
  func.addPass(createLoopInvariantCodeMotionPass());
  func.addPass(createCpuFuseTiles());
  func.addPass(createCSEPass());
}

/// Tensors to buffers, each allocated once.
static void addBufferStage(OpPassManager &manager) {
  manager.addNestedPass<func::FuncOp>(createCpuCarryInPlace());
  // After the carried buffers are known as destinations.
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  manager.addPass(bufferization::createOneShotBufferizePass());
  OpPassManager &func = manager.nest<func::FuncOp>();
  func.addPass(createCanonicalizerPass());
  func.addPass(createCpuHoistBuffers());
}

/// Linalg on buffers to loops over scalars and vectors.
static void addLoopStage(OpPassManager &manager) {
  OpPassManager &func = manager.nest<func::FuncOp>();
  func.addPass(createCpuLowerMatmul());
  func.addPass(createConvertLinalgToLoopsPass());
  // Other shapes of a buffer, by affine arithmetic.
  func.addPass(memref::createExpandStridedMetadataPass());
  func.addPass(createLowerAffinePass());
  // Small floats compute in f32 and round after each operation, as torch does.
  func.addPass(math::createMathExtendToSupportedTypes());
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16", "f16"};
  emulate.targetTypeStr = "f32";
  func.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
  // Expansion makes new divisions, so it stands before their guard; the guard
  // makes f32 conversions to bf16, so expansion of these comes after it.
  func.addPass(arith::createArithExpandOpsPass());
  func.addPass(createCpuLegalizeScalars());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  func.addPass(arith::createArithExpandOpsPass(expand));
}

/// All that is left to the LLVM dialect.
static void addLLVMStage(OpPassManager &manager) {
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  // As log(1 + x), log1p would lose every small x.
  ConvertMathToLLVMPassOptions math;
  math.approximateLog1p = false;
  manager.addPass(createConvertMathToLLVMPass(math));
  manager.addPass(createConvertMathToLibmPass());
  FinalizeMemRefToLLVMConversionPassOptions memory;
  memory.useAlignedAlloc = true;
  manager.addPass(createFinalizeMemRefToLLVMConversionPass(memory));
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCpuStoreBf16AsBits());
}

void cpu::buildCpuPipeline(OpPassManager &manager) {
  addTileStage(manager);
  addBufferStage(manager);
  addLoopStage(manager);
  addLLVMStage(manager);
}

/// Registers the upstream passes above by name, for reproducers and tests.
static void registerUpstreamPasses() {
  using Allocator = std::unique_ptr<Pass> (*)();
  static constexpr Allocator kPasses[] = {
      [] { return createConvertElementwiseToLinalgPass(); },
      [] { return bufferization::createEmptyTensorEliminationPass(); },
      [] { return bufferization::createOneShotBufferizePass(); },
      [] { return createConvertLinalgToLoopsPass(); },
      [] { return memref::createExpandStridedMetadataPass(); },
      [] { return createLowerAffinePass(); },
      [] { return math::createMathExtendToSupportedTypes(); },
      [] { return arith::createArithEmulateUnsupportedFloats(); },
      [] { return arith::createArithExpandOpsPass(); },
      [] { return createSCFToControlFlowPass(); },
      [] { return createConvertVectorToLLVMPass(); },
      [] { return createConvertMathToLLVMPass(); },
      [] { return createConvertMathToLibmPass(); },
      [] { return createFinalizeMemRefToLLVMConversionPass(); },
      [] { return createArithToLLVMConversionPass(); },
      [] { return createConvertControlFlowToLLVMPass(); },
      [] { return createConvertFuncToLLVMPass(); },
      [] { return createConvertIndexToLLVMPass(); },
      [] { return createUBToLLVMConversionPass(); },
      [] { return createReconcileUnrealizedCastsPass(); },
  };
  for (Allocator create : kPasses)
    registerPass(create);
}

void cpu::registerCpuBackend() {
  registerCpuPasses();
  registerUpstreamPasses();
  PassPipelineRegistration<>(
      "pyflex-cpu-pipeline",
      "Lowers a kernel in tt to the LLVM dialect, for the host's CPU",
      buildCpuPipeline);
}
