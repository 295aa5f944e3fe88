//===- ArtifactTest.cpp - files made of kernels ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TiledModules.h"
#include "weir/Pipelines/Compile.h"
#include "weir/Target/ObjectCache.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Object/Archive.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <cstdlib>

using namespace weir;
using weir::test::Context;

namespace {

TargetDescription target(llvm::StringRef name) { return weir::test::must(describeTarget(name)); }

/// An environment variable for the length of a test.
struct Setting {
  std::string name;
  std::optional<std::string> old;
  Setting(std::string name, std::string value) : name(name) {
    if (const char *before = std::getenv(name.c_str()))
      old = before;
    setenv(name.c_str(), value.c_str(), 1);
  }
  ~Setting() {
    if (old)
      setenv(name.c_str(), old->c_str(), 1);
    else
      unsetenv(name.c_str());
  }
};

struct ArtifactTest : ::testing::Test {
  Context context;
  mlir::OwningOpRef<mlir::ModuleOp> module = context.parse(weir::test::scaleModule());
  llvm::Expected<std::string> emit(ArtifactKind kind, const CompileOptions &options = {}) {
    return emitTiled({{*module, target("x86-64-v3")}, {*module, target("x86-64-v4")}}, kind, options);
  }
};

TEST_F(ArtifactTest, SameInputSameBytes) {
  for (ArtifactKind kind : {ArtifactKind::Object, ArtifactKind::SharedLibrary, ArtifactKind::LLVMIR}) {
    auto first = emit(kind), second = emit(kind);
    ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
    ASSERT_TRUE(bool(second));
    EXPECT_EQ(*first, *second);
  }
}

TEST_F(ArtifactTest, HoldsBothVersionsAndABaselineEntry) {
  std::string text = weir::test::must(emit(ArtifactKind::Assembly));
  for (const char *label : {"scale.entry.x86_64_v3:", "scale.entry.x86_64_v4:", "\nscale:"})
    EXPECT_NE(text.find(label), std::string::npos) << label;
}

TEST_F(ArtifactTest, HeaderNamesFieldsThatCAllows) {
  auto other = context.parse(R"(func.func @inline(%a: memref<?xf32> {attn.name = "int", attn.ranks = ["N"]},
      %p: f32 {attn.name = "size"}, %q: f64 {attn.name = "int", attn.default = "-inf"},
      %o: memref<?xf32> {attn.name = "O", attn.ranks = ["N"], weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
    return
  })");
  std::string text = weir::test::must(emitTiled({{*other, target("x86-64-v3")}}, ArtifactKind::Header));
  EXPECT_NE(text.find("weir_tensor int_; /* input, f32 [N] */"), std::string::npos) << text;
  EXPECT_NE(text.find("int inline_(const inline__args *args);"), std::string::npos) << text;
  EXPECT_NE(text.find("float size_; /* param, f32 */"), std::string::npos) << text;
  EXPECT_NE(text.find("double int__; /* param, f64, default -inf */"), std::string::npos) << text;
  EXPECT_NE(text.find("args->int__ = (double)(-HUGE_VAL);"), std::string::npos) << text;
}

TEST_F(ArtifactTest, RefusesWhatCannotBe) {
  CompileOptions options;
  options.inplace = {{"W", "Y"}};
  EXPECT_EQ(llvm::toString(emit(ArtifactKind::Object, options).takeError()),
            "--inplace W=Y: the tensors differ in type or number of ranks");
  options.inplace = {{"V", "Y"}};
  EXPECT_EQ(llvm::toString(emit(ArtifactKind::Object, options).takeError()),
            "--inplace V=Y: scale has no input of this name");
  Setting path("PATH", "/nowhere");
  std::string text = llvm::toString(emit(ArtifactKind::SharedLibrary).takeError());
  EXPECT_NE(text.find("none of cc, clang-22, clang, gcc, ld.lld, ld is on PATH"), std::string::npos) << text;
}

TEST_F(ArtifactTest, SuffixesChooseTheKind) {
  EXPECT_EQ(artifactKindOf("a/softmax.so"), ArtifactKind::SharedLibrary);
  EXPECT_EQ(artifactKindOf("softmax.o"), ArtifactKind::Object);
  EXPECT_EQ(artifactKindOf("softmax.txt"), std::nullopt);
}

TEST(ObjectCacheTest, FindsWhatWasStoredUnderTheSameParts) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weir-cache", folder));
  {
    Setting home("XDG_CACHE_HOME", std::string(folder));
    ObjectCache cache({"text", "cpu"});
    EXPECT_EQ(cache.find(), std::nullopt);
    cache.store("\x7f"
                "ELF code");
    EXPECT_EQ(cache.find(), "\x7f"
                            "ELF code");
    EXPECT_EQ(ObjectCache({"text", "cpu2"}).find(), std::nullopt);
    EXPECT_EQ(ObjectCache({"textcpu", ""}).find(), std::nullopt);
    ObjectCache({"damaged"}).store("not an object");
    EXPECT_EQ(ObjectCache({"damaged"}).find(), std::nullopt);
  }
  llvm::sys::fs::remove_directories(folder);
}

