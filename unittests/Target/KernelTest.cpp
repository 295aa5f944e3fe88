//===- KernelTest.cpp - level 4 to calls ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TiledModules.h"
#include "weir/Pipelines/Compile.h"
#include "gtest/gtest.h"
#include <cmath>
#include <thread>

using namespace weir;
using weir::test::Context;

namespace {

HostTensor ramp(ElementType type, llvm::ArrayRef<int64_t> shape, long double first = 0) {
  HostTensor tensor(type, shape);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, first + i);
  return tensor;
}

struct KernelTest : ::testing::Test {
  Context context;
  TargetDescription native = weir::test::must(describeTarget("cpu:native"));
  CompileOptions options = [] {
    CompileOptions options;
    options.cache = false;
    return options;
  }();

  Kernel compile(llvm::StringRef text) {
    auto module = context.parse(text);
    return weir::test::must(compileTiled(*module, native, options)).front();
  }
};

TEST_F(KernelTest, ReadsTheSignature) {
  Kernel kernel = compile(weir::test::scaleModule());
  const KernelSignature &signature = kernel.signature();
  EXPECT_EQ(signature.name, "scale");
  ASSERT_EQ(signature.inputs.size(), 2u);
  ASSERT_EQ(signature.outputs.size(), 2u);
  EXPECT_EQ(signature.inputs[1].name, "W");
  EXPECT_EQ(signature.outputs[0].ranks, (std::vector<std::string>{"M", "N"}));
  ASSERT_EQ(signature.params.size(), 3u);
  EXPECT_EQ(defaultValue(signature.params[0]), 2.0L);
  EXPECT_EQ(signature.params[1].storage, ElementType::Bool);
  EXPECT_EQ(signature.checks, (std::vector<std::string>{"N % 2 == 0"}));
}

TEST_F(KernelTest, ComputesWithParamsAndThreads) {
  Kernel kernel = compile(weir::test::scaleModule());
  HostTensor x = ramp(ElementType::F32, {5, 6}), w = ramp(ElementType::F32, {6}, 100);
  auto outputs = kernel.makeOutputs({x, w}, {3, 1, 2});
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  ASSERT_EQ((*outputs)[0].shape, (llvm::SmallVector<int64_t>{5, 6}));
  for (unsigned threads : {1u, 2u, 0u}) {
    CallOptions call;
    call.threads = threads;
    if (auto error = kernel.call({x, w}, {3, 1, 2}, *outputs, call))
      FAIL() << llvm::toString(std::move(error));
    for (int64_t m = 0; m < 5; ++m) {
      long double sum = 0;
      for (int64_t n = 0; n < 6; ++n) {
        long double y = -6 * x.get(m * 6 + n) + w.get(n);
        EXPECT_EQ((*outputs)[0].get(m * 6 + n), y);
        sum += y;
      }
      EXPECT_EQ((*outputs)[1].get(m), sum);
    }
  }
}

TEST_F(KernelTest, TakesEmptyTensors) {
  Kernel kernel = compile(weir::test::scaleModule());
  HostTensor x(ElementType::F32, {0, 4}), w(ElementType::F32, {4});
  auto outputs = kernel.makeOutputs({x, w}, {1, 0, 1});
  ASSERT_TRUE(bool(outputs));
  EXPECT_FALSE(bool(kernel.call({x, w}, {1, 0, 1}, *outputs)));
  HostTensor wide(ElementType::F32, {3, 0}), none(ElementType::F32, {0});
  outputs = kernel.makeOutputs({wide, none}, {1, 0, 1});
  ASSERT_TRUE(bool(outputs));
  (*outputs)[1].set(0, 7);
  EXPECT_FALSE(bool(kernel.call({wide, none}, {1, 0, 1}, *outputs)));
  EXPECT_EQ((*outputs)[1].get(0), 0);
}

