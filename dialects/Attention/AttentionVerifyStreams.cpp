//===- AttentionVerifyStreams.cpp - constraints on streams ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Constraints.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weir::attn;

LogicalResult StreamOp::verify() {
  if (getOver().empty()) // stream_c1
    return emitOpError("goes over no coordinate");
  if (failed(verifyExtentCount(*this, getOver(), getExtents())) || // stream_c2
      failed(verifyDistinct(*this, {getOver()})))                  // stream_c3
    return failure();
  return verifyMapping(*this, getMapping()); // stream_c4
}

/// Whether the equation carries one of the coordinates that a stream goes over.
static bool carries(ArrayAttr coords, ArrayAttr over) {
  return llvm::any_of(coords, [&](Attribute name) { return llvm::is_contained(over, name); });
}

static LogicalResult verifyCertificate(StreamOp stream) {
  static constexpr StringRef kinds[] = {"monoid",         "homomorphism", "inverse", "finite", "factorisation",
                                        "distributivity", "assumed"};
  for (NamedAttribute obligation : stream.getCertificateAttr()) {
    auto names = dyn_cast<ArrayAttr>(obligation.getValue());
    if (!llvm::is_contained(kinds, obligation.getName().strref()) || !names || names.empty() ||
        !llvm::all_of(names, llvm::IsaPred<StringAttr>)) // stream_c9
      return stream.emitOpError("has the certificate entry '")
             << obligation.getName().strref() << "' = " << obligation.getValue()
             << ", expected a kind of obligation and the names that have one";
  }
  return success();
}

LogicalResult StreamOp::verifyRegions() {
  Block &block = getBody().front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield || block.getNumArguments() != 0) // stream_c5
    return emitOpError("has a body that is no list of equations and an attn.yield");
  bool finishing = false;
  for (Operation &op : block.without_terminator()) {
    auto einsum = dyn_cast<EinsumOp>(op);
    if (!einsum && !isa<AccumulateOp>(op)) // stream_c5
      return emitOpError("holds ") << op.getName() << ", expected attn.einsum and attn.accumulate";
    bool carried = einsum && carries(einsum.getCoords(), getOver());
    if (finishing && (!einsum || carried)) // stream_c6
      return op.emitOpError(
          "stands after the stream's finish, expected the equations that carry its coordinates first, "
          "then accumulators, then the finish");
    finishing |= einsum && !carried;
  }
  if (yield.getValues().getTypes() != getResultTypes()) // stream_c7
    return emitOpError("has results ")
           << getResultTypes() << ", but its body yields " << yield.getValues().getTypes();
  for (Value value : yield.getValues()) {
    auto einsum = value.getDefiningOp<EinsumOp>();
    if (value.getParentBlock() != &block || (einsum && carries(einsum.getCoords(), getOver()))) // stream_c8
      return emitOpError("yields a tensor that is neither an accumulator nor of the finish");
  }
  return getCertificate() ? verifyCertificate(*this) : success();
}

/// A positive rational: `3`, `1/8`, `0.125`.
static bool isPositiveRational(StringRef text) {
  auto [above, below] = text.split('/');
  double a = 0, b = 1;
  return !above.getAsDouble(a) && a > 0 && (below.empty() || (!below.getAsDouble(b) && b > 0));
}

/// What an accumulator goes on from: a tensor like itself, of `argmax` and `argmin` another of the extremum.
static LogicalResult verifyFrom(AccumulateOp op, Type body) {
  auto stream = cast<StreamOp>(op->getParentOp());
  AccumulateOp first = *stream.getBody().front().getOps<AccumulateOp>().begin();
  if (op.getFrom().empty() != first.getFrom().empty()) // accumulate_c14
    return op.emitOpError(op.getFrom().empty() ? "begins anew" : "goes on from a state")
           << ", other than the stream's first accumulator";
  RankedTensorType type = op.getResult().getType();
  SmallVector<Type, 2> elements{type.getElementType()};
  if (givesCoordinate(op.getAccumulation()))
    elements.push_back(body);
  bool agrees = op.getFrom().empty() || op.getFrom().size() == elements.size();
  for (auto [from, element] : llvm::zip(op.getFrom(), elements)) {
    auto given = cast<RankedTensorType>(from.getType());
    agrees &= given.getElementType() == element && succeeded(verifyCompatibleShape(given, type)) &&
              !stream.getBody().isAncestor(from.getParentRegion());
  }
  if (!agrees) // accumulate_c15
    return op.emitOpError("goes on from ")
           << op.getFrom().getTypes() << ", expected tensors from outside the stream of its shape and of "
           << elements;
  return success();
}

