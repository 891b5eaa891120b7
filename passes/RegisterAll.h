//===- RegisterAll.h - All that pyflex's compiler knows ---------*- C++ -*-===//

#ifndef PYFLEX_REGISTERALL_H
#define PYFLEX_REGISTERALL_H

namespace mlir {
class DialectRegistry;

namespace pyflex {

/// Adds every dialect that occurs from flex down to LLVM, with the interfaces
/// that the passes need of them.
void registerAllDialects(DialectRegistry &registry);

/// Registers every pass and pipeline that a text may name. Call it once.
void registerAllPasses();

} // namespace pyflex
} // namespace mlir

#endif // PYFLEX_REGISTERALL_H
