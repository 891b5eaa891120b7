//===- GpuCall.cpp - A call of a kind that was seen before ----------------===//
//
// Does what Python does for a call of a new kind, in a tenth of the time: the
// checks on what may differ between calls of one kind, and the arguments that
// change. The order of the arguments is that of `pyflex/plan.py`.
//
//===----------------------------------------------------------------------===//

#include "capi/GpuCall.h"
#include "capi/Tensor.h"
#include "flex/Width.h"

#include <algorithm>
#include <cstring>

using namespace capi;

namespace {

/// Those that flex-split-kv adds behind the others: parts, partial_acc and
/// partial_state; and flex-combine-in-cluster: cluster_memory.
int numSplitArguments(const PyflexGpuKind &kind) {
  return kind.cluster_at >= 0 ? 4 : 3;
}

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
  if (!tensor.data && tensor.shape[2] != 0) // its storage was freed
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

/// How far apart the lines of a head are in an aligned tensor, if that is as
/// usual, and 0 otherwise: as `layout_of` in `pyflex/layout.py` has it.
int64_t usualLine(const Tensor &tensor) {
  int64_t heads = tensor.shape[1], columns = tensor.shape[3];
  int64_t line = tensor.strides[2];
  return line == columns || line == heads * columns ? line : 0;
}

/// Whether a tensor has one integer of `bits` for each batch entry.
bool isPerBatch(const Tensor &tensor, const PyflexGpuKind &kind, int32_t bits) {
  constexpr int signedInteger = 0;
  if (!tensor.data && kind.query[0] != 0) // its storage was freed
    return false;
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
  void strides(const Tensor &tensor, bool repeats, int count) {
    wide(repeats ? 0 : tensor.strides[0]);
    for (int dim = 1; dim < count; ++dim)
      wide(tensor.strides[dim]);
  }
  void skip(size_t count) { slot += count; }

private:
  template <typename Value> void store(Value value) {
    memcpy(slot++, &value, sizeof(value));
  }

  uint64_t *slot;
};

/// Writes the arguments that the kernels share, up to the lists: the order is
/// that of `pyflex/plan.py`.
struct Common {
  const PyflexGpuCall &call;
  const Tensor &query, &key, &value, &offsets, &lengths;

  void write(uint64_t *slots) const {
    const PyflexGpuKind &kind = *call.kind;
    bool repeats = kind.key[0] != kind.query[0];
    int64_t keys = key.shape[2];
    Writer writer(slots);
    for (const Tensor *tensor : {&query, &key, &value})
      writer.wide(tensor->address());
    writer.wide(call.out);
    if (kind.lse)
      writer.wide(call.lse);
    if (kind.max_scores)
      writer.wide(call.max_scores);
    int count = kind.aligned ? 3 : 4; // the rest is compiled in
    writer.strides(query, /*repeats=*/false, count);
    writer.strides(key, repeats, kind.key_line ? 2 : count);
    writer.strides(value, repeats, kind.value_line ? 2 : count);
    writer.skip(kind.num_fixed);
    writer.narrow(int32_t(keys));
    writer.real(float(call.scale));
    writer.narrow(call.offset);
    writer.wide(call.offsets ? offsets.address() : 0);
    writer.narrow(call.offsets != nullptr);
    int64_t limit = call.length < 0 ? keys : call.length;
    writer.narrow(call.lengths ? 0 : int32_t(limit));
    writer.wide(call.lengths ? lengths.address() : 0);
    writer.narrow(call.lengths != nullptr);
  }
};

bool isCapturing(const PyflexGpuCall &call) {
  int capturing = 0;
  const gpu::Driver &driver = call.kind->kernel->kernel->driver();
  return driver.isCapturing(call.stream, &capturing) != 0 || capturing;
}

} // namespace

int32_t GpuCall::prepare(const PyflexGpuCall &call) {
  const PyflexGpuKind &kind = *call.kind;
  if (kind.num_arguments > mostArguments)
    return PYFLEX_GPU_OTHER;
  if (int32_t status = checkGuarded(kind))
    return status;
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
  if (aligned &&
      (usualLine(key) != kind.key_line || usualLine(value) != kind.value_line))
    return PYFLEX_GPU_OTHER;
  if (bool(call.offsets) != bool(kind.offset_bits) ||
      (call.offsets && !isPerBatch(offsets, kind, kind.offset_bits)))
    return PYFLEX_GPU_OTHER;
  if (bool(call.lengths) != bool(kind.length_bits) ||
      (call.lengths && !isPerBatch(lengths, kind, kind.length_bits)))
    return PYFLEX_GPU_OTHER;
  int64_t keys = key.shape[2];
  int64_t limit = call.length < 0 ? keys : call.length;
  // A tile may start at the last key: its positions are int32.
  constexpr int64_t mostKeys = 2147483135;
  if (value.shape[2] != keys || limit > keys || keys > mostKeys ||
      limit > kind.most_keys || call.offset == INT32_MIN)
    return PYFLEX_GPU_OTHER;
  auto takes = [&](int64_t each) { return (limit + each - 1) / each; };
  uint64_t steps = takes(kind.step_keys);
  uint32_t parts = steps < kind.num_parts ? kind.parts[steps] : 0;
  if (parts == 0)
    return PYFLEX_GPU_OTHER;

  memcpy(arguments(), kind.arguments, 8 * kind.num_arguments);
  PyflexGpuLaunch &launch = block.launch;
  memset(&launch, 0, sizeof(launch));
  launch.stream = call.stream;
  launch.overlap = kind.overlap;
  Common common{call, query, key, value, offsets, lengths};
  common.write(arguments());
  kernelArguments = arguments();
  if (kind.listing) {
    kernelArguments += kind.listing->kernel->numArguments();
    common.write(kernelArguments);
    if (!fillLists(call, takes(kind.tile_keys)))
      return PYFLEX_GPU_OTHER;
  }
  launch.kernels[kernelIndex] = kind.kernel;
  launch.grid_x[kernelIndex] = kind.programs;
  launch.grid_y[kernelIndex] = 1;
  if (kind.splits && !fillSplit(call, parts))
    return PYFLEX_GPU_OTHER;
  return PYFLEX_GPU_QUEUED;
}

