//===- TileComparisons.cpp - comparisons of coordinates in 32 bits --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a mask compares is linear in the lane's place in its tile, which is a small number, and the rest is
// the same for all lanes: factor * place against one bound, which may be cut to just beyond what the product
// reaches. So a comparison takes vectors of 32 bits, one for as many lanes as there are numbers in a
// register, however large coordinates are.
#include "TileMap.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace weir;

/// Factors and lengths up to this make products of fewer than 32 bits.
constexpr int64_t kLargestSmall = 1 << 14;

/// Whether a value is a place of the lanes: not negative, and less than their length.
bool TileMap::isPlace(Value v) {
  if (auto least = v.getDefiningOp<arith::MinUIOp>())
    return isPlace(least.getLhs()) || isPlace(least.getRhs());
  auto index = v.getDefiningOp<linalg::IndexOp>();
  return index && index.getDim() == lane;
}

/// Adds `factor` times an integer to a sum.
bool TileMap::addTo(Sum &sum, Value v, int64_t factor, IRMapping &values) {
  Value emitted = values.lookupOrDefault(v);
  if (!v.getType().isIndex() && !v.getType().isInteger(64))
    return false;
  if (!varies(emitted)) {
    sum.rest.push_back({emitted, factor});
    return true;
  }
  if (isPlace(v)) {
    auto known = llvm::find_if(sum.places, [&](auto &term) { return term.first == v; });
    if (known == sum.places.end())
      known = sum.places.insert(known, {v, 0});
    known->second += factor;
    return true;
  }
  Operation *inner = v.getDefiningOp();
  auto add = [&](unsigned k, int64_t factor) { return addTo(sum, inner->getOperand(k), factor, values); };
  if (isa_and_nonnull<arith::IndexCastOp>(inner))
    return add(0, factor);
  if (isa_and_nonnull<arith::AddIOp>(inner))
    return add(0, factor) && add(1, factor);
  APInt by; // places of a residue class are apart
  if (isa_and_nonnull<arith::MulIOp>(inner) && matchPattern(inner->getOperand(1), m_ConstantInt(&by)))
    return by.abs().ule(kLargestSmall) && std::abs(factor) <= kLargestSmall && add(0, factor * by.getSExtValue());
  return isa_and_nonnull<arith::SubIOp>(inner) && add(0, factor) && add(1, -factor);
}

/// A comparison of integers that are linear in one place; null: it is none.
Value TileMap::emitComparison(arith::CmpIOp compare, IRMapping &values) {
  using P = arith::CmpIPredicate;
  int64_t length = typeOf(op->getNumOperands() - 1).getShape().back();
  if (!llvm::is_contained({P::eq, P::ne, P::slt, P::sle, P::sgt, P::sge}, compare.getPredicate()) ||
      !joins.empty() || ShapedType::isDynamic(length) || length > kLargestSmall)
    return nullptr;
  Sum sum;
  if (!addTo(sum, compare.getLhs(), 1, values) || !addTo(sum, compare.getRhs(), -1, values) ||
      sum.places.size() != 1)
    return nullptr;
  auto [place, factor] = sum.places.front();
  if (std::abs(factor) > kLargestSmall)
    return nullptr;
  // factor * place + rest, compared with 0.
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI64Type(), value);
  };
  int64_t beyond = std::abs(factor) * length;
  Value bound = number(0);
  for (auto [value, times] : sum.rest) {
    if (value.getType().isIndex())
      value = arith::IndexCastOp::create(b, b.getI64Type(), value);
    if (std::abs(times) != 1)
      value = arith::MulIOp::create(b, value, number(std::abs(times)));
    bound = times < 0 ? arith::AddIOp::create(b, bound, value).getResult()
                     : arith::SubIOp::create(b, bound, value);
  }
  bound = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, bound, number(beyond)), number(-beyond));
  auto type = VectorType::get({width}, b.getI32Type());
  Value small = arith::IndexCastOp::create(b, type, values.lookupOrDefault(place));
  if (factor != 1) {
    auto scale = DenseElementsAttr::get(type, b.getI32IntegerAttr(factor));
    small = arith::MulIOp::create(b, small, arith::ConstantOp::create(b, scale));
  }
  return arith::CmpIOp::create(b, compare.getPredicate(), small,
                               spread(arith::TruncIOp::create(b, b.getI32Type(), bound)));
}
