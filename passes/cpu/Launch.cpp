//===- Launch.cpp - A kernel's grid over threads --------------------------===//

#include "cpu/Jit.h"

#include <algorithm>
#include <atomic>
#include <pthread.h>
#include <thread>
#include <vector>

using namespace mlir::cpu;

namespace {
/// One launch, shared by its threads; each takes the next chunk of programs.
struct Launch {
  Kernel::Entry entry;
  const uint64_t *arguments;
  std::array<int32_t, 3> grid;
  int64_t programs;
  int64_t chunk;
  std::atomic<int64_t> next{0};

  void work() {
    for (;;) {
      int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= programs)
        return;
      int64_t end = std::min(begin + chunk, programs);
      for (int64_t program = begin; program < end; ++program)
        entry(arguments, program % grid[0], program / grid[0] % grid[1],
              program / grid[0] / grid[1], grid[0], grid[1], grid[2]);
    }
  }
};
} // namespace

void Kernel::launch(const uint64_t *arguments, std::array<int32_t, 3> grid,
                    unsigned threads) const {
  Launch launch{entry, arguments, grid, int64_t(grid[0]) * grid[1] * grid[2],
                /*chunk=*/1};
  if (std::any_of(grid.begin(), grid.end(), [](int32_t n) { return n <= 0; }))
    return;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  int64_t workers = std::min<int64_t>(threads, launch.programs);
  // Small enough to balance, large enough that the counter is no bottleneck.
  launch.chunk = std::max<int64_t>(1, launch.programs / (workers * 16));

  // pthreads rather than std::thread, which throws when there are no more.
  std::vector<pthread_t> started;
  for (int64_t index = 1; index < workers; ++index) {
    pthread_t thread;
    auto run = [](void *data) -> void * {
      static_cast<Launch *>(data)->work();
      return nullptr;
    };
    if (pthread_create(&thread, nullptr, run, &launch) != 0)
      break;
    started.push_back(thread);
  }
  launch.work();
  for (pthread_t thread : started)
    pthread_join(thread, nullptr);
}
