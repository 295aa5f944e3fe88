//===- RandomProgramTest.cpp - the generator and its shrinker -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomProgram.h"
#include "weir/Frontend/Frontend.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <set>

using namespace weir;
using namespace weir::random_cascade;

static std::string textOf(const Program &program) {
  std::string text;
  llvm::raw_string_ostream os(text);
  program.print("f", os);
  return text;
}

/// What the parser says; empty if it takes the text.
static std::string syntaxErrors(const std::string &text) {
  std::string errors;
  llvm::raw_string_ostream os(errors);
  llvm::SourceMgr sources;
  unsigned id = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text, "f.attn"), {});
  Diagnostics diagnostics(sources, os);
  parseFile(id, "f.attn", diagnostics);
  return diagnostics.hasErrors() ? errors + text : "";
}

TEST(RandomProgram, ParsesAndIsReproducible) {
  std::set<std::string> different;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::string text = textOf(*generate(seed));
    EXPECT_EQ(text, textOf(*generate(seed)));
    ASSERT_EQ(syntaxErrors(text), "") << "seed " << seed;
    different.insert(text);
  }
  EXPECT_EQ(different.size(), 200u);
}

/// A list of the best keys is drawn where no tensor has its ranks.
TEST(RandomProgram, SelectsWithoutATensorOfTheRanks) {
  EXPECT_EQ(syntaxErrors(textOf(*generate(2026114828))), "");
}

TEST(RandomProgram, CoversTheLanguage) {
  std::string all;
  for (uint64_t seed = 1; seed <= 300; ++seed)
    all += textOf(*generate(seed));
  for (const char *form :
       {"softmax(",    "argtopk(",  "cumsum(", "layernorm(", "logsumexp(", "argmax(",   "count(",
        "any(",        "all(",      "prod(",   "mean(",      " else ",     " ? ",       " as bf16",
        " where (not", "isabsent(", "PAR[",    "rank KV",    "(-inf)",     "f8e4m3",    "i4[",
        "u32[",        "bool[",     "f64[",    " | ",        "shr(",       "floordiv(", "[(t - 1)",
        "[(t + 1)",    "u < t",     "atan2(",  "^ 3",        "param win"})
    EXPECT_NE(all.find(form), std::string::npos) << form;
}

TEST(RandomProgram, SimplificationsAreSmallerAndParse) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    auto program = generate(seed);
    std::string text = textOf(*program);
    for (auto &simpler : simplify(*program)) {
      std::string other = textOf(*simpler);
      EXPECT_NE(other, text);
      ASSERT_EQ(syntaxErrors(other), "");
    }
  }
}

/// Shrinking by a property of the text alone ends at a program of one line that still has it.
TEST(RandomProgram, ShrinksToWhatMatters) {
  unsigned shrunk = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto program = generate(seed);
    if (textOf(*program).find("tanh(") == std::string::npos)
      continue;
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (auto &simpler : simplify(*program)) {
        if (textOf(*simpler).find("tanh(") == std::string::npos)
          continue;
        program = std::move(simpler);
        smaller = true;
        break;
      }
    }
    EXPECT_EQ(program->equations.size(), 1u) << textOf(*program);
    EXPECT_LT(textOf(*program).size(), 160u) << textOf(*program);
    ++shrunk;
  }
  EXPECT_GT(shrunk, 3u);
}
