//===- FragmentProducts.cpp - products on tensor cores --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A left factor has its elements where the sums of another product have theirs: two neighbouring blocks of 8
// columns are the four registers of a left factor of 16. A right factor comes by ldmatrix, two blocks of 8
// columns at a time.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace weir;

/// Two elements of 16 bits as mma.sync takes them.
static Value asOperand(ImplicitLocOpBuilder &b, Value pair) {
  if (cast<VectorType>(pair.getType()).getElementType().isF16())
    return pair;
  return LLVM::BitcastOp::create(b, b.getI32Type(), pair);
}

/// Elements `at` and at + 1 of a fragment, rounded.
Value FragmentEmitter::packLeft(Builder &b, Value fragment, unsigned at, Type narrow) {
  Value low = element(b, fragment, at), high = element(b, fragment, at + 1);
  auto type = VectorType::get({2}, narrow);
  auto nearest = NVVM::FPRoundingModeAttr::get(b.getContext(), NVVM::FPRoundingMode::RN);
  auto unlimited = NVVM::SaturationModeAttr::get(b.getContext(), NVVM::SaturationMode::NONE);
  auto no = b.getBoolAttr(false);
  Value pair;
  if (narrow.isF16())
    pair = NVVM::ConvertF32x2ToF16x2Op::create(b, type, high, low, Value(), nearest, unlimited, no);
  else
    pair = NVVM::ConvertF32x2ToBF16x2Op::create(b, type, high, low, Value(), nearest, unlimited, no);
  return asOperand(b, pair);
}

/// The right factors of 16 x 16 elements from `inner` and `column` on: two registers for each block of 8
/// columns.
SmallVector<Value> FragmentEmitter::loadRight(Builder &b, Value matrix, bool innerFirst, unsigned inner,
                                              unsigned column) {
  auto plus = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, x, y); };
  auto indices = innerFirst ? std::array{plus(lanes.line, lanes.second), lanes.third}
                            : std::array{plus(lanes.line, lanes.third), lanes.second};
  SmallVector<OpFoldResult> first{indices[0], indices[1]}, steps(2, b.getIndexAttr(1)),
      sizes = getAsIndexOpFoldResult(b.getContext(), cast<MemRefType>(matrix.getType()).getShape());
  Value own = memref::SubViewOp::create(b, matrix, first, sizes, steps); // from where this lane reads, a constant further each time
  SmallVector<Value> at = innerFirst ? SmallVector<Value>{constant(b, inner), constant(b, column)}
                                     : SmallVector<Value>{constant(b, column), constant(b, inner)};
  auto type = VectorType::get({4, 2}, cast<MemRefType>(matrix.getType()).getElementType());
  Value four =
      nvgpu::LdMatrixOp::create(b, type, own, at, b.getBoolAttr(innerFirst), b.getI32IntegerAttr(4));
  SmallVector<Value> registers;
  for (int64_t k = 0; k < 4; ++k)
    registers.push_back(asOperand(b, vector::ExtractOp::create(b, four, k)));
  return registers;
}

/// Adds the products of 16 rows and 8 columns: of 16 elements each of 16 bits, or of 8 in tf32.
SmallVector<Value> FragmentEmitter::multiply(Builder &b, ValueRange left, ValueRange right, ValueRange sums, Type type) {
  auto four = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  NVVM::MMATypes kind = type.isF32() ? NVVM::MMATypes::tf32 : type.isF16() ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  Value result =
      NVVM::MmaOp::create(b, four, left, right, sums, {16, 8, type.isF32() ? 8 : 16}, std::nullopt, std::nullopt,
                          std::array<NVVM::MMATypes, 2>{kind, kind},
                          std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> values;
  for (int64_t k = 0; k < 4; ++k)
    values.push_back(LLVM::ExtractValueOp::create(b, result, k));
  return values;
}

/// Which of a thread's columns are among the first `count`, as bits. Of comparisons the assembler would keep the results over all
/// that lies between the last time it was asked and this one, and there are few registers for conditions.
Value FragmentEmitter::bitsBelow(Builder &b, Value count, unsigned run) {
  auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(b, value, 32); };
  Value rest = arith::IndexCastOp::create(b, b.getI32Type(), arith::SubIOp::create(b, count, lanes.columnBases.at(run)));
  rest = arith::MaxSIOp::create(b, rest, number(0));
  unsigned apart = layouts.lanesOfRow() * run; // both powers of two
  Value runs = arith::ShRUIOp::create(b, rest, number(llvm::Log2_32(apart))), more = arith::AndIOp::create(b, rest, number(apart - 1));
  Value columns = arith::AddIOp::create(b, arith::ShLIOp::create(b, runs, number(llvm::Log2_32(run))),
                                        arith::MinUIOp::create(b, more, number(run)));
  return arith::SubIOp::create(b, arith::ShLIOp::create(b, number(1), columns), number(1));
}

