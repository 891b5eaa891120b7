//===- Pipelines.cpp - The order of the passes ----------------------------===//

#include "Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::flex;

namespace {

struct DecodeOptions : public PassPipelineOptions<DecodeOptions> {
  Option<bool> maskFromScore{*this, "mask-from-score", llvm::cl::init(true),
                             llvm::cl::desc("run flex-mask-from-score")};
  Option<bool> deriveBounds{*this, "derive-bounds", llvm::cl::init(true),
                            llvm::cl::desc("run flex-derive-bounds")};
  Option<bool> packGqa{*this, "pack-gqa", llvm::cl::init(true),
                       llvm::cl::desc("run flex-pack-gqa")};
  Option<bool> listBlocks{*this, "list-blocks", llvm::cl::init(false),
                          llvm::cl::desc("run flex-list-blocks")};
  Option<bool> reportBounds{*this, "report-bounds", llvm::cl::init(false),
                            llvm::cl::desc("run flex-report-bounds")};
  Option<bool> fuseBlockLoops{*this, "fuse-block-loops", llvm::cl::init(true),
                              llvm::cl::desc("run flex-fuse-block-loops")};
  Option<bool> splitKv{*this, "split-kv", llvm::cl::init(true),
                       llvm::cl::desc("run flex-split-kv")};
  Option<bool> combineInCluster{
      *this, "combine-in-cluster", llvm::cl::init(false),
      llvm::cl::desc("run flex-combine-in-cluster; needs sm_90")};
  Option<bool> inlineMods{*this, "inline-mods", llvm::cl::init(true),
                          llvm::cl::desc("run flex-inline-mods")};
  Option<bool> skipPadding{*this, "skip-padding", llvm::cl::init(true),
                           llvm::cl::desc("run flex-skip-padding")};
  Option<bool> overlapKernels{
      *this, "overlap-kernels", llvm::cl::init(false),
      llvm::cl::desc("run flex-overlap-kernels; needs sm_90")};
  Option<bool> fastMath{*this, "fast-math", llvm::cl::init(true),
                        llvm::cl::desc("run flex-fast-math")};
  Option<bool> deferSums{*this, "defer-sums", llvm::cl::init(true),
                         llvm::cl::desc("run flex-defer-sums")};
  Option<bool> widenLoads{*this, "widen-loads", llvm::cl::init(true),
                          llvm::cl::desc("run flex-widen-loads")};
  Option<bool> splitProducts{
      *this, "split-products", llvm::cl::init(false),
      llvm::cl::desc("run flex-split-products; needs TF32")};
  Option<bool> padProducts{*this, "pad-products", llvm::cl::init(false),
                           llvm::cl::desc("run flex-pad-products; for GPUs")};
  Option<int64_t> heads{
      *this, "heads", llvm::cl::init(0),
      llvm::cl::desc("query heads in a tile; 0: as many as fit")};
  Option<int64_t> queries{
      *this, "queries", llvm::cl::init(0),
      llvm::cl::desc("most queries of a call, for flex-list-blocks; 0: any")};
  Option<std::string> kernel{*this, "kernel", llvm::cl::init("decode"),
                             llvm::cl::desc("the kernel to keep")};
  Option<std::string> target{*this, "target", llvm::cl::init("cuda"),
                             llvm::cl::desc("cuda or hip")};
  Option<int64_t> gfx{*this, "gfx", llvm::cl::init(9),
                      llvm::cl::desc("the generation of AMD's GPUs, 9 to 12")};
};

/// Each stage may be left out; the kernel gives the same answer without it.
void addOptimisations(OpPassManager &pm, const DecodeOptions &options) {
  // Bounds first: the loop is still over all keys, with one mask.
  if (options.deriveBounds)
    pm.addPass(createFlexDeriveBounds());
  // Packing next: it decides which rows every later stage sees.
  if (options.packGqa)
    pm.addPass(createFlexPackGQA(FlexPackGQAOptions{options.heads}));
  // After packing, which settles the rows that share a list.
  if (options.listBlocks)
    pm.addPass(createFlexListBlocks(FlexListBlocksOptions{options.queries}));
  // The rows of a tile are settled, and its loop is still whole.
  if (options.reportBounds)
    pm.addPass(createFlexReportBounds());
  // Fusion before splitting, so that a split divides the sum of both loops.
  if (options.fuseBlockLoops)
    pm.addPass(createFlexFuseBlockLoops());
  if (options.splitKv)
    pm.addPass(createFlexSplitKV());
  if (options.combineInCluster && options.splitKv && options.target == "cuda")
    pm.addPass(createFlexCombineInCluster());
  // Mods late: the passes above read and move them while they are single ops.
  if (options.inlineMods)
    pm.addPass(createFlexInlineMods());
  // What is left in the loop is read there.
  if (options.skipPadding)
    pm.addPass(createFlexSkipPadding());
  // Last: what the mods read ahead of the loop needs no other kernel.
  if (options.overlapKernels && options.target == "cuda")
    pm.addPass(createFlexOverlapKernels());
}

/// Triton runs none of its own TTIR passes on text, so these stand in.
void addCleanup(OpPassManager &pm, const DecodeOptions &options) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Between: it looks for constants, and leaves what the rest takes away.
  if (options.fastMath)
    pm.addPass(createFlexFastMath());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCSEPass());
}

void buildDecodePipeline(OpPassManager &pm, const DecodeOptions &options) {
  // Before the mods are applied to tiles: it takes one of them apart.
  if (options.maskFromScore)
    pm.addPass(createFlexMaskFromScore());
  pm.addPass(createFlexExpandDecode());
  addOptimisations(pm, options);
  pm.addPass(createFlexExtractKernel(FlexExtractKernelOptions{options.kernel}));
  pm.addPass(createFlexToTriton());
  // The mods are inlined by now; what is left of them has no caller.
  pm.addPass(createFlexExtractKernel(FlexExtractKernelOptions{options.kernel}));
  addCleanup(pm, options);
  // The sum of a row and the products are plain ops by now.
  if (options.deferSums)
    pm.addPass(createFlexDeferSums());
  // The loads of mods are where they stay.
  if (options.widenLoads)
    pm.addPass(createFlexWidenLoads());
  if (options.splitProducts && options.target == "cuda")
    pm.addPass(createFlexSplitProducts());
  // Behind all that looks at products.
  if (options.padProducts)
    pm.addPass(createFlexPadProducts(
        FlexPadProductsOptions{options.target, options.gfx}));
  // After cleanup, which folds and merges math ops but not calls.
  pm.addPass(createFlexLegalizeMath(
      FlexLegalizeMathOptions{options.target, options.gfx}));
}

} // namespace

void flex::registerFlexPipelines() {
  PassPipelineRegistration<DecodeOptions>(
      "flex-decode-pipeline", "flex.decode to a kernel in Triton's TTIR",
      buildDecodePipeline);
}