TEST_F(KernelTest, UsesTheHostsThreads) {
  Kernel kernel = compile(weir::test::scaleModule());
  HostTensor x = ramp(ElementType::F32, {7, 2}), w(ElementType::F32, {2});
  auto outputs = weir::test::must(kernel.makeOutputs({x, w}, {1, 0, 1}));
  int calls = 0;
  CallOptions call;
  call.parallelContext = &calls;
  call.parallelFor = [](void *context, weir_body body, void *inner, int64_t n) {
    for (int64_t i = n; i-- > 0;) { // one at a time, backwards, each on a thread of its own
      std::thread([=] { body(inner, i, i + 1); }).join();
      ++*static_cast<int *>(context);
    }
  };
  ASSERT_FALSE(bool(kernel.call({x, w}, {1, 0, 1}, outputs, call)));
  EXPECT_EQ(calls, 7);
  for (int64_t i = 0; i < 14; ++i)
    EXPECT_EQ(outputs[0].get(i), i);
}

TEST_F(KernelTest, KeepsDenormalsOffInEveryThread) {
  Kernel kernel = compile(weir::test::scaleModule());
  HostTensor x(ElementType::F32, {4, 2}), w(ElementType::F32, {2});
  for (int64_t i = 0; i < x.size(); ++i)
    x.set(i, 1e-40L); // a denormal in f32
  auto outputs = weir::test::must(kernel.makeOutputs({x, w}, {0.5, 0, 1}));
  CallOptions call;
  call.parallelFor = [](void *, weir_body body, void *inner, int64_t n) {
    std::thread([=] { body(inner, 0, n); }).join();
  };
  ASSERT_FALSE(bool(kernel.call({x, w}, {0.5, 0, 1}, outputs, call)));
  EXPECT_EQ(outputs[0].get(0), 0);
  // And left as they were here.
  volatile float tiny = 1e-40f;
  EXPECT_NE(tiny * 0.5f, 0.0f);
}

TEST_F(KernelTest, RefusesWithTheRuntimesWords) {
  Kernel kernel = compile(weir::test::scaleModule());
  HostTensor x(ElementType::F32, {2, 3}), w(ElementType::F32, {3}), other(ElementType::F32, {4});
  auto odd = kernel.makeOutputs({x, w}, {1, 0, 1});
  ASSERT_TRUE(bool(odd));
  EXPECT_EQ(llvm::toString(kernel.call({x, w}, {1, 0, 1}, *odd)),
            "scale: the extents do not keep the promise: N % 2 == 0");
  EXPECT_EQ(llvm::toString(kernel.call({x, other}, {1, 0, 1}, *odd)),
            "scale: rank N is 3 in tensor X and 4 in tensor W");
  EXPECT_EQ(llvm::toString(kernel.call({x}, {1, 0, 1}, *odd)),
            "scale takes 2 inputs and 3 params, given are 1 and 3");
}

TEST_F(KernelTest, CompilesManyKernelsAtOnce) {
  std::string text;
  for (int i = 0; i < 3; ++i)
    text += weir::test::fillKernel("k" + std::to_string(i), i);
  auto module = context.parse(text);
  auto kernels = weir::test::must(compileTiled(*module, native, options));
  ASSERT_EQ(kernels.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    std::vector<HostTensor> out = {HostTensor(ElementType::F32, {3})};
    ASSERT_FALSE(bool(kernels[i].call({HostTensor(ElementType::F32, {3})}, {}, out)));
    EXPECT_EQ(out[0].get(2), i);
  }
}

TEST_F(KernelTest, AsksTheModuleForExtents) {
  Kernel kernel = compile(weir::test::extentsModule());
  HostTensor x(ElementType::F32, {5});
  auto outputs = kernel.makeOutputs({x}, {3});
  ASSERT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
  EXPECT_EQ((*outputs)[0].shape, (llvm::SmallVector<int64_t>{5, 8}));
  EXPECT_FALSE(bool(kernel.call({x}, {3}, *outputs)));
  std::vector<HostTensor> wrong = {HostTensor(ElementType::F32, {5, 9})};
  EXPECT_EQ(llvm::toString(kernel.call({x}, {3}, wrong)),
            "f: output Y has extent 9 in dimension 1 (C), expected 8");
  // Two new rows of -1 entries.
  EXPECT_EQ(llvm::toString(kernel.makeOutputs({x}, {-6}).takeError()), "extent C of output Y is negative");
}

