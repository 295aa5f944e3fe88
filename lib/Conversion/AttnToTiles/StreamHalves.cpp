//===- StreamHalves.cpp - products of half of the rows --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a mask's bounds move with the row, the first keys of a block of rows and its last ones are those of a half of its rows: products of
// these keys with the other half are left out. Sections of a tile are products of half the rows, of all, of half, of all; those of half
// have whole blocks of keys only, so that there is little code of them.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Support/KernelContract.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// Keys of a section of half the rows come in blocks of so many.
constexpr int64_t kKeysOfBlock = 8;
constexpr int64_t kSections = 4;

/// Finds the keys that both halves of the rows at hand may need.
void StreamEmitter::splitRows(Builder &b) {
  halves.reset();
  // Rows and keys of a residue class lie apart, their halves are no spans.
  if (!lanesOfRows || sizes.getM() % (2 * lanesOfRows) || plan.rows.size() != 1 || plan.keys.size() != 1 || !plan.residues.empty() ||
      !doBoundsMove(b))
    return;
  // A matrix unit has its own strips of rows, and what it leaves out would cost more than it gains.
  if (llvm::any_of(plan.products, [](auto &entry) { return entry.first->hasAttr(mapping::kMatrixUnitAttr); }))
    return;
  Span all = rows[0];
  Value zero = constantIndex(b, 0), half = constantIndex(b, sizes.getM() / 2);
  Value first = arith::MinUIOp::create(b, all.count, half);
  Span parts[] = {{all.begin, first}, {arith::AddIOp::create(b, all.begin, half), arith::SubIOp::create(b, all.count, first)}};
  Value low[2], past[2];
  for (auto [k, part] : llvm::enumerate(parts)) {
    rows = {part};
    Span range = keyRanges(b)[0];
    low[k] = range.begin;
    past[k] = arith::AddIOp::create(b, range.begin, range.count);
  }
  rows = {all};
  auto halfIf = [&](arith::CmpIPredicate order, Value x, Value y) -> Value {
    return arith::SelectOp::create(b, arith::CmpIOp::create(b, order, x, y), zero, half);
  };
  using P = arith::CmpIPredicate;
  Builder before(anchor->getLoc(), anchor);
  halves = {arith::MaxUIOp::create(b, low[0], low[1]), arith::MinUIOp::create(b, past[0], past[1]),
            halfIf(P::ule, low[0], low[1]), halfIf(P::uge, past[0], past[1]),
            memref::AllocaOp::create(before, MemRefType::get({kSections + 1}, b.getIndexType()))};
}

/// Places the sections of the tile at hand.
void StreamEmitter::placeSections(Builder &b) {
  if (!halves)
    return;
  Value unit = constantIndex(b, kKeysOfBlock), zero = constantIndex(b, 0);
  auto inTile = [&](Value key) -> Value {
    Value after = arith::SubIOp::create(b, arith::MaxUIOp::create(b, key, keyBegin), keyBegin);
    return arith::MinUIOp::create(b, after, keyCount);
  };
  auto inBlocks = [&](Value count) -> Value {
    return arith::SubIOp::create(b, count, arith::RemUIOp::create(b, count, unit));
  };
  Value begin = inBlocks(inTile(halves->begin)), end = arith::MaxUIOp::create(b, inTile(halves->end), begin);
  Value past = arith::AddIOp::create(b, end, inBlocks(arith::SubIOp::create(b, keyCount, end)));
  for (auto [k, bound] : llvm::enumerate(ArrayRef<Value>{zero, begin, end, past, keyCount}))
    memref::StoreOp::create(b, bound, halves->bounds, ValueRange{constantIndex(b, k)});
}

/// Some keys, and from `firstRow` on half of the rows (null: all), of a tile.
StreamEmitter::View StreamEmitter::sectionOf(Builder &b, const View &tile, const Span &keys, Value firstRow) {
  auto type = cast<MemRefType>(tile.memory.getType());
  SmallVector<OpFoldResult> offsets, counts, strides(type.getRank(), b.getIndexAttr(1));
  for (auto [k, axis] : llvm::enumerate(tile.axes)) {
    bool isCut = axis == Role::Row && firstRow;
    offsets.push_back(axis == Role::Key ? OpFoldResult(keys.begin) : isCut ? OpFoldResult(firstRow) : b.getIndexAttr(0));
    counts.push_back(axis == Role::Key ? OpFoldResult(keys.count)
                     : isCut           ? OpFoldResult(b.getIndexAttr(sizes.getM() / 2))
                                       : memref::getMixedSize(b, b.getLoc(), tile.memory, k));
  }
  return {memref::SubViewOp::create(b, tile.memory, offsets, counts, strides), tile.axes};
}

/// out += left * right, where `isNew` from 0 on; but for what no row of a half needs.
void StreamEmitter::contractNeeded(Builder &b, Operation *op, const View &left, const View &right, const View &out, bool isNew) {
  auto product = [&](const View &left, const View &right, const View &out) {
    if (isNew)
      fill(b, out, 0);
    return contract(b, op, left, right, out);
  };
  auto inner = llvm::find(right.axes, Role::Inner) - right.axes.begin();
  int64_t length = cast<MemRefType>(right.memory.getType()).getDimSize(inner);
  if (!halves || ShapedType::isDynamic(length) || length % kKeysOfBlock) {
    product(left, right, out);
    return;
  }
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1);
  auto loop = scf::ForOp::create(b, zero, constantIndex(b, kSections), one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value own = loop.getInductionVar();
  Value begin = memref::LoadOp::create(b, halves->bounds, own);
  Value past = memref::LoadOp::create(b, halves->bounds, ValueRange{arith::AddIOp::create(b, own, one)});
  Span keys{begin, arith::SubIOp::create(b, past, begin)};
  guarded(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ne, keys.count, zero), [&] {
    Value isHalf = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, own, one), zero);
    auto choice = scf::IfOp::create(b, isHalf, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, own, zero);
    Value row = arith::SelectOp::create(b, isFirst, halves->before, halves->after);
    auto part = [&](const View &view) { return sectionOf(b, view, keys, row); };
    product(part(left), part(right), part(out))->setAttr(kBlocksOfAttr, b.getIndexAttr(kKeysOfBlock));
    b.setInsertionPointToStart(choice.elseBlock());
    auto all = [&](const View &view) { return sectionOf(b, view, keys, nullptr); };
    product(all(left), all(right), all(out));
  });
}
