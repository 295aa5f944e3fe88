//===- PlaceFrame.cpp - stack buffers at the function's entry -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs after OutlineParallelLoops, so that a body's buffers land in the body's function and every thread has
// its own.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "weir/Conversion/TilesToCPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_PLACEFRAME
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// Bytes of a buffer of fixed shape; index counts as 64 bits.
int64_t bytesOf(MemRefType type) {
  Type element = type.getElementType();
  int64_t bits = element.isIndex() ? 64 : 0;
  if (auto vector = dyn_cast<VectorType>(element))
    bits = vector.getNumElements() * vector.getElementTypeBitWidth();
  else if (!bits)
    bits = llvm::alignTo(element.getIntOrFloatBitWidth(), 8);
  return type.getNumElements() * bits / 8;
}

struct PlaceFrame : weir::impl::PlaceFrameBase<PlaceFrame> {
  using PlaceFrameBase::PlaceFrameBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    SmallVector<memref::AllocaOp> buffers;
    function.walk([&](memref::AllocaOp buffer) { buffers.push_back(buffer); });
    int64_t frame = 0;
    for (memref::AllocaOp buffer : buffers) {
      if (!buffer.getType().hasStaticShape() || !buffer.getSymbolOperands().empty()) {
        if (buffer->getParentOfType<LoopLikeOpInterface>()) {
          buffer.emitOpError(
              "has a size that is not known when compiling and stands in a loop; take it from the workspace");
          return signalPassFailure();
        }
        continue;
      }
      frame += bytesOf(buffer.getType());
      if (!buffer.getAlignment())
        buffer.setAlignment(64);
      Block &entry = function.getBody().front();
      buffer->moveBefore(&entry, entry.begin());
    }
    if (frame > limit) {
      function.emitOpError("has stack buffers of ")
          << frame << " bytes, more than the " << int64_t(limit)
          << " that a thread's stack is sure to hold; take them from the workspace";
      signalPassFailure();
    }
  }
};

} // namespace
