//===- ObjectCache.cpp - compiled kernels on disk -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/ObjectCache.h"

using namespace weir;

std::optional<std::string> ObjectCache::find() const {
  std::optional<std::string> object = entry.read();
  // Written whole or not at all, but a disk can lose bytes: an object begins with ELF's mark.
  if (!object || !llvm::StringRef(*object).starts_with("\x7f"
                                                       "ELF"))
    return std::nullopt;
  return object;
}
