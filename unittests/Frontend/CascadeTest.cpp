//===- CascadeTest.cpp - the frontend as its callers see it ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/Signature.h"
#include "unittests/Frontend/Compiled.h"
#include "gtest/gtest.h"

using namespace weir;

namespace {

struct Compiled : test::Compiled {
  using test::Compiled::Compiled;
  attn::Signature signature() { return attn::getSignature(function); }
  std::string print() {
    std::string text;
    llvm::raw_string_ostream os(text);
    printAsAttn(function, os);
    return text;
  }
};

const char *kSoftmax = "cascade attention(S[M,N], V[N,F]) -> (O[M,F]) {\n"
                       "  P[m,n] = softmax(n) S[m,n] where n <= m\n"
                       "  O[m,f] = sum(n) P[m,n] * V[n,f]\n"
                       "}\n";

TEST(Cascade, SignatureAndTypes) {
  FrontendOptions options;
  options.dtype = "bf16";
  options.defines["F"] = 64;
  Compiled compiled(kSoftmax, options);
  ASSERT_TRUE(compiled.module) << compiled.messages;
  attn::Signature signature = compiled.signature();
  EXPECT_EQ(signature.name, "attention");
  ASSERT_EQ(signature.inputs.size(), 2u);
  EXPECT_TRUE(signature.inputs[1].elementType.isBF16());
  EXPECT_EQ(signature.inputs[1].shape[1], 64);
  EXPECT_TRUE(mlir::ShapedType::isDynamic(signature.inputs[1].shape[0]));
  ASSERT_EQ(signature.outputs.size(), 1u);
  EXPECT_EQ(signature.outputs[0].ranks, (std::vector<std::string>{"M", "F"}));
}

TEST(Cascade, IntermediatesBecomeOutputs) {
  FrontendOptions options;
  options.extraOutputs = {"P"};
  Compiled compiled(kSoftmax, options);
  ASSERT_TRUE(compiled.module) << compiled.messages;
  ASSERT_EQ(compiled.signature().outputs.size(), 2u);
  EXPECT_EQ(compiled.signature().outputs[1].name, "P");
  EXPECT_EQ(compiled.signature().outputs[1].ranks, (std::vector<std::string>{"M", "N"}));
}

TEST(Cascade, PrintedTextMeansTheSame) {
  Compiled first("param w = 0.5\n"
                 "cascade c(X[T,T], I: i32[T], G: u8[T]) -> (S[T], J: i32[T]) {\n"
                 "  rank L = T\n"
                 "  A[t,l] = X[t,l] * w as bf16 where l < t and G[t] != 0\n"
                 "  S[t] = X[t,0] / sqrt(T) - ((sum(l) A[t,l] * S[l]) else 0)\n"
                 "  J[t] = I[t] % 2 == 0 ? I[I[t]] : -1\n"
                 "}\n");
  ASSERT_TRUE(first.module) << first.messages;
  std::string text = first.print();
  Compiled second(text);
  ASSERT_TRUE(second.module) << text << second.messages;
  EXPECT_EQ(second.print(), text);
}

TEST(Cascade, DefinesAreChecked) {
  FrontendOptions options;
  options.defines["NOPE"] = 3;
  Compiled compiled(kSoftmax, options);
  EXPECT_FALSE(compiled.module);
  EXPECT_NE(compiled.messages.find("has no extent, declared rank or const `NOPE`"), std::string::npos)
      << compiled.messages;
}

TEST(Cascade, ChoosesByName) {
  FrontendOptions options;
  options.cascade = "other";
  Compiled compiled(kSoftmax, options);
  EXPECT_FALSE(compiled.module);
  EXPECT_NE(compiled.messages.find("has no cascade `other`"), std::string::npos) << compiled.messages;
}

/// Lets that double and functions that call each other twice would be exponential as text.
TEST(Cascade, SharedValuesDoNotExplode) {
  std::string text = "fn g0(x) = x + 1\n";
  for (int i = 1; i < 8; ++i)
    text += "fn g" + std::to_string(i) + "(x) = g" + std::to_string(i - 1) + "(x) * x\n";
  text += "cascade c(X[M]) -> (O[M]) {\n  let v0 = X[m]\n";
  for (int i = 1; i < 60; ++i)
    text += "  let v" + std::to_string(i) + " = v" + std::to_string(i - 1) + " + v" + std::to_string(i - 1) +
            "\n";
  text += "  O[m] = g7(v59)\n}\n";
  Compiled compiled(text);
  ASSERT_TRUE(compiled.module) << compiled.messages;
  Compiled again(compiled.print());
  EXPECT_TRUE(again.module) << again.messages;
}

TEST(Cascade, WhatCannotBeWrittenOutIsRefused) {
  std::string text = "fn g0(x) = x + 1\n";
  for (int i = 1; i < 60; ++i)
    text += "fn g" + std::to_string(i) + "(x) = g" + std::to_string(i - 1) + "(x + 1) * g" +
            std::to_string(i - 1) + "(x)\n";
  Compiled compiled(text + "cascade c(X[M]) -> (O[M]) {\n  O[m] = g59(X[m])\n}\n");
  EXPECT_FALSE(compiled.module);
  EXPECT_NE(compiled.messages.find("is too large once its lets, functions and calls are written out"),
            std::string::npos)
      << compiled.messages;
}

TEST(Cascade, LongChainsOfEquationsAndLets) {
  std::string text = "cascade c(X[M]) -> (O[M]) {\n  A0[m] = X[m]\n  let v0 = X[m]\n";
  constexpr int kCount = 3000;
  for (int i = 1; i <= kCount; ++i)
    text += "  A" + std::to_string(i) + "[m] = A" + std::to_string(i - 1) + "[m] + 1\n  let v" +
            std::to_string(i) + " = v" + std::to_string(i - 1) + " + 1\n";
  text += "  O[m] = A" + std::to_string(kCount) + "[m] + v" + std::to_string(kCount) + "\n}\n";
  Compiled compiled(text);
  EXPECT_TRUE(compiled.module) << compiled.messages;
}

} // namespace
