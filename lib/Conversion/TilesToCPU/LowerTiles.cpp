//===- LowerTiles.cpp - tile operations become loops over vectors ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tiles.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "weir/Conversion/TilesToCPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_LOWERTILES
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct LowerTiles : weir::impl::LowerTilesBase<LowerTiles> {
  using LowerTilesBase::LowerTilesBase;

  void runOnOperation() override {
    weir::VectorUnit unit{vectorBytes, vectorRegisters};
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      auto contraction = dyn_cast<linalg::ContractOp>(*op);
      bool done = contraction && weir::emitContraction(contraction, unit);
      if (!done)
        done = weir::emitTileMap(op, unit);
      if (!done) { // packing and unpacking, and whatever else: one element at a time
        rewriter.setInsertionPoint(op);
        if (failed(linalg::linalgOpToLoops(rewriter, op))) {
          op->emitOpError("is no tile operation that has loops");
          return signalPassFailure();
        }
      }
      op->erase();
    }
    getOperation()->walk([](affine::AffineApplyOp apply) { // plain indices of linalg's loops
      if (apply.getAffineMap().isIdentity() && apply.getNumOperands() == 1) {
        apply.replaceAllUsesWith(apply.getOperand(0));
        apply.erase();
      }
    });
  }
};
} // namespace
