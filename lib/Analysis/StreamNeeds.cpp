//===- StreamNeeds.cpp - what an accumulator of a stream in tiles needs ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

SmallVector<Value> StreamTiles::partsOf(AccumulateOp op) const {
  const Product &product = products.find(op)->second;
  SmallVector<Value> parts(product.conditions);
  llvm::append_range(parts, product.left);
  if (op.getReference())
    parts.push_back(op.getYield().getValues()[1]);
  return parts;
}

/// The equation of the stream's body that a read reads, if it is such a read.
EinsumOp StreamTiles::ownEquation(Operation *op) const {
  auto read = dyn_cast_or_null<ReadOp>(op);
  Value tensor = read ? ownTensor(read) : Value();
  auto einsum = tensor ? tensor.getDefiningOp<EinsumOp>() : EinsumOp();
  return einsum && llvm::is_contained(body, einsum) ? einsum : EinsumOp();
}

/// Whether two values of the stream's bodies are the same function of coordinates: what equations copy from each other.
static bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  auto x = dyn_cast<BlockArgument>(a), y = dyn_cast<BlockArgument>(b);
  if (x || y) // those of the function are one value
    return x && y && isa<AttnDialect>(x.getOwner()->getParentOp()->getDialect()) &&
           isa<AttnDialect>(y.getOwner()->getParentOp()->getDialect()) && getCoordinateName(x) == getCoordinateName(y);
  Operation *p = a.getDefiningOp(), *q = b.getDefiningOp();
  return p->getName() == q->getName() && p->getAttrDictionary() == q->getAttrDictionary() && !p->getNumRegions() && !q->getNumRegions() &&
         llvm::equal(p->getOperands(), q->getOperands(), isSame);
}

void StreamTiles::collectNeeded(Value v, SetVector<Value> &found) const {
  Operation *op = v.getDefiningOp();
  if (auto where = dyn_cast_or_null<WhereOp>(op)) {
    if (llvm::none_of(found, [&](Value other) { return isSame(where.getPredicate(), other); }))
      found.insert(where.getPredicate());
    collectNeeded(where.getValue(), found);
  } else if (EinsumOp einsum = ownEquation(op)) {
    collectNeeded(einsum.getYield().getValues()[0], found);
  } else if (isa_and_nonnull<MapOp, CastOp>(op)) {
    for (Value operand : op->getOperands())
      collectNeeded(operand, found);
  }
}

SmallVector<Value> StreamTiles::neededBy(AccumulateOp op) const {
  SetVector<Value> found;
  for (Value v : op.getYield().getValues())
    collectNeeded(v, found);
  return found.takeVector();
}

SmallVector<SmallVector<Value>> StreamTiles::needed() const {
  SmallVector<SmallVector<Value>> all;
  for (AccumulateOp op : state)
    if (auto own = neededBy(op); !llvm::is_contained(all, own))
      all.push_back(own);
  return all;
}

/// Whether a value grows with the key (1), falls (-1), or is the same for all (0); nothing: it does neither, or is not known to.
std::optional<int> StreamTiles::slopeOf(Value value) const {
  if (!dependsOn(value, Role::Key))
    return 0;
  if (isa<BlockArgument>(value))
    return 1;
  auto map = value.getDefiningOp<MapOp>();
  if (!map)
    return std::nullopt;
  auto operands = map.getOperands_();
  std::optional<int> first = slopeOf(operands[0]), second = operands.size() > 1 ? slopeOf(operands[1]) : 0;
  if (!first || !second)
    return std::nullopt;
  std::optional<int64_t> number = operands.size() > 1 ? getLiteral(operands[1]) : std::nullopt;
  switch (map.getFn()) {
  case Fn::Neg:
    return -*first;
  case Fn::Sub:
    second = -*second;
    [[fallthrough]];
  case Fn::Add:
    return *first * *second < 0 ? std::optional<int>() : *first ? *first : *second;
  case Fn::Floordiv:
    return number && *number > 0 ? first : std::nullopt;
  default:
    return std::nullopt;
  }
}

bool StreamTiles::reachesFirstKey(Value predicate) const {
  if (auto both = predicate.getDefiningOp<AndOp>())
    return llvm::all_of(both->getOperands(), [&](Value part) { return reachesFirstKey(part); });
  if (auto either = predicate.getDefiningOp<OrOp>())
    return llvm::any_of(either->getOperands(), [&](Value part) { return reachesFirstKey(part); });
  if (!dependsOn(predicate, Role::Key))
    return true;
  auto map = predicate.getDefiningOp<MapOp>();
  if (!map || !llvm::is_contained({Fn::Le, Fn::Lt, Fn::Ge, Fn::Gt}, map.getFn()))
    return false;
  std::optional<int> left = slopeOf(map.getOperands_()[0]), right = slopeOf(map.getOperands_()[1]);
  bool isAtMost = llvm::is_contained({Fn::Le, Fn::Lt}, map.getFn());
  return left && right && (isAtMost ? *left >= 0 && *right <= 0 : *left <= 0 && *right >= 0);
}

bool StreamTiles::startsAtFirstKey() const {
  return llvm::all_of(needed(), [&](ArrayRef<Value> predicates) {
    return llvm::all_of(predicates, [&](Value predicate) { return reachesFirstKey(predicate); });
  });
}

bool StreamTiles::isThereButForPredicates(Value v, Needs &needs, function_ref<bool(Operation *)> isAsked) const {
  Operation *op = v.getDefiningOp();
  auto recurse = [&](Value operand) { return isThereButForPredicates(operand, needs, isAsked); };
  if (Presence there = presences->of(v)) {
    needs.positive.insert(there->begin(), there->end());
    return true;
  }
  if (isa_and_nonnull<ReduceOp>(op)) {
    needs.products.insert(op);
    auto product = products.find(op);
    return product != products.end() && !product->second.partialLeft &&
           (!product->second.partialRight || (isAsked && isAsked(op))) && shiftedIndices(product->second).empty();
  }
  if (auto where = dyn_cast_or_null<WhereOp>(op))
    return recurse(where.getValue());
  if (isa_and_nonnull<ReadOp>(op)) {
    EinsumOp einsum = ownEquation(op);
    return einsum && recurse(einsum.getYield().getValues()[0]);
  }
  return isa_and_nonnull<MapOp, CastOp>(op) && llvm::all_of(op->getOperands(), recurse);
}

std::optional<StreamTiles::Needs> StreamTiles::needsBeside(AccumulateOp op, function_ref<bool(Operation *)> isAsked) const {
  const Product &product = products.find(op)->second;
  bool isSum = product.right.empty();
  Needs needs;
  SmallVector<Value> parts = isSum ? SmallVector<Value>(op.getYield().getValues()) : partsOf(op);
  if ((product.partialRight && !(isAsked && isAsked(op))) ||
      !llvm::all_of(parts, [&](Value v) { return isThereButForPredicates(v, needs, isAsked); }))
    return std::nullopt;
  if (!isSum) // right factors are there where the block's condition holds
    needs.products.insert(op);
  return needs;
}