/// Fills what belongs to the lists, as `pyflex/listing.py` has it; a tile is a
/// block of keys.
bool GpuCall::fillLists(const PyflexGpuCall &call, int64_t tiles) {
  const PyflexGpuKind &kind = *call.kind;
  constexpr uint64_t room = 16, listPrograms = 1024;
  uint64_t row = llvm::alignTo(std::max<int64_t>(tiles, 1), room);
  uint64_t words = (row + kind.blocks_at_once - 1) / kind.blocks_at_once;
  uint64_t entries = llvm::alignTo(kind.lists * words * 8, 16);
  usedBytes = entries + kind.programs * row * 4;
  if (call.memory_bytes < usedBytes || isCapturing(call))
    return false;
  auto write = [&](uint64_t *slots) {
    Writer writer(slots);
    writer.wide(call.memory);
    writer.wide(call.memory + entries);
    writer.wide(row);
  };
  const gpu::Kernel &kernel = *kind.kernel->kernel;
  int split = kind.splits ? numSplitArguments(kind) : 0;
  write(kernelArguments + kernel.numArguments() - split - 3);
  write(kernelArguments - 3);
  uint64_t segments = (tiles + kind.blocks_at_once - 1) / kind.blocks_at_once;
  segments = std::min(segments, listPrograms / kind.lists);
  PyflexGpuLaunch &launch = block.launch;
  launch.kernels[0] = kind.listing;
  launch.grid_x[0] = kind.lists;
  launch.grid_y[0] = uint32_t(std::max<uint64_t>(segments, 1));
  kernelIndex = 1;
  return true;
}

/// Fills what belongs to the split, and the arguments of the kernel behind.
bool GpuCall::fillSplit(const PyflexGpuCall &call, uint32_t known) {
  const PyflexGpuKind &kind = *call.kind;
  constexpr uint32_t inCluster = 1u << 31;
  uint32_t parts = known & ~inCluster;
  const gpu::Kernel &kernel = *kind.kernel->kernel;
  bool isTold = kind.cluster_at >= 0, together = known & inCluster;
  Writer last(kernelArguments + kernel.numArguments() -
              numSplitArguments(kind));
  last.narrow(int32_t(parts));
  PyflexGpuLaunch &launch = block.launch;
  launch.grid_y[kernelIndex] = parts;
  if (parts == 1 || together) {
    last.wide(0);
    last.wide(0);
    if (isTold)
      last.narrow(together ? kind.cluster_at : -1);
    if (together) {
      launch.clustered = 1u << kernelIndex;
      launch.cluster_bytes = kind.cluster_bytes;
    }
    return true;
  }
  uint64_t rows = kind.query[0] * kind.query[1] * kind.query[2];
  uint64_t lines = rows * parts * kind.value[3];
  uint64_t state = (lines + 3) / 4 * 16;
  uint64_t needed = usedBytes + state + rows * parts * 8;
  if (!kind.combine || call.memory_bytes < needed || rows > UINT32_MAX ||
      isCapturing(call))
    return false;
  uint64_t partial = call.memory + usedBytes;
  last.wide(partial);
  last.wide(partial + state);
  if (isTold)
    last.narrow(-1);
  Writer behind(kernelArguments + kernel.numArguments());
  behind.wide(partial);
  behind.wide(partial + state);
  behind.narrow(int32_t(parts));
  behind.skip(2); // heads and q_len
  behind.wide(call.out);
  behind.skip(3); // the output's strides
  if (kind.lse) {
    behind.wide(call.lse);
    behind.skip(2); // its strides
  }
  if (kind.max_scores)
    behind.wide(call.max_scores);
  launch.kernels[kernelIndex + 1] = kind.combine;
  launch.grid_x[kernelIndex + 1] = uint32_t(rows);
  launch.grid_y[kernelIndex + 1] =
      uint32_t(mlir::flex::combiningPrograms(kind.value[3], parts));
  return true;
}
