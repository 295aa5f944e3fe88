//===- Selection.cpp - argtopk and argsort as a stable merge sort ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The present values of a row are listed with their coordinates in rising order and sorted bottom up, larger first. Merging takes the
// right run's head only where it is strictly better, so equal values keep the lower coordinate first. n log n steps whatever
// the values are.
#include "KernelEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using LocBuilder = ImplicitLocOpBuilder;

/// Whether key x stands before key y: larger, or a number where y is NaN.
static Value isBetter(LocBuilder &b, Value x, Value y) {
  if (!isa<FloatType>(x.getType())) {
    auto p = x.getType().isInteger(8) ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
    return arith::CmpIOp::create(b, p, x, y);
  }
  Value larger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
  Value yIsNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, y, y);
  Value xIsNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, x, x);
  return arith::OrIOp::create(b, larger, arith::AndIOp::create(b, yIsNan, xIsNumber));
}

/// Merges the runs [low, middle) and [middle, high) of `from` into `to`; each is a pair of lists (keys, positions).
static void mergeRuns(LocBuilder &b, ArrayRef<Value> from, ArrayRef<Value> to, Value low, Value middle, Value high) {
  Value one = constantIndex(b, 1), zero = constantIndex(b, 0);
  auto loop = scf::ForOp::create(b, low, high, one, ValueRange{low, middle});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value i = loop.getRegionIterArgs()[0], j = loop.getRegionIterArgs()[1];
  Value hasLeft = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, i, middle);
  Value hasRight = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, j, high);
  // An exhausted run is read at a place that exists; what is read there is not used.
  Value left = memref::LoadOp::create(b, from[0], ValueRange{arith::SelectOp::create(b, hasLeft, i, zero)});
  Value right = memref::LoadOp::create(b, from[0], ValueRange{arith::SelectOp::create(b, hasRight, j, zero)});
  Value done = arith::XOrIOp::create(b, hasLeft, constantInt(b, b.getI1Type(), 1));
  Value takeRight = arith::AndIOp::create(b, hasRight, arith::OrIOp::create(b, done, isBetter(b, right, left)));
  Value source = arith::SelectOp::create(b, takeRight, j, i);
  for (unsigned k = 0; k < 2; ++k)
    memref::StoreOp::create(b, memref::LoadOp::create(b, from[k], ValueRange{source}), to[k],
                            ValueRange{loop.getInductionVar()});
  Value step = arith::IndexCastUIOp::create(b, b.getIndexType(), takeRight);
  Value nextJ = arith::AddIOp::create(b, j, step);
  Value nextI = arith::AddIOp::create(b, i, arith::SubIOp::create(b, one, step));
  scf::YieldOp::create(b, ValueRange{nextI, nextJ});
}

/// Sorts the first `count` entries; returns the pair of lists that holds the result.
static SmallVector<Value> sortLists(LocBuilder &b, ArrayRef<Value> lists, Value count) {
  // Carried: the width of the sorted runs, the lists that hold them, and the other ones.
  SmallVector<Value> initial{constantIndex(b, 1), lists[0], lists[2], lists[1], lists[3]};
  SmallVector<Type> types;
  for (Value v : initial)
    types.push_back(v.getType());
  auto loop = scf::WhileOp::create(
      b, types, initial,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        Value more = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, args[0], count);
        scf::ConditionOp::create(nested, loc, more, args);
      },
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        LocBuilder in(loc, nested);
        Value width = args[0], two = arith::AddIOp::create(in, width, width);
        auto runs = scf::ForOp::create(in, constantIndex(in, 0), count, two);
        {
          OpBuilder::InsertionGuard guard(in);
          in.setInsertionPointToStart(runs.getBody());
          Value low = runs.getInductionVar();
          Value middle = arith::MinUIOp::create(in, arith::AddIOp::create(in, low, width), count);
          Value high = arith::MinUIOp::create(in, arith::AddIOp::create(in, low, two), count);
          mergeRuns(in, {args[1], args[2]}, {args[3], args[4]}, low, middle, high);
        }
        scf::YieldOp::create(in, ValueRange{two, args[3], args[4], args[1], args[2]});
      });
  return {loop.getResult(1), loop.getResult(2)};
}

void KernelEmitter::emitArgtopk(Builder &b, ArgtopkOp op) {
  auto scope = emitter.scope();
  Value tensor = op.getResult(), body = op.getYield().getValues()[0];
  Block *block = &op.getBody().front();
  // All coordinates but the last, which is the list.
  SmallVector<Attribute> kept(op.getCoords().begin(), op.getCoords().end());
  kept.pop_back();
  emitter.vectorName = "";
  auto open = openLoops(b.getArrayAttr(kept), op.getExtents().drop_back(), block, "");
  emitLoops(b, open, body, [&](ArrayRef<Lane>) {
    ArrayRef<Value> list = lists[tensor];
    Value zero = constantIndex(b, 0), one = constantIndex(b, 1);
    auto fill = scf::ForOp::create(b, zero, extentOf(op.getOverExtent()), one, ValueRange{zero});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(fill.getBody());
      auto inner = emitter.scope();
      auto positive = emitter.insideLoopOver(op.getOverExtent());
      Value n = toInt(b, fill.getInductionVar()), count = fill.getRegionIterArgs()[0];
      emitter.bind(block->getArguments().back(), {n, nullptr, nullptr});
      Lane lane = emitter.emit(b, body);
      // Written in any case; an absent one is overwritten by the next.
      Value key = emitter.toStorage(b, emitter.materialize(b, lane), body.getType());
      memref::StoreOp::create(b, key, list[0], ValueRange{count});
      memref::StoreOp::create(b, n, list[2], ValueRange{count});
      Value step = arith::IndexCastUIOp::create(b, b.getIndexType(), emitter.presenceBit(b, lane));
      scf::YieldOp::create(b, ValueRange{arith::AddIOp::create(b, count, step)});
    }
    Value count = fill.getResult(0);
    SmallVector<Value> sorted = sortLists(b, list, count);
    const Storage storage = emitter.storages.find(tensor)->second;
    LoopDim last{op.getExtents().back(), BlockArgument(), false};
    emitLoops(b, last, Value(), [&](ArrayRef<Lane> j) {
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, toIndex(b, j[0].value), count);
      Lane position{nullptr, nullptr, nullptr};
      SmallVector<Lane> at;
      Storage positions;
      positions.data = sorted[1];
      positions.domain.emplace();
      positions.elementType = b.getI64Type();
      position = emitter.load(b, positions, j, inside);
      for (auto [k, isKept] : llvm::enumerate(storage.kept))
        if (isKept)
          at.push_back(k + 1 == storage.kept.size() ? j[0] : emitter.emit(b, block->getArgument(k)));
      store(b, position, storage, at, false);
    });
  });
}
