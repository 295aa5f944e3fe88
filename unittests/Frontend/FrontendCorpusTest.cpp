//===- FrontendCorpusTest.cpp - the fuzzer's kept texts -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "unittests/Fuzz/FrontendOneInput.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>

/// Every text of the corpus, those that crashed once included.
TEST(FrontendCorpus, NeitherCrashesNorHangs) {
  std::error_code error;
  unsigned files = 0, accepted = 0;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  for (llvm::sys::fs::directory_iterator it(WEIR_SOURCE_DIR "/unittests/Fuzz/corpus", error), end; it != end && !error;
       it.increment(error)) {
    auto buffer = llvm::MemoryBuffer::getFile(it->path());
    ASSERT_TRUE(bool(buffer)) << it->path();
    ++files;
    SCOPED_TRACE(it->path());
    accepted += weir::testing::compileAnything((*buffer)->getBuffer(), context);
  }
  EXPECT_FALSE(error) << error.message();
  EXPECT_GT(files, 50u);
  EXPECT_GT(accepted, 20u) << "a corpus of errors alone would reach little";
}
