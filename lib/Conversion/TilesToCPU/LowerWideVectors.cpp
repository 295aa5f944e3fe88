//===- LowerWideVectors.cpp - vector operations that no instruction of LLVM is ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles become vectors of which convert-to-llvm takes each operation as it is. Upstream's own pass for all others looks at every operation
// twice, which was a twentieth of the time from text to callable: it runs where it has something to do.
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Conversion/TilesToCPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_LOWERWIDEVECTORS
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

/// Whether convert-to-llvm takes the operation by itself.
static bool isPlain(Operation *op) {
  auto isLine = [](Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return !vector || (vector.getRank() == 1 && !vector.isScalable());
  };
  if (!llvm::all_of(op->getOperandTypes(), isLine) || !llvm::all_of(op->getResultTypes(), isLine))
    return false;
  if (auto broadcast = dyn_cast<vector::BroadcastOp>(op))
    return !isa<VectorType>(broadcast.getSourceType());
  return !isa_and_nonnull<vector::VectorDialect>(op->getDialect()) ||
         isa<vector::LoadOp, vector::StoreOp, vector::MaskedLoadOp, vector::MaskedStoreOp, vector::GatherOp, vector::ExtractOp,
             vector::FromElementsOp, vector::ShuffleOp, vector::FMAOp, vector::ReductionOp>(op);
}

namespace {

struct LowerWideVectors : weir::impl::LowerWideVectorsBase<LowerWideVectors> {
  void getDependentDialects(DialectRegistry &registry) const override {
    createConvertVectorToLLVMPass()->getDependentDialects(registry);
  }

  void runOnOperation() override {
    WalkResult walked = getOperation().walk(
        [](Operation *op) { return isPlain(op) ? WalkResult::advance() : WalkResult::interrupt(); });
    if (!walked.wasInterrupted())
      return;
    OpPassManager upstream(getOperation()->getName());
    upstream.addPass(createConvertVectorToLLVMPass());
    if (failed(runPipeline(upstream, getOperation())))
      signalPassFailure();
  }
};

} // namespace
