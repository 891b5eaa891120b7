/*===- pyflex.h - pyflex's compiler as a C library ------------------------===*\
|*                                                                            *|
|* Text and a pipeline in; text, snapshots and diagnostics out; a CPU's       *|
|* kernel from text, a GPU's from machine code, and their launches. All       *|
|* functions may be called from several threads at once. Strings are UTF-8    *|
|* and end in zero; those returned belong to the object they come from.       *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef PYFLEX_H
#define PYFLEX_H

#include <stddef.h>
#include <stdint.h>

#define PYFLEX_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface; it changes when a declaration here does. */
PYFLEX_API int32_t pyflex_abi_version(void);

/** Hexadecimal digits that the linker gives each build of other content; empty
 *  if it was told not to. */
PYFLEX_API const char *pyflex_build_id(void);

/*===- Results ------------------------------------------------------------===*/

typedef struct PyflexResult PyflexResult;

enum PyflexSeverity {
  PYFLEX_NOTE = 0,
  PYFLEX_REMARK = 1,
  PYFLEX_WARNING = 2,
  PYFLEX_ERROR = 3
};

typedef struct PyflexDiagnostic {
  int32_t severity; /* PYFLEX_NOTE: belongs to the last one that is no note */
  int32_t line;     /* from 1; 0: unknown */
  int32_t column;   /* from 1; 0: unknown */
  const char *message;
  const char *file; /* empty: unknown */
} PyflexDiagnostic;

typedef struct PyflexSnapshot {
  const char *pass; /* the argument of the pass, such as "canonicalize" */
  const char *text; /* the module after it */
} PyflexSnapshot;

/** 1 if it worked, 0 if not; then a diagnostic says why. */
PYFLEX_API int32_t pyflex_result_ok(const PyflexResult *result);
/** The module after the pipeline; empty if it failed. */
PYFLEX_API const char *pyflex_result_text(const PyflexResult *result);
PYFLEX_API size_t pyflex_result_num_snapshots(const PyflexResult *result);
PYFLEX_API PyflexSnapshot pyflex_result_snapshot(const PyflexResult *result,
                                                 size_t index);
PYFLEX_API size_t pyflex_result_num_diagnostics(const PyflexResult *result);
PYFLEX_API PyflexDiagnostic pyflex_result_diagnostic(const PyflexResult *result,
                                                     size_t index);
PYFLEX_API void pyflex_result_free(PyflexResult *result);

/*===- Passes -------------------------------------------------------------===*/

enum PyflexRunFlags {
  PYFLEX_SNAPSHOTS = 1, /* keep the module after each pass */
  PYFLEX_GENERIC = 2,   /* print MLIR's generic form */
  PYFLEX_DEBUG_INFO = 4 /* print source locations */
};

/** Parses `source`, runs `pipeline`
 * ("flex-decode-pipeline{split-kv=false},cse"; may be empty) on it and prints
 * it. `flags` is a sum of PyflexRunFlags. */
PYFLEX_API PyflexResult *pyflex_run(const char *source, const char *pipeline,
                                    int32_t flags);

/*===- Kernels on the CPU -------------------------------------------------===*/

typedef struct PyflexKernel PyflexKernel;

/** Compiles the one public tt.func of `ttir` for this machine. Returns null on
 *  failure. `*result` is set in any case, to be freed by the caller. */
PYFLEX_API PyflexKernel *pyflex_jit(const char *ttir, PyflexResult **result);

/** The arguments' types, comma-separated: "ptr", "i32", "f32" and so on. */
PYFLEX_API const char *pyflex_jit_argument_types(const PyflexKernel *kernel);

/** Runs all gx * gy * gz programs and returns when they are done. Each argument
 *  lies in a slot of 8 bytes, small ones in its first bytes; a pointer is an
 *  address. `threads` 0: one for each core. `cluster` programs next to each
 *  other along y, of which gy is a multiple, run together; each has
 *  `cluster_bytes` that the others can read. */
PYFLEX_API void pyflex_jit_launch(const PyflexKernel *kernel,
                                  const uint64_t *arguments, int32_t gx,
                                  int32_t gy, int32_t gz, uint32_t threads,
                                  int32_t cluster, uint32_t cluster_bytes);

PYFLEX_API void pyflex_jit_free(PyflexKernel *kernel);

/*===- Kernels on a GPU ---------------------------------------------------===*/

typedef struct PyflexGpuKernel PyflexGpuKernel;

/** Machine code that Triton made, and what its launch depends on. */
typedef struct PyflexGpuImage {
  const char *driver;    /* "cuda" or "hip" */
  const char *name;      /* the kernel's */
  const void *code;      /* a cubin or hsaco */
  const uint8_t *sizes;  /* bytes of each argument, 1 to 8 */
  int32_t num_arguments; /* without those that Triton adds */
  int32_t device;        /* its ordinal */
  int32_t threads;       /* of one program */
  int32_t shared_bytes;  /* of one program */
  int32_t cluster_bytes; /* the most that a program of a cluster has on top; 0:
                            the kernel is none for clusters */
} PyflexGpuImage;

typedef struct PyflexGpuFigures {
  int32_t registers;     /* of one thread */
  int32_t spilled_bytes; /* of one thread */
  int32_t programs;      /* that one multiprocessor runs at a time */
} PyflexGpuFigures;

enum { PYFLEX_GPU_MOST_KERNELS = 3 };