/// Where a left factor has fewer columns than its tile has room for: zeros behind them, as the right factor's lines there are zeros too.
void FragmentEmitter::clearBehind(Builder &b, Value left) {
  TileView view = viewOf(left);
  int64_t room = view.tile.getType().getDimSize(1);
  Value count = limitOf(b, view.sizes[1], room);
  if (!count)
    return;
  Value isPart = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, count, constant(b, room));
  auto branch = scf::IfOp::create(b, isPart, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value fragment = memories.lookup(view.tile), zero = arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(0.0f));
  unsigned columns = room / layouts.lanesOfRow();
  assert(columns < 32 && "a thread's columns are bits of a number");
  Value bits = bitsBelow(b, count, layouts.runOf(view.tile, 1));
  for (unsigned column = 0; column < columns; ++column)
    for (unsigned half = 0; half < halves; ++half) {
      unsigned at = elementAt(half, column);
      Value own = arith::AndIOp::create(b, bits, arith::ConstantIntOp::create(b, int64_t(1) << column, 32));
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, own, arith::ConstantIntOp::create(b, 0, 32));
      setElement(b, arith::SelectOp::create(b, inside, element(b, fragment, at), zero), fragment, at);
    }
}

/// Left factors that are cleared where they are written, so that nobody needs what was behind: whoever writes to one writes the columns that are multiplied.
void FragmentEmitter::findCleared(ArrayRef<linalg::LinalgOp> ops) {
  llvm::DenseMap<Operation *, OpFoldResult> sizes;
  auto see = [&](Value operand) {
    TileView view = viewOf(operand);
    auto [it, isNew] = sizes.try_emplace(view.tile, view.sizes[1]);
    if (!isNew && it->second != view.sizes[1])
      it->second = OpFoldResult();
  };
  SmallVector<Value> factors;
  for (linalg::LinalgOp op : ops)
    if (isa<linalg::ContractOp>(op))
      factors.push_back(op->getOperand(0));
  for (Value factor : factors)
    see(factor);
  for (linalg::LinalgOp op : ops)
    for (Value out : op.getDpsInits())
      if (TileView view = viewOf(out); view.tile && sizes.contains(view.tile))
        see(out);
  for (auto [tile, size] : sizes)
    if (size)
      cleared.insert(tile);
}

void FragmentEmitter::contract(Builder &b, linalg::ContractOp op) {
  memref::AllocaOp leftTile = viewOf(op->getOperand(0)).tile, rightTile = viewOf(op->getOperand(1)).tile,
                   outTile = viewOf(op->getOperand(2)).tile;
  Value left = memories.lookup(leftTile), right = memories.lookup(rightTile), out = memories.lookup(outTile);
  bool innerFirst = TileLayouts::isInnerFirst(op);
  Type narrow = layouts.elementOf(rightTile);
  unsigned inner = leftTile.getType().getDimSize(1), columns = outTile.getType().getDimSize(1);
  if (!cleared.contains(leftTile))
    clearBehind(b, op->getOperand(0));
  Value scale = scales.lookup(leftTile);
  Value zero = arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(0.0f));
  SmallVector<Value> sums;
  for (unsigned k = 0; k < columns / 4 * halves; ++k)
    sums.push_back(scale ? zero : element(b, out, k));
  for (unsigned k = 0; k < inner; k += 16) {
    SmallVector<SmallVector<Value>> factors(halves / 2); // of 16 rows each
    for (auto [block, four] : llvm::enumerate(factors))
      for (unsigned column : {0, 8})
        for (unsigned half : {0, 1})
          four.push_back(packLeft(b, left, elementAt(2 * block + half, (k + column) / 4), narrow));
    for (unsigned column = 0; column < columns; column += 16) {
      SmallVector<Value> rights = loadRight(b, right, innerFirst, k, column);
      for (unsigned part = 0; part < 2; ++part)
        for (auto [block, lefts] : llvm::enumerate(factors)) {
          MutableArrayRef<Value> four =
              MutableArrayRef(sums).slice(elementAt(2 * block, column / 4 + 2 * part), 4);
          llvm::copy(multiply(b, lefts, ArrayRef(rights).slice(2 * part, 2), four, narrow), four.begin());
        }
    }
  }
  for (auto [k, sum] : llvm::enumerate(sums)) {
    if (scale)
      sum = arith::AddFOp::create(b, element(b, out, k), arith::MulFOp::create(b, sum, scale),
                                  arith::FastMathFlags::nsz |
                                      arith::FastMathFlags::contract); // often to a zero
    setElement(b, sum, out, k);
  }
}
