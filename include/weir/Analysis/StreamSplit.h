//===- StreamSplit.h - into how many parts the keys of a stream are cut ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A machine works on so many blocks at a time. Where blocks of rows are fewer, the keys of each are cut into parts, so that there is
// work for all. It follows from extents alone: results depend on nothing else.
#ifndef WEIR_ANALYSIS_STREAMSPLIT_H
#define WEIR_ANALYSIS_STREAMSPLIT_H
#include "weir/Analysis/StreamTiles.h"

namespace weir {

struct TargetDescription;

/// A part of fewer blocks of keys would hardly pay for its merge.
inline constexpr int64_t kBlocksOfPart = 4;

/// How many blocks keep a machine busy: those that are folded at a time.
int64_t getConcurrentBlocks(const TargetDescription &target);

struct StreamSplit {
  std::optional<int64_t> blocks; ///< of rows, at all settings of the outer coordinates, if that is known
  int64_t leastBlocks;           ///< with 1 for each extent that is not known
  std::optional<int64_t> most;   ///< parts that are long enough, if that is known
  std::optional<int64_t> parts;  ///< none: known when the kernel runs

  /// What the mapping says, or the extents; `concurrent` blocks are worked on at a time.
  static StreamSplit of(const StreamTiles &plan, mapping::TilesAttr sizes, Extents &extents, int64_t concurrent);
};

/// "keys in 16 parts: 16 blocks of rows, and 264 keep the machine busy"
std::string toText(const StreamSplit &split, mapping::TilesAttr sizes, int64_t concurrent);

} // namespace weir
#endif
