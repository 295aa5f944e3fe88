//===- ConvertAttnToTiles.cpp - cascades become kernels of plain loops ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generic road from level 3 to level 4: right for everything that the language says, with or without a mapping. It stands
// after all rewrites of equations and leaves nothing of the attn dialect.
#include "KernelEmitter.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "weir/Analysis/StreamTiles.h"
#include "weir/Conversion/AttnToTiles/Passes.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTATTNTOTILES
#include "weir/Conversion/AttnToTiles/Passes.h.inc"
} // namespace weir

using namespace mlir;

/// Streams are lowered in tiles or were dissolved before.
static LogicalResult checkStreams(func::FuncOp cascade) {
  weir::Extents extents(cascade);
  weir::Dependence dependence;
  weir::Presences presences(extents);
  auto walk = cascade.walk([&](weir::attn::StreamOp stream) {
    auto sizes = stream->getAttrOfType<weir::mapping::TilesAttr>("mapping");
    std::string why = "it has no mapping";
    if (sizes && weir::StreamTiles::of(stream, extents, dependence, presences, &why))
      return WalkResult::advance();
    stream.emitOpError("does not run in tiles: ") << why << "; dissolve it before it becomes loops";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct ConvertAttnToTiles : weir::impl::ConvertAttnToTilesBase<ConvertAttnToTiles> {
  using ConvertAttnToTilesBase::ConvertAttnToTilesBase;
  void runOnOperation() override {
    SmallVector<func::FuncOp> cascades;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (weir::attn::isCascade(function))
        cascades.push_back(function);
    for (func::FuncOp cascade : cascades)
      if (failed(checkStreams(cascade)))
        return signalPassFailure();
    for (func::FuncOp cascade : cascades) {
      weir::tiles::KernelEmitter(cascade, lanes, chunks, allocated, concurrent).run();
      cascade.erase();
    }
  }
};
} // namespace
