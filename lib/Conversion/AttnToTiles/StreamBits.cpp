//===- StreamBits.cpp - whether something took part in a row --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// A reference that takes something in wherever an accumulator may; null: there is none.
AccumulateOp StreamEmitter::witnessOf(AccumulateOp op) {
  SmallVector<Value> needed = plan.neededBy(op);
  for (AccumulateOp other : plan.state)
    if (other.getAccumulation() == Accumulation::Ref && plan.neededBy(other) == needed)
      return other;
  return {};
}

/// Sets the bit of the rows whose reference has moved from where it began: absent scores do not move it. Whether rows are left of which
/// that says nothing, those without a key and those with scores of -inf alone.
Value StreamEmitter::takeFromReference(Builder &b, AccumulateOp reference, const View &bit) {
  View total = makeTile({});
  generic(b, Role::Row, {components[reference].moved}, bit, [&](Builder &in, ValueRange args) {
    Value hasMoved = arith::CmpFOp::create(in, arith::CmpFPredicate::UNE, args[0], constantLike(in, plan.real, lowestOf(plan.real)));
    return SmallVector<Value>{arith::SelectOp::create(in, hasMoved, constantLike(in, plan.real, 1), args[1])};
  });
  fill(b, total, 1);
  generic(b, Role::Row, bit, total, [&](Builder &in, ValueRange args) {
    return SmallVector<Value>{arith::MinimumFOp::create(in, args[1], args[0])};
  });
  Value least = memref::LoadOp::create(b, total.memory);
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, least, constantLike(b, plan.real, 0));
}

/// Whether something took part in a row so far. A block that is there everywhere needs no look at its keys, nor one after which the
/// references of all rows have moved.
void StreamEmitter::emitBit(Builder &b, AccumulateOp op) {
  SmallVector<View> ins;
  SmallVector<unsigned> counts;
  collectSources(b, plan.partsOf(op), ins, counts);
  const View &bit = components[op].bit;
  auto askKeys = [&] {
    generic(b, {Role::Row, Role::Key}, ins, bit, [&](Builder &in, ValueRange args) {
      Value present =
          conjunction(in, emitter, conditions.lookup(op), presenceOfParts(in, op, counts, args, {Role::Row, Role::Key}));
      Value taken = selectPresent(in, present, constantLike(in, plan.real, 1), 0);
      return SmallVector<Value>{arith::MaxNumFOp::create(in, args.back(), taken)};
    });
  };
  Value there = isThereEverywhere(b, op);
  if (!there)
    return inVersions(b, askKeys);
  auto ask = [&] {
    AccumulateOp witness = lanesOfRows ? witnessOf(op) : AccumulateOp();
    std::optional<StreamTiles::Needs> needs = plan.needsBeside(op);
    if (!witness || !needs)
      return askKeys();
    guarded(b, isThereBesidePredicates(b, *needs), [&] { guarded(b, takeFromReference(b, witness, bit), askKeys); });
  };
  auto choice = scf::IfOp::create(b, conjunction(b, emitter, conditions.lookup(op), there), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  fill(b, bit, 1);
  b.setInsertionPointToStart(choice.elseBlock());
  ask();
}
