//===- StreamTuples.cpp - rows and keys of several coordinates ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block of rows that are tuples is a box of their coordinates; keys that are tuples are taken from the box
// of those that the rows need, in lexical order, as many at a time as a tile holds. Which row or key stands at
// a place of a tile is looked up in a table for each coordinate.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

/// The table of a coordinate of rows or keys, one entry for each of a tile.
Value StreamEmitter::tableOf(StringRef coordinate, int64_t length) {
  Value &table = tables[coordinate];
  if (!table) {
    Builder b(anchor->getLoc(), anchor);
    auto alloca = memref::AllocaOp::create(b, MemRefType::get({length}, b.getI64Type()));
    alloca->setAttr("weir.tile", b.getUnitAttr());
    table = alloca;
  }
  return table;
}

/// Rows past the end of a coordinate repeat its last one; they are computed and not stored.
void StreamEmitter::fillRowTables(Builder &b) {
  SmallVector<int64_t> shape = plan.shapeOf(sizes.getM());
  Value one = constantIndex(b, 1), zero = constantIndex(b, 0), place = zero;
  SmallVector<Value> at;
  OpBuilder::InsertionGuard guard(b);
  for (auto [k, length] : llvm::enumerate(shape)) {
    auto loop = scf::ForOp::create(b, zero, constantIndex(b, length), one);
    b.setInsertionPointToStart(loop.getBody());
    Value own = loop.getInductionVar();
    place = arith::AddIOp::create(b, arith::MulIOp::create(b, place, constantIndex(b, length)), own);
    Value last = arith::SubIOp::create(b, rows[k].count, one);
    at.push_back(rows[k].at(b, arith::MinUIOp::create(b, own, last)));
  }
  for (auto [row, coordinate] : llvm::zip_equal(plan.rows, at))
    memref::StoreOp::create(b, toInt(b, coordinate), tableOf(row.first, sizes.getM()), place);
}

/// The coordinates of the first key of line `number`.
SmallVector<Value> StreamEmitter::lineAt(Builder &b, Value number) {
  SmallVector<Value> at(plan.keys.size(), keyRange.back().begin);
  for (unsigned k = plan.keys.size() - 1; k-- > 0;) {
    Value own = k ? arith::RemUIOp::create(b, number, keyRange[k].count).getResult() : number;
    if (k)
      number = arith::DivUIOp::create(b, number, keyRange[k].count);
    at[k] = keyRange[k].at(b, own);
  }
  return at;
}

Value StreamEmitter::forKeyLines(Builder &b, Value state, function_ref<Value(const Line &, Value)> inside) {
  Value one = constantIndex(b, 1), length = keyRange.back().count;
  Value end = arith::AddIOp::create(b, keyBegin, keyCount), last = arith::SubIOp::create(b, end, one);
  Value firstLine = arith::DivUIOp::create(b, keyBegin, length), lastLine = arith::DivUIOp::create(b, last, length);
  auto lines = scf::ForOp::create(b, firstLine, arith::AddIOp::create(b, lastLine, one), one,
                                  state ? ValueRange(state) : ValueRange());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(lines.getBody());
  Value number = lines.getInductionVar();
  SmallVector<Value> at = lineAt(b, number);
  Value lineBegin = arith::MulIOp::create(b, number, length), lineEnd = arith::AddIOp::create(b, lineBegin, length);
  Value first = arith::MaxUIOp::create(b, lineBegin, keyBegin), past = arith::MinUIOp::create(b, lineEnd, end);
  at.back() = keyRange.back().at(b, arith::SubIOp::create(b, first, lineBegin));
  Value column = arith::SubIOp::create(b, first, keyBegin), count = arith::SubIOp::create(b, past, first);
  Value next = inside({number, column, count, at}, state ? lines.getRegionIterArg(0) : Value());
  if (!state)
    return nullptr;
  scf::YieldOp::create(b, next);
  return lines.getResult(0);
}

/// Of the keys keyBegin to keyBegin + keyCount, line by line.
void StreamEmitter::fillKeyTables(Builder &b) {
  Value one = constantIndex(b, 1), length = keyRange.back().count;
  Value last = arith::SubIOp::create(b, arith::AddIOp::create(b, keyBegin, keyCount), one);
  // The outermost coordinate goes from that of the first key to that of the last, the others go anywhere.
  Value first = arith::DivUIOp::create(b, keyBegin, length), past = arith::DivUIOp::create(b, last, length);
  for (const Span &span : ArrayRef(keyRange).drop_front().drop_back()) {
    first = arith::DivUIOp::create(b, first, span.count);
    past = arith::DivUIOp::create(b, past, span.count);
  }
  keys = keyRange;
  keys[0].begin = keyRange[0].at(b, first);
  keys[0].count = arith::AddIOp::create(b, arith::SubIOp::create(b, past, first), one);
  forKeyLines(b, Value(), [&](const Line &line, Value) {
    auto loop = scf::ForOp::create(b, constantIndex(b, 0), line.count, one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value own = loop.getInductionVar(), place = arith::AddIOp::create(b, line.column, own);
    SmallVector<Value> at(line.at);
    at.back() = Span{at.back(), line.count, keyRange.back().step}.at(b, own);
    for (auto [name, coordinate] : llvm::zip_equal(llvm::make_first_range(plan.keys), at))
      memref::StoreOp::create(b, toInt(b, coordinate), tableOf(name, sizes.getN()), place);
    return nullptr;
  });
}

void StreamEmitter::forRowLines(Builder &b, function_ref<void(Value, ArrayRef<Value>)> inside) {
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1), place = zero;
  SmallVector<Value> at;
  SmallVector<int64_t> shape = plan.shapeOf(sizes.getM());
  OpBuilder::InsertionGuard guard(b);
  for (auto [span, length] : llvm::zip_equal(ArrayRef(rows).drop_back(), ArrayRef(shape).drop_front())) {
    auto loop = scf::ForOp::create(b, zero, span.count, one);
    b.setInsertionPointToStart(loop.getBody());
    Value own = loop.getInductionVar();
    at.push_back(span.at(b, own));
    place = arith::MulIOp::create(b, arith::AddIOp::create(b, place, own), constantIndex(b, length));
  }
  at.push_back(rows.back().begin);
  rowOffset = rows.size() > 1 ? place : Value();
  inside(rows.back().count, at);
  rowOffset = Value();
}
