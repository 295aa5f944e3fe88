//===- PredictedTime.cpp - how long a kernel will take, and why -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/PredictedTime.h"
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/CascadeModel.h"
#include "llvm/ADT/StringSet.h"
#include <algorithm>

using namespace llvm;
using namespace weir;

// Fractions of the FMA peak that products in tiles reach, by vectors of rows: those of docs/performance.md,
// "Few rows" and "Register blocks", less the 15 cycles that softmax takes for a register of scores beside
// them.
constexpr double kProducts32[] = {0.74, 0.80, 0.83, 0.88}; ///< with 32 vector registers
constexpr double kProducts16[] = {0.40, 0.74, 0.82};       ///< with 16
constexpr double kFew[] = {0.30, 0.61, 0.73, 0.77};        ///< of 1 to 4 rows, which fill no vector
/// Of what a matrix unit multiplies where nothing is packed for it, read or stored, "Products on AMX": in bf16, and in pieces of more bits.
constexpr double kMatrixUnit = 0.175, kMatrixUnitInPieces = 0.38;
constexpr double kAsWritten = 0.21;                        ///< of all FLOPs in loops, "The generic road"

/// Vector operations of the predicates of a score, of an element that is copied, and of one that is taken in runs, for which products of few keys
/// and their sums are begun and ended: measured, as the rest.
constexpr double kOfMask = 8, kOfCopy = 10, kOfRun = 8;

constexpr double kCall = 5e-6, kFork = 10e-6; ///< seconds of a call, and of starting threads for it

static ArrayRef<double> getFractions(const TargetDescription &target) {
  return target.vectorRegisters >= 32 ? ArrayRef<double>(kProducts32) : ArrayRef<double>(kProducts16);
}

int64_t weir::mostVectorsOfRows(const TargetDescription &target) { return getFractions(target).size(); }

/// FLOPs a second of one core's FMA units.
static double peakOf(mlir::Type real, const TargetDescription &target) {
  return 2 * target.clock * target.fmaBytes / (real.getIntOrFloatBitWidth() / 8);
}

/// FLOPs a second of one core's matrix unit: 16 x 16 sums of 32 terms in 16 cycles.
static double peakOfMatrixUnit(const TargetDescription &target) { return 2.0 * 16 * 16 * 32 / 16 * target.clock; }

StringRef PredictedTime::limit() const {
  if (overhead > std::max(computing(), reading))
    return "overhead";
  if (reading > computing())
    return "reading";
  double most = std::max({products, elementwise, asWritten});
  return most == products ? "products" : most == elementwise ? "elementwise" : "as written";
}

void PredictedTime::addTiled(double multiplyAdds, double operations, int64_t rowsOfTile, mlir::Type real,
                             const TargetDescription &target) {
  int64_t vectors = rowsOfTile / getLanes(target);
  ArrayRef<double> fractions = getFractions(target);
  double fraction = vectors ? fractions[std::min<int64_t>(vectors, fractions.size()) - 1]
                            : kFew[std::clamp<int64_t>(rowsOfTile, 1, kFewRows) - 1];
  double peak = peakOf(real, target) * threads;
  double ofUnit = pieces > 1 ? kMatrixUnitInPieces / (pieces * (pieces + 1) / 2) : kMatrixUnit; // pieces i and j, of i + j < pieces
  products += multiplyAdds / (pieces ? ofUnit * peakOfMatrixUnit(target) * threads : fraction * peak);
  elementwise += operations / (peak / 2); // an operation a cycle is half of a multiply-add's two
}

void PredictedTime::addAsWritten(double flops, mlir::Type real, const TargetDescription &target) {
  asWritten += flops / (kAsWritten * peakOf(real, target) * threads);
}

void PredictedTime::addReading(double bytes, const TargetDescription &target) {
  bool fits = bytes <= double(target.l3Bytes);
  reading += bytes /
             (fits ? target.l3Rate * threads : std::min(target.memoryRate * threads, target.memoryRateOfAll));
}

void PredictedTime::addCall() { overhead += kCall + (threads > 1 ? kFork : 0); }

std::optional<PredictedTime> weir::predictTime(mlir::func::FuncOp mapped, const Costs &costs,
                                               const TiledWork &work, const TargetDescription &target,
                                               unsigned threads) {
  PredictedTime time;
  StringSet<> loops; // equations that stand in the function itself, not in a stream
  int64_t rowsOfTile = 0;
  for (const CascadeModel::Equation &equation : CascadeModel(mapped).equations)
    loops.insert(equation.name);
  for (auto stream : mapped.getOps<attn::StreamOp>()) {
    if (auto sizes = stream->getAttrOfType<mapping::TilesAttr>("mapping"))
      rowsOfTile = sizes.getM();
    stream.walk([&](mlir::Operation *op) { time.pieces = std::max(time.pieces, mapping::piecesOnMatrixUnit(op)); });
    for (auto copy : stream.getBody().front().getOps<attn::EinsumOp>())
      loops.erase(copy.getName()); // computed once more in the stream
  }
  time.threads = std::max(1u, threads);
  mlir::Type real = mlir::Float32Type::get(mapped.getContext());
  for (mlir::Type type : mapped.getArgumentTypes())
    if (auto tensor = dyn_cast<mlir::RankedTensorType>(type); tensor && tensor.getElementType().isF64())
      real = tensor.getElementType();
  if (!costs.compulsoryBytes.value)
    return std::nullopt;
  for (const Costs::EquationCost &equation : costs.equations) {
    if (!equation.flops.value)
      return std::nullopt;
    time.atMost |= !equation.insideDomains;
    if (rowsOfTile && !loops.contains(equation.equation))
      time.addTiled(equation.multiplyAdds * work.visited, equation.operations * work.visited, rowsOfTile,
                    real, target);
    else
      time.addAsWritten(*equation.flops.value, real, target);
  }
  if (rowsOfTile)
    time.addTiled(0, kOfMask * work.masked + kOfCopy * work.gathered + kOfRun * work.inRuns, rowsOfTile, real, target);
  time.addReading(*costs.compulsoryBytes.value, target);
  time.addCall();
  return time;
}
