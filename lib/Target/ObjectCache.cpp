//===- ObjectCache.cpp - compiled kernels on disk -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/ObjectCache.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/Archive.h"

using namespace llvm;
using namespace weir;

std::optional<std::string> ObjectCache::find() const {
  std::optional<std::string> object = entry.read();
  // Written whole or not at all, but a disk can lose bytes: objects and archives of them begin with marks.
  auto isMarked = [&](StringRef mark) { return object && StringRef(*object).starts_with(mark); };
  if (!isMarked(ELF::ElfMagic) && !isMarked(object::ArchiveMagic))
    return std::nullopt;
  return object;
}
