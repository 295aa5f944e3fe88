//===- WriteFile.cpp - a file whole or not at all -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/StagedFiles.h"
#include "weir/Target/Artifact.h"

llvm::Error weir::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  StagedFiles files;
  if (llvm::Error error = files.add(path, [&](llvm::raw_ostream &os) { os << bytes; }))
    return error;
  return files.commit();
}
