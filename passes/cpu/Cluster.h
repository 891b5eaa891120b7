//===- Cluster.h - Programs that run together, on one thread ----*- C++ -*-===//
//
// A CPU's stand-in for the clusters of a GPU: the programs of a cluster take
// turns on one thread, each on a stack of its own, and one that waits for the
// others lets them run.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_CPU_CLUSTER_H
#define PYFLEX_CPU_CLUSTER_H

#include <cstdint>
#include <functional>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace mlir::cpu {

class Cluster {
public:
  /// `size` programs, each with so many bytes that the others can read.
  Cluster(int size, size_t bytes);

  /// Calls `program` with the numbers 0 to size - 1, at the same time, and
  /// returns when all have returned.
  void run(const std::function<void(int)> &program);

  /// The cluster in which this thread runs a program.
  static Cluster &current();

  // What a running program asks. Addresses tell one program's from another's.
  int32_t addressOf(int32_t offset) const;
  static int32_t inProgram(int32_t address, int32_t program);
  float &at(int32_t address);
  void arrive();
  void wait();

private:
  struct Program {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    std::vector<float> memory;
    int awaited = 0; // goes on when so many phases are over
    bool ended = false;
  };

  static void enter();
  void endPhaseIfAllArrived();

  std::vector<Program> programs;
  const std::function<void(int)> *entry = nullptr;
  ucontext_t caller;
  int turn = 0; // whose it is
  int phases = 0, arrived = 0, left = 0;
};

} // namespace mlir::cpu

extern "C" {
// For each instruction of tt/Instructions.h what a compiled kernel calls
// instead.
int32_t pyflex_cluster_memory(int32_t offset);
int32_t pyflex_cluster_map(int32_t address, int32_t program);
int32_t pyflex_cluster_store(int32_t address, float value, int32_t on);
float pyflex_cluster_load(int32_t address);
float pyflex_cluster_load_next(int32_t address);
int32_t pyflex_cluster_arrive();
int32_t pyflex_cluster_wait();
}

#endif // PYFLEX_CPU_CLUSTER_H
