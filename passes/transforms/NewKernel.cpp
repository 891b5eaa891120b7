//===- NewKernel.cpp - Kernels that a pass adds ---------------------------===//

#include "transforms/NewKernel.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::flex;

DictionaryAttr flex::alignedArgument(Builder &b) {
  return b.getDictionaryAttr(
      b.getNamedAttr("tt.divisibility", b.getI32IntegerAttr(16)));
}

Value flex::appendArgument(tt::FuncOp func, Type type, DictionaryAttr attrs) {
  unsigned index = func.getNumArguments();
  (void)func.insertArgument(index, type, attrs, func.getLoc());
  return func.getArgument(index);
}

LogicalResult flex::checkNameIsFree(tt::FuncOp func, StringRef name,
                                    StringRef taker) {
  Operation *taken = SymbolTable::lookupSymbolIn(func->getParentOp(), name);
  if (!taken)
    return success();
  auto diag = func.emitError() << "expected no function named '" << name
                               << "': " << taker << " takes this name";
  diag.attachNote(taken->getLoc()) << "the function is here";
  return diag;
}
