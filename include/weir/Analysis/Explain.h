//===- Explain.h - what is known of a cascade, for a user -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ANALYSIS_EXPLAIN_H
#define WEIR_ANALYSIS_EXPLAIN_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/GPUTime.h"
#include "weir/Analysis/KnownInputs.h"
#include "weir/Analysis/PredictedTime.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct ExplainOptions {
  llvm::StringMap<int64_t> extents; ///< by rank; what the function fixes need not be in it
  KnownInputs known;                ///< what inputs hold; others may hold anything
  uint64_t budget = 1u << 27;       ///< steps (of Points.h) after which the count of one domain is given up
  std::optional<TargetDescription> target; ///< for which time is predicted
  unsigned threads = 1;
};

/// Everything that `weirc explain` prints. An answer that no analysis has is missing (null in JSON).
struct Explanation {
  struct Rank {
    std::string name;
    std::optional<int64_t> extent;
  };
  struct Count {
    std::string rank;
    unsigned asWritten;
    bool loop;                                   ///< a recurrence goes along it
    std::optional<unsigned> derived, lowerBound; ///< of a rank that is reduced
  };
  struct State {
    std::string rank, name, operation;
    std::vector<std::string> coords;
    unsigned traversal;
    std::string text; ///< what it accumulates
  };
  struct Reason {
    std::string equation;
    std::optional<int64_t> line;
    std::string tensor, rank, reason;
    std::string code; ///< of a derivation's reason
  };
  struct Domain {
    std::string tensor, set;
    std::optional<int64_t> present, total;
    std::optional<double> density;
    bool isTotal; ///< present everywhere, whatever the inputs and extents are
  };
  struct Mapping {
    std::string equation, attribute;
  };
  /// Whether a rank's traversals were merged into one in tiles, and the predictions behind that
  /// (weir/Analysis/StreamCost.h).
  struct Merging {
    std::string rank;
    bool merged, forced;     ///< forced: by --map fuse=, not by the predictions
    double tiled, asWritten; ///< seconds
    int64_t rowsOfTile;
    std::optional<int64_t> rows;
    std::vector<std::pair<std::string, int64_t>> assumed; ///< open extents, as the prediction took them
  };
  /// The tiles of a stream (weir/Analysis/Tiles.h); what is not known at the given extents is missing.
  struct Tiles {
    std::string rank;
    std::string row; ///< its coordinate
    int64_t m, n;    ///< rows and keys of a tile
    std::optional<int64_t> full, partial, empty;
    std::optional<int64_t> inside, computed; ///< scores inside the mask, and those of full and partial tiles
    double gathered = 0; ///< elements that are copied, of keys that do not lie in a row
    double inRuns = 0;   ///< and those of keys that are taken where they lie, a run at a time
    std::optional<int64_t> parts; ///< of the keys of a block of rows; none: known when the kernel runs
    std::string whyParts;
    std::vector<int64_t> steps; ///< how far apart the keys of a tile are, by coordinate; none: side by side
    std::string apart;          ///< the same of rows and keys, in words
  };
  std::string cascade;
  std::vector<Rank> ranks;
  std::vector<Count> traversals;
  std::vector<Reason> waits;       ///< why not fewer as written
  std::vector<Reason> whyNotFewer; ///< why not fewer by any rewriting that is known here
  std::vector<State> state;
  std::vector<Domain> domains;
  std::vector<Mapping> mappings;
  std::string mappingSource = "chosen"; ///< or "given" by --map, or "tuned" on this machine
  std::vector<Merging> mergings;
  std::vector<Tiles> tiles; ///< of each stream in tiles
  std::vector<std::pair<std::string, std::string>>
      refusals; ///< rank, and why no stream in tiles goes over it
  std::optional<int64_t> flops, compulsoryBytes, footprintBytes;
  std::optional<PredictedTime> predicted;               ///< of a processor, at known extents
  std::optional<GPUTime> predictedOnGPU;                ///< of a GPU
  std::string gpu;                                      ///< whose figures these are
  std::string flopsText, compulsoryText, footprintText; ///< in the extents' names
};

/// Explains a cascade (a function that isCascade() accepts and that verifies), and what mapping it has got on
/// the way to level streamed. Runs on a thread with a large stack, so expressions may nest deeply.
Explanation explain(mlir::func::FuncOp cascade, const ExplainOptions &options = {},
                    mlir::func::FuncOp streamed = {});

/// The object that `weirc explain --json` prints.
llvm::json::Value toJson(const Explanation &explanation);
/// The same for people.
void print(const Explanation &explanation, llvm::raw_ostream &os);

/// `N=1024` -> extents by rank. Errors name the text that is no such pair.
llvm::Expected<llvm::StringMap<int64_t>> parseExtents(llvm::ArrayRef<std::string> pairs);

} // namespace weir
#endif
