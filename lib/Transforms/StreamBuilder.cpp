//===- StreamBuilder.cpp - a derived traversal in ops ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/StreamBuilder.h"
#include "lib/Transforms/BalanceExponentials.h"
#include "lib/Transforms/StreamBody.h"
#include "lib/Transforms/TreeEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "weir/Analysis/Certificate.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

StreamBuilder::StreamBuilder(CascadeModel &model, const Streaming &streaming, TreeScope &scope,
                             ImplicitLocOpBuilder &builder)
    : model(model), streaming(streaming), scope(scope), b(builder) {
  for (const Accumulator &accumulator : streaming.accumulators)
    accumulators.insert(accumulator.name);
  for (const Finish &part : streaming.parts)
    parts[part.tensor] = &part;
}

bool StreamBuilder::readsAccumulator(const Tree *tree) const {
  if (tree->is(TreeKind::Read) && accumulators.contains(tree->text))
    return true;
  return llvm::any_of(tree->args, [&](const Tree *arg) { return readsAccumulator(arg); });
}

bool StreamBuilder::isNeeded(const Finish &output) const {
  return readsAccumulator(output.value) || readsAccumulator(output.presence);
}

SmallVector<Value> StreamBuilder::extentsOf(const Names &coords) {
  SmallVector<Value> extents;
  for (const std::string &coordinate : coords)
    extents.push_back(scope.extentOf(model, coordinate));
  return extents;
}

ArrayAttr StreamBuilder::namesOf(ArrayRef<std::string> coords) {
  SmallVector<Attribute> names;
  for (const std::string &coordinate : coords)
    names.push_back(b.getStringAttr(toIRName(coordinate)));
  return b.getArrayAttr(names);
}

RankedTensorType StreamBuilder::typeOf(const Names &coords, ValueRange extents, Type element) {
  SmallVector<int64_t> shape(coords.size(), ShapedType::kDynamic);
  for (auto [dimension, extent] : llvm::zip(shape, extents))
    if (auto constant = extent.getDefiningOp<arith::ConstantIndexOp>())
      dimension = constant.value();
  return RankedTensorType::get(shape, element);
}

/// Null where the trees cannot be said; a half-made equation is erased.
EinsumOp StreamBuilder::emitEquation(StringRef name, const Names &coords, const Tree *value, ScalarKind kind,
                                     const Tree *presence, Type element) {
  SmallVector<Value> extents = extentsOf(coords);
  if (llvm::is_contained(extents, Value()))
    return {};
  if (!element)
    element = scope.typeOf(kind, b.getContext());
  auto einsum = EinsumOp::create(b, typeOf(coords, extents, element), b.getStringAttr(name), namesOf(coords),
                                 extents, Attribute());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(coords.size(), b.getI64Type());
  Block *block =
      b.createBlock(&einsum.getBody(), {}, types, SmallVector<Location>(coords.size(), b.getLoc()));
  TreeEmitter emitter(b, model, scope);
  for (auto [coordinate, argument] : llvm::zip(coords, block->getArguments()))
    emitter.bind(coordinate, argument);
  Value result = emitter.emit(value, kind);
  if (result)
    result = emitter.emitWhere(result, presence);
  if (!result) {
    failure = name.str() + " " + emitter.failure;
    einsum.erase();
    return {};
  }
  YieldOp::create(b, result);
  return einsum;
}

/// Reductions inside expressions that a tree reads, directly or through others, become equations before the stream.
bool StreamBuilder::defineParts(const Tree *tree) {
  if (tree->is(TreeKind::Read))
    if (const Finish *part = parts.lookup(tree->text); part && !scope.tensors.count(tree->text))
      if (!definePart(*part))
        return false;
  return llvm::all_of(tree->args, [&](const Tree *arg) { return defineParts(arg); });
}

bool StreamBuilder::definePart(const Finish &part) {
  if (!defineParts(part.value) || !defineParts(part.presence))
    return false;
  OpBuilder::InsertionGuard guard(b);
  if (stream) // of which moveEquationsIn takes in what its tiles do not share
    b.setInsertionPoint(stream);
  EinsumOp einsum = emitEquation(part.tensor, part.coords, part.value, part.value->scalar, part.presence);
  if (!einsum)
    return false;
  scope.tensors[part.tensor] = einsum.getResult();
  return true;
}

/// The exponent with its domain as an equation, which a reference and the sums relative to it share.
bool StreamBuilder::emitExponent(const Accumulator &accumulator, const Tree *exponent) {
  const Tree *&read = exponents[{exponent, accumulator.domain}];
  if (read)
    return true;
  std::vector<StringRef> free = freeCoordinates(exponent);
  for (StringRef coordinate : freeCoordinates(accumulator.domain))
    if (!llvm::is_contained(free, coordinate))
      free.push_back(coordinate);
  Names coords;
  for (StringRef coordinate : free)
    if (coordinate != streaming.coordinate)
      coords.push_back(coordinate.str());
  coords.push_back(streaming.coordinate);
  std::string name = "$E" + std::to_string(exponents.size());
  EinsumOp einsum =
      emitEquation(StringRef(name).drop_front(), coords, exponent, ScalarKind::Real, accumulator.domain);
  if (!einsum)
    return false;
  scope.tensors[name] = einsum.getResult();
  SmallVector<const Tree *> indices;
  for (const std::string &coordinate : coords)
    indices.push_back(model.arena->coordinate(coordinate));
  read = model.arena->get(TreeKind::Read, ScalarKind::Real, name, indices);
  return true;
}

