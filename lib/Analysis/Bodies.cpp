//===- Bodies.cpp - what an equation's body depends on --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Bodies.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

//===----------------------------------------------------------------------===//
// Coordinates and equations
//===----------------------------------------------------------------------===//

Value weir::getDefinition(Value tensor) {
  while (isa_and_nonnull<RecurrenceOp, StreamOp>(tensor.getDefiningOp())) {
    Operation *yield = tensor.getDefiningOp()->getRegion(0).front().getTerminator();
    tensor = yield->getOperand(cast<OpResult>(tensor).getResultNumber());
  }
  return tensor;
}

Operation *weir::getEquation(Value tensor) { return getDefinition(tensor).getDefiningOp(); }

Operation *weir::getItem(Operation *op) {
  while (!isa<func::FuncOp>(op->getParentOp()))
    op = op->getParentOp();
  return op;
}

bool weir::isReadOutside(Value tensor, function_ref<bool(Operation *)> isInside) {
  for (Operation *user : tensor.getUsers()) {
    if (isa<YieldOp>(user) && isa<RecurrenceOp, StreamOp>(user->getParentOp())) {
      for (auto [inner, outer] : llvm::zip(user->getOperands(), user->getParentOp()->getResults()))
        if (inner == tensor && isReadOutside(outer, isInside))
          return true;
      continue;
    }
    Operation *item = getItem(user);
    if (!isa<GivenOp>(item) && !isInside(item))
      return true;
  }
  return false;
}

std::pair<ArrayAttr, ValueRange> weir::getLeftSide(Operation *equation) {
  if (auto einsum = dyn_cast<EinsumOp>(equation))
    return {einsum.getCoords(), einsum.getExtents()};
  if (auto accumulate = dyn_cast<AccumulateOp>(equation))
    return {accumulate.getCoords(), accumulate.getExtents()};
  auto topk = cast<ArgtopkOp>(equation);
  return {topk.getCoords(), topk.getExtents()};
}

Value weir::getExtent(BlockArgument coordinate) {
  Operation *owner = coordinate.getOwner()->getParentOp();
  unsigned i = coordinate.getArgNumber();
  if (auto einsum = dyn_cast<EinsumOp>(owner))
    return einsum.getExtents()[i];
  if (auto given = dyn_cast<GivenOp>(owner))
    return given.getExtents()[i];
  if (auto reduce = dyn_cast<ReduceOp>(owner))
    return reduce.getExtents()[i];
  if (auto topk = dyn_cast<ArgtopkOp>(owner))
    return i + 1 < topk.getExtents().size() ? topk.getExtents()[i] : topk.getOverExtent();
  if (auto accumulate = dyn_cast<AccumulateOp>(owner)) {
    unsigned kept = accumulate.getExtents().size();
    return i < kept ? accumulate.getExtents()[i] : accumulate.getOverExtents()[i - kept];
  }
  return {};
}

