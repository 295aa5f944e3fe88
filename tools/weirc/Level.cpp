//===- Level.cpp - the levels a program can be at -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Level.h"
#include "llvm/ADT/STLExtras.h"

using namespace weirc;

static const llvm::StringLiteral names[] = {"attn", "cascade", "streamed", "tiled", "cpu",
                                            "llvm", "asm",     "gpu",      "ptx",   "cubin"};

llvm::StringRef weirc::getName(Level level) { return names[static_cast<int>(level)]; }

std::optional<Level> weirc::parseLevel(llvm::StringRef name) {
  for (auto [index, candidate] : llvm::enumerate(names))
    if (candidate == name)
      return static_cast<Level>(index);
  return std::nullopt;
}

std::optional<Level> weirc::levelOf(llvm::StringRef path) {
  if (path.ends_with(".attn"))
    return Level::Attn;
  if (path.ends_with(".ll"))
    return Level::LLVM;
  if (path.ends_with(".ptx"))
    return Level::PTX;
  if (path.ends_with(".cubin"))
    return Level::Cubin;
  if (!path.consume_back(".mlir"))
    return std::nullopt;
  std::optional<Level> level = parseLevel(path.rsplit('.').second);
  return level == Level::Attn || level == Level::Asm ? std::nullopt : level;
}
