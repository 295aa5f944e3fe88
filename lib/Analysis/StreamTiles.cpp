//===- StreamTiles.cpp - streams that are products of matrices ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

constexpr int64_t kMaxInner = 512; ///< a longer inner coordinate would not fit the tiles of a thread

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

StreamTiles::Role StreamTiles::roleOf(BlockArgument coordinate) const {
  if (isa<ReduceOp>(coordinate.getOwner()->getParentOp()))
    return Role::Inner;
  StringRef name = getCoordinateName(coordinate);
  if (name == row)
    return Role::Row;
  if (name == key)
    return Role::Key;
  return llvm::any_of(outer, [&](auto &o) { return o.first == name; }) ? Role::Outer : Role::Inner;
}

bool StreamTiles::dependsOn(Value value, Role role) const {
  return llvm::any_of(dependence->of(value), [&](Value c) { return roleOf(cast<BlockArgument>(c)) == role; });
}

StreamTiles::Pieces StreamTiles::piecesOf(AccumulateOp op) const {
  bool isRef = op.getAccumulation() == Accumulation::Ref;
  bool isReference =
      isRef || llvm::any_of(state, [&](AccumulateOp other) { return other.getReference() == op.getResult(); });
  bool isAlwaysThere =
      llvm::all_of(op.getYield().getValues(), [&](Value v) { return presences->of(v).has_value(); });
  return {!isRef, !products.find(op)->second.right.empty(), isReference, !isAlwaysThere};
}

Value StreamTiles::ownTensor(ReadOp read) const {
  Operation *op = read.getSource().getDefiningOp();
  return op && op->getParentOp() == stream ? read.getSource() : Value();
}

SetVector<Value> StreamTiles::sourcesOf(Value value) const {
  SetVector<Value> found, seen;
  std::function<void(Value)> visit = [&](Value v) {
    Operation *op = v.getDefiningOp();
    if (!op || isa<TensorType>(v.getType()) || !seen.insert(v))
      return;
    if (isa<ReduceOp>(op)) {
      found.insert(v);
      return;
    }
    if (auto read = dyn_cast<ReadOp>(op))
      if (Value tensor = ownTensor(read)) {
        found.insert(tensor);
        return;
      }
    for (Value operand : op->getOperands())
      visit(operand);
  };
  visit(value);
  return found;
}

bool StreamTiles::hasOuterAndRow(ArrayAttr names) const {
  auto has = [&](StringRef name) {
    return llvm::any_of(names, [&](Attribute a) { return cast<StringAttr>(a).getValue() == name; });
  };
  return has(row) && llvm::all_of(outer, [&](auto &o) { return has(o.first); });
}

/// Whether a read of one of the stream's tensors is at the reader's own coordinates of the same names.
bool StreamTiles::isOwnIdentity(ReadOp read) const {
  Operation *producer = read.getSource().getDefiningOp();
  auto [names, ends] = getLeftSide(producer);
  for (auto [index, name, end] : llvm::zip(read.getIndices(), names.getAsRange<StringAttr>(), ends)) {
    auto arg = dyn_cast<BlockArgument>(index);
    if (!arg || isa<ReduceOp>(arg.getOwner()->getParentOp()) || getCoordinateName(arg) != name.getValue() ||
        extents->of(getExtent(arg)) != extents->of(end))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Judgements
//===----------------------------------------------------------------------===//

/// Elementwise in row and key. Where a value is present must not hang on the values of tiles: it is asked again where it is needed.
bool StreamTiles::judgeElementwise(Value value) {
  if (dependsOn(value, Role::Inner))
    return false;
  SetVector<Value> seen;
  std::function<bool(Value)> visit = [&](Value v) -> bool {
    Operation *op = v.getDefiningOp();
    if (!op || isa<TensorType>(v.getType()) || !isa<AttnDialect>(op->getDialect()) || !seen.insert(v))
      return true;
    if (auto reduce = dyn_cast<ReduceOp>(op))
      return judgeSum(reduce);
    if (auto read = dyn_cast<ReadOp>(op)) {
      if (ownTensor(read))
        return llvm::is_contained(body, read.getSource().getDefiningOp()) && isOwnIdentity(read);
      for (unsigned k = 0; k < read.getIndices().size(); ++k)
        if (!presences->isInside(read, k))
          return false;
      return true;
    }
    if (auto where = dyn_cast<WhereOp>(op); where && !sourcesOf(where.getPredicate()).empty())
      return false;
    if (auto select = dyn_cast<SelectOp>(op))
      if (!presences->of(v) && !sourcesOf(select.getCondition()).empty())
        return false;
    if (auto map = dyn_cast<MapOp>(op))
      if ((map.getFn() == Fn::Floordiv || map.getFn() == Fn::Mod) && !sourcesOf(map.getOperands_()[1]).empty())
        return false;
    return llvm::all_of(op->getOperands(), visit);
  };
  return visit(value);
}

/// A factor of a product: present everywhere, but for indices that are the same in the whole block.
bool StreamTiles::judgeFactor(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<AttnDialect>(op->getDialect()) || isa<LiteralOp>(op))
    return true;
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (ownTensor(read) || !presences->ofTensor(read.getSource()))
      return false;
    for (unsigned k = 0; k < read.getIndices().size(); ++k) {
      Value index = read.getIndices()[k];
      bool same = llvm::none_of(ArrayRef<Role>{Role::Row, Role::Key, Role::Inner},
                                [&](Role role) { return dependsOn(index, role); });
      if (same ? !judgeFinish(index) : !presences->isInside(read, k))
        return false;
    }
    return true;
  }
  if (auto map = dyn_cast<MapOp>(op))
    return map.getFn() != Fn::Floordiv && map.getFn() != Fn::Mod && llvm::all_of(op->getOperands(), [&](Value v) {
             return judgeFactor(v);
           });
  return isa<CastOp>(op) && judgeFactor(op->getOperand(0));
}

