//===- Optimize.cpp - LLVM passes for kernels -----------------------------===//
//
// A kernel is one function of loop nests over tiles, without calls to inline.
// The passes it needs are named here one by one rather than taken from LLVM's
// PassBuilder, whose -O2 compiles such a function no better, and which would
// bring every pass that LLVM has into the library (10 MB).
//
//===----------------------------------------------------------------------===//

#include "cpu/Optimize.h"

#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/BasicAliasAnalysis.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/BranchProbabilityInfo.h"
#include "llvm/Analysis/DemandedBits.h"
#include "llvm/Analysis/LastRunTrackingAnalysis.h"
#include "llvm/Analysis/LoopAccessAnalysis.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/MemoryDependenceAnalysis.h"
#include "llvm/Analysis/MemorySSA.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/PostDominators.h"
#include "llvm/Analysis/ProfileSummaryInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopDeletion.h"
#include "llvm/Transforms/Scalar/LoopIdiomRecognize.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimpleLoopUnswitch.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Vectorize/LoopVectorize.h"

using namespace llvm;

namespace {
/// The analyses that the passes below ask for, and the links between their
/// managers.
struct Analyses {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  ModuleAnalysisManager modules;

  explicit Analyses(TargetMachine &target) {
    functions.registerPass([] {
      AAManager aliases;
      aliases.registerFunctionAnalysis<BasicAA>();
      return aliases;
    });
    functions.registerPass([&] { return target.getTargetIRAnalysis(); });
    functions.registerPass([&] {
      return TargetLibraryAnalysis(
          TargetLibraryInfoImpl(target.getTargetTriple()));
    });
    addTo<AssumptionAnalysis, BasicAA, BlockFrequencyAnalysis,
          BranchProbabilityAnalysis, DemandedBitsAnalysis,
          DominatorTreeAnalysis, LastRunTrackingAnalysis, LoopAccessAnalysis,
          LoopAnalysis, MemoryDependenceAnalysis, MemorySSAAnalysis,
          OptimizationRemarkEmitterAnalysis, PassInstrumentationAnalysis,
          PostDominatorTreeAnalysis, ScalarEvolutionAnalysis,
          ShouldRunExtraVectorPasses>(functions);
    addTo<PassInstrumentationAnalysis, ShouldRunExtraSimpleLoopUnswitch>(loops);
    addTo<PassInstrumentationAnalysis, ProfileSummaryAnalysis>(modules);
    modules.registerPass(
        [&] { return FunctionAnalysisManagerModuleProxy(functions); });
    functions.registerPass(
        [&] { return ModuleAnalysisManagerFunctionProxy(modules); });
    functions.registerPass(
        [&] { return LoopAnalysisManagerFunctionProxy(loops); });
    loops.registerPass(
        [&] { return FunctionAnalysisManagerLoopProxy(functions); });
  }

  template <typename... Passes, typename Manager>
  static void addTo(Manager &manager) {
    (manager.registerPass([] { return Passes(); }), ...);
  }
};
} // namespace

/// Memory to registers, and what masks depend on out of the inner loops.
static void addSimplification(FunctionPassManager &manager) {
  manager.addPass(SimplifyCFGPass());
  manager.addPass(SROAPass(SROAOptions::ModifyCFG));
  manager.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  manager.addPass(InstCombinePass());
  LoopPassManager outer;
  outer.addPass(LoopRotatePass());
  outer.addPass(LICMPass(LICMOptions()));
  // A mask that is the same for a whole row decides once for the row.
  outer.addPass(SimpleLoopUnswitchPass(/*NonTrivial=*/true));
  manager.addPass(createFunctionToLoopPassAdaptor(std::move(outer),
                                                  /*UseMemorySSA=*/true));
  manager.addPass(SimplifyCFGPass());
  manager.addPass(InstCombinePass());
  LoopPassManager inner;
  inner.addPass(LoopIdiomRecognizePass());
  inner.addPass(IndVarSimplifyPass());
  inner.addPass(LoopDeletionPass());
  manager.addPass(createFunctionToLoopPassAdaptor(std::move(inner)));
  manager.addPass(GVNPass());
}

static void addVectorization(FunctionPassManager &manager) {
  manager.addPass(LoopVectorizePass());
  manager.addPass(InstCombinePass());
  manager.addPass(SimplifyCFGPass());
  LoopPassManager hoist;
  hoist.addPass(LICMPass(LICMOptions()));
  manager.addPass(createFunctionToLoopPassAdaptor(std::move(hoist),
                                                  /*UseMemorySSA=*/true));
  manager.addPass(EarlyCSEPass());
  manager.addPass(SimplifyCFGPass());
}

void mlir::cpu::optimize(Module &module, TargetMachine &target) {
  Analyses analyses(target);
  FunctionPassManager manager;
  addSimplification(manager);
  addVectorization(manager);
  for (Function &function : module)
    if (!function.isDeclaration())
      manager.run(function, analyses.functions);
}
