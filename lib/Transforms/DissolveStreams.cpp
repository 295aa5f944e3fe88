//===- DissolveStreams.cpp - streams back to plain equations --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/StreamAlgebra.h"
#include "lib/Transforms/StreamBody.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_DISSOLVESTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {

/// Of two coordinates the one whose extremum counts: NaN last, the lower one among equals. An
/// `extremumBefore` that is NaN is absent.
Value choose(ImplicitLocOpBuilder &b, bool largest, Value part, Value extremum, Value before,
             Value extremumBefore) {
  Type i1 = b.getI1Type();
  auto compare = [&](Fn fn, Value x, Value y) -> Value { return MapOp::create(b, i1, fn, ValueRange{x, y}); };
  Value lower = compare(Fn::Lt, before, part), nan = IsabsentOp::create(b, extremumBefore);
  Value better = NotOp::create(b, compare(largest ? Fn::Ge : Fn::Le, extremum, extremumBefore));
  Value equal = AndOp::create(b, compare(Fn::Eq, extremum, extremumBefore), lower);
  Value number = AndOp::create(b, NotOp::create(b, nan), OrOp::create(b, better, equal));
  Value neither = AndOp::create(b, nan, AndOp::create(b, compare(Fn::Ne, extremum, extremum), lower));
  Value wins = OrOp::create(b, IsabsentOp::create(b, part), OrOp::create(b, number, neither));
  return ElseOp::create(b, WhereOp::create(b, before, wins), part);
}

/// What the accumulator goes on from, at its coordinates; a weighted sum relative to the new reference.
Value readBefore(ImplicitLocOpBuilder &b, AccumulateOp op, Value referenceBefore, Value reference,
                 ValueRange coordinates) {
  Type element = op.getResult().getType().getElementType();
  Value before = ReadOp::create(b, getScalarType(element), op.getFrom()[0], coordinates);
  if (!reference)
    return before;
  Value old = clampReference(b, readReference(b, op, referenceBefore, coordinates));
  return mapOf(b, Fn::Mul, {before, powerOf(b, op, old, reference)});
}

/// The accumulator's value with what it goes on from, at its coordinates; `part` is of the stream's.
Value goOn(ImplicitLocOpBuilder &b, AccumulateOp op, Value part, Value referenceBefore, Value reference,
           ValueRange coordinates) {
  Value before = readBefore(b, op, referenceBefore, reference, coordinates);
  if (!givesCoordinate(op.getAccumulation()))
    return combine(b, op.getAccumulation(), part, before);
  IRMapping at; // the body at the coordinate that the reduction has found
  at.map(op.getBody().getArguments().drop_back(), coordinates);
  at.map(op.getBody().getArguments().back(), part);
  for (Operation &inside : op.getBody().front().without_terminator())
    b.clone(inside, at);
  Value extremum = at.lookupOrDefault(op.getYield().getValues()[0]);
  Value extremumBefore = ReadOp::create(b, extremum.getType(), op.getFrom()[1], coordinates);
  bool largest = op.getAccumulation() == Accumulation::Argmax;
  return choose(b, largest, part, extremum, before, extremumBefore);
}

/// References by what they went on from, before they were dissolved.
using Befores = llvm::DenseMap<Value, Value>;

/// The accumulator over the coordinates of its stream; `reference` is null, or what it is relative to.
Value reduceOver(ImplicitLocOpBuilder &b, AccumulateOp op, Value reference, ValueRange coordinates) {
  auto reduce = ReduceOp::create(b, op.getResult().getType().getElementType(), getReduction(op.getAccumulation()),
                                 op.getOverAttr(), op.getOverExtents());
  OpBuilder::InsertionGuard guard(b);
  size_t reduced = op.getOver().size();
  Block *inner = b.createBlock(&reduce.getBody(), {}, SmallVector<Type>(reduced, b.getI64Type()),
                               SmallVector<Location>(reduced, op.getLoc()));
  IRMapping mapping;
  auto arguments = op.getBody().getArguments();
  mapping.map(arguments.take_front(coordinates.size()), coordinates);
  mapping.map(arguments.drop_front(coordinates.size()), inner->getArguments());
  for (Operation &inside : op.getBody().front().without_terminator())
    b.clone(inside, mapping);
  ValueRange yielded = op.getYield().getValues();
  Value value = mapping.lookupOrDefault(yielded[0]);
  if (reference)
    value = mapOf(b, Fn::Mul, {value, powerOf(b, op, mapping.lookupOrDefault(yielded[1]), reference)});
  YieldOp::create(b, value);
  return reduce.getResult();
}

EinsumOp dissolve(AccumulateOp op, Befores &befores) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Type element = op.getResult().getType().getElementType();
  EinsumOp einsum = emitEquation(b, op, op.getName(), element, [&](ValueRange coordinates) {
    Value reference = op.getReference() ? readReference(b, op, op.getReference(), coordinates) : Value();
    Value whole = reduceOver(b, op, reference, coordinates);
    if (!op.getFrom().empty())
      whole = goOn(b, op, whole, befores.lookup(op.getReference()), reference, coordinates);
    return op.getAccumulation() == Accumulation::Ref ? clampReference(b, whole) : whole;
  });
  if (!op.getFrom().empty())
    befores[einsum.getResult()] = op.getFrom()[0];
  op.getResult().replaceAllUsesWith(einsum.getResult());
  op.erase();
  return einsum;
}

} // namespace

void weir::dissolveStream(StreamOp stream) {
  Befores befores;
  for (auto accumulate : llvm::make_early_inc_range(stream.getBody().front().getOps<AccumulateOp>()))
    dissolve(accumulate, befores);
  stream.replaceAllUsesWith(stream.getYield().getValues());
  stream.getYield().erase();
  Block *block = stream->getBlock();
  block->getOperations().splice(Block::iterator(stream), stream.getBody().front().getOperations());
  stream.erase();
}

namespace {
struct DissolveStreams : weir::impl::DissolveStreamsBase<DissolveStreams> {
  void runOnOperation() override {
    SmallVector<StreamOp> streams;
    getOperation().walk([&](StreamOp stream) {
      if (!stream.getMapping())
        streams.push_back(stream);
    });
    for (StreamOp stream : streams)
      dissolveStream(stream);
  }
};
} // namespace

EinsumOp weir::dissolveAccumulator(AccumulateOp accumulator) {
  Befores none;
  return dissolve(accumulator, none);
}
