//===- StagedFiles.h - results that appear together or not at all ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_STAGEDFILES_H
#define WEIR_SUPPORT_STAGEDFILES_H
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// Files written beside their final names. `commit` renames them; without it the destructor removes them, so
/// a run that fails leaves nothing. "-" and what exists and is no regular file (a pipe, /dev/null) cannot be
/// renamed over: they are written by commit.
class StagedFiles {
public:
  StagedFiles() = default;
  StagedFiles(const StagedFiles &) = delete;
  StagedFiles &operator=(const StagedFiles &) = delete;
  ~StagedFiles();

  /// Lets `write` fill the file that will be called `path`. Fails where the folder cannot be written or the
  /// disk is full.
  llvm::Error add(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> write);
  llvm::Error commit();

private:
  std::vector<std::pair<llvm::sys::fs::TempFile, std::string>> files;
  std::vector<std::pair<std::string, std::string>> streams; ///< contents, path
};

} // namespace weir
#endif
