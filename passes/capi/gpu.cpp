//===- gpu.cpp - The GPU's part of pyflex's C library ---------------------===//

#include "capi/GpuCall.h"

#include <mutex>

namespace {

/// What went wrong last on this thread.
thread_local std::string problem;

int32_t fail(const gpu::Driver &driver, gpu::Driver::Status status) {
  problem = driver.describe(status);
  return status;
}

/// Keeps the kernels of one launch together, so that two threads may share a
/// stream and the memory between a kernel and the one behind it.
std::mutex pairs;

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
                         image->shared_bytes},
                        problem);
  return kernel ? new PyflexGpuKernel{std::move(kernel)} : nullptr;
}

PyflexGpuFigures pyflex_gpu_figures(const PyflexGpuKernel *kernel) {
  return {kernel->kernel->registers(), kernel->kernel->spilledBytes(),
          kernel->kernel->programsPerProcessor()};
}

int32_t pyflex_gpu_launch(const PyflexGpuLaunch *launch) {
  const gpu::Kernel &first = *launch->kernel->kernel;
  const gpu::Driver &driver = first.driver();
  const uint64_t *slots = launch->arguments;
  gpu::CurrentDevice current(driver, first.device(), first.context());
  if (current.status() != 0)
    return fail(driver, current.status());
  std::unique_lock<std::mutex> lock(pairs, std::defer_lock);
  if (launch->next)
    lock.lock();
  if (int status = first.launch(slots, launch->grid_x, launch->grid_y,
                                launch->stream, /*overlap=*/false))
    return fail(driver, status);
  if (!launch->next)
    return 0;
  const gpu::Kernel &second = *launch->next->kernel;
  if (int status =
          second.launch(slots + first.numArguments(), launch->next_grid_x, 1,
                        launch->stream, launch->overlap))
    return fail(driver, status);
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
