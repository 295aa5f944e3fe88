/*===- weir_kernel.h - a kernel as the runtime sees it ---------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Between generated code and lib/Runtime, not for callers: lib/Target writes a weir_kernel into each
   artifact (or fills one in memory for a kernel compiled just in time), and the checks and the call below go
   by it. A change here changes lib/Target/Describe.cpp and, where a function's signature changes,
   lib/Conversion/TilesToCPU. */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H
#include "weir/Runtime/weir_runtime.h"
#ifdef __cplusplus
extern "C" {
#endif

/* What generated code gets as its first argument: `fork` runs body over 0 .. n-1, on threads, with denormals
   off in each. */
typedef struct weir_rt {
  void (*fork)(struct weir_rt *rt, weir_body body, void *body_context, int64_t n);
  weir_parallel_for parallel_for; /* the host's, or null */
  void *parallel_context;
  int32_t threads;
} weir_rt;

typedef struct weir_tensor_info {
  const char *name;
  const char *const *ranks; /* a rank's name, or the text of an expression, one a dimension */
  const int64_t *shape;     /* -1 where open */
  int32_t dtype, rank;
  int32_t offset;  /* of the weir_tensor in NAME_args */
  int32_t inplace; /* of an output: the input whose memory it may share, or -1 */
} weir_tensor_info;

typedef struct weir_param_info {
  const char *name;
  int32_t dtype;  /* F32, F64, I64, BOOL: a float, double, int64_t, int32_t in NAME_args */
  int32_t offset; /* in NAME_args */
} weir_param_info;

struct weir_kernel;
struct weir_version;

/* One function of a kernel on a GPU. */
typedef struct weir_launch {
  const char *function;
  int32_t threads;      /* of a block, in x */
  int64_t shared_bytes; /* dynamic, beside what the plan says */
} weir_launch;

/* What a version for a GPU has besides. */
typedef struct weir_device {
  /* The call, when all checks are through. Innermost strides are 1. */
  int (*run)(const struct weir_kernel *kernel, const struct weir_version *version, const void *args,
             int64_t *slots);
  const char *const *images;   /* the kernel's code, the best first; text ends in a zero byte */
  const weir_launch *launches; /* one after another */
  void **loaded;               /* the runtime's own, null at first */
  int32_t num_images, num_launches;
} weir_device;

/* `slots`, in the order inputs, params, outputs, plan: a tensor's data pointer, extents, strides; a param's bits;
   the plan's pointer, bytes and 1. Each is 8 bytes. Strides are in elements, of an i4 tensor in bytes. */
typedef struct weir_version {
  uint64_t needs; /* WEIR_CPU_* bits, all of which must be there */
  const char *target;
  /* The kernel; of a GPU its plan (docs/gpu.md), which goes to `workspace`. */
  void (*entry)(weir_rt *rt, const int64_t *slots, void *workspace, int64_t workspace_bytes);
  int64_t (*workspace)(const int64_t *slots); /* bytes; null: 0 */
  int64_t (*check)(const int64_t *slots);     /* 0, or 1 + index of the broken promise; null: none */
  /* The outputs' extents, one after another; null: by name. */
  void (*extents)(const int64_t *slots, int64_t *extents);
  /* Of a kernel that takes a plan, its bytes, and what fills it; else null. */
  int64_t (*plan_bytes)(const int64_t *slots);
  void (*plan)(weir_rt *rt, const int64_t *slots, void *plan, int64_t plan_bytes);
  const weir_device *device; /* null: a processor */
} weir_version;

typedef struct weir_kernel {
  const char *name;
  const weir_tensor_info *tensors; /* inputs, then outputs */
  const weir_param_info *params;
  const char *const *checks;
  const weir_version *versions; /* the best first */
  int32_t args_size, num_inputs, num_outputs, num_params, num_checks, num_versions;
} weir_kernel;

uint64_t weir_cpu_features(void);                              /* the processor is asked once */
int weir_choose(const weir_kernel *kernel, uint64_t features); /* index of a version, or -1 */
int weir_run(const weir_kernel *kernel, const void *args, uint64_t features);
int weir_run_on_cuda(const weir_kernel *kernel, const weir_version *version, const void *args,
                     int64_t *slots);
/* For who has data on the processor: memory of the GPU on which a call from this thread runs, and what copies to
   and from it. Copies and `wait` end when what was launched before has ended. A weir_status. */
int weir_cuda_allocate(const weir_kernel *kernel, int64_t bytes, void **memory);
int weir_cuda_release(const weir_kernel *kernel, void *memory);
int weir_cuda_upload(const weir_kernel *kernel, void *memory, const void *from, int64_t bytes);
int weir_cuda_download(const weir_kernel *kernel, void *to, const void *memory, int64_t bytes);
int weir_cuda_wait(const weir_kernel *kernel);
/* The compute capability of device 0, as 80 of sm_80; 0 where there is no GPU or no driver. */
int weir_cuda_capability(void);
int64_t weir_workspace_bytes(const weir_kernel *kernel, const void *args); /* < 0: minus the error code */
int weir_output_extents(const weir_kernel *kernel, const void *args, int64_t *extents);
int64_t weir_plan(const weir_kernel *kernel, const void *args, void *buffer);
const char *weir_last_error(void); /* of this thread; "" at first */

#ifdef __cplusplus
}
#endif
#endif
