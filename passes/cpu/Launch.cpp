//===- Launch.cpp - A kernel's grid over threads --------------------------===//

#include "cpu/Cluster.h"
#include "cpu/Jit.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <pthread.h>
#include <thread>
#include <vector>

using namespace mlir::cpu;

namespace {
/// One launch, shared by its threads; each takes the next chunk of clusters.
struct Launch {
  Kernel::Entry entry;
  const uint64_t *arguments;
  std::array<int32_t, 3> grid;
  ClusterShape cluster;
  int64_t clusters;
  int64_t chunk;
  std::atomic<int64_t> next{0};

  void work() {
    std::optional<Cluster> together;
    if (cluster.programs > 1)
      together.emplace(cluster.programs, cluster.bytes);
    for (;;) {
      int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= clusters)
        return;
      int64_t end = std::min(begin + chunk, clusters);
      for (int64_t index = begin; index < end; ++index)
        if (together)
          together->run([&](int rank) { run(index, rank); });
        else
          run(index, 0);
    }
  }

  /// Programs of a cluster lie along axis y.
  void run(int64_t index, int rank) const {
    int64_t x = index % grid[0], rest = index / grid[0];
    int64_t along = grid[1] / cluster.programs;
    entry(arguments, x, rest % along * cluster.programs + rank, rest / along,
          grid[0], grid[1], grid[2]);
  }
};
} // namespace

void Kernel::launch(const uint64_t *arguments, std::array<int32_t, 3> grid,
                    unsigned threads, ClusterShape cluster) const {
  if (cluster.programs <= 0 ||
      std::any_of(grid.begin(), grid.end(), [](int32_t n) { return n <= 0; }))
    return;
  int64_t programs = int64_t(grid[0]) * grid[1] * grid[2];
  Launch launch{
      entry,      arguments, grid, cluster, programs / cluster.programs,
      /*chunk=*/1};
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  int64_t workers = std::min<int64_t>(threads, launch.clusters);
  // Small enough to balance, large enough that the counter is no bottleneck.
  launch.chunk = std::max<int64_t>(1, launch.clusters / (workers * 16));

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
