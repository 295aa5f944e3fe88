//===- StagedFilesTest.cpp - results that appear together -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/StagedFiles.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace weir;

namespace {

class StagedFilesTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weir-staged", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) { return (folder + "/" + name).str(); }
  std::string contents(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "no file";
  }
  int entries() {
    std::error_code code;
    int count = 0;
    for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end && !code; it.increment(code))
      ++count;
    return count;
  }
  llvm::SmallString<128> folder;
};

TEST_F(StagedFilesTest, commitRenamesAll) {
  StagedFiles files;
  for (llvm::StringRef name : {"a", "b"})
    ASSERT_FALSE(files.add(path(name), [&](llvm::raw_ostream &os) { os << "text of " << name; }));
  EXPECT_EQ(contents("a"), "no file");
  ASSERT_FALSE(files.commit());
  EXPECT_EQ(contents("a"), "text of a");
  EXPECT_EQ(contents("b"), "text of b");
  EXPECT_EQ(entries(), 2);
}

TEST_F(StagedFilesTest, withoutCommitNothingIsLeft) {
  {
    StagedFiles files;
    ASSERT_FALSE(files.add(path("a"), [](llvm::raw_ostream &os) { os << "text"; }));
    EXPECT_EQ(entries(), 1);
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(StagedFilesTest, replacesAFileOnlyAtCommit) {
  for (llvm::StringRef text : {"old", "new"}) {
    StagedFiles files;
    ASSERT_FALSE(files.add(path("a"), [&](llvm::raw_ostream &os) { os << text; }));
    EXPECT_EQ(contents("a"), text == "old" ? "no file" : "old");
    ASSERT_FALSE(files.commit());
  }
  EXPECT_EQ(contents("a"), "new");
}

TEST_F(StagedFilesTest, refusesAFolderAndAMissingOne) {
  StagedFiles files;
  auto nothing = [](llvm::raw_ostream &) {};
  EXPECT_NE(toString(files.add(folder, nothing)).find("Is a directory"), std::string::npos);
  EXPECT_NE(toString(files.add(path("missing/a"), nothing)).find("No such file"), std::string::npos);
}

TEST_F(StagedFilesTest, aDeviceIsWrittenNotReplaced) {
  StagedFiles files;
  ASSERT_FALSE(files.add("/dev/null", [](llvm::raw_ostream &os) { os << "text"; }));
  ASSERT_FALSE(files.commit());
  llvm::sys::fs::file_status status;
  ASSERT_FALSE(llvm::sys::fs::status("/dev/null", status));
  EXPECT_EQ(status.type(), llvm::sys::fs::file_type::character_file);
}

} // namespace
