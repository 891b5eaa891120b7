//===- Instructions.h - NVIDIA's instructions ------------------*- C++ -*-===//
//
// Those that TTIR has no op for, or a costly one: texts for
// tt.elementwise_inline_asm. griddepcontrol and clusters are for compute
// capability 9.0 and later. The CPU backend knows all texts but those of AMD's
// GPUs.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_TT_INSTRUCTIONS_H
#define PYFLEX_TT_INSTRUCTIONS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::tt {

struct Instruction {
  llvm::StringLiteral text, constraints;
  bool pure;
};

//===----------------------------------------------------------------------===//
// Arithmetic of f32. What libdevice has for these comes to the same or, of the
// logarithm, to more; but to link it takes a tenth of a kernel's compile time.
//===----------------------------------------------------------------------===//

/// (x) -> 2 ** x, by two units in the last place; 0 for what is subnormal.
inline constexpr Instruction kExp2 = {"ex2.approx.ftz.f32 $0, $1;", "=f,f",
                                      true};

/// (x) -> log2(x), by 2**-22 from 0.5 to 2 and of its own size elsewhere.
inline constexpr Instruction kLog2 = {"lg2.approx.f32 $0, $1;", "=f,f", true};

/// (x, y) -> x / y, by two units in the last place where |y| is from 2**-126 to
/// 2**126.
inline constexpr Instruction kDivide = {"div.approx.ftz.f32 $0, $1, $2;",
                                        "=f,f,f", true};

/// (x, y) -> x / y, rounded to the nearest; Triton's own is as kDivide, but for
/// any y.
inline constexpr Instruction kDivideExactly = {"div.rn.f32 $0, $1, $2;",
                                               "=f,f,f", true};

/// (x, y) -> x with the sign of y.
inline constexpr Instruction kCopySign = {"copysign.f32 $0, $2, $1;", "=f,f,f",
                                          true};

//===----------------------------------------------------------------------===//
// Arithmetic of 32 bits
//===----------------------------------------------------------------------===//

/// (x) -> how many of its bits are set; and the same on AMD's GPUs.
inline constexpr Instruction kCountBits = {"popc.b32 $0, $1;", "=r,r", true};
inline constexpr Instruction kCountBitsOfAMD = {"v_bcnt_u32_b32 $0, $1, 0",
                                                "=v,v", true};

/// (x) -> x, of 32 bits: nothing passes it by.
inline constexpr Instruction kKeep = {"mov.b32 $0, $1;", "=r,r", false};

//===----------------------------------------------------------------------===//
// Kernels that overlap (programmatic dependent launch)
//===----------------------------------------------------------------------===//

/// () -> nothing of use: the kernel behind this one may start when all programs
/// have come here or ended.
inline constexpr Instruction kLaunchDependents = {
    "griddepcontrol.launch_dependents; // $0", "=r", false};

/// () -> nothing of use: waits until the kernel ahead of this one has ended and
/// its memory can be read.
inline constexpr Instruction kWaitForKernel = {"griddepcontrol.wait; // $0",
                                               "=r", false};

/// () -> nothing of use: all threads of the program have come so far, and see
/// what the others have stored.
inline constexpr Instruction kBarrier = {"bar.sync 0; // $0", "=r", false};

/// The same on AMD's GPUs, by generation: each wave waits for its own stores,
/// from gfx10 on counted apart, and forgets what its cache holds where others
/// of the program may have another. flex-legalize-math puts them in place.
inline constexpr Instruction kBarrierOfGfx9 = {
    "s_waitcnt vmcnt(0) lgkmcnt(0)\n\ts_barrier ; $0", "=v", false};
inline constexpr Instruction kBarrierOfGfx10 = {
    "s_waitcnt vmcnt(0) lgkmcnt(0)\n\ts_waitcnt_vscnt null, 0x0\n\t"
    "s_barrier\n\tbuffer_gl0_inv ; $0",
    "=v", false};
inline constexpr Instruction kBarrierOfGfx12 = {
    "s_wait_loadcnt_dscnt 0x0\n\ts_wait_storecnt 0x0\n\t"
    "s_barrier_signal -1\n\ts_barrier_wait -1\n\t"
    "global_inv scope:SCOPE_SE ; $0",
    "=v", false};

/// () -> nothing of use: the loads ahead of it are asked for before anything
/// behind it is done. Left alone, ptxas puts shuffles ahead of loads.
inline constexpr Instruction kOrderLoads = {"fence.acq_rel.cta; // $0", "=r",
                                            false};

//===----------------------------------------------------------------------===//
// Clusters: programs that run at the same time and read each other's shared
// memory. An address is 32 bits wide.
//===----------------------------------------------------------------------===//

/// (offset) -> the address so many bytes behind the shared memory's beginning,
/// for which Triton has a name.
inline constexpr Instruction kClusterMemory = {
    "{ .reg .b32 base; mov.u32 base, global_smem; add.u32 $0, base, $1; }",
    "=r,r", true};

/// (address, program) -> the same place in the memory of another program.
inline constexpr Instruction kClusterMap = {
    "mapa.shared::cluster.u32 $0, $1, $2;", "=r,r,r", true};

/// (address in this program's memory, f32, whether) -> nothing of use.
inline constexpr Instruction kClusterStore = {
    "{ .reg .pred on; setp.ne.b32 on, $3, 0; @on st.shared.f32 [$1], $2; "
    "mov.b32 $0, 0; }",
    "=r,r,f,r", false};

/// (address in any program's memory) -> the f32 that is there, or behind it. An
/// address that depends on what kClusterWait gives keeps it behind the wait,
/// and what is not used goes away.
inline constexpr Instruction kClusterLoad = {"ld.shared::cluster.f32 $0, [$1];",
                                             "=f,r", true};
inline constexpr Instruction kClusterLoadNext = {
    "ld.shared::cluster.f32 $0, [$1+4];", "=f,r", true};

/// () -> nothing of use: this program has come so far. A barrier's own release
/// would wait for stores to the memory of the GPU, too.
inline constexpr Instruction kClusterArrive = {
    "fence.release.sync_restrict::shared::cta.cluster; "
    "barrier.cluster.arrive.relaxed.aligned; // $0",
    "=r", false};

/// () -> 0, when all have come as far as they last said.
inline constexpr Instruction kClusterWait = {
    "barrier.cluster.wait.acquire.aligned; mov.b32 $0, 0;", "=r", false};

} // namespace mlir::tt

#endif // PYFLEX_TT_INSTRUCTIONS_H
