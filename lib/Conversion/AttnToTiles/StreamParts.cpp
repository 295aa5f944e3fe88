//===- StreamParts.cpp - keys in parts on a GPU, and their states ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch cannot be repeated, so there is room for the states of all rows: how much is counted when the kernel
// runs. A second launch merges, a row at a time. A merge of many states is that of two, all at once: the
// largest reference first, then all sums, brought to it, so that a thread waits for no other on the way.
#include "KernelEmitter.h"
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// Numbers that the state of a row has.
Value KernelEmitter::countWidth(Builder &b, const StreamTiles &plan) {
  Value width = constantIndex(b, 0);
  forEachPiece(plan, [&](AccumulateOp, Piece, const StreamTiles::Product *inner) {
    Value own = constantIndex(b, inner ? inner->inner : 1);
    if (inner && ShapedType::isDynamic(inner->inner))
      own = extentOf(inner->innerExtent);
    width = arith::AddIOp::create(b, width, own);
  });
  return width;
}

/// Numbers of all states; none where keys are not split.
Value KernelEmitter::countStates(Builder &b, StreamOp op) {
  std::optional<StreamTiles> plan = StreamTiles::of(op, extents, dependence, presences);
  auto sizes = op->getAttrOfType<mapping::TilesAttr>("mapping");
  Value parts = countParts(b, *plan, sizes, countRows(b, *plan, sizes.getM(), plan->outer).blocks);
  Value all = arith::MulIOp::create(b, parts, countRows(b, *plan, 1, plan->outer).blocks);
  Value isOne = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, parts, constantIndex(b, 1));
  all = arith::SelectOp::create(b, isOne, constantIndex(b, 0), all);
  return arith::MulIOp::create(b, all, countWidth(b, *plan));
}

/// Of the blocks of `grid`, which may be none.
void KernelEmitter::emitParts(Builder &b, StreamOp op, const StreamTiles &plan, mapping::TilesAttr sizes,
                              const RowGrid &grid, Value parts) {
  RowGrid single = countRows(b, plan, 1, plan.outer);
  PartStates states{parts, single.blocks, countWidth(b, plan), single.lengths};
  auto firstOf = [&](const RowBlock &block) {
    Value number = constantIndex(b, 0);
    auto add = [&](Value length, Value digit) {
      number = arith::AddIOp::create(b, arith::MulIOp::create(b, number, length), digit);
    };
    for (auto &[name, length] : single.outer)
      add(length, toIndex(b, block.outer.lookup(name)));
    for (auto [length, span] : llvm::zip_equal(single.lengths, block.rows))
      add(length, span.begin);
    return number;
  };
  emitItems(b, op, plan, sizes, arith::MulIOp::create(b, grid.blocks, parts), [&](Value item, StreamEmitter &stream) {
    RowBlock block = blockAt(b, plan, grid, arith::DivUIOp::create(b, item, parts));
    Value part = arith::RemUIOp::create(b, item, parts), others = arith::MulIOp::create(b, part, states.rows);
    // Before the fold, on whose way nothing else of it is needed: registers are scarce there.
    Value line = arith::AddIOp::create(b, others, firstOf(block));
    stream.fold(b, block, part, parts, [&] { stream.keepPart(b, states, line); });
  });
  Value zero = constantIndex(b, 0), isNone = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, grid.blocks, zero);
  Value count = arith::SelectOp::create(b, isNone, zero, single.blocks);
  auto ofRow = mapping::TilesAttr::get(op.getContext(), sizes.getRows(), 1, sizes.getN(), sizes.getSplit(),
                                       sizes.getSteps());
  emitItems(b, op, plan, ofRow, count, [&](Value item, StreamEmitter &stream) {
    RowBlock block = blockAt(b, plan, single, item);
    stream.mergeParts(b, block, states, firstOf(block));
  });
}

