/*===- weir_runtime.h - what every compiled kernel shares with its caller -------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Plain C99 (and C++). A kernel NAME has a header NAME.h of its own, which includes this one.          */
#ifndef WEIR_RUNTIME_H
#define WEIR_RUNTIME_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ABI_VERSION 1

/* What a kernel returns; NAME_last_error() has the text. Nothing has been written where it is not WEIR_OK or
   WEIR_E_DRIVER. */
enum weir_status {
  WEIR_OK = 0,
  WEIR_E_NULL = 1,       /* a null args or data pointer */
  WEIR_E_VERSION = 2,    /* args->size or args->version is not that of this header */
  WEIR_E_DTYPE = 3,      /* a tensor of another element type than declared */
  WEIR_E_RANK = 4,       /* a tensor of another number of dimensions */
  WEIR_E_EXTENT = 5,     /* negative, not the compiled-in one, or two tensors disagree */
  WEIR_E_PROMISE = 6,    /* a promise on extents (`given`, a bracket expression, a declared rank) is broken */
  WEIR_E_STRIDES = 7,    /* strides that cannot be served */
  WEIR_E_OVERLAP = 8,    /* an output's address range meets an input's or another output's */
  WEIR_E_ALIGNMENT = 9,  /* a data pointer that is not a multiple of its element's size */
  WEIR_E_WORKSPACE = 10, /* a workspace smaller than NAME_workspace_bytes() */
  WEIR_E_MEMORY = 11,    /* no memory for the workspace or for a copy */
  WEIR_E_CPU = 12,       /* the processor has none of the feature sets that the kernel was compiled for */
  WEIR_E_DEVICE = 13,    /* a tensor or a stream of another device */
  WEIR_E_PARAM = 14,     /* a bool that is neither 0 nor 1 */
  WEIR_E_DRIVER = 15,    /* no GPU, no driver, or what the driver says. */
  WEIR_E_PLAN = 16       /* a plan of another kernel, of other extents, or none that NAME_plan() made */
};

/* Element types. A bool is one byte, 0 or 1. i4 is two to a byte along the last dimension, the low half
 * first. */
/* clang-format off */
enum weir_dtype {
  WEIR_F64 = 0, WEIR_F32 = 1, WEIR_F16 = 2, WEIR_BF16 = 3, WEIR_F8E4M3 = 4, WEIR_F8E5M2 = 5, WEIR_I64 = 6,
  WEIR_I32 = 7, WEIR_I16 = 8, WEIR_I8 = 9, WEIR_I4 = 10, WEIR_U32 = 11, WEIR_U8 = 12, WEIR_BOOL = 13
};
/* clang-format on */

/* A tensor that the caller owns. `extents` has `rank` entries, so has `strides`, in elements (null: dense,
   row-major). The kernel keeps none of the pointers. Where the innermost stride is not 1 the tensor is
   copied. */
typedef struct weir_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  const int64_t *extents;
  const int64_t *strides;
} weir_tensor;

/* Runs body(body_context, begin, end) over pieces that cover 0 .. n-1 once each, on any threads in any order,
   and returns when all are done. The result of a kernel does not depend on the pieces. `context` is
   args->parallel_context. */
typedef void (*weir_body)(void *body_context, int64_t begin, int64_t end);
typedef void (*weir_parallel_for)(void *context, weir_body body, void *body_context, int64_t n);

/* Processor features, as bits of a mask: the two levels, and what a kernel for a named processor may need
 * beyond. */
#define WEIR_CPU_V3 (UINT64_C(1) << 0) /* x86-64-v3; the system saves ymm */
#define WEIR_CPU_V4 (UINT64_C(1) << 1) /* x86-64-v4; the system saves zmm */
#define WEIR_CPU_AVX512_BF16 (UINT64_C(1) << 2)
#define WEIR_CPU_AVX512_FP16 (UINT64_C(1) << 3)
#define WEIR_CPU_AVX512_VNNI (UINT64_C(1) << 4)
#define WEIR_CPU_AVX512_VBMI (UINT64_C(1) << 5)
#define WEIR_CPU_AVX512_VBMI2 (UINT64_C(1) << 6)
#define WEIR_CPU_AVX512_BITALG (UINT64_C(1) << 7)
#define WEIR_CPU_AVX512_VPOPCNTDQ (UINT64_C(1) << 8)
#define WEIR_CPU_AVX512_IFMA (UINT64_C(1) << 9)
#define WEIR_CPU_GFNI (UINT64_C(1) << 10)
#define WEIR_CPU_AVX_VNNI (UINT64_C(1) << 11)
#define WEIR_CPU_AVX_IFMA (UINT64_C(1) << 12)
#define WEIR_CPU_AMX_TILE (UINT64_C(1) << 13)
#define WEIR_CPU_AMX_BF16 (UINT64_C(1) << 14)
#define WEIR_CPU_UNKNOWN (UINT64_C(1) << 63) /* never set in a real mask */