void StreamTiles::flatten(Value value, Product &product, bool quotients) const {
  if (auto map = value.getDefiningOp<MapOp>(); map && map.getFn() == Fn::Mul && isa<FloatType>(value.getType())) {
    flatten(map.getOperands_()[0], product, quotients);
    flatten(map.getOperands_()[1], product, quotients);
    return;
  }
  if (auto map = value.getDefiningOp<MapOp>(); map && map.getFn() == Fn::Div && quotients) {
    flatten(map.getOperands_()[0], product, quotients);
    product.divisors.push_back(map.getOperands_()[1]);
    return;
  }
  if (auto where = value.getDefiningOp<WhereOp>()) {
    product.conditions.push_back(where.getPredicate());
    flatten(where.getValue(), product, quotients);
    return;
  }
  product.left.push_back(value);
}

bool StreamTiles::judgeInner(Value extent, Product &product) {
  auto constant = Extents::constant(extents->of(extent));
  product.inner = constant.value_or(ShapedType::kDynamic);
  product.innerExtent = extent;
  return !constant || (*constant >= 1 && *constant <= kMaxInner);
}

bool StreamTiles::judgeSum(ReduceOp reduce) {
  if (products.count(reduce))
    return true;
  Product all, split;
  if (reduce.getReduction() != Reduction::Sum || reduce.getExtents().size() != 1 || reduce.getType() != real ||
      !judgeInner(reduce.getExtents()[0], split))
    return false;
  flatten(reduce.getYield().getValues()[0], all, /*quotients=*/true);
  if (!all.conditions.empty())
    return false;
  for (Value divisor : all.divisors)
    if (dependsOn(divisor, Role::Key) || !judgeFactor(divisor))
      return false;
  split.divisors = all.divisors;
  for (Value factor : all.left) {
    bool ofKey = dependsOn(factor, Role::Key), ofRow = dependsOn(factor, Role::Row);
    if ((ofKey && ofRow) || !judgeFactor(factor))
      return false;
    (ofKey ? split.right : split.left).push_back(factor);
  }
  if (split.left.empty() || split.right.empty())
    return false;
  products[reduce] = split;
  sums.push_back(reduce);
  return true;
}

bool StreamTiles::judgeState(AccumulateOp op) {
  if (!op.getFrom().empty() || !hasOuterAndRow(op.getCoords()) || op.getOver().size() != 1 ||
      cast<RankedTensorType>(op.getType()).getElementType() != real)
    return false;
  Value value = op.getYield().getValues()[0];
  SmallVector<Value> features;
  for (BlockArgument arg : op.getBody().getArguments())
    if (roleOf(arg) == Role::Inner)
      features.push_back(arg);
  if (op.getReference()) {
    Value exponent = op.getYield().getValues()[1];
    for (auto [name, own] : llvm::zip(*op.getReferenceCoords(), op.getReference().getDefiningOp<AccumulateOp>().getCoords()))
      if (name != own)
        return false;
    if (exponent.getType() != real || sourcesOf(exponent).empty() || !judgeElementwise(exponent))
      return false;
  } else if (sourcesOf(value).empty()) {
    return false;
  }
  using A = Accumulation;
  if (!llvm::is_contained({A::Sum, A::Ref, A::Max, A::Min}, op.getAccumulation()) || features.size() > 1)
    return false;
  Product all, split;
  if (features.empty()) {
    split.left.push_back(value);
    products[op] = split;
    return judgeElementwise(value);
  }
  if (op.getAccumulation() != A::Sum || !judgeInner(getExtent(cast<BlockArgument>(features[0])), split))
    return false;
  flatten(value, all, /*quotients=*/false);
  split.conditions = all.conditions;
  for (Value factor : all.left) {
    bool right = dependsOn(factor, Role::Inner);
    if (right ? dependsOn(factor, Role::Row) || !judgeFactor(factor) : !judgeElementwise(factor))
      return false;
    (right ? split.right : split.left).push_back(factor);
  }
  for (Value condition : split.conditions)
    if (!sourcesOf(condition).empty() || !judgeElementwise(condition))
      return false;
  bool hasTile = op.getReference() || llvm::any_of(split.left, [&](Value v) { return !sourcesOf(v).empty(); });
  products[op] = split;
  return hasTile && !split.right.empty();
}

