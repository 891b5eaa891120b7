//===- Tensor.h - A tensor as DLPack shows it -------------------*- C++ -*-===//

#ifndef PYFLEX_CAPI_TENSOR_H
#define PYFLEX_CAPI_TENSOR_H

#include <cstdint>

namespace capi {

/// DLPack's DLTensor, which PyflexGpuKind::read fills.
struct Tensor {
  char *data;
  int32_t deviceType, device;
  int32_t rank;
  uint8_t code, bits;
  uint16_t lanes;
  const int64_t *shape;
  const int64_t *strides;
  uint64_t byteOffset;

  uint64_t address() const {
    return reinterpret_cast<uint64_t>(data) + byteOffset;
  }
};

} // namespace capi

#endif // PYFLEX_CAPI_TENSOR_H
