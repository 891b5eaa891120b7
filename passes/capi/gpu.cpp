//===- gpu.cpp - The GPU's part of pyflex's C library ---------------------===//

#include "capi/GpuCall.h"

#include <map>
#include <mutex>

namespace {

/// What went wrong last on this thread.
thread_local std::string problem;

int32_t fail(const gpu::Driver &driver, gpu::Driver::Status status) {
  problem = driver.describe(status);
  return status;
}

/// Keeps the kernels of one launch together, so that two threads may share a
/// stream and the memory between a kernel and the one behind it. Each stream
/// has its own: a launch waits where the stream's queue is full, perhaps for
/// what another thread has yet to queue on another stream.
std::mutex &orderOn(int device, void *stream) {
  static std::mutex known;
  static auto &orders = *new std::map<std::pair<int, void *>, std::mutex>;
  std::lock_guard<std::mutex> lock(known);
  return orders[{device, stream}];
}

} // namespace

const char *pyflex_gpu_error(void) { return problem.c_str(); }

PyflexGpuKernel *pyflex_gpu_load(const PyflexGpuImage *image) {
  const gpu::Driver *driver = gpu::Driver::get(image->driver, problem);
  if (!driver)
    return nullptr;
  const uint8_t *sizes = image->sizes;
  std::unique_ptr<gpu::Kernel> kernel =
      gpu::Kernel::load(*driver,
                        {image->code,
                         image->name,
                         {sizes, sizes + image->num_arguments},
                         image->device,
                         image->threads,
                         image->shared_bytes,
                         image->cluster_bytes},
                        problem);
  return kernel ? new PyflexGpuKernel{std::move(kernel)} : nullptr;
}

PyflexGpuFigures pyflex_gpu_figures(const PyflexGpuKernel *kernel) {
  return {kernel->kernel->registers(), kernel->kernel->spilledBytes(),
          kernel->kernel->programsPerProcessor()};
}

int32_t pyflex_gpu_clusters(const PyflexGpuKernel *kernel, uint32_t programs) {
  return kernel->kernel->activeClusters(programs);
}

int32_t pyflex_gpu_launch(const PyflexGpuLaunch *launch) {
  const gpu::Kernel &first = *launch->kernels[0]->kernel;
  const gpu::Driver &driver = first.driver();
  gpu::CurrentDevice current(driver, first.device(), first.context());
  if (current.status() != 0)
    return fail(driver, current.status());
  std::unique_lock<std::mutex> lock;
  if (launch->kernels[1])
    lock = std::unique_lock(orderOn(first.device(), launch->stream));
  const uint64_t *slots = launch->arguments;
  for (int i = 0; i < PYFLEX_GPU_MOST_KERNELS && launch->kernels[i]; ++i) {
    const gpu::Kernel &kernel = *launch->kernels[i]->kernel;
    bool overlap = launch->overlap >> i & 1;
    gpu::Grid grid{launch->grid_x[i], launch->grid_y[i]};
    if (launch->clustered >> i & 1) {
      grid.cluster = grid.y;
      grid.clusterBytes = launch->cluster_bytes;
    }
    if (int status = kernel.launch(slots, grid, launch->stream, overlap))
      return fail(driver, status);
    slots += kernel.numArguments();
  }
  return 0;
}

int32_t pyflex_gpu_call(const PyflexGpuCall *call) {
  const PyflexGpuKind &kind = *call->kind;
  capi::GpuCall prepared;
  if (int32_t status = prepared.prepare(*call))
    return status;
  void *thread = kind.release();
  int32_t status = pyflex_gpu_launch(prepared.launch());
  kind.acquire(thread);
  return status == 0 ? PYFLEX_GPU_QUEUED : PYFLEX_GPU_FAILED;
}
