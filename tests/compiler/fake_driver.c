/* A CUDA driver without a GPU: it does nothing, and tells what it was asked.
 *
 * Each call that changes something appends one line to `fake_log`. A call whose
 * name is in the environment variable FAKE_DRIVER_FAILS fails. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2 };

static char record[1 << 16];
static size_t used;
static void *context = (void *)0x11;

const char *fake_log(void) { return record; }
void fake_clear(void) { record[used = 0] = 0; }

/* The queue of the stream FULL has no room until `fake_drain`. */
#define FULL ((void *)0xf11)
static volatile int waits, drained;
int fake_waits(void) { return waits; }
void fake_drain(void) { drained = 1; }

static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  used += vsnprintf(record + used, sizeof(record) - used, format, arguments);
  va_end(arguments);
}

struct attribute {
  int id;
  char padding[4];
  union {
    int value;
    unsigned cluster[3];
    char bytes[64];
  } value;
};

struct config {
  unsigned grid[3], block[3], shared;
  void *stream;
  struct attribute *attributes;
  unsigned count;
};

static int status(const char *name) {
  const char *failing = getenv("FAKE_DRIVER_FAILS");
  return failing && strcmp(failing, name) == 0 ? OUT_OF_MEMORY : SUCCESS;
}

int cuInit(unsigned flags) { return flags == 0 ? status("cuInit") : 1; }

int cuGetErrorString(int code, const char **text) {
  *text = code == OUT_OF_MEMORY ? "out of memory" : NULL;
  return *text ? SUCCESS : INVALID_VALUE;
}

int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return SUCCESS;
}

/* As an H100 has: multiprocessors, their shared memory, the most of a program,
 * and what each takes on top. */
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  *value = attribute == 16    ? 132
           : attribute == 81  ? 233472
           : attribute == 97  ? 232448
           : attribute == 111 ? 1024
                              : -1;
  return status("cuDeviceGetAttribute");
}

int cuDevicePrimaryCtxRetain(void **out, int device) {
  *out = (void *)(uintptr_t)(0x100 + device);
  return SUCCESS;
}

int cuCtxGetCurrent(void **out) {
  *out = context;
  return SUCCESS;
}

int cuCtxPushCurrent_v2(void *pushed) {
  say("enter %p\n", pushed);
  context = pushed;
  return SUCCESS;
}

int cuCtxPopCurrent_v2(void **popped) {
  say("leave\n");
  *popped = context;
  context = (void *)0x11;
  return SUCCESS;
}

int cuThreadExchangeStreamCaptureMode(int *mode) {
  int before = *mode == 2 ? 0 : 2;
  say("capture mode %d\n", *mode);
  *mode = before;
  return SUCCESS;
}

int cuStreamIsCapturing(void *stream, int *capturing) {
  *capturing = stream == (void *)0xca;
  return SUCCESS;
}

/* Code is a byte that says how many arguments the kernel declares, and a byte
 * for each one's size. A function is its code. */
int cuModuleLoadData(void **module, const void *code) {
  say("load\n");
  *module = (void *)code;
  return status("cuModuleLoadData");
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
  say("function %s\n", name);
  *function = module;
  return status("cuModuleGetFunction");
}

int cuFuncGetParamInfo(void *function, size_t index, size_t *offset,
                       size_t *size) {
  const char *code = function;
  if (index >= (size_t)code[0])
    return INVALID_VALUE;
  *offset = 8 * index;
  *size = code[1 + index];
  return SUCCESS;
}

int cuFuncSetCacheConfig(void *function, int preferred) {
  (void)function;
  say("cache config %d\n", preferred);
  return SUCCESS;
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
  (void)function;
  say("attribute %d = %d\n", attribute, value);
  return status("cuFuncSetAttribute");
}

int cuFuncGetAttribute(int *value, int attribute, void *function) {
  (void)function;
  *value = 100 + attribute;
  return SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *programs, void *function,
                                                int threads, size_t shared) {
  (void)function;
  say("occupancy of %d threads, %zu bytes\n", threads, shared);
  *programs = 7;
  return SUCCESS;
}

/* As many as 100 programs make, if they have all of the memory. */
int cuOccupancyMaxActiveClusters(int *clusters, void *function,
                                 const struct config *config) {
  (void)function;
  const unsigned *sizes = config->attributes->value.cluster;
  say("clusters of %ux%u, %u bytes\n", sizes[0], sizes[1], config->shared);
  *clusters = 100 / (sizes[0] * sizes[1]);
  return status("cuOccupancyMaxActiveClusters");
}

static int run(const char *how, void *function, const unsigned *grid,
               const unsigned *cluster, unsigned threads, unsigned shared,
               void *stream, void **arguments) {
  while (stream == FULL && !drained) {
    waits = 1;
    usleep(100);
  }
  say("%s %ux%ux%u", how, grid[0], grid[1], grid[2]);
  if (cluster)
    say(" in clusters of %ux%u", cluster[0], cluster[1]);
  say(" of %u threads, %u bytes, stream %p:", threads, shared, stream);
  size_t count = *(char *)function;
  for (size_t index = 0; index < count; ++index) {
    size_t offset, size;
    int64_t value = 0;
    cuFuncGetParamInfo(function, index, &offset, &size);
    memcpy(&value, arguments[index], size);
    say(" %lld", size == 4 ? (long long)(int32_t)value : (long long)value);
  }
  say("\n");
  return status(how);
}

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z,
                   unsigned threads, unsigned block_y, unsigned block_z,
                   unsigned shared, void *stream, void **arguments,
                   void **extra) {
  unsigned grid[3] = {x, y, z};
  if (block_y != 1 || block_z != 1 || extra)
    return INVALID_VALUE;
  return run("launch", function, grid, NULL, threads, shared, stream, arguments);
}

int cuLaunchKernelEx(const struct config *config, void *function,
                     void **arguments, void **extra) {
  const unsigned *cluster = NULL;
  int overlap = 0, isBalanced = 0;
  for (unsigned index = 0; index < config->count; ++index) {
    const struct attribute *attribute = config->attributes + index;
    if (attribute->id == 6)
      overlap = attribute->value.value;
    else if (attribute->id == 5)
      isBalanced = attribute->value.value == 2;
    else if (attribute->id == 4 && attribute->value.cluster[2] == 1)
      cluster = attribute->value.cluster;
    else
      return INVALID_VALUE;
  }
  if (extra || (cluster && (config->grid[0] % cluster[0] ||
                            config->grid[1] % cluster[1])))
    return INVALID_VALUE;
  /* Clusters along x are there to keep their programs apart. */
  if (cluster && isBalanced != (cluster[0] > 1))
    return INVALID_VALUE;
  return run(overlap ? "overlap" : "launch", function, config->grid, cluster,
             config->block[0], config->shared, config->stream, arguments);
}