StringRef weir::getCoordinateName(BlockArgument coordinate) {
  Operation *owner = coordinate.getOwner()->getParentOp();
  unsigned i = coordinate.getArgNumber();
  auto name = [](ArrayAttr names, unsigned i) { return cast<StringAttr>(names[i]).getValue(); };
  if (auto einsum = dyn_cast<EinsumOp>(owner))
    return name(einsum.getCoords(), i);
  if (auto given = dyn_cast<GivenOp>(owner))
    return name(given.getCoords(), i);
  if (auto reduce = dyn_cast<ReduceOp>(owner))
    return name(reduce.getCoords(), i);
  if (auto topk = dyn_cast<ArgtopkOp>(owner))
    return i + 1 < topk.getExtents().size() ? name(topk.getCoords(), i) : name(topk.getOver(), 0);
  if (auto accumulate = dyn_cast<AccumulateOp>(owner)) {
    unsigned kept = accumulate.getCoords().size();
    return i < kept ? name(accumulate.getCoords(), i) : name(accumulate.getOver(), i - kept);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Dependence
//===----------------------------------------------------------------------===//

const Dependence::Set &Dependence::of(Value value) {
  auto it = sets.find(value);
  if (it != sets.end())
    return *it->second;
  auto set = std::make_unique<Set>();
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (getExtent(arg))
      set->insert(value);
  } else if (Operation *op = value.getDefiningOp();
             op->getParentOfType<EinsumOp>() || op->getParentOfType<AccumulateOp>() ||
             op->getParentOfType<ArgtopkOp>() || op->getParentOfType<GivenOp>()) {
    // A tensor operand has no coordinates of its own: only scalars are walked.
    auto add = [&](Value v) {
      if (!isa<TensorType>(v.getType()))
        for (Value c : of(v))
          set->insert(c);
    };
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      add(reduce.getYield().getValues()[0]);
      for (BlockArgument own : reduce.getBody().getArguments())
        set->erase(own);
    } else {
      for (Value operand : op->getOperands())
        add(operand);
    }
  }
  return *(sets[value] = std::move(set));
}

std::optional<int64_t> weir::getLiteral(Value value) {
  auto literal = value.getDefiningOp<LiteralOp>();
  int64_t number;
  if (!literal || literal.getText().getAsInteger(0, number))
    return std::nullopt;
  return number;
}

std::optional<int> weir::getStep(Value index, Value coordinate, Dependence &dependence) {
  if (index == coordinate)
    return 1;
  if (!dependence.dependsOn(index, coordinate))
    return 0;
  auto map = index.getDefiningOp<MapOp>();
  if (!map || !llvm::is_contained({Fn::Add, Fn::Sub}, map.getFn()))
    return std::nullopt;
  auto lhs = getStep(map.getOperands_()[0], coordinate, dependence);
  auto rhs = getStep(map.getOperands_()[1], coordinate, dependence);
  if (!lhs || !rhs)
    return std::nullopt;
  int step = map.getFn() == Fn::Add ? *lhs + *rhs : *lhs - *rhs;
  return step == 0 || step == 1 ? std::optional<int>(step) : std::nullopt;
}

static bool isHeavyUpTo(Value value, unsigned &budget) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getDialect()->getNamespace() != AttnDialect::getDialectNamespace() || isa<EinsumOp>(op))
    return false;
  if (isa<ReduceOp>(op) || budget == 0)
    return true;
  --budget;
  return llvm::any_of(op->getOperands(),
                      [&](Value v) { return !isa<TensorType>(v.getType()) && isHeavyUpTo(v, budget); });
}

bool weir::isHeavy(Value value) {
  unsigned budget = 64; // nodes; a larger tree is heavy by itself
  return isHeavyUpTo(value, budget);
}

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

Extents::Extents(func::FuncOp cascade) : cascade(cascade) {}

static std::string constantName(int64_t value) { return "=" + std::to_string(value); }

std::optional<int64_t> Extents::constant(StringRef name) {
  int64_t value;
  if (name.consume_front("=") && !name.getAsInteger(10, value))
    return value;
  return std::nullopt;
}

std::string Extents::ofInput(BlockArgument tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return constantName(type.getDimSize(dim));
  if (auto ranks = cascade.getArgAttrOfType<ArrayAttr>(tensor.getArgNumber(), kRanks))
    return ("rank " + cast<StringAttr>(ranks[dim]).getValue()).str();
  return "dim " + std::to_string(tensor.getArgNumber()) + "." + std::to_string(dim);
}