bool StreamBuilder::emitAccumulator(const Accumulator &a) {
  Accumulation op = *symbolizeAccumulation(a.op);
  bool isRef = op == Accumulation::Ref, weighted = a.exponent;
  if (!defineParts(a.body) || !defineParts(a.domain) || (weighted && !defineParts(a.exponent)))
    return false;
  const Tree *exponent = isRef ? a.body : a.exponent;
  if (exponent && !emitExponent(a, exponent))
    return false;
  Names over{streaming.coordinate};
  over.insert(over.end(), a.inner.begin(), a.inner.end());
  SmallVector<Value> extents = extentsOf(a.coords), overExtents = extentsOf(over);
  if (llvm::is_contained(extents, Value()) || llvm::is_contained(overExtents, Value()))
    return false;
  bool isArg = givesCoordinate(op);
  bool logical = op == Accumulation::Any || op == Accumulation::All;
  ScalarKind kind = logical ? ScalarKind::Bool : exponent ? ScalarKind::Real : a.body->scalar;
  if ((isArg && over.size() != 1) || (kind == ScalarKind::Bool && !logical))
    return false;
  Type element = scope.typeOf(isArg ? ScalarKind::Integer : kind, b.getContext());
  Value reference;
  ArrayAttr referenceCoords;
  if (weighted) {
    reference = scope.tensors.lookup(a.reference);
    auto other =
        llvm::find_if(streaming.accumulators, [&](const Accumulator &r) { return r.name == a.reference; });
    if (!reference || other == streaming.accumulators.end() ||
        !llvm::all_of(other->coords, [&](const std::string &c) { return llvm::is_contained(a.coords, c); }))
      return false;
    referenceCoords = namesOf(other->coords);
  }
  auto lam = weighted && a.lam != "1" ? b.getStringAttr(a.lam) : StringAttr();
  auto accumulate = AccumulateOp::create(
      b, typeOf(a.coords, extents, element), AccumulationAttr::get(b.getContext(), op),
      b.getStringAttr(StringRef(a.name).ltrim('$')), namesOf(a.coords), extents, namesOf(over), overExtents,
      reference, ValueRange(), referenceCoords, lam, op == Accumulation::Max ? b.getUnitAttr() : UnitAttr());
  scope.tensors[a.name] = accumulate.getResult();
  OpBuilder::InsertionGuard guard(b);
  unsigned arguments = a.coords.size() + over.size();
  Block *block = b.createBlock(&accumulate.getBody(), {}, SmallVector<Type>(arguments, b.getI64Type()),
                               SmallVector<Location>(arguments, b.getLoc()));
  TreeEmitter emitter(b, model, scope);
  for (auto [i, coordinate] : llvm::enumerate(a.coords))
    emitter.bind(coordinate, block->getArgument(i));
  for (auto [i, coordinate] : llvm::enumerate(over))
    emitter.bind(coordinate, block->getArgument(a.coords.size() + i));
  const Tree *shared = exponent ? exponents[{exponent, a.domain}] : nullptr;
  SmallVector<Value> values{emitter.emit(isRef ? shared : a.body, kind)};
  if (weighted)
    values.push_back(emitter.emit(shared));
  else if (!isRef && values[0])
    values[0] = emitter.emitWhere(values[0], a.domain);
  if (llvm::is_contained(values, Value()))
    return false;
  YieldOp::create(b, values);
  return true;
}

bool StreamBuilder::emitFinish() {
  for (const Finish &output : streaming.outputs) {
    if (!isNeeded(output))
      continue;
    Value original = scope.tensors.lookup(output.tensor);
    const CascadeModel::Tensor *tensor = model.getTensor(output.tensor);
    if (!original || !tensor || !defineParts(output.value) || !defineParts(output.presence))
      return false;
    auto type = cast<RankedTensorType>(original.getType());
    Type element = getScalarType(type.getElementType());
    if (scope.wide && isa<FloatType>(element))
      element = b.getF64Type();
    type = RankedTensorType::get(type.getShape(), element);
    ScalarKind kind = isa<FloatType>(element) ? ScalarKind::Real
                      : element.isInteger(1)  ? ScalarKind::Bool
                                              : ScalarKind::Integer;
    const Tree *value = balanceExponentials(output.value, *model.arena, [&](StringRef name) {
      return llvm::any_of(streaming.accumulators,
                          [&](const Accumulator &a) { return a.name == name && a.op == "ref"; });
    });
    EinsumOp einsum = emitEquation(output.tensor, output.coords, value, kind, output.presence, element);
    if (!einsum)
      return false;
    einsum.getResult().setType(type);
    finished.push_back({&output, einsum.getResult()});
  }
  return true;
}

bool StreamBuilder::emitBody() {
  for (const Accumulator &accumulator : streaming.accumulators)
    if (!emitAccumulator(accumulator))
      return false;
  return emitFinish();
}

StreamOp StreamBuilder::emit() {
  Value extent = scope.extentOf(model, streaming.coordinate);
  if (!extent)
    return {};
  ArrayAttr over = namesOf({streaming.coordinate});
  stream = StreamOp::create(b, TypeRange(), b.getStringAttr(streaming.rank), over, ValueRange{extent},
                            Attribute(), DictionaryAttr());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&stream.getBody());
  if (!emitBody())
    return {};
  SmallVector<Value> values;
  for (auto &[output, value] : finished)
    values.push_back(value);
  b.setInsertionPointToEnd(&stream.getBody().front());
  YieldOp::create(b, values);
  sortBody(stream);
  b.setInsertionPoint(stream);
  auto whole = StreamOp::create(b, TypeRange(ValueRange(values)), stream.getRankAttr(), over,
                                stream.getExtents(), Attribute(), toAttribute(streaming, model));
  whole.getBody().takeBody(stream.getBody());
  stream.erase();
  return stream = whole;
}
