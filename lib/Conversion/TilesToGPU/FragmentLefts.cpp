//===- FragmentLefts.cpp - left factors in shared memory ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For multiply-adds, what a thread has of a left factor the others of its row need too: a warp's rows go through memory that only the warp uses. What
// is a left factor of every product in a loop over keys, a row's features, is written there once; weights are written for each product. In tf32
// threads have the left factors that they need, but of many features there are no registers for those of all keys: they lie there too, rounded.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Support/GPURegisters.h"

using namespace mlir;
using namespace weir;

/// Whether nothing writes to a product's left factor in the loop that the product is in.
static bool isWrittenBefore(linalg::ContractOp product) {
  memref::AllocaOp tile = viewOf(product->getOperand(0)).tile;
  auto loop = product->getParentOfType<scf::ForOp>();
  return llvm::none_of(usersOf(tile), [&](Operation *user) {
    auto writer = dyn_cast<linalg::LinalgOp>(user);
    return writer && writesTo(writer, tile) && loop->isProperAncestor(writer);
  });
}

/// Whether registers hold sums, scores and the left factors that last; map-streams counts them alike.
bool FragmentEmitter::fitsLefts(ArrayRef<linalg::ContractOp> products) {
  llvm::SmallSetVector<Operation *, 4> held;
  for (linalg::ContractOp product : products) {
    held.insert(viewOf(product->getOperand(2)).tile);
    if (isWrittenBefore(product))
      held.insert(viewOf(product->getOperand(0)).tile);
  }
  int64_t count = kOtherRegisters;
  for (Operation *tile : held)
    count += halves * cast<memref::AllocaOp>(tile).getType().getDimSize(1) / layouts.lanesOfRow();
  return count <= kRegistersOfThread;
}

/// Memory for left factors: of its own for a tile that is written before the loop its products are in.
void FragmentEmitter::placeLefts(ArrayRef<linalg::LinalgOp> ops) {
  bool isInTF32 = layouts.unit() == TileLayouts::Unit::TensorFloat;
  SmallVector<linalg::ContractOp> products;
  for (linalg::LinalgOp op : ops)
    if (auto product = dyn_cast<linalg::ContractOp>(op.getOperation()))
      products.push_back(product);
  if (isInTF32 && fitsLefts(products))
    return;
  // Elements between lines. For multiply-adds four rows' reads, and eight columns' writes, are then in different banks; for ldmatrix eight rows' reads.
  int64_t apart = isInTF32 ? 4 : 8;
  auto place = [&](int64_t columns) -> Value {
    Builder b(kernel.getLoc(), kernel.getContext());
    b.setInsertionPoint(memref::AllocaOp(layouts.tiles().front().first));
    auto type = MemRefType::get({layouts.rows(), columns + apart}, b.getF32Type(), MemRefLayoutAttrInterface(),
                                gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup));
    return memref::AllocaOp::create(b, type, b.getI64IntegerAttr(16));
  };
  int64_t widest = 0;
  SmallVector<memref::AllocaOp> others;
  for (linalg::ContractOp product : products) {
    memref::AllocaOp tile = viewOf(product->getOperand(0)).tile;
    int64_t columns = tile.getType().getDimSize(1);
    if (!isWrittenBefore(product)) {
      others.push_back(tile);
      widest = std::max(widest, columns);
    } else if (lasting.insert(tile).second) {
      lefts[tile] = place(columns);
    }
  }
  Value shared; // by all others
  for (memref::AllocaOp tile : others) {
    lasting.erase(tile);
    lefts.erase(tile);
    if (isInTF32)
      continue;
    if (!shared)
      shared = place(widest);
    lefts[tile] = shared;
  }
}

static void awaitWarp(ImplicitLocOpBuilder &b) {
  NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
}

/// Writes what this thread has of a left factor, when the warp has read what was there.
void FragmentEmitter::shareLeft(Builder &b, memref::AllocaOp tile) {
  Value fragment = memories.lookup(tile), memory = lefts.lookup(tile);
  awaitWarp(b);
  for (unsigned column = 0; column < tile.getType().getDimSize(1) / layouts.lanesOfRow(); ++column)
    for (unsigned half = 0; half < halves; ++half) {
      Value row = arith::AddIOp::create(b, lanes.rowBase, constant(b, rowsBefore(half))), x = element(b, fragment, elementAt(half, column));
      if (layouts.unit() == TileLayouts::Unit::TensorFloat)
        x = arith::BitcastOp::create(b, b.getF32Type(), roundToTF32(b, x));
      memref::StoreOp::create(b, x, memory, ValueRange{row, columnAt(b, column, layouts.runOf(tile, 1))});
    }
  awaitWarp(b);
}
