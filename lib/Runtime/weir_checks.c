/*===- weir_checks.c - what a call must keep before anything is written ------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
#include "weir_internal.h"
#include <string.h>

static const char *const dtype_names[] = {"f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i64",
                                          "i32", "i16", "i8",  "i4",   "u32",    "u8",     "bool"};

static const char *dtype_name(int32_t dtype) {
  return dtype >= 0 && dtype <= WEIR_BOOL ? dtype_names[dtype] : "(unknown)";
}

int64_t weir_element_bytes(int32_t dtype) {
  switch (dtype) {
  case WEIR_F64:
  case WEIR_I64:
    return 8;
  case WEIR_F32:
  case WEIR_I32:
  case WEIR_U32:
    return 4;
  case WEIR_F16:
  case WEIR_BF16:
  case WEIR_I16:
    return 2;
  default:
    return 1;
  }
}

int weir_check_header(const weir_kernel *k, const void *args) {
  const weir_call *call = (const weir_call *)args;
  if (!args)
    return weir_fail(k, WEIR_E_NULL, "args is null");
  if (call->size != (uint64_t)k->args_size || call->version != WEIR_ABI_VERSION)
    return weir_fail(k, WEIR_E_VERSION,
                     "args has size %llu and version %u, expected %d and %d (%s_args_init sets them)",
                     (unsigned long long)call->size, (unsigned)call->version, (int)k->args_size,
                     WEIR_ABI_VERSION, k->name);
  for (int p = 0; p < k->num_params; ++p)
    if (k->params[p].dtype == WEIR_BOOL) {
      int32_t value;
      memcpy(&value, (const char *)args + k->params[p].offset, sizeof value);
      if (value != 0 && value != 1)
        return weir_fail(k, WEIR_E_PARAM, "param %s is %d, expected 0 or 1", k->params[p].name, (int)value);
    }
  return WEIR_OK;
}

/* The first dimension, of the tensors before `until`, whose rank has this name. */
static int find_rank(const weir_kernel *k, int until, const char *name, int *tensor, int *dim) {
  if (!name[0])
    return 0;
  for (int t = 0; t < until; ++t)
    for (int d = 0; d < k->tensors[t].rank; ++d)
      if (!strcmp(k->tensors[t].ranks[d], name)) {
        *tensor = t;
        *dim = d;
        return 1;
      }
  return 0;
}

int64_t weir_extent_by_name(const weir_kernel *k, const void *args, const weir_tensor_info *info, int d) {
  int t, at;
  if (info->shape[d] >= 0)
    return info->shape[d];
  return find_rank(k, k->num_inputs, info->ranks[d], &t, &at) ? weir_tensor_of(k, args, t)->extents[at] : -1;
}

static int check_shape(const weir_kernel *k, const void *args, int t) {
  const weir_tensor_info *info = &k->tensors[t];
  const weir_tensor *tensor = weir_tensor_of(k, args, t);
  int64_t bytes = 16; /* an element's, with room to spare */
  int empty = 0;
  if (tensor->dtype != info->dtype)
    return weir_fail(k, WEIR_E_DTYPE, "tensor %s has type %s, expected %s", info->name,
                     dtype_name(tensor->dtype), dtype_name(info->dtype));
  if (tensor->rank != info->rank)
    return weir_fail(k, WEIR_E_RANK, "tensor %s has %d dimensions, expected %d", info->name,
                     (int)tensor->rank, (int)info->rank);
  if (info->rank && !tensor->extents)
    return weir_fail(k, WEIR_E_NULL, "tensor %s has null extents", info->name);
  for (int d = 0; d < info->rank; ++d) {
    int64_t extent = tensor->extents[d];
    int other, at;
    if (extent < 0)
      return weir_fail(k, WEIR_E_EXTENT, "tensor %s has extent %lld in dimension %d, expected 0 or more",
                       info->name, (long long)extent, d);
    if (info->shape[d] >= 0 && extent != info->shape[d])
      return weir_fail(k, WEIR_E_EXTENT, "tensor %s has extent %lld in dimension %d (%s), compiled for %lld",
                       info->name, (long long)extent, d, info->ranks[d], (long long)info->shape[d]);
    if (find_rank(k, t, info->ranks[d], &other, &at) && weir_tensor_of(k, args, other)->extents[at] != extent)
      return weir_fail(k, WEIR_E_EXTENT, "rank %s is %lld in tensor %s and %lld in tensor %s", info->ranks[d],
                       (long long)weir_tensor_of(k, args, other)->extents[at], k->tensors[other].name,
                       (long long)extent, info->name);
    for (int e = 0; e < d; ++e)
      if (info->ranks[d][0] && !strcmp(info->ranks[d], info->ranks[e]) && tensor->extents[e] != extent)
        return weir_fail(k, WEIR_E_EXTENT, "rank %s is %lld and %lld in tensor %s", info->ranks[d],
                         (long long)tensor->extents[e], (long long)extent, info->name);
    empty |= extent == 0;
  }
  for (int d = 0; d < info->rank && !empty; ++d)
    if (__builtin_mul_overflow(bytes, tensor->extents[d], &bytes))
      return weir_fail(k, WEIR_E_EXTENT, "tensor %s has more entries than memory can hold", info->name);
  return WEIR_OK;
}

