//===- GPUTime.cpp - what a kernel takes of a GPU at least ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/GPUTime.h"
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/CascadeModel.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace llvm;
using namespace weir;

std::optional<GPURates> weir::ratesOfGPU(StringRef architecture) {
  constexpr double roundings = 64.0 / 3; // ptxas makes three instructions of one
  if (architecture == "sm_80")
    return GPURates{"A100 SXM 40 GB", 108,   1.41e9, 2048, 16,        roundings, 64, 128,
                    1.555e12,         65536, 64,     32,   164 << 10, 1 << 10};
  if (architecture == "sm_90" || architecture == "sm_90a") // mma.sync reaches 63 % of what wgmma does
    return GPURates{"H100 SXM", 132,   1.83e9, 0.63 * 4096, 16,        roundings, 128, 128,
                    3.35e12,    65536, 64,     32,          228 << 10, 1 << 10};
  return std::nullopt;
}

unsigned GPURates::blocksOf(unsigned threads, unsigned registersOfThread, uint64_t sharedOfBlock) const {
  constexpr unsigned kLanes = 32, kGranule = 256; // registers go to warps in pieces
  unsigned warpsOfBlock = divideCeil(threads, kLanes);
  uint64_t ofWarp = alignTo(uint64_t(std::max(registersOfThread, 1u)) * kLanes, kGranule);
  uint64_t most = std::min<uint64_t>(blocks, warps / std::max(warpsOfBlock, 1u));
  most = std::min<uint64_t>(most, registers / ofWarp / std::max(warpsOfBlock, 1u));
  return std::min<uint64_t>(most, shared / (sharedOfBlock + reserved));
}

double GPUTime::seconds() const { return std::max({tensor, exponentials, roundings, arithmetic, shared, memory}); }

StringRef GPUTime::limit() const {
  double most = seconds();
  return most == shared         ? "shared memory"
         : most == tensor       ? "tensor cores"
         : most == exponentials ? "exponentials"
         : most == roundings    ? "roundings"
         : most == memory       ? "memory"
                                : "arithmetic";
}

namespace {

/// How a stream runs.
enum class Road { AsWritten, Tiles, MultiplyAdds, TensorFloats, TensorCores };

Road roadOf(attn::StreamOp stream) {
  if (!stream->getAttrOfType<mapping::TilesAttr>("mapping"))
    return Road::AsWritten;
  auto state = stream.getBody().front().getOps<attn::AccumulateOp>();
  auto has = [&](StringRef attribute) { return any_of(state, [&](attn::AccumulateOp op) { return op->hasAttr(attribute); }); };
  if (any_of(state, [](attn::AccumulateOp op) { return mapping::isRoundedToTF32(op); }))
    return Road::TensorFloats;
  return has(mapping::kRoundedAttr) ? Road::TensorCores : has(mapping::kCopiedAttr) ? Road::MultiplyAdds : Road::Tiles;
}

/// Bytes of shared memory for a multiply-add where a thread has so many rows and columns: for four along the line of each it reads 16, and
/// neighbouring threads that read the same read it once.
double bytesOfMultiplyAdd(double rows, double columns) { return 2 * (1 / rows + 1 / columns); }

} // namespace

std::optional<GPUTime> weir::predictOnGPU(mlir::func::FuncOp mapped, const Costs &costs, double visited,
                                          const GPURates &rates) {
  constexpr double kWarps = 4;
  StringMap<Road> roads; // of equations that are computed in a stream
  StringSet<> scores;    // of them, products
  for (auto stream : mapped.getOps<attn::StreamOp>())
    for (auto copy : stream.getBody().front().getOps<attn::EinsumOp>()) {
      roads[copy.getName()] = roadOf(stream);
      for (auto sum : copy.getBody().getOps<attn::ReduceOp>())
        if (sum->hasAttr(mapping::kCopiedAttr))
          scores.insert(copy.getName());
    }
  Road ofStreams = Road::AsWritten; // what was merged has no equation of its own any more
  StringSet<> loops;
  double rowsOfBlock = 0, keysOfTile = 0, features = 0; // features: of the widest sum
  for (auto stream : mapped.getOps<attn::StreamOp>()) {
    ofStreams = roadOf(stream);
    if (ofStreams < Road::MultiplyAdds)
      continue;
    auto tiles = stream->getAttrOfType<mapping::TilesAttr>("mapping");
    rowsOfBlock = tiles.getM();
    keysOfTile = tiles.getN();
    for (auto sum : stream.getBody().front().getOps<attn::AccumulateOp>())
      if (auto length = sum->getAttrOfType<mlir::IntegerAttr>(mapping::kCopiedAttr))
        features = std::max<double>(features, length.getInt());
  }
  for (const CascadeModel::Equation &equation : CascadeModel(mapped).equations)
    loops.insert(equation.name);
  if (!costs.compulsoryBytes.value)
    return std::nullopt;
  double tensorCycles = 0, exponentials = 0, roundings = 0, operations = 0, sharedBytes = 0;
  GPUTime time;
  for (const Costs::EquationCost &equation : costs.equations) {
    if (!equation.flops.value)
      return std::nullopt;
    time.atMost |= !equation.insideDomains;
    auto own = roads.find(equation.equation);
    Road road = own != roads.end()                  ? own->second
                : loops.contains(equation.equation) ? Road::AsWritten
                                                    : ofStreams;
    double times = road == Road::AsWritten ? 1 : visited, products = equation.multiplyAdds * times;
    operations += equation.operations * times;
    if (road == Road::MultiplyAdds) { // 16 groups of threads have rows, and 8 threads of each the columns
      bool isScore = scores.contains(equation.equation);
      operations += products / 2 - equation.exponentials * times; // the instruction; what is around it is what others take too
      exponentials += equation.exponentials * times;
      sharedBytes += products / 2 * bytesOfMultiplyAdd(rowsOfBlock / 16, (isScore ? keysOfTile : features) / 8);
      continue;
    }
    if (road < Road::TensorFloats) {
      operations += products / 2;
      // Of a product in tiles each thread reads a factor of its own, and one that all threads of a warp
      // share.
      sharedBytes += road == Road::Tiles ? products / 2 * sizeof(float) : 0;
      continue;
    }
    bool isInTF32 = road == Road::TensorFloats;
    double bytesOfElement = isInTF32 ? 4 : 2, innerOfMma = isInTF32 ? 8 : 16;
    operations -= equation.exponentials * times * (Costs::kOperationsOfExponential - 1); // a scale is left
    exponentials += equation.exponentials * times;
    tensorCycles += products / (isInTF32 ? rates.tensorFlops / 2 : rates.tensorFlops);
    time.mmas += products / (2 * 16 * 8 * innerOfMma);
    // Right factors are read by each warp for its rows, which in tf32 rounds them, and written once for those of the block.
    roundings += isInTF32 ? products / 2 * kWarps / rowsOfBlock : 0;
    sharedBytes += products / 2 * bytesOfElement * (kWarps + 1) / rowsOfBlock;
  }
  double cycles = rates.multiprocessors * rates.clock;
  time.tensor = tensorCycles / cycles;
  time.exponentials = exponentials / (rates.exponentials * cycles);
  time.roundings = roundings / (rates.roundings * cycles);
  time.arithmetic = operations / (rates.operations * cycles);
  time.shared = sharedBytes / (rates.sharedBytes * cycles);
  time.memory = *costs.compulsoryBytes.value / rates.memoryRate;
  return time;
}
