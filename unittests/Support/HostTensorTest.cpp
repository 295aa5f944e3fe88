//===- HostTensorTest.cpp - tensors in memory -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/HostTensor.h"
#include "gtest/gtest.h"

using namespace weir;
using T = ElementType;

namespace {

TEST(HostTensorTest, everyTypeKeepsSmallNumbers) {
  for (int index = 0; index < 14; ++index) {
    HostTensor tensor(static_cast<T>(index), {3, 5});
    for (int64_t i = 0; i < tensor.size(); ++i) {
      EXPECT_EQ(tensor.get(i), 0);
      tensor.set(i, i % 2);
    }
    for (int64_t i = 0; i < tensor.size(); ++i)
      EXPECT_EQ(tensor.get(i), i % 2) << getName(tensor.type).str();
  }
}

TEST(HostTensorTest, setRounds) {
  HostTensor tensor(T::BF16, {});
  EXPECT_EQ(tensor.size(), 1);
  tensor.set(0, 1.00390625L);
  EXPECT_EQ(tensor.get(0), 1);
}

TEST(HostTensorTest, nibblesLowHalfFirstRowsAtBytes) {
  HostTensor tensor(T::I4, {2, 3});
  ASSERT_EQ(tensor.data.size(), 4u);
  for (int64_t i = 0; i < 6; ++i)
    tensor.set(i, i - 3);
  EXPECT_EQ(static_cast<unsigned char>(tensor.data[0]), 0xed); // -3 low, -2 high
  EXPECT_EQ(static_cast<unsigned char>(tensor.data[1]), 0x0f); // -1 and padding
  EXPECT_EQ(static_cast<unsigned char>(tensor.data[2]), 0x10); // 0, 1
  EXPECT_EQ(tensor.get(5), 2);
  EXPECT_EQ(tensor.strides(), (llvm::SmallVector<int64_t>{4, 1}));
}

TEST(HostTensorTest, strides) {
  EXPECT_EQ(HostTensor(T::F32, {2, 3, 5}).strides(), (llvm::SmallVector<int64_t>{15, 5, 1}));
  EXPECT_TRUE(HostTensor(T::F32, {}).strides().empty());
}

TEST(HostTensorTest, extentsMayBeZero) {
  EXPECT_EQ(HostTensor(T::F32, {4, 0}).data.size(), 0u);
  EXPECT_EQ(HostTensor(T::I4, {0, 3}).data.size(), 0u);
  EXPECT_EQ(HostTensor(T::I4, {3, 0}).data.size(), 0u);
  EXPECT_EQ(HostTensor(T::I4, {}).data.size(), 1u);
}

} // namespace
