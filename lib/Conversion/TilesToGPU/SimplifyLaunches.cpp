//===- SimplifyLaunches.cpp - canonical forms, parallel loops kept --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs between outlining and mapping. The canonical form of a parallel loop of one iteration is its body, and
// with the loop what is done by a block of threads would be lost.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "weir/Conversion/TilesToGPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SIMPLIFYLAUNCHES
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct SimplifyLaunches : weir::impl::SimplifyLaunchesBase<SimplifyLaunches> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    for (Dialect *dialect : getContext().getLoadedDialects())
      dialect->getCanonicalizationPatterns(patterns);
    for (RegisteredOperationName op : getContext().getRegisteredOperations())
      if (op.getStringRef() != scf::ForallOp::getOperationName())
        op.getCanonicalizationPatterns(patterns, &getContext());
    (void)applyPatternsGreedily(getOperation(),
                                std::move(patterns)); // as the canonicalizer: not to the end is no error
  }
};
} // namespace
