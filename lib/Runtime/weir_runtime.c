/*===- weir_runtime.c - checks a call, and runs it ---------------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Linked into every artifact as bitcode for plain x86-64, with all names made local, and into the compiler's
   own process for kernels compiled just in time. Nothing here runs an instruction beyond the baseline before
   the processor has been asked. A call: find a version, check everything, make the slots, copy what has no
   unit innermost stride, run, copy back. */
#include "weir_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char last_error[512];

const char *weir_last_error(void) { return last_error; }

int weir_fail(const weir_kernel *k, int status, const char *format, ...) {
  int used = snprintf(last_error, sizeof last_error, "%s: ", k->name);
  va_list args;
  va_start(args, format);
  if (used > 0 && (size_t)used < sizeof last_error)
    vsnprintf(last_error + used, sizeof last_error - (size_t)used, format, args);
  va_end(args);
  return status;
}

int weir_choose(const weir_kernel *k, uint64_t features) {
  for (int i = 0; i < k->num_versions; ++i)
    if ((k->versions[i].needs & ~features) == 0 &&
        (!(k->versions[i].needs & WEIR_CPU_AMX_TILE) || weir_permit_tiles()))
      return i;
  return -1;
}

static int choose(const weir_kernel *k, const void *args, uint64_t features, const weir_version **out) {
  int i = weir_choose(k, features);
  if (i >= 0) {
    *out = &k->versions[i];
    if (((const weir_call *)args)->stream && !(*out)->device)
      return weir_fail(k, WEIR_E_DEVICE, "a kernel for the processor takes no stream, expected null");
    return WEIR_OK;
  }
  return weir_fail(k, WEIR_E_CPU,
                   "this processor has none of the feature sets that the kernel was compiled for (%s)",
                   k->num_versions ? k->versions[k->num_versions - 1].target : "none");
}

/* The slots of a call: a tensor's data, extents and strides, a param's bits, in the order inputs, params,
 * outputs. */
static void make_slots(const weir_kernel *k, const void *args, int64_t *slots) {
  for (int t = 0; t < k->num_inputs + k->num_outputs; ++t) {
    const weir_tensor_info *info = &k->tensors[t];
    const weir_tensor *tensor = weir_tensor_of(k, args, t);
    int64_t step = 1;
    if (t == k->num_inputs)
      slots = weir_param_slots(k, args, slots);
    slots[0] = (int64_t)(intptr_t)tensor->data;
    for (int d = info->rank - 1; d >= 0; --d) {
      int64_t stride = tensor->strides ? tensor->strides[d] : step;
      slots[1 + d] = tensor->extents[d];
      slots[1 + info->rank + d] = stride;
      if (d == info->rank - 1 && info->dtype == WEIR_I4)
        step = (tensor->extents[d] + 1) / 2 * 2;
      else
        step *= tensor->extents[d];
    }
    if (info->dtype == WEIR_I4) /* the kernel counts bytes */
      for (int d = 0; d < info->rank - 1; ++d)
        slots[1 + info->rank + d] /= 2;
    if (info->rank) /* of one entry or none the stride says nothing */
      if (tensor->extents[info->rank - 1] <= 1)
        slots[2 * info->rank] = 1;
    slots += 1 + 2 * info->rank;
  }
  if (!k->num_outputs)
    weir_param_slots(k, args, slots);
}

static int64_t param_slot(const weir_kernel *k, const void *args, int p) {
  const char *at = (const char *)args + k->params[p].offset;
  int64_t slot = 0;
  int32_t word;
  switch (k->params[p].dtype) {
  case WEIR_F32:
    memcpy(&slot, at, 4);
    break;
  case WEIR_BOOL:
    memcpy(&word, at, 4);
    slot = word;
    break;
  default:
    memcpy(&slot, at, 8);
    break;
  }
  return slot;
}

int64_t *weir_param_slots(const weir_kernel *k, const void *args, int64_t *slots) {
  for (int p = 0; p < k->num_params; ++p)
    *slots++ = param_slot(k, args, p);
  return slots;
}

/* The last three are the plan's. */
static int slots_needed(const weir_kernel *k) {
  int n = k->num_params + 3;
  for (int t = 0; t < k->num_inputs + k->num_outputs; ++t)
    n += 1 + 2 * k->tensors[t].rank;
  return n;
}

