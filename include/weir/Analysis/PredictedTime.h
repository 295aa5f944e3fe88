//===- PredictedTime.h - how long a kernel will take, and why -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seconds from work and a target's figures (TargetDescription.h):
//
//   products     in tiles, multiply-adds over the FMA peak, times the part of it that register blocks reach; or
//                over the rate of a matrix unit (AMX), times the part of that which is reached
//
//   elementwise  in tiles, all else as vector operations, exponentials and the like as the polynomials they
//                become
//
//   as written   of equations in loops, all FLOPs over the part of the peak that these reach
//
//   reading      compulsory bytes over the rate of memory, or of the last cache where they fit in it
//
//   overhead     of a call, and of starting threads
//
// The first three share the processor's vector units, so they add up; reading goes on beside them. The parts
// of the peak are measured once for all programs (docs/performance.md).
#ifndef WEIR_ANALYSIS_PREDICTEDTIME_H
#define WEIR_ANALYSIS_PREDICTEDTIME_H
#include "mlir/IR/Types.h"
#include "weir/Analysis/Cost.h"
#include "weir/Support/TargetDescription.h"
#include <algorithm>
#include <optional>

namespace weir {

struct PredictedTime {
  double products = 0, elementwise = 0, asWritten = 0, reading = 0, overhead = 0; ///< seconds
  unsigned threads = 1;
  int64_t pieces = 0; ///< of bf16, in which products in tiles go to a matrix unit; 0: they do not
  bool atMost = false; ///< data decides how much of the work there is

  double computing() const { return products + elementwise + asWritten; }
  double seconds() const { return std::max(computing(), reading) + overhead; }
  /// "products", "elementwise", "as written", "reading", "overhead": what takes longest.
  llvm::StringRef limit() const;

  /// Adds work in tiles of so many rows, on reals of type `real`.
  void addTiled(double multiplyAdds, double operations, int64_t rowsOfTile, mlir::Type real,
                const TargetDescription &target);
  void addAsWritten(double flops, mlir::Type real, const TargetDescription &target);
  void addReading(double bytes, const TargetDescription &target);
  void addCall();
};

/// Of f32 in a vector. Registers are counted so; of f64 a block of the same rows takes twice as many, in two
/// turns.
inline int64_t getLanes(const TargetDescription &target) { return target.vectorBytes / 4; }
/// How many rows of tiles fill so many vectors as registers allow for; with fewer rows than kFewRows, vectors
/// go along features instead.
int64_t mostVectorsOfRows(const TargetDescription &target);
inline constexpr int64_t kFewRows = 4;

/// What streams in tiles compute beside the scores inside their masks.
struct TiledWork {
  double visited = 1; ///< of those scores, how many times as many are computed
  double masked = 0;  ///< scores of partial tiles, of which each asks the predicates
  double gathered =
      0; ///< elements of keys and values that are copied into tiles since they do not lie there in a row
  double inRuns = 0; ///< and those that are read where they lie, a run of few keys at a time
};

/// Predicts the program `mapped`, at level streamed, whose equations as written `costs` counts. Nothing where
/// an extent is open.
std::optional<PredictedTime> predictTime(mlir::func::FuncOp mapped, const Costs &costs, const TiledWork &work,
                                         const TargetDescription &target, unsigned threads);

} // namespace weir
#endif
