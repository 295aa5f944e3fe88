/*===- weir_internal.h - between the files of lib/Runtime --------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
#ifndef WEIR_INTERNAL_H
#define WEIR_INTERNAL_H
#include "weir/Runtime/weir_kernel.h"

typedef struct weir_call {
  WEIR_ARGS_HEADER
} weir_call;

/* Writes the thread's last error and returns `status`. */
int weir_fail(const weir_kernel *k, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline int64_t weir_round_up(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }

static inline const weir_tensor *weir_tensor_of(const weir_kernel *k, const void *args, int t) {
  return (const weir_tensor *)(const void *)((const char *)args + k->tensors[t].offset);
}

/* weir_runtime.c */
typedef struct weir_workspace {
  char *memory; /* the caller's, aligned; null: there is none */
  int64_t bytes;      /* with the plan, if it goes there */
  int64_t plan_bytes; /* of a plan that the call makes for itself, the last of these */
} weir_workspace;
int weir_find_workspace(const weir_kernel *k, const weir_version *v, const void *args, const int64_t *slots,
                        weir_workspace *found);
int64_t *weir_param_slots(const weir_kernel *k, const void *args, int64_t *slots);

/* weir_checks.c */
int weir_check_header(const weir_kernel *k, const void *args);
int weir_check_shapes(const weir_kernel *k, const void *args,
                      int count); /* of the first `count` tensors; data may be null */
int weir_check_tensors(const weir_kernel *k, const void *args,
                       int *copies); /* *copies: some tensor must be made dense */
int weir_check_promises(const weir_kernel *k, const weir_version *v, const void *args, const int64_t *slots);
int64_t weir_extent_by_name(const weir_kernel *k, const void *args, const weir_tensor_info *info,
                            int d); /* -1: unknown */
int weir_needs_copy(const weir_kernel *k, const void *args, int t);
/* The bytes from the first to past the last that a tensor touches: 1; 0 of an empty one, -1 where they leave the
   address space. */
int weir_address_range(const weir_kernel *k, const void *args, int t, intptr_t *low, intptr_t *high);
int64_t weir_element_bytes(int32_t dtype); /* of i4: 1, for two */

/* weir_copies.c */
int weir_is_overwritten(const weir_kernel *k, const void *args, int input); /* by an output, in place */
typedef struct weir_copies {
  void **blocks;
  int count;
} weir_copies;
int weir_copy_in(const weir_kernel *k, const void *args, void *dense, weir_copies *made);
void weir_copy_out(const weir_kernel *k, const void *args, const void *dense);
void weir_copies_free(weir_copies *made);

/* weir_threads.c */
void weir_fork(weir_rt *rt, weir_body body, void *body_context, int64_t n);
uint32_t weir_denormals_off(void);
void weir_denormals_restore(uint32_t saved);

/* Asks the system, once, whether this process may use tiles of AMX; whether it may. */
int weir_permit_tiles(void);
#endif
