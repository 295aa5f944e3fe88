//===- MapStreams.cpp - streams that run in tiles, and how large these are ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lanes of a vector are rows. With 32 registers a block of keys keeps 6 x 4 of them as sums, so 64 rows
// are four registers of 16 f32; with 16 registers it keeps 4 x 3, so 24 rows are three of 8.
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/StreamTiles.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_MAPSTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;

namespace {
constexpr int64_t kKeys =
    128; ///< keys at a time: scores of a block of rows then fit in the first two levels of cache

struct MapStreams : weir::impl::MapStreamsBase<MapStreams> {
  using MapStreamsBase::MapStreamsBase;
  void runOnOperation() override {
    func::FuncOp cascade = getOperation();
    if (!attn::isCascade(cascade))
      return;
    Extents extents(cascade);
    Dependence dependence;
    Presences presences(extents);
    int64_t wide = vectorRegisters >= 32 ? 4 : 3;
    for (auto stream : cascade.getOps<attn::StreamOp>()) {
      std::optional<StreamTiles> plan = StreamTiles::of(stream, extents, dependence, presences);
      if (!plan || stream->hasAttr("mapping"))
        continue;
      auto rows = StringAttr::get(&getContext(), plan->row);
      // Registers are counted for f32; of f64 a block of the same rows takes twice as many, in two turns.
      stream->setAttr("mapping",
                      mapping::TilesAttr::get(&getContext(), rows, wide * (vectorBytes / 4), kKeys));
    }
  }
};
} // namespace
