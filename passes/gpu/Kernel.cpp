//===- Kernel.cpp - Kernels in a GPU's memory, and their launch -----------===//

#include "gpu/Kernel.h"

#include <algorithm>

using namespace gpu;

namespace {

// Numbers of the drivers' interfaces; CUDA's and HIP's agree.
constexpr int numRegisters = 4, localSizeBytes = 3;
constexpr int maxDynamicSharedBytes = 8, preferShared = 1;
constexpr int relaxedCapture = 2;
constexpr int clusterDimension = 4, clusterScheduling = 5;
constexpr int programmaticStreamSerialization = 6, mostAttributes = 3;
constexpr int loadBalancing = 2;
// Of a CUDA device.
constexpr int multiprocessorCount = 16, sharedOfMultiprocessor = 81;
constexpr int sharedOfProgramAtMost = 97, sharedReserved = 111;

/// Shared memory is given out in units of this many bytes.
constexpr int sharedUnit = 128;

/// Programs of a cluster that is there to keep them apart, and the most of a
/// grid for each multiprocessor: larger grids take longer in clusters than
/// where they crowd. The bytes of shared memory up to which programs find room
/// beside any others.
constexpr unsigned mostApart = 8, apartOnEach = 4;
constexpr int nextToNoMemory = 1024;

/// Triton gives each kernel two pointers behind its own arguments, to scratch
/// memory. Kernels that use it are refused before they come here.
constexpr size_t numHidden = 2;
constexpr size_t mostArguments = 1000;

LaunchAttribute attributeOf(int32_t id, int32_t value) {
  LaunchAttribute attribute = {};
  attribute.id = id;
  attribute.value = value;
  return attribute;
}

/// Programs that are next to each other along x and y form a cluster.
LaunchAttribute clusterOf(unsigned x, unsigned y) {
  LaunchAttribute attribute = attributeOf(clusterDimension, 0);
  attribute.cluster[0] = x;
  attribute.cluster[1] = y;
  attribute.cluster[2] = 1;
  return attribute;
}

/// Lets this thread load a kernel although some stream is being captured.
class RelaxedCapture {
public:
  explicit RelaxedCapture(const Driver &driver) : driver(driver) {
    driver.exchangeCaptureMode(&mode);
  }
  ~RelaxedCapture() { driver.exchangeCaptureMode(&mode); }

private:
  const Driver &driver;
  int mode = relaxedCapture;
};

} // namespace

std::unique_ptr<Kernel> Kernel::load(const Driver &driver, const Image &image,
                                     std::string &problem) {
  if (image.sizes.size() > mostArguments) {
    problem = "a kernel takes at most " + std::to_string(mostArguments) +
              " arguments, not " + std::to_string(image.sizes.size());
    return nullptr;
  }
  std::unique_ptr<Kernel> kernel(new Kernel);
  kernel->library = &driver;
  kernel->ordinal = image.device;
  kernel->arguments = image.sizes.size();
  kernel->threads = image.threads;
  kernel->sharedBytes = image.sharedBytes;
  kernel->clusterBytes = image.clusterBytes;
  Driver::Status status = kernel->enterDevice(image);
  if (status == 0) {
    CurrentDevice current(driver, image.device, kernel->home);
    RelaxedCapture relaxed(driver);
    status = current.status();
    if (status == 0)
      status = kernel->loadFunction(image);
    if (status == 0)
      status = kernel->readFigures();
    if (status == 0)
      kernel->readClusters();
  }
  if (status != 0) {
    problem = driver.describe(status);
    return nullptr;
  }
  if (!kernel->takes(image.sizes)) {
    problem = "its arguments are not those it was compiled for";
    return nullptr;
  }
  return kernel;
}

Driver::Status Kernel::enterDevice(const Image &image) {
  if (!library->isCuda())
    return 0;
  int device;
  if (Driver::Status status = library->deviceGet(&device, image.device))
    return status;
  if (Driver::Status status = readDevice(device))
    return status;
  return library->primaryContextRetain(&home, device);
}

Driver::Status Kernel::readDevice(int device) {
  const std::pair<int *, int> figures[] = {{&processors, multiprocessorCount},
                                           {&allShared, sharedOfMultiprocessor},
                                           {&mostShared, sharedOfProgramAtMost},
                                           {&reservedShared, sharedReserved}};
  for (auto [value, attribute] : figures)
    if (Driver::Status status =
            library->deviceAttribute(value, attribute, device))
      return status;
  return 0;
}

Driver::Status Kernel::loadFunction(const Image &image) {
  void *module;
  if (Driver::Status status = library->moduleLoadData(&module, image.code))
    return status;
  const char *name = image.name.c_str();
  if (Driver::Status status =
          library->moduleGetFunction(&function, module, name))
    return status;
  if (!library->isCuda())
    return 0;
  // A multiprocessor divides its memory between L1 and shared memory anew only
  // when it is idle: kernels that overlap need the same division.
  if (Driver::Status status = library->setCacheConfig(function, preferShared))
    return status;
  // A kernel that needs more than there is fails here.
  int most = std::max(sharedBytes + clusterBytes, mostShared);
  return library->setAttribute(function, maxDynamicSharedBytes, most);
}