int weir_check_shapes(const weir_kernel *k, const void *args, int count) {
  for (int t = 0; t < count; ++t) {
    int status = check_shape(k, args, t);
    if (status)
      return status;
  }
  return WEIR_OK;
}

static int is_empty(const weir_tensor_info *info, const weir_tensor *tensor) {
  for (int d = 0; d < info->rank; ++d)
    if (tensor->extents[d] == 0)
      return 1;
  return 0;
}

int weir_needs_copy(const weir_kernel *k, const void *args, int t) {
  const weir_tensor_info *info = &k->tensors[t];
  const weir_tensor *tensor = weir_tensor_of(k, args, t);
  int last = info->rank - 1;
  return info->rank && tensor->strides && tensor->strides[last] != 1 && tensor->extents[last] > 1 &&
         !is_empty(info, tensor);
}

int weir_address_range(const weir_kernel *k, const void *args, int t, intptr_t *low, intptr_t *high) {
  const weir_tensor_info *info = &k->tensors[t];
  const weir_tensor *tensor = weir_tensor_of(k, args, t);
  int64_t size = weir_element_bytes(info->dtype), step = 1, first = 0, last = 0;
  if (is_empty(info, tensor))
    return 0;
  for (int d = info->rank - 1; d >= 0; --d) {
    int64_t stride = tensor->strides ? tensor->strides[d] : step, reach;
    if (__builtin_mul_overflow(stride, tensor->extents[d] - 1, &reach) || reach > INT64_MAX / 64 ||
        reach < INT64_MIN / 64)
      return -1;
    *(reach < 0 ? &first : &last) += reach;
    step *=
        d == info->rank - 1 && info->dtype == WEIR_I4 ? (tensor->extents[d] + 1) / 2 * 2 : tensor->extents[d];
  }
  if (info->dtype == WEIR_I4) {
    first = -((-first + 1) / 2);
    last /= 2;
  }
  *low = (intptr_t)tensor->data + first * size;
  *high = (intptr_t)tensor->data + (last + 1) * size;
  return 1;
}

/* Whether some two entries of an output may share their place: dimensions by falling stride must step over
 * each other. */
static int entries_collide(const weir_tensor_info *info, const weir_tensor *tensor) {
  for (int d = 0; d < info->rank; ++d) {
    int64_t stride = tensor->strides[d] < 0 ? -tensor->strides[d] : tensor->strides[d], reach = 0;
    if (tensor->extents[d] <= 1)
      continue;
    for (int e = 0; e < info->rank; ++e) {
      int64_t other = tensor->strides[e] < 0 ? -tensor->strides[e] : tensor->strides[e];
      if (e != d && tensor->extents[e] > 1 && (other < stride || (other == stride && e > d)))
        reach += other * (tensor->extents[e] - 1);
    }
    if (stride <= reach)
      return 1;
  }
  return 0;
}