/// Scalars of a row (and a feature) that read the state at its own coordinates.
bool StreamTiles::judgeFinish(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<TensorType>(value.getType()) || !isa<AttnDialect>(op->getDialect()))
    return true;
  if (isa<ReduceOp>(op))
    return false;
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (ownTensor(read))
      return isOwnIdentity(read);
    for (unsigned k = 0; k < read.getIndices().size(); ++k)
      if (!presences->isInside(read, k))
        return false;
    return true;
  }
  return llvm::all_of(op->getOperands(), [&](Value v) { return judgeFinish(v); });
}

//===----------------------------------------------------------------------===//
// Choice of the row
//===----------------------------------------------------------------------===//

bool StreamTiles::choose(StringRef name) {
  row = name;
  products.clear();
  sums.clear();
  for (EinsumOp einsum : body)
    if (!hasOuterAndRow(einsum.getCoords()) || einsum.getCoords().size() != outer.size() + 2 ||
        cast<RankedTensorType>(einsum.getType()).getElementType() != real ||
        einsum.getYield().getValues()[0].getType() != real || !judgeElementwise(einsum.getYield().getValues()[0]))
      return false;
  for (AccumulateOp accumulate : state)
    if (!judgeState(accumulate))
      return false;
  for (EinsumOp einsum : finish) {
    unsigned features = einsum.getCoords().size() - std::min<size_t>(einsum.getCoords().size(), outer.size() + 1);
    if (!hasOuterAndRow(einsum.getCoords()) || features > 1 || !judgeFinish(einsum.getYield().getValues()[0]))
      return false;
    Type element = cast<RankedTensorType>(einsum.getType()).getElementType();
    if (element != einsum.getYield().getValues()[0].getType())
      return false;
  }
  return !sums.empty(); // without a product of matrices the generic road does as well
}

std::optional<StreamTiles> StreamTiles::of(StreamOp stream, Extents &extents, Dependence &dependence,
                                           Presences &presences) {
  StreamTiles plan;
  plan.stream = stream;
  plan.extents = &extents;
  plan.dependence = &dependence;
  plan.presences = &presences;
  if (stream.getOver().size() != 1)
    return std::nullopt;
  plan.key = cast<StringAttr>(stream.getOver()[0]).getValue();
  plan.keyExtent = stream.getExtents()[0];
  for (Operation &op : stream.getBody().front().without_terminator()) {
    if (auto accumulate = dyn_cast<AccumulateOp>(op))
      plan.state.push_back(accumulate);
    else if (auto einsum = cast<EinsumOp>(op); llvm::is_contained(einsum.getCoords(), stream.getOver()[0]))
      plan.body.push_back(einsum);
    else
      plan.finish.push_back(einsum);
  }
  if (plan.state.empty() || plan.body.empty())
    return std::nullopt;
  plan.real = cast<RankedTensorType>(plan.state[0].getType()).getElementType();
  if (!plan.real.isF32() && !plan.real.isF64())
    return std::nullopt;
  auto [names, ends] = getLeftSide(plan.body[0]);
  SmallVector<std::pair<StringRef, Value>> rows;
  for (auto [name, end] : llvm::zip(names.getAsRange<StringAttr>(), ends))
    if (name.getValue() != plan.key)
      rows.push_back({name.getValue(), end});
  // The innermost coordinate that can be; one that is known to be a single row only where no other is more.
  std::optional<StreamTiles> single;
  for (unsigned k = rows.size(); k-- > 0;) {
    auto length = Extents::constant(extents.of(rows[k].second));
    if (single && length.value_or(1) <= 1)
      continue;
    plan.outer = rows;
    plan.outer.erase(plan.outer.begin() + k);
    plan.rowExtent = rows[k].second;
    if (!plan.choose(rows[k].first))
      continue;
    if (length != 1)
      return plan;
    single = plan;
  }
  return single;
}