#define SLOTS_ON_STACK 256
#define WITH_SLOTS(k, name)                                                                                  \
  int64_t name##_stack[SLOTS_ON_STACK];                                                                      \
  int name##_count = slots_needed(k);                                                                        \
  int64_t *name = name##_count <= SLOTS_ON_STACK                                                             \
                      ? name##_stack                                                                         \
                      : (int64_t *)malloc((size_t)name##_count * sizeof(int64_t));                           \
  if (!name)                                                                                                 \
  return weir_fail(k, WEIR_E_MEMORY, "out of memory")
#define FREE_SLOTS(name)                                                                                     \
  if (name != name##_stack)                                                                                  \
  free(name)

/* What the outputs' extents must be, into `extents`; -1 where nothing says. */
static void derive_extents(const weir_kernel *k, const weir_version *v, const void *args,
                           const int64_t *slots, int64_t *extents) {
  if (v->extents) {
    v->extents(slots, extents);
    return;
  }
  for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t)
    for (int d = 0; d < k->tensors[t].rank; ++d)
      *extents++ = weir_extent_by_name(k, args, &k->tensors[t], d);
}

int weir_check_promises(const weir_kernel *k, const weir_version *v, const void *args, const int64_t *slots) {
  int64_t wanted[64], broken;
  int total = 0;
  for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t)
    total += k->tensors[t].rank;
  if (total <= 64) {
    int64_t *next = wanted;
    derive_extents(k, v, args, slots, wanted);
    for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t)
      for (int d = 0; d < k->tensors[t].rank; ++d, ++next) {
        int64_t given = weir_tensor_of(k, args, t)->extents[d];
        if (*next >= 0 && *next != given)
          return weir_fail(k, WEIR_E_EXTENT, "output %s has extent %lld in dimension %d (%s), expected %lld",
                           k->tensors[t].name, (long long)given, d, k->tensors[t].ranks[d], (long long)*next);
      }
  }
  broken = v->check ? v->check(slots) : 0;
  if (broken > 0)
    return weir_fail(k, WEIR_E_PROMISE, "the extents do not keep the promise: %s",
                     broken <= k->num_checks ? k->checks[broken - 1] : "(unnamed)");
  return WEIR_OK;
}

/* Denormals to zero around the kernel, whose calls no floating-point operation can cross: it is reached by a
 * pointer. */
static void run_entry(void (*entry)(weir_rt *, const int64_t *, void *, int64_t), weir_rt *rt,
                      const int64_t *slots, void *memory, int64_t bytes) {
  uint32_t saved = weir_denormals_off();
  entry(rt, slots, memory, bytes);
  weir_denormals_restore(saved);
}

static char *align_up(char *memory) { return (char *)(uintptr_t)weir_round_up((int64_t)(uintptr_t)memory); }

/* What stands before a plan: whose it is. */
typedef struct plan_header {
  uint64_t magic, key, unused[6];
} plan_header;
static const uint64_t plan_magic = UINT64_C(0x6e616c5072696557); /* WeirPlan */

