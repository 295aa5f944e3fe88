//===- FragmentTensorFloats.cpp - products of f32 on tensor cores ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync m16n8k8 of tf32 sums eight elements at a time. Thread t of a row has the left factor's elements that stand for numbers t and t + 4, and of
// a column of the right one those that stand for the same: which are which is free, as a sum may be made in any order. Sums are in columns 2t and
// 2t + 1 of thread t. Where they are a left factor, these two stand for t and t + 4, and of the right one lines 2t and 2t + 1 do, so that threads
// exchange nothing.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

constexpr unsigned kStep = 8; ///< elements of a sum that an instruction takes

/// The nearest number of 10 bits of fraction. mma.sync does not look at further bits, so an f32 as it is would be rounded towards 0: twice the error,
/// always to the same side, which long sums do not level out.
Value FragmentEmitter::roundToTF32(Builder &b, Value x) {
  return NVVM::ConvertFloatToTF32Op::create(b, b.getI32Type(), x, NVVM::FPRoundingMode::RNA, NVVM::SaturationMode::NONE, /*relu=*/false);
}

/// The matrices of 8 lines and 4 columns from this lane's line and column on, as bits; each line's 16 bytes are read at once.
static SmallVector<Value> loadMatrices(ImplicitLocOpBuilder &b, Value memory, Value line, Value column, unsigned count) {
  auto type = VectorType::get({count, 1}, b.getF32Type());
  Value some = nvgpu::LdMatrixOp::create(b, type, memory, ValueRange{line, column}, b.getBoolAttr(false), b.getI32IntegerAttr(count));
  SmallVector<Value> elements;
  for (int64_t k = 0; k < count; ++k)
    elements.push_back(vector::ExtractOp::create(b, some, ArrayRef<int64_t>{k, 0}));
  return elements;
}

/// The left factors of 16 rows and 8 columns.
SmallVector<Value> FragmentEmitter::roundLeft(Builder &b, memref::AllocaOp tile, unsigned block, unsigned step) {
  SmallVector<Value> factors;
  if (Value memory = lefts.lookup(tile)) { // rounded when they were written
    auto add = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, x, y); };
    Value row = add(add(lanes.firstRow, constant(b, 16 * block)), add(lanes.line, lanes.second));
    Value half = arith::DivUIOp::create(b, lanes.third, constant(b, 2));
    for (Value element : loadMatrices(b, memory, row, add(half, constant(b, kStep * step)), 4))
      factors.push_back(arith::BitcastOp::create(b, b.getI32Type(), element));
    return factors;
  }
  for (unsigned column : {0, 1})
    for (unsigned half : {0, 1})
      factors.push_back(roundToTF32(b, element(b, memories.lookup(tile), elementAt(2 * block + half, 2 * step + column))));
  return factors;
}

/// The right factors of so many steps from `step` on, one or two, and 8 columns: two for each step.
SmallVector<Value> FragmentEmitter::roundRight(Builder &b, Value matrix, bool innerFirst, unsigned run, unsigned step, unsigned steps,
                                               unsigned column) {
  auto add = [&](Value x, unsigned y) -> Value { return arith::AddIOp::create(b, x, constant(b, y)); };
  SmallVector<Value> elements;
  if (!innerFirst && run == 1) {
    Value first = arith::AddIOp::create(b, arith::DivUIOp::create(b, lanes.second, constant(b, 2)), lanes.third); // 4 * (lane / 8)
    elements = loadMatrices(b, matrix, add(lanes.line, column), add(first, kStep * step), 2 * steps);
  } else {
    Value group = arith::DivUIOp::create(b, lanes.lane, constant(b, 4));
    for (unsigned k = 2 * step; k < 2 * (step + steps); ++k) {
      Value inner = columnAt(b, k, run), across = add(group, column);
      elements.push_back(memref::LoadOp::create(b, matrix, innerFirst ? ValueRange{inner, across} : ValueRange{across, inner}));
    }
  }
  for (Value &element : elements)
    element = roundToTF32(b, element);
  return elements;
}

void FragmentEmitter::contractInTF32(Builder &b, linalg::ContractOp op) {
  memref::AllocaOp left = viewOf(op->getOperand(0)).tile, outTile = viewOf(op->getOperand(2)).tile;
  Value right = memories.lookup(viewOf(op->getOperand(1)).tile), out = memories.lookup(outTile);
  bool innerFirst = TileLayouts::isInnerFirst(op);
  if (!cleared.contains(left))
    clearBehind(b, op->getOperand(0));
  // Factors in memory are read in the order in which they lie.
  unsigned run = lefts.contains(left) ? 1 : layouts.runOf(op, op.getIndexingMapsArray()[0].getDimPosition(1));
  unsigned steps = left.getType().getDimSize(1) / kStep, columns = outTile.getType().getDimSize(1);
  SmallVector<Value> sums;
  for (unsigned k = 0; k < columns / 4 * halves; ++k)
    sums.push_back(element(b, out, k));
  for (unsigned step = 0; step < steps; step += 2) {
    unsigned together = std::min(2u, steps - step); // as many as ldmatrix gives
    SmallVector<SmallVector<Value>> factors;
    for (unsigned part = 0; part < together; ++part)
      for (unsigned block = 0; block < halves / 2; ++block)
        factors.push_back(roundLeft(b, left, block, step + part));
    for (unsigned column = 0; column < columns; column += 8) {
      SmallVector<Value> rights = roundRight(b, right, innerFirst, run, step, together, column);
      for (auto [k, four] : llvm::enumerate(factors)) {
        unsigned part = k / (halves / 2), block = k % (halves / 2);
        MutableArrayRef<Value> own = MutableArrayRef(sums).slice(elementAt(2 * block, column / 4), 4);
        llvm::copy(multiply(b, four, ArrayRef(rights).slice(2 * part, 2), own, b.getF32Type()), own.begin());
      }
    }
  }
  for (auto [k, sum] : llvm::enumerate(sums))
    setElement(b, sum, out, k);
}