/* The first bytes of every NAME_args. */
#define WEIR_ARGS_HEADER                                                                                     \
  uint64_t size;                  /* sizeof(NAME_args)                                                    */ \
  uint32_t version;               /* WEIR_ABI_VERSION                                                     */ \
  int32_t threads;                /* how many to use where parallel_for is null; 0: as many as there are  */ \
  weir_parallel_for parallel_for; /* null: OpenMP's runtime, opened when first needed; else one thread    */ \
  void *parallel_context;         /* given to parallel_for                                                */ \
  void *workspace;                /* null: the kernel allocates. Any alignment                            */ \
  uint64_t workspace_bytes;       /* at least NAME_workspace_bytes(args) where workspace is not null      */ \
  void *plan;                     /* made by NAME_plan, or null                                           */ \
  void *stream;                   /* of a GPU kernel, a CUstream, null the default; null on a CPU         */ \
  void *reserved[2];              /* null                                                                 */

/* What a DLPack DLTensor looks like; dlpack.h is not needed to include this file. */
typedef struct weir_dl_tensor {
  void *data;
  struct {
    int32_t device_type, device_id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} weir_dl_tensor;

/* Views a DLTensor (given by its address) as a weir_tensor; extents and strides stay the DLTensor's.
   WEIR_E_DEVICE where it is not in the processor's memory (or where `on_cuda` is not 0, not in a GPU's),
   WEIR_E_DTYPE where the type has no counterpart, WEIR_E_NULL where `dl` is null. */
static inline int weir_from_dlpack_on(weir_tensor *out, const void *dl, int on_cuda) {
  const weir_dl_tensor *t = (const weir_dl_tensor *)dl;
  int32_t dtype = -1;
  if (!out || !t)
    return WEIR_E_NULL;
  if (t->device.device_type != 13 /* kDLCUDAManaged is both's */ &&
      (on_cuda ? t->device.device_type != 2                                      /* kDLCUDA */
               : t->device.device_type != 1 && t->device.device_type != 3)) /* kDLCPU, kDLCUDAHost */
    return WEIR_E_DEVICE;
  /* clang-format off */
  if (t->dtype.lanes == 1) {
    switch (t->dtype.code * 256 + t->dtype.bits) {
    case 0 * 256 + 64: dtype = WEIR_I64; break; /* kDLInt */
    case 0 * 256 + 32: dtype = WEIR_I32; break;
    case 0 * 256 + 16: dtype = WEIR_I16; break;
    case 0 * 256 + 8: dtype = WEIR_I8; break;
    case 1 * 256 + 32: dtype = WEIR_U32; break; /* kDLUInt */
    case 1 * 256 + 8: dtype = WEIR_U8; break;
    case 2 * 256 + 64: dtype = WEIR_F64; break; /* kDLFloat */
    case 2 * 256 + 32: dtype = WEIR_F32; break;
    case 2 * 256 + 16: dtype = WEIR_F16; break;
    case 4 * 256 + 16: dtype = WEIR_BF16; break;  /* kDLBfloat */
    case 6 * 256 + 8: dtype = WEIR_BOOL; break;   /* kDLBool */
    case 10 * 256 + 8: dtype = WEIR_F8E4M3; break; /* kDLFloat8_e4m3fn */
    case 12 * 256 + 8: dtype = WEIR_F8E5M2; break; /* kDLFloat8_e5m2 */
    default: break;
    }
  }
  /* clang-format on */
  if (dtype < 0)
    return WEIR_E_DTYPE;
  out->data = t->data ? (void *)((char *)t->data + t->byte_offset) : t->data;
  out->dtype = dtype;
  out->rank = t->ndim;
  out->extents = t->shape;
  out->strides = t->strides;
  return WEIR_OK;
}

static inline int weir_from_dlpack(weir_tensor *out, const void *dl) {
  return weir_from_dlpack_on(out, dl, 0);
}

/* A dense row-major tensor. */
static inline weir_tensor weir_dense(void *data, int32_t dtype, int32_t rank, const int64_t *extents) {
  weir_tensor t;
  t.data = data;
  t.dtype = dtype;
  t.rank = rank;
  t.extents = extents;
  t.strides = 0;
  return t;
}

#ifdef __cplusplus
}
#endif
#endif
