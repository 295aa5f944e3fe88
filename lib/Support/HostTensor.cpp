//===- HostTensor.cpp - a dense tensor in memory --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/STLExtras.h"
#include <cassert>
#include <cstring>

using namespace weir;

/// Bytes of one row of the last dimension of an i4 tensor.
static int64_t nibbleRowBytes(llvm::ArrayRef<int64_t> shape) {
  return shape.empty() ? 1 : (shape.back() + 1) / 2;
}

int64_t HostTensor::bytesOf(ElementType type, llvm::ArrayRef<int64_t> shape) {
  assert(llvm::all_of(shape, [](int64_t extent) { return extent >= 0; }) && "an extent cannot be negative");
  int64_t bytes = getBits(type) / 8;
  if (type == ElementType::I4) {
    bytes = nibbleRowBytes(shape);
    shape = shape.drop_back(shape.empty() ? 0 : 1);
  }
  for (int64_t extent : shape)
    bytes *= extent;
  return bytes;
}

HostTensor::HostTensor(ElementType type, llvm::ArrayRef<int64_t> shape) : type(type), shape(shape) {
  data.assign(bytesOf(type, shape), 0);
}

int64_t HostTensor::size() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

/// Where entry `i` of an i4 tensor lies: its byte, and whether it is the high half.
static std::pair<int64_t, bool> nibbleAt(llvm::ArrayRef<int64_t> shape, int64_t i) {
  int64_t row = shape.empty() ? 0 : i / shape.back();
  int64_t column = shape.empty() ? 0 : i % shape.back();
  return {row * nibbleRowBytes(shape) + column / 2, column % 2 != 0};
}

long double HostTensor::get(int64_t i) const {
  assert(i >= 0 && i < size() && "entry out of range");
  if (type == ElementType::I4) {
    auto [byte, high] = nibbleAt(shape, i);
    return fromBits((static_cast<unsigned char>(data[byte]) >> (high ? 4 : 0)) & 15, type);
  }
  unsigned bytes = getBits(type) / 8;
  uint64_t bits = 0;
  std::memcpy(&bits, data.data() + i * bytes, bytes); // little-endian: the low bytes
  return fromBits(bits, type);
}

void HostTensor::set(int64_t i, long double value) {
  assert(i >= 0 && i < size() && "entry out of range");
  uint64_t bits = toBits(value, type);
  if (type == ElementType::I4) {
    auto [byte, high] = nibbleAt(shape, i);
    unsigned old = static_cast<unsigned char>(data[byte]);
    data[byte] = static_cast<char>(high ? (old & 15) | bits << 4 : (old & 0xf0) | bits);
    return;
  }
  unsigned bytes = getBits(type) / 8;
  std::memcpy(data.data() + i * bytes, &bits, bytes);
}

llvm::SmallVector<int64_t> HostTensor::strides() const {
  llvm::SmallVector<int64_t> result(shape.size(), 1);
  int64_t stride = 1;
  for (int64_t dim = static_cast<int64_t>(shape.size()) - 1; dim >= 0; --dim) {
    result[dim] = stride;
    bool innermost = dim == static_cast<int64_t>(shape.size()) - 1;
    stride *= innermost && type == ElementType::I4 ? 2 * nibbleRowBytes(shape) : shape[dim];
  }
  return result;
}