static int check_memory(const weir_kernel *k, const void *args, int t, int *copies) {
  const weir_tensor_info *info = &k->tensors[t];
  const weir_tensor *tensor = weir_tensor_of(k, args, t);
  intptr_t low, high;
  int range;
  if (is_empty(info, tensor))
    return WEIR_OK;
  if (!tensor->data)
    return weir_fail(k, WEIR_E_NULL, "tensor %s has a null data pointer", info->name);
  if ((uintptr_t)tensor->data % (uintptr_t)weir_element_bytes(info->dtype))
    return weir_fail(k, WEIR_E_ALIGNMENT,
                     "tensor %s is at an address that is not a multiple of %d bytes, as %s needs", info->name,
                     (int)weir_element_bytes(info->dtype), dtype_name(info->dtype));
  range = weir_address_range(k, args, t, &low, &high);
  if (range < 0)
    return weir_fail(k, WEIR_E_STRIDES, "tensor %s has strides that leave the address space", info->name);
  if (tensor->strides && info->dtype == WEIR_I4)
    for (int d = 0; d < info->rank; ++d)
      if (tensor->extents[d] > 1 &&
          (d == info->rank - 1 ? tensor->strides[d] != 1 : tensor->strides[d] % 2 != 0))
        return weir_fail(k, WEIR_E_STRIDES, "tensor %s of i4 has stride %lld in dimension %d, expected %s",
                         info->name, (long long)tensor->strides[d], d,
                         d == info->rank - 1 ? "1" : "an even number");
  if (tensor->strides && t >= k->num_inputs && entries_collide(info, tensor))
    return weir_fail(k, WEIR_E_STRIDES, "output %s has strides that put several entries in one place",
                     info->name);
  *copies |= weir_needs_copy(k, args, t);
  return WEIR_OK;
}

static int same_memory(const weir_kernel *k, const void *args, int a, int b) {
  const weir_tensor *x = weir_tensor_of(k, args, a), *y = weir_tensor_of(k, args, b);
  int64_t dx = 1, dy = 1;
  if (x->data != y->data || x->rank != y->rank || x->dtype != y->dtype)
    return 0;
  for (int d = x->rank - 1; d >= 0; --d) {
    if (x->extents[d] != y->extents[d] ||
        (x->extents[d] > 1 && (x->strides ? x->strides[d] : dx) != (y->strides ? y->strides[d] : dy)))
      return 0;
    dx *= x->extents[d];
    dy *= y->extents[d];
    if (d == x->rank - 1 && x->dtype == WEIR_I4)
      dx = dy = (x->extents[d] + 1) / 2 * 2;
  }
  return 1;
}

static int check_overlap(const weir_kernel *k, const void *args, int t, int *copies) {
  intptr_t low, high, other_low, other_high;
  if (weir_address_range(k, args, t, &low, &high) != 1)
    return WEIR_OK;
  for (int other = 0; other < t; ++other) {
    if (weir_address_range(k, args, other, &other_low, &other_high) != 1 ||
        high <= other_low || other_high <= low)
      continue;
    if (k->tensors[t].inplace == other && same_memory(k, args, t, other)) {
      *copies = 1; /* the input travels as a copy */
      continue;
    }
    return weir_fail(k, WEIR_E_OVERLAP, "output %s shares memory with %s %s", k->tensors[t].name,
                     other < k->num_inputs ? "input" : "output", k->tensors[other].name);
  }
  return WEIR_OK;
}

int weir_check_tensors(const weir_kernel *k, const void *args, int *copies) {
  int count = k->num_inputs + k->num_outputs;
  int status = weir_check_shapes(k, args, count);
  for (int t = 0; t < count && !status; ++t)
    status = check_memory(k, args, t, copies);
  for (int t = k->num_inputs; t < count && !status; ++t)
    status = check_overlap(k, args, t, copies);
  return status;
}
