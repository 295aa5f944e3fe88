//===- StreamCost.h - whether a stream in tiles is worth it ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two roads lead from the same equations to code. Tiles run near the machine's peak and always compute whole
// blocks of rows; loops over the equations as written run at a fraction of it and compute the rows that there
// are. Each is predicted for one core (PredictedTime.h), with the rows that it computes. One row at a time
// with features that fill no vectors is better off as written, and from about five rows on tiles are.
#ifndef WEIR_ANALYSIS_STREAMCOST_H
#define WEIR_ANALYSIS_STREAMCOST_H
#include "mlir/IR/BuiltinAttributes.h"
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/PredictedTime.h"
#include "weir/Analysis/StreamTiles.h"
#include "weir/Support/TargetDescription.h"
#include <map>

namespace weir {

struct StreamCost {
  PredictedTime tiled, asWritten;
  std::optional<int64_t> rows;            ///< as far as they are known
  int64_t rowsOfTile = 0;                 ///< that a block computes
  std::map<std::string, int64_t> assumed; ///< extents that are open, by rank, and what they were taken for

  /// Tiles, unless a known number of rows is too small for them.
  bool prefersTiles() const { return !rows || tiled.seconds() <= asWritten.seconds(); }
};

/// How many rows a block of a processor's tiles has: as many vectors as they fill, up to what its registers
/// allow for; or, of few rows, as many as there are, where vectors go along features instead.
int64_t getRowsOfTile(const StreamTiles &plan, Extents &extents, const TargetDescription &target);

/// Predicts for the equations of `cascade` (as it is written) that `merged` has no more, or has in
/// its stream, what `plan`, that stream, takes. `extents` are those of `merged`. Nothing where the work is
/// too large to be counted.
std::optional<StreamCost> predictStream(mlir::func::FuncOp cascade, mlir::func::FuncOp merged,
                                        const StreamTiles &plan, Extents &extents,
                                        const TargetDescription &target);

/// On a cascade's function: for each rank whose traversals could become one in tiles, what toAttribute()
/// says.
inline constexpr llvm::StringLiteral kStreamChoices = "mapping.streams";
/// On a cascade's function: of each rank that no stream in tiles goes over what stands against it, a
/// dictionary of texts.
inline constexpr llvm::StringLiteral kStreamRefusals = "mapping.refusals";
/// `{rank, merged, forced, tiled_s, as_written_s, rows_of_tile, rows, assumed = {N = 1024}}`; `rows` where
/// they are known, `forced` where the prediction was not asked.
mlir::DictionaryAttr toAttribute(const StreamCost &cost, llvm::StringRef rank, bool merged, bool forced,
                                 mlir::MLIRContext *context);

} // namespace weir
#endif
