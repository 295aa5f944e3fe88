//===- DiagnosticsTest.cpp ------------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ParseHelper.h"
#include <gtest/gtest.h>

using namespace weir;
using namespace weir::testing;
using llvm::SMLoc;

namespace {

/// What an error at byte `offset` of `text` prints.
std::string errorAt(llvm::StringRef text, size_t offset) {
  llvm::SourceMgr sources;
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(text, "x.attn");
  const char *begin = buffer->getBufferStart();
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  std::string out;
  llvm::raw_string_ostream os(out);
  Diagnostics(sources, os).error(SMLoc::getFromPointer(begin + offset), "m", "n");
  return out;
}

} // namespace

TEST(Diagnostics, PlaceCaretNote) {
  EXPECT_EQ(errorAt("a\n\tb c\r\nd", 5), "x.attn:2:4: error: m\n b c\n   ^\nx.attn:2:4: note: n\n");
  EXPECT_EQ(errorAt("a", 1), "x.attn:1:2: error: m\na\n ^\nx.attn:1:2: note: n\n") << "the end of the file";
  EXPECT_EQ(errorAt("", 0), "x.attn:1:1: error: m\n\n^\nx.attn:1:1: note: n\n");
}

TEST(Diagnostics, CaretCountsCharacters) {
  EXPECT_EQ(errorAt("\u2211\u00e9 x", 6),
            "x.attn:1:7: error: m\n\u2211\u00e9 x\n   ^\nx.attn:1:7: note: n\n");
}

TEST(Diagnostics, NothingRawReachesTheTerminal) {
  EXPECT_EQ(errorAt(llvm::StringRef("\x1b[31m\0\xff\u0085x", 10), 9),
            "x.attn:1:10: error: m\n?[31m????x\n         ^\nx.attn:1:10: note: n\n" + std::string())
      << "each of the two bytes of U+0085 counts";
}

TEST(Diagnostics, LongLinesAreCut) {
  std::string text = std::string(100000, 'a') + "b" + std::string(100000, 'c');
  std::string printed = errorAt(text, 100000);
  EXPECT_LT(printed.size(), 300u);
  EXPECT_NE(printed.find("aab" + std::string(39, 'c') + "...\n"), std::string::npos) << printed;
}

TEST(Diagnostics, CountsBeyondTwenty) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "let x = )\n";
  Parsed parsed(text);
  EXPECT_EQ(parsed.diags.errorCount(), 30u);
  EXPECT_NE(parsed.messages.find("test.attn:20:"), std::string::npos);
  EXPECT_EQ(parsed.messages.find("test.attn:21:"), std::string::npos);
  EXPECT_NE(parsed.messages.find("only the first 20 errors are printed"), std::string::npos);
}

TEST(Diagnostics, NoPlace) {
  llvm::SourceMgr sources;
  std::string out;
  llvm::raw_string_ostream os(out);
  Diagnostics diags(sources, os);
  diags.error(SMLoc(), "cannot read it");
  EXPECT_EQ(out, "error: cannot read it\n");
  EXPECT_EQ(diags.lineAndColumn(SMLoc()), std::make_pair(0u, 0u));
}