Driver::Status Kernel::readFigures() {
  if (Driver::Status status =
          library->getAttribute(&registersOfThread, numRegisters, function))
    return status;
  if (Driver::Status status =
          library->getAttribute(&localBytes, localSizeBytes, function))
    return status;
  return library->occupancy(&programs, function, threads, sharedBytes);
}

/// Asks whether the GPU runs clusters of programs that only these keep apart.
void Kernel::readClusters() {
  if (sharedBytes > nextToNoMemory)
    return;
  LaunchAttribute attribute = clusterOf(mostApart, 1);
  LaunchConfig config{{mostApart, 1, 1},
                      {unsigned(threads), 1, 1},
                      unsigned(sharedBytes),
                      nullptr,
                      &attribute,
                      1};
  formsClusters = countClusters(config) > 0;
}

int Kernel::countClusters(const LaunchConfig &config) const {
  int clusters = 0;
  if (!library->clusterOccupancy ||
      library->clusterOccupancy(&clusters, function, &config) != 0)
    return 0;
  return clusters;
}

/// Whether the machine code declares the arguments that it will be given, and
/// the hidden ones. True also where the driver cannot say.
bool Kernel::takes(const std::vector<uint8_t> &sizes) const {
  if (!library->parameterInfo)
    return true;
  size_t offset, size, index = 0;
  for (; index < sizes.size() + numHidden; ++index) {
    size_t wanted = index < sizes.size() ? sizes[index] : sizeof(void *);
    if (library->parameterInfo(function, index, &offset, &size) != 0 ||
        size != wanted)
      return false;
  }
  return library->parameterInfo(function, index, &offset, &size) != 0;
}

LaunchConfig Kernel::configure(const Grid &grid, void *stream, bool overlap,
                               LaunchAttribute *attributes) const {
  unsigned count = 0, apart = 1;
  unsigned bytes = sharedBytes + grid.clusterBytes;
  if (overlap)
    attributes[count++] = attributeOf(programmaticStreamSerialization, 1);
  if (grid.cluster != 0)
    attributes[count++] = clusterOf(1, grid.cluster);
  else if (overlap && sharedBytes > nextToNoMemory)
    bytes = std::max(bytes, spreadBytes(grid));
  else if (overlap)
    apart = clusterApart(grid);
  if (apart > 1) {
    attributes[count++] = clusterOf(apart, 1);
    attributes[count++] = attributeOf(clusterScheduling, loadBalancing);
  }
  return {{grid.x, grid.y, 1},
          {unsigned(threads), 1, 1},
          bytes,
          stream,
          attributes,
          count};
}

/// Neighbours along x that form a cluster, which the driver is asked to balance
/// over the multiprocessors; 1 where none do.
unsigned Kernel::clusterApart(const Grid &grid) const {
  uint64_t most = uint64_t(apartOnEach) * processors;
  if (!formsClusters || uint64_t(grid.x) * grid.y > most)
    return 1;
  unsigned size = mostApart;
  while (grid.x % size != 0)
    size /= 2;
  return size;
}

/// Shared memory of a program for which a multiprocessor has room no oftener
/// than its even share of the grid.
unsigned Kernel::spreadBytes(const Grid &grid) const {
  uint64_t share = (uint64_t(grid.x) * grid.y + processors - 1) / processors;
  int fit = int(allShared / (share + 1)) - reservedShared;
  int tooMany = fit < 0 ? 0 : (fit / sharedUnit + 1) * sharedUnit;
  return std::min(tooMany, mostShared);
}

int Kernel::activeClusters(unsigned size) const {
  if (clusterBytes == 0)
    return 0;
  Grid grid{1, size, size, unsigned(clusterBytes)};
  CurrentDevice current(*library, ordinal, home);
  LaunchAttribute attributes[mostAttributes] = {};
  LaunchConfig config = configure(grid, nullptr, false, attributes);
  return current.status() == 0 ? countClusters(config) : 0;
}

Driver::Status Kernel::launch(const uint64_t *slots, const Grid &grid,
                              void *stream, bool overlap) const {
  void *scratch = nullptr;
  void *pointers[mostArguments + numHidden];
  for (size_t index = 0; index < arguments; ++index)
    pointers[index] = const_cast<uint64_t *>(slots + index);
  for (size_t index = 0; index < numHidden; ++index)
    pointers[arguments + index] = &scratch;
  if (!library->isCuda() || (!overlap && grid.cluster == 0))
    return library->launch(function, grid.x, grid.y, 1, threads, 1, 1,
                           sharedBytes, stream, pointers, nullptr);
  LaunchAttribute attributes[mostAttributes] = {};
  LaunchConfig config = configure(grid, stream, overlap, attributes);
  return library->launchEx(&config, function, pointers, nullptr);
}
