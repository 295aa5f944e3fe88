//===- Tiles.h - what a kernel does with each tile of a stream ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel of a stream in tiles takes rows m at a time; for each block of rows it bounds the keys that can
// matter, and takes those n at a time, beginning with the first of them. A block of rows and keys is a tile:
//
//   empty     not visited: no score in it is computed
//   full      every score in it is inside the mask: its predicates are not evaluated
//   partial   its predicates are evaluated score by score
//
// The rules are those of BlockJudge.h, which the kernel's code is made of too, so this is what the kernel
// does and not an ideal: a partial tile may have no score inside the mask, or all of them. An empty tile
// never has one, a full tile never lacks one. Where a predicate reads tensors, its tiles are what the kernel
// lists of these if they are known (CascadeModel::known), else partial; a kernel may do better then.
#ifndef WEIR_ANALYSIS_TILES_H
#define WEIR_ANALYSIS_TILES_H
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/Points.h"
#include "weir/Analysis/StreamTiles.h"

namespace weir {

class TileListing;
class TileReader;

class TileClasses {
public:
  /// Of a stream with a mapping, at the given extents (by rank). `model` is any model of the stream's
  /// function; trees are made in its arena. Nothing where an extent of a coordinate or in a predicate is
  /// open.
  static std::optional<TileClasses> of(const StreamTiles &plan, mapping::TilesAttr sizes, Extents &classes,
                                       Presences &presences, const CascadeModel &model,
                                       const llvm::StringMap<int64_t> &extents);

  struct Counts {
    int64_t full, partial, empty;
    int64_t computed; ///< scores of full and partial tiles, which end where the keys do that can matter
  };
  /// Over all settings of the outer coordinates; nothing where more steps (of Points.h) than the budget were
  /// needed.
  std::optional<Counts> count(uint64_t &budget) const;
  /// The scores inside the mask: those that some accumulator takes in, as far as predicates say. Nothing
  /// where readsData, or as above.
  std::optional<int64_t> countInside(uint64_t &budget) const;

  /// Neighbouring tiles that are visited and of one class.
  struct Run {
    int64_t begin, end; ///< keys of the box, counted in lexical order
    bool full;
  };
  /// Settings `first`, `first + step`, ... of a key's coordinate.
  struct Keys {
    int64_t first, count, step;
  };
  /// What is done for one block of rows.
  struct Block {
    llvm::SmallVector<Keys> box; ///< of each key coordinate those that can matter
    llvm::SmallVector<Run> runs;         ///< ascending; what lies between is empty
  };
  /// `at` says the outer coordinates, and of each row coordinate the number of its block. Nothing as for
  /// count.
  std::optional<Block> blockAt(llvm::ArrayRef<int64_t> at, uint64_t &budget) const;
  /// The values of the innermost key coordinate that are inside the mask, where outer, row, and the other key
  /// coordinates are set. Nothing as for countInside.
  std::optional<Points::Spans> keysAt(llvm::ArrayRef<int64_t> at, uint64_t &budget) const;

  /// A coordinate of the scores, how many values it has, how many of those a block has (of a key: not
  /// used), and how far apart.
  struct Axis {
    std::string name;
    int64_t extent, block, step = 1;
    int64_t blocks() const { return StreamTiles::countBlocks(extent, block, step); }
    /// The first value of a block, and how many it has.
    std::pair<int64_t, int64_t> valuesAt(int64_t number) const {
      int64_t first = number / step * step * block + number % step;
      return {first, std::min(block, (extent - first + step - 1) / step)};
    }
    /// The place of a value where residue classes lie side by side.
    int64_t placeOf(int64_t value) const {
      int64_t residue = value % step;
      return residue * (extent / step) + std::min(residue, extent % step) + value / step;
    }
  };
  std::vector<Axis> outer, rows, keys;
  int64_t m, n;                     ///< rows and keys of a tile
  bool readsData = false;           ///< a predicate does, and not all that it reads is known
  std::string mask;                 ///< the predicates, as text; empty where there are none
  std::vector<std::string> varying; ///< the outer coordinates on which the mask depends

private:
  void setBlocks(TileReader &reader, const StreamTiles &plan);
  void setInside(TileReader &reader, const StreamTiles &plan);
  llvm::SmallVector<Points::Coordinate> blockCoordinates() const;
  llvm::SmallVector<Points::Coordinate> scoreCoordinates() const;

  std::shared_ptr<TileListing> listing; ///< where a kernel lists the tiles of data that is known
  const CascadeModel *model = nullptr;
  const llvm::StringMap<int64_t> *extents = nullptr;
  /// Over the outer coordinates and the numbers of a block of rows and of a block of its keys.
  llvm::SmallVector<std::pair<const Tree *, const Tree *>>
      box; ///< of each key coordinate, the first and how many
  const Tree *visited = nullptr, *full = nullptr;
  bool asksTiles = false;       ///< tiles inside the box are left out
  const Tree *inside = nullptr; ///< over the coordinates of the scores
};

} // namespace weir
#endif