TEST_F(KernelTest, RunsWhatLevelFourMayHold) {
  auto module = context.parse(weir::test::vectorsModule());
  for (const char *name : {"native", "x86-64-v3"})
    for (unsigned optLevel : {0u, 2u}) {
      options.optLevel = optLevel;
      Kernel kernel =
          weir::test::must(compileTiled(*module, weir::test::must(describeTarget(name)), options)).front();
      for (int64_t n : {0, 1, 7, 8, 21}) {
        HostTensor x(ElementType::F32, {n}), index(ElementType::I32, {n});
        long double sum = 0, max = -INFINITY;
        for (int64_t i = 0; i < n; ++i) {
          x.set(i, (i * 5 % 7 - 3) / 2.0L);
          index.set(i, i * 3 - 2); // some outside
          sum += x.get(i);
          max = std::max(max, x.get(i));
        }
        auto outputs = weir::test::must(kernel.makeOutputs({x, index}, {}));
        if (auto error = kernel.call({x, index}, {}, outputs))
          FAIL() << llvm::toString(std::move(error));
        for (int64_t i = 0; i < n; ++i) {
          long double exact = std::exp(x.get(i));
          EXPECT_NEAR(outputs[0].get(i), exact, 4e-7 * exact) << name << " n=" << n << " i=" << i;
          int64_t from = i * 3 - 2;
          EXPECT_EQ(outputs[1].get(i), from >= 0 && from < n ? x.get(from) : -1)
              << name << " n=" << n << " i=" << i;
        }
        EXPECT_EQ(outputs[2].get(0), sum);
        EXPECT_EQ(outputs[2].get(1), max);
        EXPECT_EQ(outputs[2].get(2), n ? std::floor(std::log2(n)) + 1 : 0);
      }
    }
}

TEST_F(KernelTest, RefusesLibraryCalls) {
  std::string text = weir::test::libmModule();
  for (int i = 0; i < 30; ++i) // enough for two parts
    text += weir::test::fillKernel("fill" + std::to_string(i), i);
  auto module = context.parse(text);
  for (unsigned threads : {1, 2}) {
    options.threads = threads;
    auto kernels = compileTiled(*module, native, options);
    ASSERT_FALSE(bool(kernels));
    std::string text = llvm::toString(kernels.takeError());
    EXPECT_NE(text.find("calls erff"), std::string::npos) << text;
  }
}

TEST_F(KernelTest, ThreadsSayWhatIsWrongOneAfterTheOther) {
  auto wrong = [](std::string name) {
    std::string text = "func.func @" + name + R"((%v: f32, %i: index) {
      %m = memref.alloca() : memref<4xf32, "elsewhere">
      memref.store %v, %m[%i] : memref<4xf32, "elsewhere">
      )";
    for (int i = 0; i < 700; ++i)
      text += "%v" + std::to_string(i) + " = arith.addf %v, %v : f32\n";
    return text + "return }\n";
  };
  auto module = context.parse(wrong("first") + weir::test::fillKernel("fill", 1) + wrong("second"));
  options.threads = 2;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> said;
    mlir::ScopedDiagnosticHandler handler(&context.context, [&](mlir::Diagnostic &diagnostic) {
      said.push_back(diagnostic.str());
    });
    auto kernels = compileTiled(*module, native, options);
    ASSERT_FALSE(bool(kernels));
    EXPECT_EQ(llvm::toString(kernels.takeError()),
              "the module is not at level 6: it holds ops that have no translation to LLVM IR");
    ASSERT_EQ(said.size(), 4u);
    for (int part : {0, 2}) {
      EXPECT_TRUE(llvm::StringRef(said[part]).starts_with("conversion of memref memory space \"elsewhere\"")) << said[part];
      EXPECT_TRUE(llvm::StringRef(said[part + 1]).starts_with("LLVM Translation failed")) << said[part + 1];
    }
    EXPECT_FALSE(context.context.isMultithreadingEnabled()); // as it was
  }
}

} // namespace
