//===- Cluster.cpp - Programs that run together, on one thread ------------===//

#include "cpu/Cluster.h"

using namespace mlir::cpu;

/// Of the memory it is given, a program only touches what it needs.
static constexpr size_t kStackBytes = 1 << 20;
/// An address is the number of a program and, below it, a place in its memory.
static constexpr int kOffsetBits = 24;

static thread_local Cluster *running = nullptr;

Cluster::Cluster(int size, size_t bytes) : programs(size) {
  for (Program &program : programs) {
    program.stack.reset(new char[kStackBytes]);
    program.memory.resize((bytes + sizeof(float) - 1) / sizeof(float));
  }
}

Cluster &Cluster::current() { return *running; }

void Cluster::run(const std::function<void(int)> &program) {
  entry = &program;
  phases = arrived = 0;
  left = programs.size();
  for (Program &one : programs) {
    one.awaited = 0;
    one.ended = false;
    getcontext(&one.context);
    one.context.uc_stack = {};
    one.context.uc_stack.ss_sp = one.stack.get();
    one.context.uc_stack.ss_size = kStackBytes;
    one.context.uc_link = &caller;
    makecontext(&one.context, enter, 0);
  }
  Cluster *outer = running;
  running = this;
  while (left)
    for (turn = 0; turn < int(programs.size()); ++turn)
      if (!programs[turn].ended)
        swapcontext(&caller, &programs[turn].context);
  running = outer;
}

void Cluster::enter() {
  Cluster &cluster = current();
  (*cluster.entry)(cluster.turn);
  cluster.programs[cluster.turn].ended = true;
  --cluster.left;
  // As on a GPU, who has ended is not waited for.
  cluster.endPhaseIfAllArrived();
}

void Cluster::endPhaseIfAllArrived() {
  if (arrived < left)
    return;
  arrived = 0;
  ++phases;
}

void Cluster::arrive() {
  programs[turn].awaited = phases + 1;
  ++arrived;
  endPhaseIfAllArrived();
}

void Cluster::wait() {
  Program &self = programs[turn];
  while (phases < self.awaited)
    swapcontext(&self.context, &caller);
}

int32_t Cluster::addressOf(int32_t offset) const {
  return inProgram(offset, turn);
}

int32_t Cluster::inProgram(int32_t address, int32_t program) {
  return (program << kOffsetBits) | (address & ((1 << kOffsetBits) - 1));
}

float &Cluster::at(int32_t address) {
  int32_t offset = address & ((1 << kOffsetBits) - 1);
  return programs[address >> kOffsetBits].memory[offset / sizeof(float)];
}

//===----------------------------------------------------------------------===//
// What compiled kernels call
//===----------------------------------------------------------------------===//

int32_t pyflex_cluster_memory(int32_t offset) {
  return Cluster::current().addressOf(offset);
}

int32_t pyflex_cluster_map(int32_t address, int32_t program) {
  return Cluster::inProgram(address, program);
}

int32_t pyflex_cluster_store(int32_t address, float value, int32_t on) {
  if (on)
    Cluster::current().at(address) = value;
  return 0;
}

float pyflex_cluster_load(int32_t address) {
  return Cluster::current().at(address);
}

float pyflex_cluster_load_next(int32_t address) {
  return Cluster::current().at(address + sizeof(float));
}

int32_t pyflex_cluster_arrive() {
  Cluster::current().arrive();
  return 0;
}

int32_t pyflex_cluster_wait() {
  Cluster::current().wait();
  return 0;
}
