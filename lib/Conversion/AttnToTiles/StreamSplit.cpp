//===- StreamSplit.cpp - a block of rows, folded in parts and merged ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The merge of two states follows from the accumulators' fields: references become the larger of both, sums
// against a reference are brought to the new one and added, all else is joined by its own operation. A state
// into which nothing was taken is the identity: its references are the lowest finite number, so that it
// weighs exp of a number or of -inf, and its sums are 0.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

void tiles::forEachPiece(const StreamTiles &plan,
                         function_ref<void(AccumulateOp, Piece, const StreamTiles::Product *)> visit) {
  for (AccumulateOp op : plan.state) {
    StreamTiles::Pieces pieces = plan.piecesOf(op);
    if (pieces.value)
      visit(op, Piece::Value, pieces.features ? &plan.products.find(op)->second : nullptr);
    if (pieces.reference)
      visit(op, Piece::Reference, nullptr);
    if (pieces.bit)
      visit(op, Piece::Bit, nullptr);
  }
}

/// What is the same in the whole block, with whatever branches and loops it takes.
void StreamEmitter::emitUniform(Builder &b) {
  StreamOp stream = plan.stream;
  std::function<void(Value)> hoist = [&](Value v) {
    if (!plan.isAlone || !plan.readsOwn(v))
      return emitter.hoist(b, v);
    if (auto reduce = v.getDefiningOp<ReduceOp>())
      return hoist(reduce.getYield().getValues()[0]);
    if (!isa<ReadOp>(v.getDefiningOp()))
      llvm::for_each(v.getDefiningOp()->getOperands(), hoist);
  };
  for (Operation &op : stream.getBody().front().without_terminator()) {
    bindCoordinates(b, &op.getRegion(0).front(), {});
    for (Value value : op.getRegion(0).front().getTerminator()->getOperands())
      hoist(value);
  }
}

/// The quotients that all rows of the block share, from its first.
void StreamEmitter::emitShared(Builder &b) {
  sharedLanes.clear();
  StreamOp stream = plan.stream;
  stream.walk([&](MapOp map) {
    if (!plan.isShared(map))
      return;
    auto scope = emitter.scope();
    auto product = map.getOperands_()[0].getDefiningOp<MapOp>();
    for (Value v : product ? product.getOperands_() : map.getOperands_())
      if (isa<BlockArgument>(v) && plan.dependsOn(v, Role::Row)) {
        auto row = llvm::find_if(plan.rows, [&](auto &row) { return row.first == getCoordinateName(cast<BlockArgument>(v)); });
        emitter.bind(v, {toInt(b, rows[row - plan.rows.begin()].begin), nullptr, nullptr});
      }
    sharedLanes[map] = emitter.emit(b, map);
  });
}

/// A congruence holds for all that is computed.
void StreamEmitter::takeResidues(Builder &b) {
  for (const StreamTiles::Residue &residue : plan.residues)
    for (Value predicate : residue.predicates)
      emitter.bind(predicate, {constantInt(b, b.getI1Type(), 1), nullptr, nullptr});
}

void StreamEmitter::inBlockOf(Builder &b, const RowBlock &rows, function_ref<void()> inside) {
  auto scope = emitter.scope();
  this->rows = rows.rows;
  outer = &rows.outer;
  if (plan.rows.size() > 1 && plan.keys.size() > 1)
    fillRowTables(b);
  takeResidues(b);
  emitShared(b);
  emitUniform(b);
  summariseRows(b);
  emitter.branchless = true;
  inside();
  emitter.branchless = false;
}

void StreamEmitter::fold(Builder &b, const RowBlock &rows, Value part, Value parts,
                         function_ref<void()> then) {
  inBlockOf(b, rows, [&] {
    for (ReduceOp reduce : plan.sums)
      conditions[reduce] = conditionOf(b, reduce);
    for (AccumulateOp op : plan.state)
      conditions[op] = conditionOf(b, op);
    for (ReduceOp reduce : plan.sums)
      packLeft(b, reduce);
    makeState(b, {Role::Row, Role::Inner});
    splitRows(b);
    if (rows.rows.size() == 1 && llvm::any_of(plan.products, [](auto &entry) { return mapping::piecesOnMatrixUnit(entry.first); }))
      mapping::RowsOp::create(b, rows.rows[0].count);
    emitKeys(b, part, parts);
    then();
  });
}

