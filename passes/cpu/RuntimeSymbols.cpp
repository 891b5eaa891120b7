//===- RuntimeSymbols.cpp - What compiled kernels may call ----------------===//

#include "cpu/RuntimeSymbols.h"
#include "cpu/Cluster.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

#ifdef __x86_64__
// libgcc's conversions for processors without F16C, and from f64 on all.
extern "C" {
void __extendhfsf2();
void __truncsfhf2();
void __truncdfhf2();
}
#endif

std::vector<std::pair<const char *, void *>> mlir::cpu::runtimeSymbols() {
#define SYMBOL(name) {#name, reinterpret_cast<void *>(&name)}
// A function of <cmath> has overloads; its C name picks the double one.
#define MATH1(name)                                                            \
  {#name, reinterpret_cast<void *>(static_cast<double (*)(double)>(&::name))}, \
      {#name "f", reinterpret_cast<void *>(&::name##f)}
#define MATH2(name)                                                            \
  {#name, reinterpret_cast<void *>(                                            \
              static_cast<double (*)(double, double)>(&::name))},              \
      {#name "f", reinterpret_cast<void *>(&::name##f)}
#define MATH3(name)                                                            \
  {#name, reinterpret_cast<void *>(                                            \
              static_cast<double (*)(double, double, double)>(&::name))},      \
  {                                                                            \
    #name "f", reinterpret_cast<void *>(&::name##f)                            \
  }
  return {
      SYMBOL(aligned_alloc),
      SYMBOL(free),
      SYMBOL(malloc),
      {"memcpy", reinterpret_cast<void *>(&std::memcpy)},
      {"memmove", reinterpret_cast<void *>(&std::memmove)},
      {"memset", reinterpret_cast<void *>(&std::memset)},
#ifdef __x86_64__
      SYMBOL(__extendhfsf2),
      SYMBOL(__truncsfhf2),
      SYMBOL(__truncdfhf2),
#endif
      SYMBOL(pyflex_cluster_memory),
      SYMBOL(pyflex_cluster_map),
      SYMBOL(pyflex_cluster_store),
      SYMBOL(pyflex_cluster_load),
      SYMBOL(pyflex_cluster_load_next),
      SYMBOL(pyflex_cluster_arrive),
      SYMBOL(pyflex_cluster_wait),
      // LLVM joins sin and cos of one argument, and folds 10 to a power.
      SYMBOL(sincos),
      SYMBOL(sincosf),
      SYMBOL(exp10),
      SYMBOL(exp10f),
      {"ldexp", reinterpret_cast<void *>(
                    static_cast<double (*)(double, int)>(&::ldexp))},
      {"ldexpf", reinterpret_cast<void *>(&::ldexpf)},
      MATH1(acos),
      MATH1(acosh),
      MATH1(asin),
      MATH1(asinh),
      MATH1(atan),
      MATH1(atanh),
      MATH1(cbrt),
      MATH1(ceil),
      MATH1(cos),
      MATH1(cosh),
      MATH1(erf),
      MATH1(erfc),
      MATH1(exp),
      MATH1(exp2),
      MATH1(expm1),
      MATH1(floor),
      MATH1(log),
      MATH1(log10),
      MATH1(log1p),
      MATH1(log2),
      MATH1(nearbyint),
      MATH1(rint),
      MATH1(round),
      SYMBOL(roundeven),
      SYMBOL(roundevenf),
      MATH1(sin),
      MATH1(sinh),
      MATH1(sqrt),
      MATH1(tan),
      MATH1(tanh),
      MATH1(trunc),
      MATH2(atan2),
      MATH2(copysign),
      MATH2(fmax),
      MATH2(fmin),
      MATH2(fmod),
      MATH2(pow),
      MATH3(fma),
  };
#undef MATH3
#undef MATH2
#undef MATH1
#undef SYMBOL
}
