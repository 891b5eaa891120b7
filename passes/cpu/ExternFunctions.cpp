//===- ExternFunctions.cpp - Device library functions on a CPU ------------===//
//
// All that Triton's own programs call, and not only what flex-legalize-math
// emits.
//
//===----------------------------------------------------------------------===//

#include "cpu/ExternFunctions.h"
#include "tt/Instructions.h"

#include "llvm/ADT/StringSwitch.h"

llvm::StringRef mlir::cpu::mathOpForDeviceFunction(llvm::StringRef symbol) {
  if (!symbol.consume_front("__nv_"))
    return {};
  // Functions of one name for f64, with an f after it for f32.
  return llvm::StringSwitch<llvm::StringRef>(symbol)
      .Cases({"acos", "acosf"}, "math.acos")
      .Cases({"acosh", "acoshf"}, "math.acosh")
      .Cases({"asin", "asinf"}, "math.asin")
      .Cases({"asinh", "asinhf"}, "math.asinh")
      .Cases({"atan", "atanf"}, "math.atan")
      .Cases({"atan2", "atan2f"}, "math.atan2")
      .Cases({"atanh", "atanhf"}, "math.atanh")
      .Cases({"cbrt", "cbrtf"}, "math.cbrt")
      .Cases({"ceil", "ceilf"}, "math.ceil")
      .Cases({"copysign", "copysignf"}, "math.copysign")
      .Cases({"cos", "cosf"}, "math.cos")
      .Cases({"cosh", "coshf"}, "math.cosh")
      .Cases({"erf", "erff"}, "math.erf")
      .Cases({"erfc", "erfcf"}, "math.erfc")
      .Cases({"exp", "expf"}, "math.exp")
      .Cases({"exp2", "exp2f"}, "math.exp2")
      .Cases({"expm1", "expm1f"}, "math.expm1")
      .Cases({"fabs", "fabsf"}, "math.absf")
      .Cases({"floor", "floorf"}, "math.floor")
      .Cases({"fma", "fmaf"}, "math.fma")
      .Cases({"fmod", "fmodf"}, "arith.remf")
      .Cases({"log", "logf"}, "math.log")
      .Cases({"log10", "log10f"}, "math.log10")
      .Cases({"log1p", "log1pf"}, "math.log1p")
      .Cases({"log2", "log2f"}, "math.log2")
      .Cases({"pow", "powf"}, "math.powf")
      .Cases({"rint", "rintf", "nearbyint", "nearbyintf"}, "math.roundeven")
      .Cases({"round", "roundf"}, "math.round")
      .Cases({"rsqrt", "rsqrtf"}, "math.rsqrt")
      .Cases({"sin", "sinf"}, "math.sin")
      .Cases({"sinh", "sinhf"}, "math.sinh")
      .Cases({"sqrt", "sqrtf"}, "math.sqrt")
      .Cases({"tan", "tanf"}, "math.tan")
      .Cases({"tanh", "tanhf"}, "math.tanh")
      .Cases({"trunc", "truncf"}, "math.trunc")
      .Default({});
}

unsigned mlir::cpu::numOperandsOf(llvm::StringRef mathOp) {
  return llvm::StringSwitch<unsigned>(mathOp)
      .Case("math.fma", 3)
      .Cases({"math.atan2", "math.copysign", "math.powf", "arith.remf"}, 2)
      .Default(1);
}

llvm::StringRef mlir::cpu::mathOpForInstruction(llvm::StringRef text) {
  return llvm::StringSwitch<llvm::StringRef>(text)
      .Case(tt::kExp2.text, "math.exp2")
      .Case(tt::kLog2.text, "math.log2")
      .Cases({tt::kDivide.text, tt::kDivideExactly.text}, "arith.divf")
      .Case(tt::kCopySign.text, "math.copysign")
      .Case(tt::kCountBits.text, "math.ctpop")
      .Case(tt::kKeep.text, "arith.bitcast") // to its own type: nothing
      .Default({});
}

std::optional<llvm::StringRef>
mlir::cpu::functionForInstruction(llvm::StringRef text) {
  // A CPU runs one kernel after the other.
  return llvm::StringSwitch<std::optional<llvm::StringRef>>(text)
      .Case(tt::kLaunchDependents.text, "")
      .Case(tt::kWaitForKernel.text, "")
      .Case(tt::kOrderLoads.text, "")
      .Case(tt::kBarrier.text, "")
      .Case(tt::kClusterMemory.text, "pyflex_cluster_memory")
      .Case(tt::kClusterMap.text, "pyflex_cluster_map")
      .Case(tt::kClusterStore.text, "pyflex_cluster_store")
      .Case(tt::kClusterLoad.text, "pyflex_cluster_load")
      .Case(tt::kClusterLoadNext.text, "pyflex_cluster_load_next")
      .Case(tt::kClusterArrive.text, "pyflex_cluster_arrive")
      .Case(tt::kClusterWait.text, "pyflex_cluster_wait")
      .Default(std::nullopt);
}