std::string Extents::of(Value extent) {
  APInt constant;
  if (matchPattern(extent, m_ConstantInt(&constant)))
    return constantName(constant.getSExtValue());
  if (auto literal = getLiteral(extent))
    return constantName(*literal);
  if (auto dim = extent.getDefiningOp<tensor::DimOp>())
    if (auto arg = dyn_cast<BlockArgument>(dim.getSource()))
      if (std::optional<int64_t> i =
              dim.getConstantIndex(); // out of bounds is no error in MLIR, but undefined
          i && *i >= 0 && *i < cast<RankedTensorType>(arg.getType()).getRank())
        return ofInput(arg, *i);
  if (auto cast = extent.getDefiningOp<arith::IndexCastOp>())
    return of(cast.getIn());
  if (auto rank = extent.getDefiningOp<RankOp>())
    return of(rank.getValue());
  if (auto map = extent.getDefiningOp<MapOp>()) { // equal expressions are equal extents
    std::string name = stringifyFn(map.getFn()).str() + "(";
    for (Value operand : map.getOperands_())
      name += of(operand) + ",";
    return name + ")";
  }
  return "value " + std::to_string(reinterpret_cast<uintptr_t>(extent.getAsOpaquePointer()));
}

std::string Extents::ofDim(Value tensor, int64_t dim) {
  tensor = getDefinition(tensor);
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return ofInput(arg, dim);
  Operation *op = tensor.getDefiningOp();
  if (auto einsum = dyn_cast<EinsumOp>(op))
    return of(einsum.getExtents()[dim]);
  if (auto accumulate = dyn_cast<AccumulateOp>(op))
    return of(accumulate.getExtents()[dim]);
  if (auto topk = dyn_cast<ArgtopkOp>(op))
    return of(topk.getExtents()[dim]);
  return "dim " + std::to_string(reinterpret_cast<uintptr_t>(op)) + "." + std::to_string(dim);
}

//===----------------------------------------------------------------------===//
// Presence
//===----------------------------------------------------------------------===//

static Presence both(Presence a, const Presence &b) {
  if (!a || !b)
    return std::nullopt;
  a->insert(b->begin(), b->end());
  return a;
}

/// Of a value that is present where one of two is, or where both are.
static Presence same(const Presence &a, const Presence &b) { return a == b ? a : std::nullopt; }

/// Without the extents of coordinates that are bound where the value is asked for.
static Presence within(Presence p, ValueRange bound, Extents &extents) {
  if (p)
    for (Value extent : bound)
      p->erase(extents.of(extent));
  return p;
}

/// Of a reduction of what is present everywhere: there has to be a coordinate.
static Presence overExtents(Presence p, ValueRange reduced, Extents &extents) {
  if (!p)
    return p;
  for (Value extent : reduced) {
    std::string name = extents.of(extent);
    auto size = Extents::constant(name);
    if (size && *size == 0)
      return std::nullopt;
    if (!size)
      p->insert(name);
  }
  return p;
}

/// Where an extent is positive; none where it is 0, or no extent but some value.
static Presence whereNotEmpty(StringRef name) {
  if (std::optional<int64_t> size = Extents::constant(name))
    return *size > 0 ? Presence(std::in_place) : std::nullopt;
  return name.starts_with("rank ") || name.starts_with("dim ") ? Presence({name.str()}) : std::nullopt;
}

Presence Presences::inside(ReadOp read, unsigned k) {
  const Presence always(std::in_place);
  Value index = read.getIndices()[k];
  std::string dim = extents.ofDim(read.getSource(), k);
  auto isCoordinate = [&](Value value, StringRef name) {
    auto arg = dyn_cast<BlockArgument>(value);
    Value extent = arg ? getExtent(arg) : Value();
    return extent && extents.of(extent) == name;
  };
  if (isCoordinate(index, dim))
    return always;
  if (auto literal = getLiteral(index))
    if (auto size = Extents::constant(dim))
      return *literal >= 0 && *literal < *size ? always : std::nullopt;
  // h*G/H, with h below H, is below G.
  auto quotient = index.getDefiningOp<MapOp>();
  if (!quotient || quotient.getFn() != Fn::Floordiv)
    return std::nullopt;
  auto product = quotient.getOperands_()[0].getDefiningOp<MapOp>();
  if (!product || product.getFn() != Fn::Mul)
    return std::nullopt;
  std::string divisor = extents.of(quotient.getOperands_()[1]);
  for (unsigned i : {0, 1})
    if (isCoordinate(product.getOperands_()[i], divisor) && extents.of(product.getOperands_()[1 - i]) == dim)
      return whereNotEmpty(dim);
  return std::nullopt;
}

