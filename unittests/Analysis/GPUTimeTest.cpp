//===- GPUTimeTest.cpp - figures of GPUs ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/GPUTime.h"
#include <gtest/gtest.h>

using namespace weir;

// Numbers of blocks as NVIDIA's occupancy calculator gives them.
TEST(GPUTimeTest, BlocksOfAMultiprocessor) {
  GPURates a100 = *ratesOfGPU("sm_80");
  EXPECT_EQ(a100.blocksOf(1024, 32, 0), 2u);        // 64 warps
  EXPECT_EQ(a100.blocksOf(32, 16, 0), 32u);         // 32 blocks
  EXPECT_EQ(a100.blocksOf(128, 203, 0), 2u);        // 65536 registers, 208 of a thread
  EXPECT_EQ(a100.blocksOf(128, 128, 36864), 4u);    // both
  EXPECT_EQ(a100.blocksOf(128, 32, 48 << 10), 3u);  // 164 KiB, and 1 of each block
  EXPECT_EQ(a100.blocksOf(128, 32, 164 << 10), 0u); // it does not run
  EXPECT_EQ(ratesOfGPU("sm_90a")->blocksOf(128, 32, 48 << 10), 4u);
  EXPECT_FALSE(ratesOfGPU("sm_70"));
}

// What data sheets say: 312 and 990 TFLOP/s, of which mma.sync reaches 63 %, and half of that in tf32; 19.5 and 67 TFLOP/s of f32.
TEST(GPUTimeTest, Peaks) {
  auto peak = [](const GPURates &gpu, double rate) { return rate * gpu.multiprocessors * gpu.clock / 1e12; };
  GPURates a100 = *ratesOfGPU("sm_80"), h100 = *ratesOfGPU("sm_90a");
  EXPECT_NEAR(peak(a100, a100.tensorFlops), 312, 1);
  EXPECT_NEAR(peak(h100, h100.tensorFlops), 0.63 * 990, 2);
  EXPECT_NEAR(peak(a100, a100.tensorFlops / 2), 156, 0.5);
  EXPECT_NEAR(peak(a100, 2 * a100.operations), 19.5, 0.1);
  EXPECT_NEAR(peak(h100, 2 * h100.operations), 62, 1); // 67 at 1.98 GHz, without tensor cores
}
