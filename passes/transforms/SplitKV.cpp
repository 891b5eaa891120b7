//===- SplitKV.cpp - The KV loop over several programs --------------------===//

#include "Passes.h"
#include "flex/Flex.h"
#include "flex/Width.h"
#include "transforms/FindOp.h"
#include "transforms/NewKernel.h"
#include "transforms/ResultStores.h"
#include "transforms/SoftmaxLoop.h"
#include "transforms/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::flex {
#define GEN_PASS_DEF_FLEXSPLITKV
#include "Passes.h.inc"
} // namespace mlir::flex

using namespace mlir;
using namespace mlir::flex;

namespace {

/// What the second kernel needs to know of the first.
struct Kernel {
  tt::FuncOp func;
  RowsOp rows;
  SmallVector<ForOp> loops;
  ResultStores stores;
};

std::string combineName(tt::FuncOp func) {
  return (func.getName() + "_combine").str();
}

class Splitting {
public:
  explicit Splitting(Kernel kernel)
      : k(kernel), b(kernel.func.getLoc(), kernel.func) {}

  void run() {
    appendArguments();
    sliceLoops();
    storePartials();
    addCombineKernel();
  }

private:
  void appendArguments() {
    auto f32Pointer = tt::PointerType::get(b.getF32Type());
    splits = appendArgument(k.func, b.getI32Type(), {});
    partialAcc = appendArgument(k.func, f32Pointer, alignedArgument(b));
    partialState = appendArgument(k.func, f32Pointer, alignedArgument(b));
  }

  void sliceLoops() {
    b.setInsertionPointToStart(&k.func.getBody().front());
    part = tt::GetProgramIdOp::create(b, tt::ProgramIDDim::Y);
    for (ForOp loop : k.loops) {
      b.setInsertionPoint(loop);
      Value mine = SliceOp::create(b, b.getType<BlocksType>(), loop.getBlocks(),
                                   part, splits);
      loop.getBlocksMutable().assign(mine);
    }
  }

  /// Partial results are the softmax as far as it went, [batch, head, query,
  /// split, column]: those of one row lie together for the kernel that combines
  /// them.
  void storePartials() {
    SmallVector<StoreOp> stores = k.stores.all();
    b.setInsertionPoint(*llvm::max_element(
        stores, [](StoreOp x, StoreOp y) { return x->isBeforeInBlock(y); }));
    Value one = arith::ConstantOp::create(b, b.getI32IntegerAttr(1));
    Value single =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, splits, one);
    auto branch = scf::IfOp::create(b, single, /*withElseRegion=*/true);
    for (StoreOp store : stores)
      store->moveBefore(branch.thenYield());

    b.setInsertionPoint(branch.elseYield());
    StoreOp out = k.stores.out;
    auto finish = out.getValue().getDefiningOp<SoftmaxFinishOp>();
    int64_t columns = out.getColumns();
    storePartial(finish.getAcc(), partialAcc, 0, columns);
    storePartial(finish.getMax(), partialState, 0, 2);
    storePartial(finish.getSum(), partialState, 1, 2);
  }

  /// `value` from column `first` on; a split has so many columns.
  void storePartial(Value value, Value pointer, int64_t first,
                    int64_t columns) {
    bool isTile = cast<RankedTensorType>(value.getType()).getRank() == 2;
    Value kvHeads = b.extend(k.rows.getKvHeads());
    Value heads = b.mul(kvHeads, b.i64(k.rows.getGroup()));
    Value split = b.i64(columns);
    Value query = b.mul(b.extend(splits), split);
    Value head = b.mul(b.extend(k.rows.getQLen()), query);
    Value batch = b.mul(heads, head);
    Value mine = b.mul(b.extend(part), split);
    if (first)
      mine = b.add(mine, b.i64(first));
    Value start = b.move(pointer, mine);
    SmallVector<Value> strides = {batch, head, query};
    if (isTile)
      strides.push_back(b.i64(1));
    Value view = ViewOp::create(
        b, ViewType::get(b.getContext(), strides.size(), b.getF32Type()), start,
        strides);
    StoreOp::create(b, value, view, k.rows.getBatch(), k.rows.getHead(),
                    k.stores.out.getIndex(), k.rows.getValid(),
                    b.getI32IntegerAttr(isTile ? columns : 1));
  }