bool Presences::isInside(ReadOp read, unsigned k) {
  Presence p = inside(read, k);
  return p && p->empty();
}

Presence Presences::of(Value scalar) {
  auto it = known.find(scalar);
  if (it != known.end())
    return it->second;
  known[scalar] = std::nullopt; // a value that depends on itself through a recurrence
  Presence p = compute(scalar);
  known[scalar] = p;
  return p;
}

Presence Presences::ofTensor(Value tensor) {
  tensor = getDefinition(tensor);
  if (isa<BlockArgument>(tensor))
    return Presence(std::in_place);
  auto it = tensors.find(tensor);
  if (it != tensors.end())
    return it->second;
  tensors[tensor] = std::nullopt;
  Presence p;
  if (auto einsum = tensor.getDefiningOp<EinsumOp>())
    p = within(of(einsum.getYield().getValues()[0]), einsum.getExtents(), extents);
  if (auto accumulate = tensor.getDefiningOp<AccumulateOp>()) {
    p.emplace();
    for (Value value : accumulate.getYield().getValues())
      p = both(p, of(value));
    p = overExtents(within(p, accumulate.getOverExtents(), extents), accumulate.getOverExtents(), extents);
    p = within(p, accumulate.getExtents(), extents);
  }
  tensors[tensor] = p;
  return p;
}

Presence Presences::compute(Value scalar) {
  const Presence always(std::in_place);
  Operation *op = scalar.getDefiningOp();
  if (!op || isa<LiteralOp, IsabsentOp, NotOp>(op) || !isa<AttnDialect>(op->getDialect()))
    return always;
  if (auto read = dyn_cast<ReadOp>(op)) {
    Presence p = ofTensor(read.getSource());
    for (auto [k, index] : llvm::enumerate(read.getIndices()))
      p = both(p, both(inside(read, k), of(index)));
    // The read happens inside its own coordinates' loops.
    if (p)
      for (Value index : read.getIndices())
        if (auto arg = dyn_cast<BlockArgument>(index))
          p = within(p, getExtent(arg), extents);
    return p;
  }
  if (auto map = dyn_cast<MapOp>(op)) {
    Presence p = always;
    for (Value operand : map.getOperands_())
      p = both(p, of(operand));
    if (!llvm::is_contained({Fn::Floordiv, Fn::Mod}, map.getFn()) ||
        getLiteral(map.getOperands_()[1]).value_or(0) != 0)
      return p;
    return both(p, whereNotEmpty(extents.of(map.getOperands_()[1])));
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    if (llvm::is_contained({Reduction::Count, Reduction::Any, Reduction::All}, reduce.getReduction()))
      return always;
    Presence p = within(of(reduce.getYield().getValues()[0]), reduce.getExtents(), extents);
    return overExtents(p, reduce.getExtents(), extents);
  }
  if (auto cast = dyn_cast<CastOp>(op))
    return of(cast.getValue());
  if (auto orElse = dyn_cast<ElseOp>(op)) {
    Presence first = of(orElse.getValue()), second = of(orElse.getOtherwise());
    return first && first->empty() ? first : second && second->empty() ? second : same(first, second);
  }
  if (auto select = dyn_cast<SelectOp>(op)) // which side counts is not known
    return same(of(select.getThenValue()), of(select.getElseValue()));
  if (isa<AndOp, OrOp>(op)) // one side may decide alone
    return same(of(op->getOperand(0)), of(op->getOperand(1)));
  return std::nullopt; // attn.where, and whatever else has a domain of its own
}
