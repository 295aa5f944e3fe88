//===- CascadeToTiled.cpp - level 2 to levels 3 and 4 ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Transforms/Passes.h"
#include "weir/Analysis/Passes.h"
#include "weir/Analysis/StreamSplit.h"
#include "weir/Conversion/AttnToTiles/Passes.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

/// How many 32-bit elements a register holds.
static unsigned lanesOf(const weir::TargetDescription &target) { return target.vectorBytes / 4; }

/// What a mapping, `NAME=SETTING,...`, says of a name; empty: nothing.
static StringRef settingOf(StringRef mapping, StringRef name) {
  for (StringRef item : llvm::split(mapping, ','))
    if (auto [key, setting] = item.split('='); key == name)
      return setting;
  return "";
}

std::optional<llvm::StringRef> weir::getResumedRanks(StringRef mapping) {
  StringRef setting = settingOf(mapping, "resume");
  if (setting.empty() || setting == "off")
    return std::nullopt;
  return setting == "on" ? StringRef() : setting;
}

void weir::buildResumePipeline(OpPassManager &pm, StringRef ranks) {
  MergeTraversalsOptions merge;
  merge.single = !ranks.empty(); // a sum over features is a traversal too, but not what is meant
  merge.every = ranks.empty();
  ResumeStreamsOptions resume;
  for (StringRef rank : llvm::split(ranks, '+'))
    if (!rank.empty())
      resume.ranks.push_back(rank.str());
  merge.ranks = resume.ranks;
  pm.addNestedPass<func::FuncOp>(createMergeTraversals(merge));
  pm.addNestedPass<func::FuncOp>(createResumeStreams(resume));
}

void weir::buildCascadeToStreamedPipeline(OpPassManager &pm, const TargetDescription &target, StringRef mapping) {
  SelectMappingOptions options;
  auto number = [&](StringRef name) {
    int64_t value = 0;
    (void)settingOf(mapping, name).getAsInteger(10, value);
    return value;
  };
  StringRef fuse = settingOf(mapping, "fuse");
  options.fuse = fuse != "off";
  options.lanes = lanesOf(target);
  MapStreamsOptions tiles;
  tiles.vectorBytes = target.vectorBytes;
  tiles.vectorRegisters = target.vectorRegisters;
  tiles.matrixUnit = target.hasMatrixUnit;
  tiles.sharedBytes = target.sharedBytes;
  tiles.launchBytes = target.launchBytes;
  tiles.m = number("m");
  tiles.n = number("n");
  tiles.split = number("split");
  tiles.tf32 = settingOf(mapping, "tf32") == "on";
  MergeTraversalsOptions merge;
  merge.tiled = true; // on the road of single equations a stream would only be taken apart again
  // Nothing is predicted of a GPU, and whoever says how tiles are wants them.
  bool wantsTiles = fuse == "on" || target.isGPU || tiles.m || tiles.n || tiles.split;
  merge.when = !options.fuse ? "never" : wantsTiles ? "always" : "cheaper";
  merge.vectorBytes = target.isGPU ? 0 : target.vectorBytes;
  merge.vectorRegisters = target.vectorRegisters;
  pm.addNestedPass<func::FuncOp>(createMergeTraversals(merge));
  MergeStatesOptions states;
  states.when = merge.when;
  states.vectorBytes = target.vectorBytes;
  states.vectorRegisters = target.vectorRegisters;
  pm.addNestedPass<func::FuncOp>(createMergeStates(states));
  pm.addNestedPass<func::FuncOp>(createMapStreams(tiles));
  pm.addNestedPass<func::FuncOp>(createDissolveStreams());
  pm.addNestedPass<func::FuncOp>(createSelectMapping(options));
}

void weir::buildStreamedToTiledPipeline(OpPassManager &pm, const TargetDescription &target) {
  VerifyLevelOptions level;
  level.level = "streamed"; // what comes from outside may hold ops that no loop is made of
  pm.addPass(createVerifyLevel(level));
  pm.addNestedPass<func::FuncOp>(createDissolveStreams()); // a file at level streamed may hold some
  ConvertAttnToTilesOptions options;
  options.lanes = lanesOf(target);
  options.allocated = target.isGPU;
  options.concurrent = getConcurrentBlocks(target);
  pm.addPass(createConvertAttnToTiles(options));
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCSEPass());
}
