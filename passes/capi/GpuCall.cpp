//===- GpuCall.cpp - A call of a kind that was seen before ----------------===//
//
// Does what Python does for a call of a new kind, in a tenth of the time: the
// checks on what may differ between calls of one kind, and the arguments that
// change. The order of the arguments is that of `pyflex/plan.py`.
//
//===----------------------------------------------------------------------===//

#include "capi/GpuCall.h"

#include <cstring>

using namespace capi;

namespace {

/// DLPack's view of a tensor.
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

bool isOnDevice(const Tensor &tensor, const PyflexGpuKind &kind) {
  return tensor.deviceType == kind.device_type && tensor.device == kind.device;
}

/// Whether a tensor has the kind's dtype and device, and a shape. The length
/// shape[2] is free where `anyLength`.
bool fits(const Tensor &tensor, const PyflexGpuKind &kind,
          const int64_t (&shape)[4], bool anyLength) {
  if (tensor.rank != 4 || tensor.code != kind.dtype_code ||
      tensor.bits != kind.dtype_bits || tensor.lanes != 1 ||
      !isOnDevice(tensor, kind))
    return false;
  return tensor.shape[0] == shape[0] && tensor.shape[1] == shape[1] &&
         (anyLength || tensor.shape[2] == shape[2]) &&
         tensor.shape[3] == shape[3];
}

/// Whether each line is contiguous and starts at a multiple of 16 bytes.
bool isAligned(const Tensor &tensor) {
  const int64_t *strides = tensor.strides;
  uint64_t lines = strides[0] | strides[1] | strides[2];
  return strides[3] == 1 &&
         ((tensor.address() | lines * (tensor.bits / 8)) & 15) == 0;
}

/// Whether a tensor has one integer of `bits` for each batch entry.
bool isPerBatch(const Tensor &tensor, const PyflexGpuKind &kind, int32_t bits) {
  constexpr int signedInteger = 0;
  return tensor.rank == 1 && tensor.code == signedInteger &&
         tensor.bits == bits && tensor.lanes == 1 && isOnDevice(tensor, kind) &&
         tensor.shape[0] == kind.query[0] &&
         (tensor.shape[0] == 1 || tensor.strides[0] == 1);
}

/// Writes arguments into their slots, one after the other.
class Writer {
public:
  explicit Writer(uint64_t *slot) : slot(slot) {}

  void wide(uint64_t value) { *slot++ = value; }
  void narrow(int32_t value) { store(value); }
  void real(float value) { store(value); }
  void strides(const Tensor &tensor, bool repeats, bool aligned) {
    wide(repeats ? 0 : tensor.strides[0]);
    for (int dim = 1; dim < (aligned ? 3 : 4); ++dim)
      wide(tensor.strides[dim]);
  }
  void skip(size_t count) { slot += count; }

private:
  template <typename Value> void store(Value value) {
    memcpy(slot++, &value, sizeof(value));
  }

  uint64_t *slot;
};

} // namespace

