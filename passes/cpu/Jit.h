//===- Jit.h - Kernels compiled for this machine's CPU ----------*- C++ -*-===//

#ifndef PYFLEX_CPU_JIT_H
#define PYFLEX_CPU_JIT_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace llvm::orc {
class LLJIT;
}

namespace mlir {
class DialectRegistry;
class ModuleOp;

namespace cpu {

/// How many programs next to each other along grid axis y form a cluster, and
/// how many bytes of each the others can read.
struct ClusterShape {
  int programs = 1;
  size_t bytes = 0;
};

/// A kernel in memory, ready to run.
class Kernel {
public:
  /// Compiles the one public tt.func of `module`, which is used up. Emits
  /// diagnostics and returns null on failure.
  static std::unique_ptr<Kernel> compile(ModuleOp module);

  /// Runs every program of the grid and returns when all are done. Each
  /// argument lies in one 8-byte slot. `threads` 0: one for each core. The
  /// grid's axis y is a multiple of a cluster.
  void launch(const uint64_t *arguments, std::array<int32_t, 3> grid,
              unsigned threads, ClusterShape cluster) const;

  /// The arguments' types, comma-separated: "ptr", "i32", "f32" and the like.
  const std::string &argumentTypes() const { return types; }

  ~Kernel();

  using Entry = void (*)(const uint64_t *, int32_t, int32_t, int32_t, int32_t,
                         int32_t, int32_t);

private:
  Kernel(std::unique_ptr<llvm::orc::LLJIT> jit, Entry entry, std::string types);

  std::unique_ptr<llvm::orc::LLJIT> jit;
  Entry entry;
  std::string types;
};

/// Adds what `Kernel::compile` needs to translate to LLVM IR.
void registerTranslations(DialectRegistry &registry);

} // namespace cpu
} // namespace mlir

#endif // PYFLEX_CPU_JIT_H