/// A component in a slot. Rows lie side by side, as in the tiles of the processor.
StreamEmitter::View StreamEmitter::slotOf(Builder &b, AccumulateOp op, Piece piece, Value slot) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  SmallVector<Role> axes;
  SmallVector<int64_t> shape;
  SmallVector<Value> open;
  Value bytes = constantIndex(b, sizes.getM() * plan.real.getIntOrFloatBitWidth() / 8);
  if (piece == Piece::Value && plan.piecesOf(op).features) {
    axes.push_back(Role::Inner);
    shape.push_back(product.inner);
    Value inner = getValueOrCreateConstantIndexOp(b, b.getLoc(), innerOf(b, product));
    if (ShapedType::isDynamic(product.inner))
      open.push_back(inner);
    bytes = arith::MulIOp::create(b, bytes, inner);
  }
  axes.push_back(Role::Row);
  shape.push_back(sizes.getM());
  Value first = slots.find({op, unsigned(piece)})->second;
  Value at = arith::AddIOp::create(b, first, arith::MulIOp::create(b, slot, bytes));
  return {memref::ViewOp::create(b, MemRefType::get(shape, plan.real), workspace, at, open), axes};
}

void StreamEmitter::keep(Builder &b, Value slot) {
  for (AccumulateOp op : plan.state) {
    const Component &c = components[op];
    for (auto [piece, tile] : {std::pair(Piece::Value, c.value), {Piece::Reference, c.reference}, {Piece::Bit, c.bit}})
      if (tile.memory)
        copy(b, tile, slotOf(b, op, piece, slot));
  }
}

/// Takes a slot's state into the one at hand.
void StreamEmitter::mergeSlot(Builder &b, Value slot) {
  auto join = [&](const View &tile, View other, Body body) { generic(b, tile.axes, other, tile, body); };
  for (AccumulateOp op : plan.state)
    if (Component &c = components[op]; c.reference.memory)
      generic(b, Role::Row, {c.reference, slotOf(b, op, Piece::Reference, slot)}, c.moved,
              [&](Builder &in, ValueRange args) {
                return SmallVector<Value>{arith::MaximumFOp::create(in, args[0], args[1])};
              });
  for (AccumulateOp op : plan.state) {
    Component &c = components[op];
    if (c.bit.memory)
      join(c.bit, slotOf(b, op, Piece::Bit, slot), [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{arith::MaximumFOp::create(in, args[0], args[1])};
      });
    if (!c.value.memory)
      continue;
    View other = slotOf(b, op, Piece::Value, slot);
    if (op.getAccumulation() != Accumulation::Sum) {
      join(c.value, other, [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{extremum(in, op, args[1], args[0])};
      });
      continue;
    }
    if (!op.getReference()) {
      join(c.value, other, [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{arith::AddFOp::create(in, args[1], args[0])};
      });
      continue;
    }
    auto reference = op.getReference().getDefiningOp<AccumulateOp>();
    Component &r = components[reference];
    View own = makeTile(Role::Row), its = makeTile(Role::Row);
    generic(b, Role::Row, {r.reference, slotOf(b, reference, Piece::Reference, slot), r.moved}, {own, its},
            [&](Builder &in, ValueRange args) {
              return SmallVector<Value>{power(in, op, args[0], args[2]), power(in, op, args[1], args[2])};
            });
    generic(b, c.value.axes, {own, its, other}, c.value, [&](Builder &in, ValueRange args) {
      Value kept = arith::MulFOp::create(in, args[3], args[0]);
      Value added = arith::MulFOp::create(in, args[2], args[1]);
      return SmallVector<Value>{arith::AddFOp::create(in, kept, added)};
    });
  }
  for (auto &[op, c] : components)
    if (c.reference.memory)
      copy(b, c.moved, c.reference);
}

void StreamEmitter::merge(Builder &b, const RowBlock &rows, Value firstSlot, Value parts) {
  inBlockOf(b, rows, [&] {
    makeState(b, {Role::Inner, Role::Row}); // no product lays these tiles out
    auto loop = scf::ForOp::create(b, constantIndex(b, 0), parts, constantIndex(b, 1));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      mergeSlot(b, arith::AddIOp::create(b, firstSlot, loop.getInductionVar()));
    }
    finish(b);
  });
}
