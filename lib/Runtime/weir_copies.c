/*===- weir_copies.c - dense copies of tensors that the kernel cannot walk ---------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Two reasons: an innermost stride that is not 1, and an input that an output is written over (--inplace). */
#include "weir_internal.h"
#include <stdlib.h>
#include <string.h>

/* Copies between a strided tensor and its dense image, row-major. `strides` null: dense on both sides. */
static void copy_rows(char *dense, char *strided, const weir_tensor *tensor, int64_t size, int d,
                      int to_dense, int64_t *done) {
  if (d == tensor->rank) {
    char *image = dense + *done * size;
    memcpy(to_dense ? image : strided, to_dense ? strided : image, (size_t)size);
    ++*done;
    return;
  }
  for (int64_t i = 0; i < tensor->extents[d]; ++i)
    copy_rows(dense, strided + i * tensor->strides[d] * size, tensor, size, d + 1, to_dense, done);
}

static int64_t dense_bytes(const weir_tensor *tensor) {
  int64_t n = weir_element_bytes(tensor->dtype);
  for (int d = 0; d < tensor->rank; ++d)
    n *=
        d == tensor->rank - 1 && tensor->dtype == WEIR_I4 ? (tensor->extents[d] + 1) / 2 : tensor->extents[d];
  return n;
}

/* i4 with outer strides: whole rows of bytes. */
static void copy_nibble_rows(char *dense, const char *from, const weir_tensor *tensor, int d, int64_t *done) {
  if (d >= tensor->rank - 1) {
    int64_t row = tensor->rank ? (tensor->extents[d] + 1) / 2 : 1;
    memcpy(dense + *done, from, (size_t)row);
    *done += row;
    return;
  }
  for (int64_t i = 0; i < tensor->extents[d]; ++i)
    copy_nibble_rows(dense, from + i * tensor->strides[d] / 2, tensor, d + 1, done);
}

static void to_dense(char *block, const weir_tensor *tensor) {
  int64_t done = 0;
  if (!tensor->strides)
    memcpy(block, tensor->data, (size_t)dense_bytes(tensor));
  else if (tensor->dtype == WEIR_I4)
    copy_nibble_rows(block, (const char *)tensor->data, tensor, 0, &done);
  else
    copy_rows(block, (char *)tensor->data, tensor, weir_element_bytes(tensor->dtype), 0, 1, &done);
}

int weir_is_overwritten(const weir_kernel *k, const void *args, int input) {
  for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t)
    if (k->tensors[t].inplace == input &&
        weir_tensor_of(k, args, t)->data == weir_tensor_of(k, args, input)->data)
      return 1;
  return 0;
}

int weir_copy_in(const weir_kernel *k, const void *args, void *dense, weir_copies *made) {
  int count = k->num_inputs + k->num_outputs;
  made->blocks = (void **)calloc((size_t)count + 1, sizeof(void *));
  if (!made->blocks)
    return weir_fail(k, WEIR_E_MEMORY, "out of memory");
  for (int t = 0; t < count; ++t) {
    const weir_tensor *tensor = weir_tensor_of(k, args, t);
    weir_tensor *image = (weir_tensor *)(void *)((char *)dense + k->tensors[t].offset);
    int64_t bytes;
    if (!weir_needs_copy(k, args, t) && !(t < k->num_inputs && weir_is_overwritten(k, args, t)))
      continue;
    bytes = dense_bytes(tensor);
    char *block = (char *)malloc((size_t)bytes + 1);
    if (!block)
      return weir_fail(k, WEIR_E_MEMORY, "no memory for a copy of %s (%lld bytes)", k->tensors[t].name,
                       (long long)bytes);
    made->blocks[made->count++] = block;
    image->data = block;
    image->strides = NULL;
    if (t < k->num_inputs && bytes)
      to_dense(block, tensor);
  }
  return WEIR_OK;
}

void weir_copy_out(const weir_kernel *k, const void *args, const void *dense) {
  for (int t = k->num_inputs; t < k->num_inputs + k->num_outputs; ++t) {
    const weir_tensor *tensor = weir_tensor_of(k, args, t);
    const weir_tensor *image = weir_tensor_of(k, dense, t);
    int64_t done = 0;
    if (weir_needs_copy(k, args, t))
      copy_rows((char *)image->data, (char *)tensor->data, tensor, weir_element_bytes(tensor->dtype), 0, 0,
                &done);
  }
}

void weir_copies_free(weir_copies *made) {
  for (int i = 0; i < made->count; ++i)
    free(made->blocks[i]);
  free(made->blocks);
}
