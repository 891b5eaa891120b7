//===- Passes.h - The passes of the CPU backend -----------------*- C++ -*-===//

#ifndef PYFLEX_CPU_PASSES_H
#define PYFLEX_CPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::affine {
class AffineDialect;
}
namespace mlir::arith {
class ArithDialect;
}
namespace mlir::bufferization {
class BufferizationDialect;
}
namespace mlir::func {
class FuncDialect;
class FuncOp;
} // namespace mlir::func
namespace mlir::linalg {
class LinalgDialect;
}
namespace mlir::LLVM {
class LLVMDialect;
}
namespace mlir::math {
class MathDialect;
}
namespace mlir::memref {
class MemRefDialect;
}
namespace mlir::scf {
class SCFDialect;
}
namespace mlir::tensor {
class TensorDialect;
}
namespace mlir::vector {
class VectorDialect;
}
namespace mlir {
class ModuleOp;
}

namespace mlir::cpu {

#define GEN_PASS_DECL
#include "cpu/Passes.h.inc"

/// The order of all passes from tt to the LLVM dialect.
void buildCpuPipeline(OpPassManager &manager);

/// Registers the passes and `pyflex-cpu-pipeline`.
void registerCpuBackend();

} // namespace mlir::cpu

#endif // PYFLEX_CPU_PASSES_H
