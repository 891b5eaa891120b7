//===- Kernel.h - Kernels in a GPU's memory, and their launch ---*- C++ -*-===//

#ifndef PYFLEX_GPU_KERNEL_H
#define PYFLEX_GPU_KERNEL_H

#include "gpu/Driver.h"

#include <memory>
#include <vector>

namespace gpu {

/// Machine code and what its launch depends on.
struct Image {
  const void *code; // a cubin or hsaco
  std::string name;
  std::vector<uint8_t> sizes; // bytes of each argument, 1 to 8
  int device;                 // its ordinal
  int threads;                // of one program
  int sharedBytes;            // of one program, given at the launch
  int clusterBytes; // the most that a program of a cluster has on top, or 0
};

/// The programs of a launch: x * y of them. Where `cluster` is not 0, so many
/// next to each other along y, of which y is a multiple, run as a cluster, each
/// with `clusterBytes` of shared memory behind its own.
struct Grid {
  unsigned x, y;
  unsigned cluster = 0, clusterBytes = 0;
};

/// A kernel that a driver has loaded. It stays loaded until the process ends:
/// a captured graph may run it at any time.
class Kernel {
public:
  /// Loads `image`. Null on failure; then `problem` says why.
  static std::unique_ptr<Kernel> load(const Driver &driver, const Image &image,
                                      std::string &problem);

  /// Queues the programs of a grid. Each argument lies in a slot of 8 bytes.
  /// With `overlap` programs may start before what was queued on the stream
  /// has ended (CUDA's programmatic dependent launch): the kernel itself waits
  /// for it. Such programs are kept apart, as far as can be: else they crowd on
  /// the multiprocessors that have room first.
  Driver::Status launch(const uint64_t *slots, const Grid &grid, void *stream,
                        bool overlap) const;

  /// How many clusters of so many programs the GPU runs at the same time, each
  /// with as much memory as they may have; 0 where it runs none.
  int activeClusters(unsigned size) const;

  const Driver &driver() const { return *library; }
  int device() const { return ordinal; }
  void *context() const { return home; }
  size_t numArguments() const { return arguments; }
  int registers() const { return registersOfThread; }
  int spilledBytes() const { return localBytes; }
  int programsPerProcessor() const { return programs; }

private:
  Kernel() = default;

  Driver::Status enterDevice(const Image &image);
  Driver::Status readDevice(int device);
  Driver::Status loadFunction(const Image &image);
  Driver::Status readFigures();
  bool takes(const std::vector<uint8_t> &sizes) const;
  void readClusters();
  int countClusters(const LaunchConfig &config) const;
  unsigned clusterApart(const Grid &grid) const;
  unsigned spreadBytes(const Grid &grid) const;
  LaunchConfig configure(const Grid &grid, void *stream, bool overlap,
                         LaunchAttribute *attributes) const;

  const Driver *library;
  void *home = nullptr; // the device's primary context
  void *function = nullptr;
  size_t arguments = 0;
  int ordinal = 0;
  int threads = 0;
  int sharedBytes = 0;
  int clusterBytes = 0;
  int registersOfThread = 0;
  int localBytes = 0;
  int programs = 0;
  // Whether clusters can keep its programs apart.
  bool formsClusters = false;
  // Multiprocessors, and bytes of shared memory: of one, of a program at most,
  // and what each program takes on top of its own.
  int processors = 0;
  int allShared = 0, mostShared = 0, reservedShared = 0;
};

} // namespace gpu

#endif // PYFLEX_GPU_KERNEL_H
