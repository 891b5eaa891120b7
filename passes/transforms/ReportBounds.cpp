//===- ReportBounds.cpp - A kernel that says which keys another visits ----===//

#include "Passes.h"
#include "flex/Flex.h"
#include "transforms/NewKernel.h"
#include "transforms/TileBuilder.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXREPORTBOUNDS
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

struct ReportBoundsPass
    : public flex::impl::FlexReportBoundsBase<ReportBoundsPass> {
  void runOnOperation() override {
    SmallVector<tt::FuncOp> funcs(getOperation().getOps<tt::FuncOp>());
    for (tt::FuncOp func : funcs)
      if (failed(report(func)))
        return signalPassFailure();
  }

  LogicalResult report(tt::FuncOp func) {
    SmallVector<ForOp> loops;
    func.walk([&](ForOp loop) { loops.push_back(loop); });
    if (loops.empty())
      return success();
    if (loops.size() > 1 || !loops[0].getBlocks().getDefiningOp<RangeOp>() ||
        !func.getBody().hasOneBlock() || loops[0]->getParentOp() != func)
      return func.emitError("expected one loop over a flex.range, whose bounds "
                            "a second kernel can report");
    if (!func.getFunctionType().getResults().empty())
      return func.emitError("expected a kernel, which stores its results and "
                            "returns none");
    std::string name = (func.getName() + "_bounds").str();
    if (failed(checkNameIsFree(func, name, "the kernel that reports bounds")))
      return failure();
    OpBuilder builder(func);
    builder.setInsertionPointAfter(func);
    auto second = cast<tt::FuncOp>(builder.clone(*func));
    second.setSymName(name);
    writeBounds(second);
    ++numReports;
    return success();
  }

  /// Stores the loop's bounds in place of all that the kernel stores.
  static void writeBounds(tt::FuncOp func) {
    Type i32 = IntegerType::get(func.getContext(), 32);
    Value bounds = appendArgument(func, tt::PointerType::get(i32), {});
    Block &body = func.getBody().front();
    auto loop = *body.getOps<ForOp>().begin();
    auto range = loop.getBlocks().getDefiningOp<RangeOp>();
    TileBuilder b(loop.getLoc(), loop);
    Value zero = b.i32(0);
    Value program = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::X);
    Value place = b.mul(b.extend(program), b.i64(4));
    Value line = b.move(bounds, place);
    SmallVector<Value> ends = {range.getBegin(), range.getEnd(),
                               range.getSureBegin(), range.getSureEnd()};
    for (auto [index, end] : llvm::enumerate(ends)) {
      Value at = b.move(line, b.i32(index));
      tt::StoreOp::create(b, at, end ? end : zero, Value());
    }
    // The loop and what follows it serve results that nobody asks for.
    while (&*std::prev(body.end(), 2) != loop.getOperation())
      std::prev(body.end(), 2)->erase();
    loop.erase();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