TEST(ObjectCacheTest, ServesKernels) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weir-cache", folder));
  {
    Setting home("XDG_CACHE_HOME", std::string(folder));
    Context context;
    auto module = context.parse(weir::test::scaleModule());
    for (int i = 0; i < 2; ++i) {
      auto kernels = compileTiled(*module, target("native"));
      ASSERT_TRUE(bool(kernels)) << llvm::toString(kernels.takeError());
      HostTensor x(ElementType::F32, {1, 2}), w(ElementType::F32, {2});
      w.set(1, 5);
      auto outputs = weir::test::must(kernels->front().makeOutputs({x, w}, {1, 0, 1}));
      ASSERT_FALSE(bool(kernels->front().call({x, w}, {1, 0, 1}, outputs)));
      EXPECT_EQ(outputs[1].get(0), 5);
    }
    std::error_code error;
    int files = 0;
    for (llvm::sys::fs::directory_iterator file(folder + "/weir", error), end; file != end && !error;
         file.increment(error))
      ++files;
    EXPECT_EQ(files, 1);
  }
  llvm::sys::fs::remove_directories(folder);
}

TEST(ObjectCacheTest, ServesKernelsThatThreadsHaveCompiled) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weir-cache", folder));
  {
    Setting home("XDG_CACHE_HOME", std::string(folder));
    Context context;
    std::string text;
    for (int i = 0; i < 30; ++i)
      text += weir::test::fillKernel("fill" + std::to_string(i), i);
    auto module = context.parse(text);
    CompileOptions options;
    options.threads = 3;
    for (int round = 0; round < 2; ++round) {
      auto kernels = compileTiled(*module, target("native"), options);
      ASSERT_TRUE(bool(kernels)) << llvm::toString(kernels.takeError());
      for (auto [i, kernel] : llvm::enumerate(*kernels)) {
        HostTensor x(ElementType::F32, {5});
        auto outputs = weir::test::must(kernel.makeOutputs({x}, {}));
        ASSERT_FALSE(bool(kernel.call({x}, {}, outputs)));
        EXPECT_EQ(outputs[0].get(4), i);
      }
    }
    std::error_code error;
    llvm::sys::fs::directory_iterator file(folder + "/weir", error);
    ASSERT_FALSE(error);
    auto bytes = llvm::MemoryBuffer::getFile(file->path());
    ASSERT_TRUE(bool(bytes));
    auto archive = weir::test::must(llvm::object::Archive::create(**bytes));
    llvm::Error broken = llvm::Error::success();
    int objects = 0;
    for ([[maybe_unused]] const auto &child : archive->children(broken))
      ++objects;
    EXPECT_FALSE(bool(broken));
    EXPECT_EQ(objects, 3);
  }
  llvm::sys::fs::remove_directories(folder);
}

TEST(TargetDescriptionTest, LevelsAndNames) {
  EXPECT_EQ(target("x86-64-v3").vectorBytes, 32u);
  EXPECT_EQ(target("cpu:x86-64-v4").vectorBytes, 64u);
  EXPECT_EQ(target("x86-64-v4").vectorRegisters, 32u);
  EXPECT_FALSE(target("x86-64-v4").hasBF16);
  EXPECT_TRUE(target("sapphirerapids").hasBF16);
  EXPECT_TRUE(target("znver4").hasBF16);
  EXPECT_EQ(target("cpu:native").cpu, target("cpu").cpu);
  EXPECT_EQ(llvm::toString(describeTarget("cpu:x86-64-v2").takeError()),
            "target 'cpu:x86-64-v2' has no AVX2, FMA and F16C: kernels need at least x86-64-v3");
  std::string text = llvm::toString(describeTarget("cpu:pentium-17").takeError());
  EXPECT_NE(text.find("unknown target 'cpu:pentium-17'; known are native, the levels x86-64-v3"),
            std::string::npos)
      << text;
}

} // namespace
