//===- MapIterationsToThreads.cpp - threads take iterations ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Shares.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "weir/Conversion/TilesToGPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_MAPITERATIONSTOTHREADS
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct MapIterationsToThreads : weir::impl::MapIterationsToThreadsBase<MapIterationsToThreads> {
  using MapIterationsToThreadsBase::MapIterationsToThreadsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>()) {
      if (function.getKnownBlockSizeAttr())
        continue; // somebody else's
      unsigned size = 1;
      for (auto forall : llvm::make_early_inc_range(function.getBody().front().getOps<scf::ForallOp>())) {
        takeIterations(forall);
        size = threads;
      }
      weir::setBlockSize(function, size);
    }
  }

private:
  static void takeIterations(scf::ForallOp forall) {
    ImplicitLocOpBuilder b(forall.getLoc(), forall);
    Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x),
          blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
    Value size = gpu::BlockDimOp::create(b, gpu::Dimension::x),
          thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
    Value before = arith::MulIOp::create(b, block, size);
    Value first = arith::AddIOp::create(b, before, thread);
    weir::deal(b, forall, {first, arith::MulIOp::create(b, blocks, size)});
  }
};
} // namespace
