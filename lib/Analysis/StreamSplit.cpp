//===- StreamSplit.cpp - into how many parts the keys of a stream are cut -===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamSplit.h"
#include "weir/Analysis/GPUTime.h"
#include "weir/Support/TargetDescription.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

int64_t weir::getConcurrentBlocks(const TargetDescription &target) {
  constexpr int64_t ofProcessor = 64, ofMultiprocessor = 2, multiprocessorsOfOthers = 108;
  if (!target.isGPU)
    return ofProcessor;
  auto rates = ratesOfGPU(target.cpu);
  return ofMultiprocessor * (rates ? rates->multiprocessors : multiprocessorsOfOthers);
}

StreamSplit StreamSplit::of(const StreamTiles &plan, mapping::TilesAttr sizes, Extents &extents, int64_t concurrent) {
  // Blocks that are not known are at least one, or there is nothing to do.
  int64_t units = 1;
  bool isKnown = true;
  auto take = [&](Value extent, int64_t by, int64_t step) {
    auto constant = Extents::constant(extents.of(extent));
    isKnown &= constant.has_value();
    if (constant)
      units = llvm::MulOverflow(units, StreamTiles::countBlocks(*constant, by, step), units) ? INT64_MAX : units;
  };
  for (auto [row, by] : llvm::zip_equal(plan.rows, plan.shapeOf(sizes.getM()))) {
    if (!plan.shared || plan.quotientOf(plan.shared)->row != row.first) {
      take(row.second, by, plan.stepOf(row.first));
      continue;
    }
    auto length = Extents::constant(extents.of(row.second)), share = plan.getShare();
    if (length && share)
      units *= *length / *share * llvm::divideCeil(*share, by) + llvm::divideCeil(*length % *share, by);
    else
      isKnown = false;
  }
  for (auto &[name, extent] : plan.outer)
    take(extent, 1, 1);
  StreamSplit split;
  split.leastBlocks = units;
  if (isKnown)
    split.blocks = units;
  std::optional<int64_t> keys = plan.countKeysOfClass();
  if (keys)
    split.most = *keys / (kBlocksOfPart * sizes.getN());
  int64_t parts = units ? std::min(split.most.value_or(concurrent), concurrent / units) : 1;
  if (int64_t given = sizes.getSplit())
    split.parts = given;
  else if (parts <= 1)
    split.parts = 1;
  else if (isKnown && keys)
    split.parts = parts;
  return split;
}

std::string weir::toText(const StreamSplit &split, mapping::TilesAttr sizes, int64_t concurrent) {
  std::string busy = " blocks of rows, and " + std::to_string(concurrent) + " keep the machine busy";
  std::string least = "at least " + std::to_string(kBlocksOfPart * sizes.getN()) + " keys each";
  if (!split.parts)
    return "keys in as many parts as there are blocks of rows in " + std::to_string(concurrent) + ", " + least +
           ": counted when the kernel runs";
  std::string parts = *split.parts == 1 ? "keys in one part: " : "keys in " + std::to_string(*split.parts) + " parts: ";
  if (sizes.getSplit())
    return parts + "the mapping says so";
  if (split.most.value_or(2) < 2)
    return parts + "too few for two, " + least;
  if (!split.blocks)
    return parts + "at least " + std::to_string(split.leastBlocks) + busy;
  return parts + std::to_string(*split.blocks) + busy + (split.most == split.parts ? "; " + least : "");
}
