//===- OrderTileLoops.cpp - what threads share outside, sums inside -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only loops without a sum around them are dealt out to threads. And a sum that is innermost stays in a register.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Conversion/TilesToGPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_ORDERTILELOOPS
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct OrderTileLoops : weir::impl::OrderTileLoopsBase<OrderTileLoops> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::ContractOp> contractions;
    getOperation()->walk([&](linalg::ContractOp op) { contractions.push_back(op); });
    for (linalg::ContractOp op : contractions)
      if (failed(generalize(rewriter, op)))
        return signalPassFailure();
    SmallVector<linalg::GenericOp> ops;
    getOperation()->walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops)
      order(rewriter, op);
    SmallVector<linalg::LinalgOp> alone;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (op.getNumParallelLoops() == 0)
        alone.push_back(op);
    });
    for (linalg::LinalgOp op : alone)
      giveToOne(op);
  }

private:
  /// The terms of a contraction may be fused with its sum: its precision is that of a sum in any order.
  LogicalResult generalize(IRRewriter &rewriter, linalg::ContractOp op) {
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(rewriter, op);
    if (failed(generic))
      return op.emitOpError("has no loops");
    generic->walk([](Operation *inside) {
      if (isa<arith::MulFOp, arith::AddFOp>(inside))
        inside->setAttr("fastmath", arith::FastMathFlagsAttr::get(inside->getContext(), arith::FastMathFlags::contract));
    });
    return success();
  }

  /// What has no parallel dimension is one element's work: a parallel loop of one iteration goes around it.
  void giveToOne(linalg::LinalgOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
    auto loop = scf::ParallelOp::create(b, ValueRange{zero}, ValueRange{one}, ValueRange{one});
    op->moveBefore(loop.getBody()->getTerminator());
  }

  /// Parallel dimensions first, each kind in the order that it had.
  void order(IRRewriter &rewriter, linalg::GenericOp op) {
    SmallVector<unsigned> order;
    for (auto kind : {utils::IteratorType::parallel, utils::IteratorType::reduction})
      for (auto [k, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
        if (iterator == kind)
          order.push_back(k);
    rewriter.setInsertionPoint(op);
    if (!llvm::is_sorted(order))
      (void)linalg::interchangeGenericOp(rewriter, op, order); // in place
  }
};
} // namespace
