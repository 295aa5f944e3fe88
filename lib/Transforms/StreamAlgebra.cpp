//===- StreamAlgebra.cpp - what becomes of a stream's state, in ops -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/StreamAlgebra.h"
#include "weir/Analysis/Tree.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

Value weir::mapOf(ImplicitLocOpBuilder &b, Fn fn, ArrayRef<Value> operands) {
  return MapOp::create(b, operands[0].getType(), fn, operands);
}

Value weir::numberOf(ImplicitLocOpBuilder &b, StringRef text, Type type) {
  auto [above, below] = text.split('/');
  Value value = LiteralOp::create(b, type, above);
  return below.empty() ? value : mapOf(b, Fn::Div, {value, LiteralOp::create(b, type, below)});
}

Value weir::powerOf(ImplicitLocOpBuilder &b, AccumulateOp op, Value exponent, Value reference) {
  Value difference = mapOf(b, Fn::Sub, {exponent, reference});
  if (op.getLam() && *op.getLam() != "1")
    difference = mapOf(b, Fn::Mul, {numberOf(b, *op.getLam(), difference.getType()), difference});
  return mapOf(b, Fn::Exp, {difference});
}

Value weir::readReference(ImplicitLocOpBuilder &b, AccumulateOp op, Value reference, ValueRange coordinates) {
  SmallVector<Value> indices;
  ArrayAttr own = op.getCoords(), at = *op.getReferenceCoords();
  for (Attribute name : at)
    indices.push_back(coordinates[llvm::find(own, name) - own.begin()]);
  Type element = cast<RankedTensorType>(reference.getType()).getElementType();
  return ReadOp::create(b, getScalarType(element), reference, indices);
}

Value weir::clampReference(ImplicitLocOpBuilder &b, Value value) {
  StringRef highest = getLargestFinite(value.getType().isF64());
  auto literal = [&](const Twine &text) { return LiteralOp::create(b, value.getType(), text.str()); };
  return mapOf(b, Fn::Min, {mapOf(b, Fn::Max, {value, literal("-" + highest)}), literal(highest)});
}

/// Two optional values as one: where one is absent, the other.
static Value eitherOrBoth(ImplicitLocOpBuilder &b, Fn fn, Value x, Value y) {
  Value both = mapOf(b, fn, {x, y});
  return ElseOp::create(b, both, ElseOp::create(b, x, y));
}

Value weir::combine(ImplicitLocOpBuilder &b, Accumulation accumulation, Value part, Value before) {
  switch (accumulation) {
  case Accumulation::Sum:
    return eitherOrBoth(b, Fn::Add, part, before);
  case Accumulation::Prod:
    return eitherOrBoth(b, Fn::Mul, part, before);
  case Accumulation::Max:
  case Accumulation::Ref:
    return eitherOrBoth(b, Fn::Max, part, before);
  case Accumulation::Min:
    return eitherOrBoth(b, Fn::Min, part, before);
  case Accumulation::Any:
    return OrOp::create(b, part, ElseOp::create(b, before, LiteralOp::create(b, part.getType(), "false")));
  case Accumulation::All:
    return AndOp::create(b, part, ElseOp::create(b, before, LiteralOp::create(b, part.getType(), "true")));
  case Accumulation::Argmax:
  case Accumulation::Argmin:
    break;
  }
  llvm_unreachable("coordinates are chosen, not combined");
}

EinsumOp weir::emitEquation(ImplicitLocOpBuilder &b, AccumulateOp like, const Twine &name, Type element,
                            function_ref<Value(ValueRange)> body) {
  auto einsum = EinsumOp::create(b, like.getResult().getType().clone(element), b.getStringAttr(name),
                                 like.getCoordsAttr(), like.getExtents(), /*mapping=*/Attribute());
  OpBuilder::InsertionGuard guard(b);
  size_t kept = like.getCoords().size();
  Block *block = b.createBlock(&einsum.getBody(), {}, SmallVector<Type>(kept, b.getI64Type()),
                               SmallVector<Location>(kept, b.getLoc()));
  YieldOp::create(b, body(block->getArguments()));
  return einsum;
}
