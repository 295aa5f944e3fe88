//===- TileListing.h - tiles that a kernel lists, of data that is given ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where predicates read tensors at keys a kernel lists the tiles of each block of rows (StreamWalk.cpp): it
// asks steps of keys and takes those together that follow. The same is done here with numbers, where the
// tensors are known: BlockJudge.h over what the parts of StreamData.h take on.
#ifndef WEIR_LIB_ANALYSIS_TILELISTING_H
#define WEIR_LIB_ANALYSIS_TILELISTING_H
#include "TileReader.h"
#include "weir/Analysis/StreamData.h"
#include "weir/Analysis/Tiles.h"

namespace weir {

class TileListing {
public:
  TileListing(TileReader reader, const StreamTiles &plan, StreamData data, mapping::TilesAttr sizes,
              const TileClasses &tiles, const CascadeModel &model, const llvm::StringMap<int64_t> &extents);

  /// As TileClasses::blockAt.
  std::optional<TileClasses::Block> blockAt(llvm::ArrayRef<int64_t> at, uint64_t &budget);
  /// As TileClasses::count; what is empty is the rest of the grid, at least 0.
  std::optional<TileClasses::Counts> count(uint64_t &budget);

private:
  struct Numbers;
  /// The least and the greatest that a value takes on in a block of rows and a span of keys.
  using Range = std::optional<std::pair<int64_t, int64_t>>;
  Range rangeOf(const Tree *tree, StreamData::Grain grain, Points::Span rows, Points::Span keys);
  template <typename Judge> void askData(Judge &judge, Points::Span rows, std::optional<Points::Span> keys);
  /// Whether something may hold in a step of keys, and whether everything that is needed holds everywhere.
  std::pair<bool, bool> judgeStep(Points::Span rows, Points::Span keys);
  Points *pointsOf(const Tree *tree);

  TileReader reader;
  const StreamTiles &plan;
  StreamData data;
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> needed;
  const CascadeModel &model;
  const llvm::StringMap<int64_t> &extents;
  std::vector<TileClasses::Axis> outer;
  TileClasses::Axis row, key;
  int64_t n, step; ///< keys of a tile, and those that are asked for together
  llvm::DenseMap<const Tree *, std::optional<Points>> compiled;
  llvm::SmallVector<int64_t> setting; ///< of the outer coordinates at hand
  uint64_t left = 0;
  bool failed = false;
};

} // namespace weir
#endif