static uint64_t mix(uint64_t key, const void *data, size_t bytes) { /* FNV-1a */
  for (size_t i = 0; i < bytes; ++i)
    key = (key ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
  return key;
}

/* Of the kernel, its version, all extents and params. */
static uint64_t plan_key(const weir_kernel *k, const weir_version *v, const void *args) {
  uint64_t key = mix(UINT64_C(0xcbf29ce484222325), k->name, strlen(k->name) + 1);
  key = mix(key, v->target, strlen(v->target) + 1);
  for (int t = 0; t < k->num_inputs + k->num_outputs; ++t)
    key = mix(key, weir_tensor_of(k, args, t)->extents, 8 * (size_t)k->tensors[t].rank);
  for (int p = 0; p < k->num_params; ++p) {
    int64_t slot = param_slot(k, args, p);
    key = mix(key, &slot, sizeof slot);
  }
  return key;
}

static void set_plan(const weir_kernel *k, int64_t *slots, void *plan, int64_t bytes) {
  slots += slots_needed(k) - 3;
  slots[0] = (int64_t)(intptr_t)plan;
  slots[1] = bytes;
  slots[2] = 1;
}

/* The plan proper, of the caller's: null where there is none. */
static int find_plan(const weir_kernel *k, const weir_version *v, const void *args, void **plan) {
  char *given = (char *)((const weir_call *)args)->plan;
  plan_header header;
  *plan = NULL;
  if (!given || !v->plan)
    return WEIR_OK;
  if ((uintptr_t)given % 8)
    return weir_fail(k, WEIR_E_ALIGNMENT, "the plan's address is no multiple of 8");
  memcpy(&header, given, sizeof header);
  if (header.magic != plan_magic)
    return weir_fail(k, WEIR_E_PLAN, "the plan was not made by %s_plan", k->name);
  if (header.key != plan_key(k, v, args))
    return weir_fail(k, WEIR_E_PLAN,
                     "the plan was made for other extents or params, or by another kernel or version of it; "
                     "make it again (%s_plan)",
                     k->name);
  *plan = given + sizeof header;
  return WEIR_OK;
}

static void measure_workspace(const weir_version *v, const weir_call *call, const int64_t *slots,
                              weir_workspace *found) {
  found->bytes = v->workspace ? v->workspace(slots) : 0;
  found->plan_bytes = v->plan && !call->plan ? v->plan_bytes(slots) : 0;
  if (found->plan_bytes > 0)
    found->bytes = weir_round_up(found->bytes) + found->plan_bytes;
}

/* The caller's workspace, which is not touched. */
int weir_find_workspace(const weir_kernel *k, const weir_version *v, const void *args, const int64_t *slots,
                        weir_workspace *found) {
  const weir_call *call = (const weir_call *)args;
  measure_workspace(v, call, slots, found);
  found->memory = found->bytes > 0 && call->workspace ? align_up((char *)call->workspace) : NULL;
  if (found->memory && call->workspace_bytes < (uint64_t)found->bytes + 63)
    return weir_fail(k, WEIR_E_WORKSPACE, "the workspace has %llu bytes, expected %lld (%s_workspace_bytes)",
                     (unsigned long long)call->workspace_bytes, (long long)found->bytes + 63, k->name);
  return WEIR_OK;
}

/* The call proper, when all checks are through and every innermost stride is 1. */
static int run_checked(const weir_kernel *k, const weir_version *v, const void *args, int64_t *slots) {
  const weir_call *call = (const weir_call *)args;
  weir_rt rt = {weir_fork, call->parallel_for, call->parallel_context, call->threads};
  weir_workspace workspace;
  void *owned = NULL, *plan = NULL;
  int status;
  if (v->device)
    return v->device->run(k, v, args, slots);
  status = find_plan(k, v, args, &plan);
  if (!status)
    status = weir_find_workspace(k, v, args, slots, &workspace);
  if (status)
    return status;
  if (workspace.bytes > 0 && !workspace.memory) {
    owned = malloc((size_t)workspace.bytes + 63);
    if (!owned)
      return weir_fail(k, WEIR_E_MEMORY, "no memory for a workspace of %lld bytes",
                       (long long)workspace.bytes);
    workspace.memory = align_up((char *)owned);
  }
  workspace.bytes -= workspace.plan_bytes;
  if (workspace.plan_bytes > 0) {
    plan = workspace.memory + workspace.bytes;
    run_entry(v->plan, &rt, slots, plan, workspace.plan_bytes);
  }
  set_plan(k, slots, plan, v->plan ? v->plan_bytes(slots) : 0);
  run_entry(v->entry, &rt, slots, workspace.memory, workspace.bytes);
  free(owned);
  return WEIR_OK;
}

/* A GPU's memory is not the processor's to copy; what is written in place is copied there. */
static int refuse_copies(const weir_kernel *k, const void *args) {
  for (int t = 0; t < k->num_inputs + k->num_outputs; ++t)
    if (weir_needs_copy(k, args, t)) {
      const weir_tensor *tensor = weir_tensor_of(k, args, t);
      return weir_fail(k, WEIR_E_STRIDES, "tensor %s has innermost stride %lld, expected 1 on a GPU",
                       k->tensors[t].name, (long long)tensor->strides[tensor->rank - 1]);
    }
  return WEIR_OK;
}

static int prepare(const weir_kernel *k, const void *args, uint64_t features, const weir_version **v,
                   int *copies) {
  int status = weir_check_header(k, args);
  if (!status)
    status = choose(k, args, features, v);
  if (!status)
    status = weir_check_tensors(k, args, copies);
  if (!status && *copies && (*v)->device)
    status = refuse_copies(k, args);
  return status;
}

/* Makes a plan at args->plan. */
static int plan_checked(const weir_kernel *k, const weir_version *v, const void *args, int64_t *slots) {
  const weir_call *call = (const weir_call *)args;
  weir_rt rt = {weir_fork, call->parallel_for, call->parallel_context, call->threads};
  plan_header header = {plan_magic, plan_key(k, v, args), {0}};
  if ((uintptr_t)call->plan % 8)
    return weir_fail(k, WEIR_E_ALIGNMENT, "the plan's address is no multiple of 8");
  run_entry(v->plan, &rt, slots, (char *)call->plan + sizeof header, v->plan_bytes(slots));
  memcpy(call->plan, &header, sizeof header);
  return WEIR_OK;
}

typedef int (*checked_call)(const weir_kernel *, const weir_version *, const void *, int64_t *);

/* The same call on dense copies. Everything has been checked, so only memory can run out. Uses `slots` again.
 */
static int run_on_copies(const weir_kernel *k, const weir_version *v, const void *args, int64_t *slots,
                         checked_call call) {
  weir_copies made = {0};
  char *dense = (char *)malloc((size_t)k->args_size);
  int status;
  if (!dense)
    return weir_fail(k, WEIR_E_MEMORY, "out of memory");
  memcpy(dense, args, (size_t)k->args_size);
  status = weir_copy_in(k, args, dense, &made);
  if (!status) {
    make_slots(k, dense, slots);
    status = call(k, v, dense, slots);
  }
  if (!status && call == run_checked)
    weir_copy_out(k, args, dense);
  weir_copies_free(&made);
  free(dense);
  return status;
}

static int check_and_call(const weir_kernel *k, const void *args, uint64_t features, checked_call call) {
  const weir_version *v = NULL;
  int copies = 0;
  int status = prepare(k, args, features, &v, &copies);
  if (status)
    return status;
  WITH_SLOTS(k, slots);
  make_slots(k, args, slots);
  status = weir_check_promises(k, v, args, slots);
  if (!status)
    status = copies && !v->device ? run_on_copies(k, v, args, slots, call) : call(k, v, args, slots);
  FREE_SLOTS(slots);
  return status;
}

int weir_run(const weir_kernel *k, const void *args, uint64_t features) {
  return check_and_call(k, args, features, run_checked);
}

/* The version for this processor, of arguments whose first `tensors` tensors have the shapes that they should. */
static int choose_for(const weir_kernel *k, const void *args, int tensors, const weir_version **v) {
  int status = weir_check_header(k, args);
  if (!status)
    status = choose(k, args, weir_cpu_features(), v);
  return status ? status : weir_check_shapes(k, args, tensors);
}

/* What `measure` says of a call whose data may be null, or minus the error code. */
static int64_t measure_call(const weir_kernel *k, const void *args,
                            int64_t (*measure)(const weir_version *v, const weir_call *call,
                                               const int64_t *slots)) {
  const weir_version *v = NULL;
  int64_t bytes = 0;
  int status = choose_for(k, args, k->num_inputs + k->num_outputs, &v);
  if (status)
    return -status;
  WITH_SLOTS(k, slots);
  make_slots(k, args, slots);
  status = weir_check_promises(k, v, args, slots);
  if (!status)
    bytes = measure(v, (const weir_call *)args, slots);
  FREE_SLOTS(slots);
  return status ? -status : bytes;
}

static int64_t aligned_workspace(const weir_version *v, const weir_call *call, const int64_t *slots) {
  weir_workspace workspace = {NULL, 0, 0};
  measure_workspace(v, call, slots, &workspace);
  return workspace.bytes > 0 ? workspace.bytes + 63 : workspace.bytes;
}

int64_t weir_workspace_bytes(const weir_kernel *k, const void *args) {
  return measure_call(k, args, aligned_workspace);
}

int weir_output_extents(const weir_kernel *k, const void *args, int64_t *extents) {
  const weir_version *v = NULL;
  int64_t zeros[64] = {0};
  int status = choose_for(k, args, k->num_inputs, &v);
  if (status)
    return status;
  /* The outputs' own extents are what is asked for: they count as 0. */
  char *view = (char *)malloc((size_t)k->args_size);
  if (!view)
    return weir_fail(k, WEIR_E_MEMORY, "out of memory");
  memcpy(view, args, (size_t)k->args_size);
  for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t) {
    weir_tensor *tensor = (weir_tensor *)(void *)(view + k->tensors[t].offset);
    if (k->tensors[t].rank > 64) {
      free(view);
      return weir_fail(k, WEIR_E_RANK, "output %s has more than 64 dimensions", k->tensors[t].name);
    }
    tensor->data = NULL;
    tensor->extents = zeros;
    tensor->strides = NULL;
  }
  WITH_SLOTS(k, slots);
  make_slots(k, view, slots);
  derive_extents(k, v, view, slots, extents);
  FREE_SLOTS(slots);
  free(view);
  return WEIR_OK;
}

static int64_t measure_plan(const weir_version *v, const weir_call *call, const int64_t *slots) {
  (void)call;
  return v->plan ? (int64_t)sizeof(plan_header) + v->plan_bytes(slots) : 0;
}

int64_t weir_plan(const weir_kernel *k, const void *args, void *buffer) {
  int64_t bytes = measure_call(k, args, measure_plan);
  int status = 0;
  if (bytes > 0 && buffer) {
    char *view = (char *)malloc((size_t)k->args_size);
    if (!view)
      return -weir_fail(k, WEIR_E_MEMORY, "out of memory");
    memcpy(view, args, (size_t)k->args_size);
    ((weir_call *)(void *)view)->plan = buffer;
    status = check_and_call(k, view, weir_cpu_features(), plan_checked);
    free(view);
  }
  return status ? -status : bytes;
}
