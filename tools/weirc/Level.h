//===- Level.h - the levels a program can be at ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_LEVEL_H
#define WEIRC_LEVEL_H
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace weirc {

/// In the order of the flow. Attn is text in the language, Asm the processor's; the others are MLIR, and LLVM
/// is LLVM IR as well. From Tiled the way forks: CPU, LLVM, Asm for processors, GPU, PTX and Cubin for GPUs.
enum class Level { Attn, Cascade, Streamed, Tiled, CPU, LLVM, Asm, GPU, PTX, Cubin };

inline bool isForGPU(Level level) { return level >= Level::GPU; }

llvm::StringRef getName(Level level);
std::optional<Level> parseLevel(llvm::StringRef name);
/// The level that a file's name ends with: "x.tiled.mlir", "x.attn", "x.ll"; nothing where it does not say.
std::optional<Level> levelOf(llvm::StringRef path);

} // namespace weirc
#endif