  /// A kernel (partial_acc, partial_state, splits, heads, q_len, then the
  /// arguments that name the results).
  void addCombineKernel() {
    b.setInsertionPointAfter(k.func);
    auto f32Pointer = tt::PointerType::get(b.getF32Type());
    Type i32 = b.getI32Type();
    SmallVector<Type> types = {f32Pointer, f32Pointer, i32, i32, i32};
    SmallVector<DictionaryAttr> attrs;
    DictionaryAttr aligned = alignedArgument(b);
    attrs.assign({aligned, aligned, {}, {}, {}});
    SmallVector<Value> borrowed;
    for (StoreOp store : k.stores.all())
      for (Value operand : store.getView().getDefiningOp()->getOperands()) {
        auto arg = dyn_cast<BlockArgument>(operand);
        if (!arg)
          continue;
        borrowed.push_back(arg);
        types.push_back(arg.getType());
        attrs.push_back(k.func.getArgAttrDict(arg.getArgNumber()));
      }

    auto combine = tt::FuncOp::create(b, combineName(k.func),
                                      b.getFunctionType(types, {}));
    combine.setSymVisibilityAttr(b.getStringAttr("public"));
    Block *entry = combine.addEntryBlock();
    combine.setAllArgAttrs(attrs);
    b.setInsertionPointToStart(entry);
    IRMapping mapping;
    for (auto [from, to] :
         llvm::zip(borrowed, entry->getArguments().drop_front(5)))
      mapping.map(from, to);
    auto view = [&](StoreOp store) -> Value {
      if (!store)
        return {};
      Operation *op = store.getView().getDefiningOp();
      for (Value operand : op->getOperands())
        if (Operation *constant = operand.getDefiningOp())
          b.clone(*constant, mapping);
      return b.clone(*op, mapping)->getResult(0);
    };
    auto [out, lse, maxScores] = k.stores;
    Value outView = view(out), lseView = view(lse), maxView = view(maxScores);
    CombineOp::create(b, entry->getArgument(0), entry->getArgument(1),
                      entry->getArgument(2), entry->getArgument(3),
                      entry->getArgument(4), outView, lseView, maxView,
                      out.getColumnsAttr(),
                      b.getI32IntegerAttr(combinedAtOnce(out.getColumns())),
                      /*waits=*/UnitAttr());
    tt::ReturnOp::create(b);
  }

  Kernel k;
  TileBuilder b;
  Value splits, partialAcc, partialState, part;
};

struct SplitKVPass : public flex::impl::FlexSplitKVBase<SplitKVPass> {
  void runOnOperation() override {
    SmallVector<tt::FuncOp> funcs(getOperation().getOps<tt::FuncOp>());
    for (tt::FuncOp func : funcs)
      if (failed(split(func)))
        return signalPassFailure();
  }

  LogicalResult split(tt::FuncOp func) {
    Kernel kernel{func, {}, {}, {}};
    func.walk([&](ForOp loop) { kernel.loops.push_back(loop); });
    if (kernel.loops.empty())
      return success();
    SmallVector<SoftmaxFinishOp> finished;
    func.walk([&](SoftmaxFinishOp finish) { finished.push_back(finish); });
    if (finished.size() > 1) {
      auto diag = finished[1].emitError(
          "expected one attention in a kernel whose KV loop is split");
      diag.attachNote(finished[0].getLoc()) << "the first one is finished here";
      return diag;
    }
    if (finished.empty() || failed(findRowsAndStores(finished[0], kernel)))
      return func.emitError("expected a loop over KV whose finished softmax is "
                            "stored at the end of the kernel");
    if (failed(kernel.stores.checkAreAt(kernel.rows)) ||
        failed(secondKernelCanName(kernel)))
      return failure();
    if (findOp(func, isOfParts)) {
      func.emitRemark("the KV loop is not split: the kernel's programs along "
                      "axis y do other work");
      return success();
    }
    for (ForOp loop : kernel.loops)
      if (StringRef why = obstacle(loop, finished[0]); !why.empty()) {
        loop.emitRemark("the KV loop is not split: ") << why;
        return success();
      }
    if (!isOfLoop(finished[0]->getOperands())) {
      finished[0].emitRemark("the KV loop is not split: each part would count "
                             "what no loop gives");
      return success();
    }
    Splitting(kernel).run();
    numSplit += kernel.loops.size();
    return success();
  }