LogicalResult AccumulateOp::verify() {
  RankedTensorType type = getResult().getType();
  if (failed(verifyExtentCount(*this, getCoords(), getExtents())) ||   // accumulate_c1
      failed(verifyExtentCount(*this, getOver(), getOverExtents())) || // accumulate_c1
      failed(verifyRank(*this, type, getCoords())) ||                  // accumulate_c2
      failed(verifyDistinct(*this, {getCoords(), getOver()})) ||       // accumulate_c3
      failed(verifyStaticExtents(*this, type, getExtents())))          // accumulate_c4
    return failure();
  auto stream = cast<StreamOp>((*this)->getParentOp());
  for (Attribute name : stream.getOver()) // accumulate_c5
    if (!llvm::is_contained(getOver(), name))
      return emitOpError("is not reduced over the stream's coordinate ") << name;
  if (givesCoordinate(getAccumulation()) && getOver().size() != 1) // accumulate_c6
    return emitOpError("gives the coordinate of an extremum over ")
           << getOver().size() << " coordinates, expected one";
  if (getExact() && getAccumulation() != Accumulation::Max) // accumulate_c7
    return emitOpError("is an exact '") << stringifyAccumulation(getAccumulation()) << "', expected a max";
  if (getLam() && (!getReference() || !isPositiveRational(*getLam()))) // accumulate_c8
    return emitOpError("has lam ") << getLamAttr() << ", expected a positive rational, and a reference";
  if (!getReference())
    return success();
  auto reference = getReference().getDefiningOp<AccumulateOp>();
  if (getAccumulation() != Accumulation::Sum || !reference || reference->getBlock() != (*this)->getBlock() ||
      (reference.getAccumulation() != Accumulation::Ref &&
       reference.getAccumulation() != Accumulation::Max)) // accumulate_c9
    return emitOpError(
        "has a reference, which only a sum may have, and which is a ref or a max of the same stream");
  if (!getReferenceCoords() || getReferenceCoords()->size() != reference.getCoords().size() ||
      llvm::any_of(*getReferenceCoords(),
                   [&](Attribute name) { return !llvm::is_contained(getCoords(), name); })) // accumulate_c10
    return emitOpError("reads its reference ")
           << reference.getCoords() << " at other than as many of its own coordinates";
  return success();
}

LogicalResult AccumulateOp::verifyRegions() {
  if (failed(verifyBodyArguments(*this, getBody(), getCoords().size() + getOver().size()))) // accumulate_c11
    return failure();
  auto yield = getBody().front().empty() ? YieldOp() : dyn_cast<YieldOp>(getBody().front().back());
  size_t expected = getReference() ? 2 : 1;
  if (!yield || yield.getValues().size() != expected ||
      !llvm::all_of(yield.getValues().getTypes(), isScalar)) // accumulate_c12
    return emitOpError("has a body that does not end in an attn.yield of ")
           << expected << (expected == 1 ? " scalar" : " scalars: a factor and an exponent");
  Type body = yield.getValues()[0].getType(), element = getResult().getType().getElementType();
  Type result = body;
  bool logical = getAccumulation() == Accumulation::Any || getAccumulation() == Accumulation::All;
  if (givesCoordinate(getAccumulation()))
    result = IntegerType::get(getContext(), 64);
  if (body.isInteger(1) != logical || element != result) // accumulate_c13
    return emitOpError("is '") << stringifyAccumulation(getAccumulation()) << "' of " << body << " into "
                               << element << ", which it is not defined for";
  return verifyFrom(*this, body);
}
