//===- LowerTiles.cpp - tile operations become loops over vectors ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixPacking.h"
#include "Tiles.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_LOWERTILES
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

/// The same memory: one value, or two views that are alike.
static bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  auto view = a.getDefiningOp<memref::SubViewOp>(), other = b.getDefiningOp<memref::SubViewOp>();
  return view && other &&
         OperationEquivalence::isEquivalentTo(view, other, OperationEquivalence::IgnoreLocations);
}

linalg::FillOp weir::fillBefore(linalg::ContractOp op) {
  Operation *before = op->getPrevNode();
  while (before && isMemoryEffectFree(before))
    before = before->getPrevNode();
  auto fill = dyn_cast_or_null<linalg::FillOp>(before);
  return fill && isSame(fill.getOutputs()[0], op->getOperand(2)) ? fill : nullptr;
}

namespace {

struct LowerTiles : weir::impl::LowerTilesBase<LowerTiles> {
  using LowerTilesBase::LowerTilesBase;

  void runOnOperation() override {
    weir::VectorUnit unit{vectorBytes, vectorRegisters};
    // A contraction that starts from one value keeps it in registers: the fill before it falls away.
    SmallVector<linalg::ContractOp> contractions;
    getOperation()->walk([&](linalg::ContractOp op) { contractions.push_back(op); });
    for (linalg::ContractOp op : contractions) {
      linalg::FillOp fill = weir::fillBefore(op);
      Value start = fill ? fill.getInputs()[0] : Value();
      bool isForMatrixUnit = op->hasAttr(weir::kMatrixUnitAttr);
      if (!(isForMatrixUnit ? weir::emitMatrixProduct(op, start, unit) : weir::emitContraction(op, start, unit)))
        continue;
      if (fill)
        fill->erase();
      op->erase();
    }
    SmallVector<func::FuncOp> functions;
    getOperation()->walk([&](func::FuncOp function) { functions.push_back(function); });
    llvm::for_each(functions, weir::MatrixPacking::emitAll);
    getOperation()->walk([](weir::mapping::PackedOp op) {
      op.replaceAllUsesWith(op.getSource());
      op->erase();
    });
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      if (auto around = op->getParentOfType<scf::ForallOp>())
        around->setAttr(weir::kBlockedAttr, rewriter.getUnitAttr());
      if (auto generic = dyn_cast<linalg::GenericOp>(*op))
        weir::divideByReciprocals(generic);
      if (!weir::emitTileMap(op, unit)) { // packing and unpacking, and whatever else: one element at a time
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
