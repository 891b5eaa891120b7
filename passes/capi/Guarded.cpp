//===- Guarded.cpp - Whether what a trace depends on is as it was ---------===//
//
// A trace bakes in where the tensors are that a mod reads, and how they lie.
// Words tell this: the address, the rank and the type of each tensor, and the
// length and stride of each of its dimensions.
//
//===----------------------------------------------------------------------===//

#include "capi/GpuCall.h"
#include "capi/Tensor.h"

using namespace capi;

/// Gives `take` each word in turn. Returns PYFLEX_GPU_OTHER when that returns
/// false, and PYFLEX_GPU_QUEUED when there are no more.
template <typename Take>
static int32_t forEachWord(const PyflexGpuKind &kind, Take take) {
  for (uint32_t i = 0; i < kind.num_guarded; ++i) {
    Tensor tensor;
    if (kind.read(kind.guarded[i], &tensor) != 0)
      return PYFLEX_GPU_UNREADABLE;
    uint64_t type = uint64_t(tensor.code) << 32 | uint64_t(tensor.bits) << 16 |
                    tensor.lanes;
    if (!take(tensor.address()) || !take(tensor.rank) || !take(type))
      return PYFLEX_GPU_OTHER;
    for (int32_t dim = 0; dim < tensor.rank; ++dim)
      if (!take(tensor.shape[dim]) || !take(tensor.strides[dim]))
        return PYFLEX_GPU_OTHER;
  }
  return PYFLEX_GPU_QUEUED;
}

int32_t pyflex_gpu_remember(const PyflexGpuKind *kind, uint64_t *words,
                            uint32_t room) {
  return forEachWord(*kind, [&](uint64_t word) {
    if (room == 0)
      return false;
    *words++ = word;
    --room;
    return true;
  });
}

int32_t capi::checkGuarded(const PyflexGpuKind &kind) {
  const uint64_t *known = kind.remembered;
  return forEachWord(kind, [&](uint64_t word) { return word == *known++; });
}