int32_t GpuCall::prepare(const PyflexGpuCall &call) {
  const PyflexGpuKind &kind = *call.kind;
  Tensor query, key, value, offsets, lengths;
  if (kind.read(call.query, &query) || kind.read(call.key, &key) ||
      kind.read(call.value, &value) ||
      (call.offsets && kind.read(call.offsets, &offsets)) ||
      (call.lengths && kind.read(call.lengths, &lengths)))
    return PYFLEX_GPU_UNREADABLE;
  if (!fits(query, kind, kind.query, /*anyLength=*/false) ||
      !fits(key, kind, kind.key, /*anyLength=*/true) ||
      !fits(value, kind, kind.value, /*anyLength=*/true))
    return PYFLEX_GPU_OTHER;
  bool aligned = isAligned(query) && isAligned(key) && isAligned(value);
  if (aligned != bool(kind.aligned))
    return PYFLEX_GPU_OTHER;
  if (bool(call.offsets) != bool(kind.offset_bits) ||
      (call.offsets && !isPerBatch(offsets, kind, kind.offset_bits)))
    return PYFLEX_GPU_OTHER;
  if (bool(call.lengths) != bool(kind.length_bits) ||
      (call.lengths && !isPerBatch(lengths, kind, kind.length_bits)))
    return PYFLEX_GPU_OTHER;
  int64_t keys = key.shape[2];
  int64_t limit = call.length < 0 ? keys : call.length;
  if (value.shape[2] != keys || limit > keys || keys > INT32_MAX ||
      limit > kind.most_keys || call.offset == INT32_MIN)
    return PYFLEX_GPU_OTHER;

  memcpy(arguments(), kind.arguments, 8 * kind.num_arguments);
  bool repeats = kind.key[0] != kind.query[0];
  Writer writer(arguments());
  for (const Tensor *tensor : {&query, &key, &value})
    writer.wide(tensor->address());
  writer.wide(call.out);
  if (kind.lse)
    writer.wide(call.lse);
  writer.strides(query, /*repeats=*/false, aligned);
  writer.strides(key, repeats, aligned);
  writer.strides(value, repeats, aligned);
  // The strides of the results, kv_heads and q_len.
  writer.skip(3 + (kind.lse ? 2 : 0) + 2);
  writer.narrow(int32_t(keys));
  writer.real(float(call.scale));
  writer.narrow(call.offset);
  writer.wide(call.offsets ? offsets.address() : 0);
  writer.narrow(call.offsets != nullptr);
  writer.narrow(call.lengths ? 0 : int32_t(limit));
  writer.wide(call.lengths ? lengths.address() : 0);
  writer.narrow(call.lengths != nullptr);
  PyflexGpuLaunch &launch = block.launch;
  memset(&launch, 0, sizeof(launch));
  launch.kernels[0] = kind.kernel;
  launch.stream = call.stream;
  launch.grid_x[0] = kind.programs;
  launch.grid_y[0] = 1;
  int64_t tiles = (limit + kind.tile_keys - 1) / kind.tile_keys;
  if (kind.splits && !fillSplit(call, tiles))
    return PYFLEX_GPU_OTHER;
  return PYFLEX_GPU_QUEUED;
}

/// Fills what belongs to the split, and the arguments of the kernel behind.
bool GpuCall::fillSplit(const PyflexGpuCall &call, int64_t tiles) {
  const PyflexGpuKind &kind = *call.kind;
  uint32_t parts = uint64_t(tiles) < kind.num_parts ? kind.parts[tiles] : 0;
  if (parts == 0)
    return false;
  const gpu::Kernel &kernel = *kind.kernel->kernel;
  // parts, partial_out, partial_lse: the last ones.
  Writer last(arguments() + kernel.numArguments() - 3);
  last.narrow(int32_t(parts));
  if (parts == 1) {
    last.wide(0);
    last.wide(0);
    return true;
  }
  uint64_t rows = kind.query[0] * kind.query[1] * kind.query[2];
  uint64_t lines = rows * parts * kind.value[3];
  uint64_t logs = (lines + 3) / 4 * 16;
  int capturing = 0;
  if (!kind.next || call.partial_bytes < logs + rows * parts * 4 ||
      rows > UINT32_MAX ||
      kernel.driver().isCapturing(call.stream, &capturing) != 0 || capturing)
    return false;
  last.wide(call.partial);
  last.wide(call.partial + logs);
  Writer behind(arguments() + kernel.numArguments());
  behind.wide(call.partial);
  behind.wide(call.partial + logs);
  behind.narrow(int32_t(parts));
  behind.skip(2); // heads and q_len
  behind.wide(call.out);
  behind.skip(3); // the output's strides
  if (kind.lse)
    behind.wide(call.lse);
  PyflexGpuLaunch &launch = block.launch;
  launch.kernels[1] = kind.next;
  launch.grid_y[0] = parts;
  launch.grid_x[1] = uint32_t(rows);
  launch.grid_y[1] = 1;
  launch.overlap = kind.overlap ? 1 << 1 : 0;
  return true;
}
