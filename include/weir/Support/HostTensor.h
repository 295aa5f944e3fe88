//===- HostTensor.h - a dense tensor in memory ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_HOSTTENSOR_H
#define WEIR_SUPPORT_HOSTTENSOR_H
#include "weir/Support/ElementType.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace weir {

/// Row-major, contiguous. A bool is one byte, 0 or 1. i4 is two to a byte along the last dimension, low half first; each row of
/// the last dimension begins at a byte.
struct HostTensor {
  ElementType type = ElementType::F32;
  llvm::SmallVector<int64_t> shape;
  std::vector<char> data;

  HostTensor() = default;
  HostTensor(ElementType type, llvm::ArrayRef<int64_t> shape); ///< zeros
  /// The bytes of `data` of such a tensor.
  static int64_t bytesOf(ElementType type, llvm::ArrayRef<int64_t> shape);
  int64_t size() const;                                        ///< number of entries
  /// Entry `i` in row-major order of entries, exactly. Integers beyond 2^63 do not occur; reals and integers fit a long double.
  long double get(int64_t i) const;
  /// Stores `value` rounded to the type (roundTo).
  void set(int64_t i, long double value);
  /// Strides in elements (of i4: in nibbles, the row padded to an even number).
  llvm::SmallVector<int64_t> strides() const;
};

} // namespace weir
#endif
