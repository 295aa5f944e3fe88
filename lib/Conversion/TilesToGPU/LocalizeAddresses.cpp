//===- LocalizeAddresses.cpp - loops compute addresses themselves ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that takes whole iterations goes through one loop after another, of equations with memory of their own. LLVM computes all addresses once,
// before the first loop, and they are more than there are registers. What it takes for other numbers each time it cannot.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace weir {
#define GEN_PASS_DEF_LOCALIZEADDRESSES
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
using Builder = ImplicitLocOpBuilder;

/// A number that LLVM does not know to be `value`.
Value hide(Builder &b, Value value) {
  auto known = arith::IndexCastOp::create(b, b.getI64Type(), value);
  Value hidden = LLVM::InlineAsmOp::create(b, b.getI64Type(), ValueRange{known}, "mov.b64 $0, $1;", "=l,l", /*has_side_effects=*/true,
                                           /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
                     .getResult(0);
  return arith::IndexCastOp::create(b, b.getIndexType(), hidden);
}

/// Whether it is computed again rather than kept: arithmetic of addresses.
bool isRepeated(Operation *op) {
  auto isOfAddresses = [](Type type) { return isa<IndexType, MemRefType>(type); };
  return op && !isa<memref::DimOp>(op) && isPure(op) && op->getNumRegions() == 0 && op->getNumResults() == 1 &&
         isOfAddresses(op->getResult(0).getType()) && llvm::all_of(op->getOperandTypes(), isOfAddresses);
}

/// Computes what `loop` needs of addresses in front of it.
void localize(Operation *loop) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  for (Value operand : loop->getOperands())
    used.insert(operand);
  llvm::SetVector<Operation *> slice;
  SmallVector<Value> open(used.begin(), used.end());
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!isRepeated(op) || !slice.insert(op))
      continue;
    llvm::append_range(open, op->getOperands());
  }
  // In order: those that stand in outer blocks first.
  SmallVector<Operation *> ordered(slice.begin(), slice.end());
  auto depth = [](Operation *op) {
    unsigned levels = 0;
    for (Operation *parent = op->getParentOp(); parent; parent = parent->getParentOp())
      ++levels;
    return levels;
  };
  llvm::sort(ordered, [&](Operation *x, Operation *y) { return x->getBlock() == y->getBlock() ? x->isBeforeInBlock(y) : depth(x) < depth(y); });
  Builder b(loop->getLoc(), loop);
  IRMapping mapping;
  for (Operation *op : ordered) {
    for (Value operand : op->getOperands())
      if (operand.getType().isIndex() && !mapping.contains(operand))
        mapping.map(operand, hide(b, operand));
    b.clone(*op, mapping);
  }
  auto isInside = [&](OpOperand &use) { return loop->isAncestor(use.getOwner()); };
  for (Value value : used)
    if (Value own = mapping.lookupOrNull(value))
      value.replaceUsesWithIf(own, isInside);
}

void localizeIn(Block &block) {
  SmallVector<Operation *> loops;
  for (Operation &op : block)
    if (isa<LoopLikeOpInterface>(op))
      loops.push_back(&op);
  for (Operation *loop : loops) {
    if (loops.size() > 1)
      localize(loop);
    for (Region &region : loop->getRegions())
      for (Block &inside : region)
        localizeIn(inside);
  }
}

/// Whether threads of a block share tiles: its loops then have the same few of them.
bool isOfTiles(gpu::GPUFuncOp function) {
  return function.getNumWorkgroupAttributions() ||
         function.walk([](gpu::DynamicSharedMemoryOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

struct LocalizeAddresses : weir::impl::LocalizeAddressesBase<LocalizeAddresses> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
      if (!isOfTiles(function))
        for (Block &block : function.getBody())
          localizeIn(block);
  }
};
} // namespace
