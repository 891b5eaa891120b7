//===- Driver.h - A GPU's driver, found when it is first used ---*- C++ -*-===//

#ifndef PYFLEX_GPU_DRIVER_H
#define PYFLEX_GPU_DRIVER_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace gpu {

/// One attribute of a launch, as the CUDA driver lays it out.
struct LaunchAttribute {
  int32_t id;
  char padding[4];
  union {
    int32_t value;
    uint32_t cluster[3];
    char bytes[64];
  };
};

/// A launch as the CUDA driver lays it out.
struct LaunchConfig {
  uint32_t grid[3];
  uint32_t block[3];
  uint32_t sharedBytes;
  void *stream;
  LaunchAttribute *attributes;
  uint32_t numAttributes;
};

/// The functions of CUDA's driver, or of HIP's runtime, that a launch needs.
/// Where both have a function, it has the same signature. Nothing is linked:
/// the library runs, and compiles for any GPU, where there is no driver.
struct Driver {
  using Status = int; // 0: success

  // CUDA and HIP.
  Status (*init)(unsigned flags);
  Status (*moduleLoadData)(void **module, const void *image);
  Status (*moduleGetFunction)(void **function, void *module, const char *name);
  Status (*getAttribute)(int *value, int attribute, void *function);
  Status (*occupancy)(int *programs, void *function, int threads,
                      size_t sharedBytes);
  Status (*exchangeCaptureMode)(int *mode);
  Status (*isCapturing)(void *stream, int *status);
  Status (*launch)(void *function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned sharedBytes, void *stream,
                   void **arguments, void **extra);

  // CUDA alone; null for HIP.
  Status (*deviceGet)(int *device, int ordinal);
  Status (*deviceAttribute)(int *value, int attribute, int device);
  Status (*primaryContextRetain)(void **context, int device);
  Status (*getContext)(void **context);
  Status (*pushContext)(void *context);
  Status (*popContext)(void **context);
  Status (*setAttribute)(void *function, int attribute, int value);
  Status (*setCacheConfig)(void *function, int preferred);
  Status (*launchEx)(const LaunchConfig *config, void *function,
                     void **arguments, void **extra);
  Status (*cudaErrorString)(Status status, const char **text);
  /// Null also for a driver older than CUDA 11.8.
  Status (*clusterOccupancy)(int *clusters, void *function,
                             const LaunchConfig *config);
  /// Null also for a driver older than CUDA 12.4.
  Status (*parameterInfo)(void *function, size_t index, size_t *offset,
                          size_t *size);

  // HIP alone; null for CUDA.
  Status (*getDevice)(int *device);
  Status (*setDevice)(int device);
  const char *(*hipErrorString)(Status status);

  bool isCuda() const { return launchEx != nullptr; }

  /// The driver's own words for a status.
  std::string describe(Status status) const;

  /// The driver named "cuda" or "hip", found and initialised once a process.
  /// Null where there is none; then `problem` says why.
  static const Driver *get(const std::string &name, std::string &problem);
};

/// Makes a device current on this thread for as long as it lives.
class CurrentDevice {
public:
  /// `context` is the device's primary one for CUDA; HIP knows the ordinal.
  CurrentDevice(const Driver &driver, int ordinal, void *context);
  ~CurrentDevice();
  CurrentDevice(const CurrentDevice &) = delete;
  CurrentDevice &operator=(const CurrentDevice &) = delete;

  Driver::Status status() const { return entered; }

private:
  const Driver &driver;
  Driver::Status entered;
  bool changed = false;
  int previous = 0;
};

} // namespace gpu

#endif // PYFLEX_GPU_DRIVER_H