/// One component of the states of `count` rows from row number `row` on: in all parts, which stand in the place of keys; or
/// (`ofAll` false) of rows that are numbered through all parts.
StreamEmitter::View StreamEmitter::stateOf(Builder &b, AccumulateOp op, Piece piece, const PartStates &states, Value row,
                                           Value count, bool ofAll) {
  Value begin = constantIndex(b, 0), lines = arith::MulIOp::create(b, states.parts, states.rows);
  const StreamTiles::Product *own = nullptr;
  bool isPast = false; // the component that is asked for
  forEachPiece(plan, [&](AccumulateOp other, Piece its, const StreamTiles::Product *inner) {
    if (!isPast && other == op && its == piece) {
      own = inner;
      isPast = true;
    }
    if (!isPast)
      begin = arith::AddIOp::create(
          b, begin, inner ? getValueOrCreateConstantIndexOp(b, b.getLoc(), innerOf(b, *inner)) : constantIndex(b, 1));
  });
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1), width = own ? innerOf(b, *own) : one;
  SmallVector<Value> extents{lines, states.width};
  SmallVector<OpFoldResult> from{row, begin}, step(2, one), size{count, width};
  SmallVector<Role> axes{Role::Row};
  SmallVector<int64_t> kept{ShapedType::kDynamic};
  if (!ofAll)
    step[0] = b.getIndexAttr(rows.back().step);
  if (ofAll) {
    extents = {states.parts, states.rows, states.width};
    from.insert(from.begin(), zero);
    step.push_back(one);
    size.insert(size.begin(), states.parts);
    axes.insert(axes.begin(), Role::Key);
    kept.push_back(ShapedType::kDynamic);
  }
  if (own) {
    axes.push_back(Role::Inner);
    kept.push_back(own->inner);
  }
  auto whole = MemRefType::get(SmallVector<int64_t>(extents.size(), ShapedType::kDynamic), plan.real);
  Value all = memref::ViewOp::create(b, whole, workspace, slots.find({plan.stream, 0})->second, extents);
  auto type = memref::SubViewOp::inferRankReducedResultType(kept, whole, from, size, step);
  return {memref::SubViewOp::create(b, type, all, from, size, step), axes};
}

void StreamEmitter::keepPart(Builder &b, const PartStates &states, Value first) {
  forRowLines(b, [&](Value count, ArrayRef<Value> at) {
    Value after = constantIndex(b, 0);
    for (auto [length, own, span] : llvm::zip_equal(states.lengths, at, rows))
      after = arith::AddIOp::create(b, arith::MulIOp::create(b, after, length),
                                    arith::SubIOp::create(b, own, span.begin));
    Value line = arith::AddIOp::create(b, first, after);
    for (AccumulateOp op : plan.state) {
      const Component &c = components[op];
      for (auto [piece, tile] : {std::pair(Piece::Value, c.value), {Piece::Reference, c.reference}, {Piece::Bit, c.bit}})
        if (tile.memory)
          copy(b, lineOf(b, tile, count), stateOf(b, op, piece, states, line, count, /*ofAll=*/false));
    }
  });
}

void StreamEmitter::mergeParts(Builder &b, const RowBlock &row, const PartStates &states, Value number) {
  inBlockOf(b, row, [&] {
    makeState(b, {Role::Row, Role::Inner});
    auto partsOf = [&](AccumulateOp op, Piece piece) {
      return stateOf(b, op, piece, states, number, constantIndex(b, 1), /*ofAll=*/true);
    };
    auto join = [&](const View &tile, ArrayRef<View> ins, Body body) {
      SmallVector<Role> space(tile.axes);
      space.push_back(Role::Key);
      generic(b, space, ins, tile, body);
    };
    auto largest = [](Builder &in, ValueRange args) {
      return SmallVector<Value>{arith::MaximumFOp::create(in, args[1], args[0])};
    };
    for (AccumulateOp op : plan.state)
      if (Component &c = components[op]; c.reference.memory)
        join(c.reference, partsOf(op, Piece::Reference), largest);
    for (AccumulateOp op : plan.state) {
      Component &c = components[op];
      if (c.bit.memory)
        join(c.bit, partsOf(op, Piece::Bit), largest);
      if (!c.value.memory)
        continue;
      View values = partsOf(op, Piece::Value);
      if (op.getAccumulation() != Accumulation::Sum) {
        join(c.value, values, [&](Builder &in, ValueRange args) {
          return SmallVector<Value>{extremum(in, op, args[1], args[0])};
        });
        continue;
      }
      SmallVector<View> ins{values};
      if (op.getReference()) {
        auto reference = op.getReference().getDefiningOp<AccumulateOp>();
        ins.append({partsOf(reference, Piece::Reference), components[reference].reference});
      }
      join(c.value, ins, [&](Builder &in, ValueRange args) {
        Value value = args[0];
        if (op.getReference())
          value = arith::MulFOp::create(in, value, power(in, op, args[1], args[2]));
        return SmallVector<Value>{arith::AddFOp::create(in, args.back(), value)};
      });
    }
    finish(b);
  });
}
