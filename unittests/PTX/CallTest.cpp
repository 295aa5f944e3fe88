//===- CallTest.cpp - kernels of weirc, planned and launched --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Call.h"
#include "gtest/gtest.h"
#include <cstring>

using namespace weir;
using namespace weir::ptx;

namespace {

/// y[i] = x[i] + x[i], by way of the workspace: one launch doubles, the next copies. Arguments are numbered
/// p0 to p14: x, y and the workspace, five each (address, address, offset, extent, stride). `promise` is the
/// plan's verdict, `last` what is left out of y.
std::string kernelText(int promise, int last) {
  std::string parameters;
  for (int i = 0; i < 15; ++i)
    parameters += std::string(i ? ", " : "") + ".param .u64 p" + std::to_string(i);
  auto entry = [&](const std::string &name, const std::string &body) {
    return ".visible .entry " + name + "(" + parameters +
           ")\n{\n.reg .pred %p<4>; .reg .b32 %r<4>; .reg .f32 %f<4>; .reg .b64 %rd<20>;\n"
           "mov.u32 %r0, %tid.x; cvt.u64.u32 %rd0, %r0; shl.b64 %rd1, %rd0, 2;\n"
           "ld.param.u64 %rd2, [p0]; ld.param.u64 %rd3, [p3]; ld.param.u64 %rd4, [p5]; ld.param.u64 %rd5, "
           "[p10];\n"
           "add.s64 %rd6, %rd2, %rd1; add.s64 %rd7, %rd4, %rd1; add.s64 %rd8, %rd5, %rd1;\n" +
           body + "ret;\n}\n";
  };
  std::string skip =
      "sub.s64 %rd9, %rd3, " + std::to_string(last) + "; setp.ge.s64 %p1, %rd0, %rd9; @%p1 ret;\n";
  return "// weir: {\"kernel\":\"twice\",\"plan\":\"twice$plan\",\"promises\":[\"N <= 32\",\"N % 2 == 0\"],"
         "\"launches\":[{\"kernel\":\"twice\",\"block\":32,\"shared\":0},{\"kernel\":\"twice$1\",\"block\":"
         "32,\"shared\":0}],"
         "\"arguments\":[{\"kind\":\"input\",\"name\":\"X\",\"type\":\"f32\",\"ranks\":[\"N\"],\"shape\":["
         "null]},"
         "{\"kind\":\"output\",\"name\":\"Y\",\"type\":\"f32\",\"ranks\":[\"N\"],\"shape\":[null]},"
         "{\"kind\":\"workspace\",\"name\":\"\",\"type\":\"i8\",\"ranks\":[\"\"],\"shape\":[null]}]}\n"
         ".version 8.0\n.target sm_80\n.address_size 64\n" +
         entry("twice", "setp.ge.s64 %p1, %rd0, %rd3; @%p1 ret;\n"
                        "ld.global.f32 %f0, [%rd6]; add.f32 %f1, %f0, %f0; st.global.f32 [%rd8], %f1;\n") +
         entry("twice$1", skip + "ld.global.f32 %f0, [%rd8]; st.global.f32 [%rd7], %f0;\n") +
         entry("twice$plan",
               "mov.u64 %rd9, " + std::to_string(promise) +
                   "; st.global.u64 [%rd5], %rd9; shl.b64 %rd10, %rd3, 2; st.global.u64 [%rd5+8], %rd10;\n"
                   "mov.u64 %rd11, 1; mov.u64 %rd12, 0; st.global.u64 [%rd5+16], %rd11; st.global.u64 "
                   "[%rd5+24], %rd12;\n"
                   "min.s64 %rd13, %rd3, 1; st.global.u64 [%rd5+32], %rd13; st.global.u64 [%rd5+40], %rd12;\n"
                   "st.global.u64 [%rd5+48], %rd3;\n");
}

struct Outcome {
  std::string problem;
  bool fault = false;
  CallResult result;
};

Outcome callOn(int64_t n, int promise = 0, int last = 0) {
  Outcome outcome;
  std::string text = kernelText(promise, last);
  auto module = parseModule(text, "twice.ptx");
  auto description = readDescription(text);
  if (!module || !description || !*description) {
    outcome.problem = "not understood: " + (module ? "" : llvm::toString(module.takeError())) +
                      (description ? "" : llvm::toString(description.takeError()));
    return outcome;
  }
  HostTensor x(ElementType::F32, {n});
  for (int64_t i = 0; i < n; ++i)
    x.set(i, i);
  auto result = call(*module, **description, {CallInput{&x, {}}}, Checks());
  if (result) {
    outcome.result = std::move(*result);
    return outcome;
  }
  llvm::handleAllErrors(result.takeError(), [&](const llvm::ErrorInfoBase &error) {
    outcome.problem = error.message();
    outcome.fault = error.isA<KernelFault>();
  });
  return outcome;
}

TEST(PTXCall, LaunchesRunInOrderAndShareTheWorkspace) {
  Outcome outcome = callOn(20);
  ASSERT_EQ(outcome.problem, "");
  ASSERT_EQ(outcome.result.outputs.size(), 1u);
  const CallResult::Output &y = outcome.result.outputs[0];
  EXPECT_EQ(y.name, "Y");
  EXPECT_EQ(y.uninitialised, 0u);
  ASSERT_EQ(y.tensor.shape, llvm::SmallVector<int64_t>({20}));
  for (int64_t i = 0; i < 20; ++i)
    EXPECT_EQ(y.tensor.get(i), 2 * i);
  EXPECT_EQ(outcome.result.launches.size(), 2u);
}

TEST(PTXCall, LaunchesWithoutBlocksAreLeftOut) {
  Outcome outcome = callOn(0);
  ASSERT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.result.launches.size(), 1u);
  EXPECT_EQ(outcome.result.outputs[0].tensor.size(), 0);
}

TEST(PTXCall, BytesThatNothingIsWrittenToAreCounted) {
  Outcome outcome = callOn(20, 0, 3);
  ASSERT_EQ(outcome.problem, "");
  EXPECT_EQ(outcome.result.outputs[0].uninitialised, 12u);
}

TEST(PTXCall, BrokenPromisesAreFaults) {
  Outcome outcome = callOn(20, 2);
  EXPECT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.problem, "these extents break a promise: N % 2 == 0");
}

TEST(PTXCall, FaultsOfLaunchesAreReported) {
  Outcome outcome = callOn(20, 0, -1); // a thread more than there are elements
  EXPECT_TRUE(outcome.fault);
  EXPECT_NE(outcome.problem.find("twice.ptx:"), std::string::npos) << outcome.problem;
}

} // namespace
