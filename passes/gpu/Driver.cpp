//===- Driver.cpp - A GPU's driver, found when it is first used -----------===//

#include "gpu/Driver.h"

#include <cstring>
#include <dlfcn.h>
#include <link.h>

using namespace gpu;

namespace {

/// The path of a library whose file name starts with `name`, if this process
/// has one: torch brings its own HIP, of which there must not be a second.
std::string mappedLibrary(const char *name) {
  struct Search {
    const char *name;
    std::string path;
  } search{name, {}};
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *data) {
        auto *search = static_cast<Search *>(data);
        const char *slash = strrchr(info->dlpi_name, '/');
        const char *file = slash ? slash + 1 : info->dlpi_name;
        if (strncmp(file, search->name, strlen(search->name)) != 0)
          return 0;
        search->path = info->dlpi_name;
        return 1;
      },
      &search);
  return search.path;
}

/// Fills a Driver's functions from a library.
class Resolver {
public:
  explicit Resolver(const char *library) {
    std::string mapped = mappedLibrary(library);
    handle = dlopen(mapped.empty() ? library : mapped.c_str(), RTLD_NOW);
    if (!handle)
      problem = dlerror();
  }

  template <typename Function>
  void operator()(Function &function, const char *symbol) {
    optional(function, symbol);
    if (!function && problem.empty())
      problem = std::string("the driver has no ") + symbol;
  }

  template <typename Function>
  void optional(Function &function, const char *symbol) {
    if (handle)
      function = reinterpret_cast<Function>(dlsym(handle, symbol));
  }

  std::string problem;

private:
  void *handle;
};

/// A driver, or why there is none.
struct Opened {
  Driver driver{};
  std::string problem;
};

void initialise(Opened &opened) {
  if (!opened.problem.empty())
    return;
  if (Driver::Status status = opened.driver.init(0))
    opened.problem = opened.driver.describe(status);
}

Opened openCuda() {
  Opened opened;
  Driver &driver = opened.driver;
  Resolver resolve("libcuda.so.1");
  resolve(driver.init, "cuInit");
  resolve(driver.moduleLoadData, "cuModuleLoadData");
  resolve(driver.moduleGetFunction, "cuModuleGetFunction");
  resolve(driver.getAttribute, "cuFuncGetAttribute");
  resolve(driver.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  resolve(driver.exchangeCaptureMode, "cuThreadExchangeStreamCaptureMode");
  resolve(driver.isCapturing, "cuStreamIsCapturing");
  resolve(driver.launch, "cuLaunchKernel");
  resolve(driver.deviceGet, "cuDeviceGet");
  resolve(driver.deviceAttribute, "cuDeviceGetAttribute");
  resolve(driver.primaryContextRetain, "cuDevicePrimaryCtxRetain");
  resolve(driver.getContext, "cuCtxGetCurrent");
  resolve(driver.pushContext, "cuCtxPushCurrent_v2");
  resolve(driver.popContext, "cuCtxPopCurrent_v2");
  resolve(driver.setAttribute, "cuFuncSetAttribute");
  resolve(driver.setCacheConfig, "cuFuncSetCacheConfig");
  resolve(driver.launchEx, "cuLaunchKernelEx");
  resolve(driver.cudaErrorString, "cuGetErrorString");
  resolve.optional(driver.clusterOccupancy, "cuOccupancyMaxActiveClusters");
  resolve.optional(driver.parameterInfo, "cuFuncGetParamInfo");
  opened.problem = resolve.problem;
  initialise(opened);
  return opened;
}

Opened openHip() {
  Opened opened;
  Driver &driver = opened.driver;
  Resolver resolve("libamdhip64.so");
  resolve(driver.init, "hipInit");
  resolve(driver.moduleLoadData, "hipModuleLoadData");
  resolve(driver.moduleGetFunction, "hipModuleGetFunction");
  resolve(driver.getAttribute, "hipFuncGetAttribute");
  resolve(driver.occupancy,
          "hipModuleOccupancyMaxActiveBlocksPerMultiprocessor");
  resolve(driver.exchangeCaptureMode, "hipThreadExchangeStreamCaptureMode");
  resolve(driver.isCapturing, "hipStreamIsCapturing");
  resolve(driver.launch, "hipModuleLaunchKernel");
  resolve(driver.getDevice, "hipGetDevice");
  resolve(driver.setDevice, "hipSetDevice");
  resolve(driver.hipErrorString, "hipGetErrorString");
  opened.problem = resolve.problem;
  initialise(opened);
  return opened;
}

} // namespace

std::string Driver::describe(Status status) const {
  const char *text = nullptr;
  if (hipErrorString)
    text = hipErrorString(status);
  else if (cudaErrorString(status, &text) != 0)
    text = nullptr;
  std::string code = "error " + std::to_string(status);
  return text ? std::string(text) + " (" + code + ")" : code;
}

const Driver *Driver::get(const std::string &name, std::string &problem) {
  auto found = [&](const Opened &opened) {
    problem = opened.problem;
    return problem.empty() ? &opened.driver : nullptr;
  };
  if (name == "cuda") {
    static const Opened cuda = openCuda();
    return found(cuda);
  }
  if (name == "hip") {
    static const Opened hip = openHip();
    return found(hip);
  }
  problem = "no driver is named '" + name + "'";
  return nullptr;
}

CurrentDevice::CurrentDevice(const Driver &driver, int ordinal, void *context)
    : driver(driver) {
  if (driver.isCuda()) {
    void *current = nullptr;
    entered = driver.getContext(&current);
    if (entered != 0 || current == context)
      return;
    entered = driver.pushContext(context);
  } else {
    entered = driver.getDevice(&previous);
    if (entered != 0 || previous == ordinal)
      return;
    entered = driver.setDevice(ordinal);
  }
  changed = entered == 0;
}

CurrentDevice::~CurrentDevice() {
  if (!changed)
    return;
  void *popped;
  if (driver.isCuda())
    driver.popContext(&popped);
  else
    driver.setDevice(previous);
}