  /// Whether an op asks for programs along the axis that parts will have.
  static bool isOfParts(Operation *op) {
    auto number = dyn_cast<tt::GetProgramIdOp>(op);
    auto count = dyn_cast<tt::GetNumProgramsOp>(op);
    return (number && number.getAxis() == tt::ProgramIDDim::Y) ||
           (count && count.getAxis() == tt::ProgramIDDim::Y);
  }

  /// Whether `state` is what a loop has found, all of it.
  static bool isOfLoop(ValueRange state) {
    auto loop = state.front().getDefiningOp<ForOp>();
    return loop && state == ValueRange(loop.getResults());
  }

  /// Whether the state of a loop's softmax stands for no key, so that every
  /// part can start with it, or is another loop's.
  static bool startsEmpty(ForOp loop) {
    ValueRange state = loop.getInits();
    return isOfLoop(state) || (matchPattern(state[0], m_NegInfFloat()) &&
                               matchPattern(state[1], m_AnyZeroFloat()) &&
                               matchPattern(state[2], m_AnyZeroFloat()));
  }

  /// Whether what a loop finds, of which a part has its share alone, goes to
  /// `finish` or is where the next loop starts.
  static bool isStateOnly(ForOp loop, SoftmaxFinishOp finish) {
    return llvm::all_of(loop->getUsers(), [&](Operation *user) {
      return user == finish || isa<ForOp>(user);
    });
  }

  /// Why parts of a loop do not make up the whole; empty if they do.
  static StringRef obstacle(ForOp loop, SoftmaxFinishOp finish) {
    if (loop.getBlocks().getDefiningOp<SliceOp>())
      return "it visits a part";
    if (!softmaxOf(loop))
      return "it does more than an online softmax";
    if (!startsEmpty(loop))
      return "each part would count what it starts with";
    if (!isStateOnly(loop, finish))
      return "what a part finds is used before it is combined";
    return {};
  }

  /// Finds the ops that name the rows and the results: one flex.rows, one store
  /// of the result, and at most one of the log-sum-exp and of the largest
  /// score, all in one block.
  LogicalResult findRowsAndStores(SoftmaxFinishOp finish, Kernel &kernel) {
    Block *block = finish->getBlock();
    if (!kernel.func.getBody().hasOneBlock() ||
        block != &kernel.func.getBody().front())
      return failure();
    auto rows = llvm::to_vector(block->getOps<RowsOp>());
    if (rows.size() != 1)
      return failure();
    kernel.rows = rows.front();
    for (StoreOp store : block->getOps<StoreOp>())
      if (failed(kernel.stores.add(store, finish)))
        return failure();
    for (Operation *user : finish->getUsers())
      if (!llvm::is_contained(kernel.stores.all(), user))
        return failure();
    StoreOp out = kernel.stores.out;
    return success(out && kernel.rows->isBeforeInBlock(out));
  }

  LogicalResult secondKernelCanName(const Kernel &kernel) {
    for (StoreOp store : kernel.stores.all()) {
      auto view = store.getView().getDefiningOp<ViewOp>();
      bool known = view && llvm::all_of(view->getOperands(), [](Value operand) {
                     return isa<BlockArgument>(operand) ||
                            operand.getDefiningOp<arith::ConstantOp>();
                   });
      if (!known)
        return store.emitError(
            "expected a result named by arguments and "
            "constants, so that a second kernel can name it");
    }
    return checkNameIsFree(kernel.func, combineName(kernel.func),
                           "the second kernel");
  }
};

} // namespace
