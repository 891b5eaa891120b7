//===- GpuCall.h - A call of a kind that was seen before --------*- C++ -*-===//

#ifndef PYFLEX_CAPI_GPUCALL_H
#define PYFLEX_CAPI_GPUCALL_H

#include "capi/pyflex.h"
#include "gpu/Kernel.h"

struct PyflexGpuKernel {
  std::unique_ptr<gpu::Kernel> kernel;
};

namespace capi {

/// Whether the tensors that a kind's mods read are as they were remembered:
/// PYFLEX_GPU_QUEUED if so, or another PyflexGpuCallStatus.
int32_t checkGuarded(const PyflexGpuKind &kind);

/// The launch that a call comes to.
class GpuCall {
public:
  /// Reads the call's tensors, checks that they are of its kind and fills the
  /// launch. Returns a PyflexGpuCallStatus.
  int32_t prepare(const PyflexGpuCall &call);

  const PyflexGpuLaunch *launch() const { return &block.launch; }

  /// Kinds with more arguments are not made.
  static constexpr size_t mostArguments = 256;

private:
  uint64_t *arguments() { return block.launch.arguments; }
  bool fillLists(const PyflexGpuCall &call, int64_t tiles);
  bool fillSplit(const PyflexGpuCall &call, uint32_t known);

  uint64_t *kernelArguments;
  uint64_t usedBytes = 0; // of the call's memory
  int kernelIndex = 0;    // in the launch

  // A launch and room for its arguments.
  union Block {
    Block() {}
    PyflexGpuLaunch launch;
    char bytes[sizeof(PyflexGpuLaunch) + 8 * mostArguments];
  } block;
};

} // namespace capi

#endif // PYFLEX_CAPI_GPUCALL_H
