//===- FragmentMultiplyAdds.cpp - products by multiply-adds ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread has the sums of some rows and some columns, in registers. It reads four elements of a row of the left factor, or of a line of the right
// one, at a time, so a thread's 8 rows and 8 columns take 16 reads of 16 bytes for 256 multiply-adds.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

constexpr unsigned kTogether = 4; ///< elements that are read at a time
constexpr unsigned kUnrolled = 512; ///< multiply-adds between two branches

void FragmentEmitter::multiplyAdd(Builder &b, linalg::ContractOp op) {
  memref::AllocaOp leftTile = viewOf(op->getOperand(0)).tile, rightTile = viewOf(op->getOperand(1)).tile,
                   outTile = viewOf(op->getOperand(2)).tile;
  Value left = lefts.lookup(leftTile), right = memories.lookup(rightTile), out = memories.lookup(outTile);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  bool innerFirst = TileLayouts::isInnerFirst(op);
  if (!cleared.contains(leftTile))
    clearBehind(b, op->getOperand(0));
  if (!lasting.contains(leftTile))
    shareLeft(b, leftTile);
  unsigned run = layouts.runOf(op, maps[2].getDimPosition(1)), inner = leftTile.getType().getDimSize(1),
           columns = outTile.getType().getDimSize(1) / layouts.lanesOfRow();
  unsigned step = kTogether;
  while (step < 16 && step * columns * halves < kUnrolled)
    step *= 2;
  SmallVector<Value> sums;
  for (unsigned k = 0; k < columns * halves; ++k)
    sums.push_back(element(b, out, k));
  auto read = [&](Value memory, Value line, Value column, unsigned count) -> SmallVector<Value> {
    auto type = VectorType::get({count}, b.getF32Type());
    Value some = vector::LoadOp::create(b, type, memory, ValueRange{line, column}, /*nontemporal=*/false, llvm::MaybeAlign(4 * count));
    SmallVector<Value> elements;
    for (unsigned k = 0; k < count; ++k)
      elements.push_back(vector::ExtractOp::create(b, some, k));
    return elements;
  };
  auto plus = [&](Value x, unsigned y) -> Value { return arith::AddIOp::create(b, x, constant(b, y)); };
  auto loop = scf::ForOp::create(b, constant(b, 0), constant(b, inner), constant(b, step), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  sums.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
  for (unsigned first = 0; first < step; first += kTogether) {
    Value at = plus(loop.getInductionVar(), first);
    SmallVector<SmallVector<Value>> factors;
    for (unsigned half = 0; half < halves; ++half)
      factors.push_back(read(left, plus(lanes.rowBase, rowsBefore(half)), at, kTogether));
    auto add = [&](unsigned column, unsigned k, Value factor) {
      for (unsigned half = 0; half < halves; ++half) {
        Value &sum = sums[elementAt(half, column)];
        sum = math::FmaOp::create(b, factors[half][k], factor, sum);
      }
    };
    if (innerFirst) {
      for (unsigned k = 0; k < kTogether; ++k)
        for (unsigned column = 0; column < columns; column += run)
          for (auto [c, factor] : llvm::enumerate(read(right, plus(at, k), columnAt(b, column, run), run)))
            add(column + c, k, factor);
    } else {
      for (unsigned column = 0; column < columns; ++column)
        for (auto [k, factor] : llvm::enumerate(read(right, columnAt(b, column, run), at, kTogether)))
          add(column, k, factor);
    }
  }
  scf::YieldOp::create(b, sums);
  b.setInsertionPointAfter(loop);
  for (auto [k, sum] : llvm::enumerate(loop.getResults()))
    setElement(b, sum, out, k);
}