/** One kernel, and perhaps others behind it on the same stream. */
typedef struct PyflexGpuLaunch {
  const PyflexGpuKernel *kernels[PYFLEX_GPU_MOST_KERNELS]; /* then null */
  void *stream;
  uint32_t grid_x[PYFLEX_GPU_MOST_KERNELS]; /* programs of each */
  uint32_t grid_y[PYFLEX_GPU_MOST_KERNELS];
  /* Bit i: programs of kernel i may start before the one ahead has ended, and
   * wait for it themselves (griddepcontrol.wait). They are kept apart, as far
   * as can be. Compute capability 9.0 and later. */
  uint32_t overlap;
  /* Bit i: programs of kernel i with the same x form a cluster. Each has
   * `cluster_bytes` of shared memory behind what the kernel needs. */
  uint32_t clustered;
  uint32_t cluster_bytes;
  uint64_t arguments[]; /* slots of 8 bytes, as above: of one kernel after the
                           other */
} PyflexGpuLaunch;

/** Loads a kernel for good. Returns null on failure, also where there is no
 *  driver. Works while a stream is captured. */
PYFLEX_API PyflexGpuKernel *pyflex_gpu_load(const PyflexGpuImage *image);

PYFLEX_API PyflexGpuFigures pyflex_gpu_figures(const PyflexGpuKernel *kernel);

/** How many clusters of so many programs, each with `cluster_bytes` of its
 * image on top, the GPU runs at the same time. 0: none. */
PYFLEX_API int32_t pyflex_gpu_clusters(const PyflexGpuKernel *kernel,
                                       uint32_t programs);

/** Queues a launch, whatever device is current. No other launch of several
 *  kernels comes between its own on the stream. Returns 0, or the driver's
 *  error. */
PYFLEX_API int32_t pyflex_gpu_launch(const PyflexGpuLaunch *launch);

/** What calls of one kind have in common. All pointers outlive its calls. */
typedef struct PyflexGpuKind {
  /* torch's dltensor_from_py_object_no_sync (DLPack 1.x). */
  int32_t (*read)(void *object, void *tensor);
  void *(*release)(void);        /* PyEval_SaveThread */
  void (*acquire)(void *thread); /* PyEval_RestoreThread */
  const PyflexGpuKernel *kernel;
  const PyflexGpuKernel *combine; /* null: not loaded, or there is none */
  const PyflexGpuKernel *listing; /* ahead of `kernel`; null: none */
  const uint64_t *arguments;      /* of all, in the order of their launch; what
                                     changes is written over */
  const uint32_t *parts;          /* of the loop, by steps of step_keys; 0: not
                                     known. The uppermost bit: a cluster */
  void *const *guarded;           /* objects: tensors that the mods read */
  const uint64_t *remembered;     /* what pyflex_gpu_remember wrote of them */
  int64_t query[4];               /* shapes; of key and value without [2] */
  int64_t key[4];
  int64_t value[4];
  int64_t most_keys;            /* longer sequences have to be checked first */
  int64_t key_line, value_line; /* compiled in; 0: an argument */
  uint32_t num_arguments, num_parts;
  uint32_t num_fixed; /* arguments behind the strides of the inputs */
  uint32_t step_keys, tile_keys, programs;
  uint32_t overlap;                 /* as in PyflexGpuLaunch */
  uint32_t lists, blocks_at_once;   /* that `listing` makes words for; of one */
  int32_t device_type, device;      /* DLPack's */
  int32_t dtype_code, dtype_bits;   /* DLPack's */
  int32_t offset_bits, length_bits; /* of a tensor's integers; 0: none */
  int32_t aligned, splits;          /* splits: takes a split's arguments */
  int32_t lse, max_scores;          /* whether it gives them */
  int32_t cluster_at; /* where its memory begins; -1: takes no such argument */
  uint32_t cluster_bytes; /* how much it is */
  uint32_t num_guarded;
} PyflexGpuKind;

/** One call; objects are of exactly the type that `read` is for. */
typedef struct PyflexGpuCall {
  const PyflexGpuKind *kind;
  void *query, *key, *value;     /* objects */
  void *offsets, *lengths;       /* objects or null */
  uint64_t out, lse, max_scores; /* addresses */
  void *stream;
  uint64_t memory, memory_bytes; /* between the kernels */
  double scale;
  int32_t offset, length; /* for all entries; length < 0: all keys */
} PyflexGpuCall;

enum PyflexGpuCallStatus {
  PYFLEX_GPU_QUEUED = 0,
  PYFLEX_GPU_OTHER = 1,     /* of another kind, or too little is known */
  PYFLEX_GPU_FAILED = 2,    /* by the driver: pyflex_gpu_error */
  PYFLEX_GPU_UNREADABLE = 3 /* no memory behind it; a Python exception is set */
};

/** Writes down where the kind's guarded tensors are and how they lie. Returns
 *  PYFLEX_GPU_OTHER if that takes more than `room` words. The caller holds
 *  Python's lock. */
PYFLEX_API int32_t pyflex_gpu_remember(const PyflexGpuKind *kind,
                                       uint64_t *words, uint32_t room);

/** Checks that a call is of its kind and queues it. The caller holds Python's
 *  lock, which is released while the driver works. */
PYFLEX_API int32_t pyflex_gpu_call(const PyflexGpuCall *call);

/** Why the last load or launch of this thread failed. */
PYFLEX_API const char *pyflex_gpu_error(void);

#ifdef __cplusplus
}
#endif

#endif /* PYFLEX_H */
