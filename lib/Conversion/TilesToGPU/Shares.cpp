//===- Shares.cpp - loops dealt out to blocks and threads -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Shares.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Conversion/TilesToGPU/Passes.h"

using namespace mlir;

scf::ForOp weir::deal(ImplicitLocOpBuilder &b, ValueRange lower, ValueRange upper, ValueRange step,
                      Block *body, ValueRange counters, Share share) {
  SmallVector<Value> sizes;
  Value total;
  for (auto [lo, hi, by] : llvm::zip_equal(lower, upper, step)) {
    Value span = arith::SubIOp::create(b, arith::MaxSIOp::create(b, hi, lo), lo);
    sizes.push_back(arith::CeilDivUIOp::create(b, span, by));
    total = total ? arith::MulIOp::create(b, total, sizes.back()).getResult() : sizes.back();
  }
  if (!total)
    total = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(b, share.first, total, share.step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value rest = loop.getInductionVar();
  if (share.backwards)
    rest = arith::SubIOp::create(
        b, arith::SubIOp::create(b, total, arith::ConstantIndexOp::create(b, 1)), rest);
  for (size_t k = sizes.size(); k-- > 0;) {
    Value at = k == 0 ? rest : arith::RemUIOp::create(b, rest, sizes[k]).getResult();
    if (k > 0)
      rest = arith::DivUIOp::create(b, rest, sizes[k]);
    at = arith::AddIOp::create(b, arith::MulIOp::create(b, at, step[k]), lower[k]);
    counters[k].replaceAllUsesWith(at);
  }
  Block *target = loop.getBody();
  body->getTerminator()->erase();
  target->getOperations().splice(std::prev(target->end()), body->getOperations());
  return loop;
}

void weir::deal(ImplicitLocOpBuilder &b, scf::ForallOp forall, Share share) {
  auto values = [&](ArrayRef<OpFoldResult> folded) {
    SmallVector<Value> list;
    for (OpFoldResult one : folded)
      list.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), one));
    return list;
  };
  deal(b, values(forall.getMixedLowerBound()), values(forall.getMixedUpperBound()),
       values(forall.getMixedStep()), forall.getBody(), forall.getInductionVars(), share);
  forall.erase();
}

void weir::setBlockSize(gpu::GPUFuncOp function, unsigned threads) {
  Builder b(function.getContext());
  function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({static_cast<int32_t>(threads), 1, 1}));
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
}

bool weir::isTiled(scf::ForallOp forall) {
  return forall->walk([](memref::AllocaOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

Value weir::emitTileBytes(ImplicitLocOpBuilder &b, MemRefType tile, ValueRange sizes) {
  Value bytes = arith::ConstantIndexOp::create(b, fixedBytesOf(tile));
  for (Value size : sizes)
    bytes = arith::MulIOp::create(b, bytes, size);
  return arith::AndIOp::create(
      b, arith::AddIOp::create(b, bytes, arith::ConstantIndexOp::create(b, kTileAlignment - 1)),
      arith::ConstantIndexOp::create(b, -kTileAlignment));
}
