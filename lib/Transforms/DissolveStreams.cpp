//===- DissolveStreams.cpp - streams back to plain equations --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_DISSOLVESTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir::attn;

namespace {

Reduction reductionOf(Accumulation accumulation) {
  switch (accumulation) {
  case Accumulation::Sum:
    return Reduction::Sum;
  case Accumulation::Prod:
    return Reduction::Prod;
  case Accumulation::Max:
  case Accumulation::Ref:
    return Reduction::Max;
  case Accumulation::Min:
    return Reduction::Min;
  case Accumulation::Any:
    return Reduction::Any;
  case Accumulation::All:
    return Reduction::All;
  case Accumulation::Argmax:
    return Reduction::Argmax;
  case Accumulation::Argmin:
    return Reduction::Argmin;
  }
  llvm_unreachable("every accumulation has a reduction");
}

Value map(ImplicitLocOpBuilder &b, Fn fn, ArrayRef<Value> operands) {
  return MapOp::create(b, operands[0].getType(), fn, operands);
}

/// A rational `3/2` or decimal of type `type`.
Value rational(ImplicitLocOpBuilder &b, StringRef text, Type type) {
  auto [above, below] = text.split('/');
  Value value = LiteralOp::create(b, type, above);
  return below.empty() ? value : map(b, Fn::Div, {value, LiteralOp::create(b, type, below)});
}

/// The factor and the exponent of one contribution as a single value; the reference has been read outside the
/// reduction.
Value weigh(ImplicitLocOpBuilder &b, AccumulateOp op, Value factor, Value exponent, Value reference) {
  Value difference = map(b, Fn::Sub, {exponent, reference});
  if (op.getLam() && *op.getLam() != "1")
    difference = map(b, Fn::Mul, {rational(b, *op.getLam(), difference.getType()), difference});
  return map(b, Fn::Mul, {factor, map(b, Fn::Exp, {difference})});
}

/// The reference at the accumulator's coordinates, in the type of its exponents.
Value readReference(ImplicitLocOpBuilder &b, AccumulateOp op, ValueRange coordinates) {
  SmallVector<Value> indices;
  ArrayAttr own = op.getCoords(), at = *op.getReferenceCoords();
  for (Attribute name : at)
    indices.push_back(coordinates[llvm::find(own, name) - own.begin()]);
  Type element = cast<RankedTensorType>(op.getReference().getType()).getElementType();
  return ReadOp::create(b, getScalarType(element), op.getReference(), indices);
}

/// A reference is finite: no exponent is the difference of two infinities.
Value clampReference(ImplicitLocOpBuilder &b, Value value) {
  StringRef highest = value.getType().isF64() ? "1.7976931348623157e308" : "3.4028234663852886e38";
  auto literal = [&](const Twine &text) { return LiteralOp::create(b, value.getType(), text.str()); };
  return map(b, Fn::Min, {map(b, Fn::Max, {value, literal("-" + highest)}), literal(highest)});
}

void dissolve(AccumulateOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto einsum =
      EinsumOp::create(b, op.getResult().getType(), op.getNameAttr(), op.getCoordsAttr(), op.getExtents(),
                       /*mapping=*/Attribute());
  Type i64 = b.getI64Type();
  size_t kept = op.getCoords().size(), reduced = op.getOver().size();
  Block *outer = b.createBlock(&einsum.getBody(), {}, SmallVector<Type>(kept, i64),
                               SmallVector<Location>(kept, op.getLoc()));
  Value reference = op.getReference() ? readReference(b, op, outer->getArguments()) : Value();
  YieldOp yield = op.getYield();
  Type result = op.getResult().getType().getElementType();
  auto reduce =
      ReduceOp::create(b, result, reductionOf(op.getAccumulation()), op.getOverAttr(), op.getOverExtents());
  Block *inner = b.createBlock(&reduce.getBody(), {}, SmallVector<Type>(reduced, i64),
                               SmallVector<Location>(reduced, op.getLoc()));
  IRMapping mapping;
  for (auto [k, argument] : llvm::enumerate(op.getBody().getArguments()))
    mapping.map(argument, k < kept ? outer->getArgument(k) : inner->getArgument(k - kept));
  for (Operation &inside : op.getBody().front().without_terminator())
    b.clone(inside, mapping);
  Value value = mapping.lookupOrDefault(yield.getValues()[0]);
  if (reference)
    value = weigh(b, op, value, mapping.lookupOrDefault(yield.getValues()[1]), reference);
  YieldOp::create(b, value);
  b.setInsertionPointToEnd(outer);
  Value whole = reduce.getResult();
  if (op.getAccumulation() == Accumulation::Ref)
    whole = clampReference(b, whole);
  YieldOp::create(b, whole);
  op.getResult().replaceAllUsesWith(einsum.getResult());
  op.erase();
}

struct DissolveStreams : weir::impl::DissolveStreamsBase<DissolveStreams> {
  void runOnOperation() override {
    SmallVector<StreamOp> streams;
    getOperation().walk([&](StreamOp stream) {
      if (!stream.getMapping())
        streams.push_back(stream);
    });
    for (StreamOp stream : streams) {
      for (auto accumulate : llvm::make_early_inc_range(stream.getBody().front().getOps<AccumulateOp>()))
        dissolve(accumulate);
      stream.replaceAllUsesWith(stream.getYield().getValues());
      stream.getYield().erase();
      Block *block = stream->getBlock();
      block->getOperations().splice(Block::iterator(stream), stream.getBody().front().getOperations());
      stream.erase();
    }
  }
};

} // namespace
