//===- Reciprocals.cpp - divisions by what many elements share ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vector division takes as long as ten multiplications or more (16 f32 on Zen 4: 10 cycles), so a divisor
// that many elements share is inverted once. The reciprocal of a divisor near the largest number would be
// denormal: such a divisor is made smaller by a power of two, and so is first what it divides, which is exact
// wherever the quotient is a normal number. Infinite and zero divisors give what the division gives.
#include "Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;

weir::Reciprocal weir::invert(ImplicitLocOpBuilder &b, Value divisor) {
  auto type = cast<FloatType>(getElementTypeOrSelf(divisor.getType()));
  auto number = [&](double value) -> Value {
    TypedAttr one = b.getFloatAttr(type, value);
    if (auto vector = dyn_cast<VectorType>(divisor.getType()))
      one = DenseElementsAttr::get(vector, one);
    return arith::ConstantOp::create(b, one);
  };
  double large = std::ldexp(1.0, type.isF64() ? 512 : 64);
  Value isLarge =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, divisor), number(large));
  Value scale = arith::SelectOp::create(b, isLarge, number(1 / large), number(1));
  return {scale, arith::DivFOp::create(b, number(1), arith::MulFOp::create(b, divisor, scale))};
}

Value weir::Reciprocal::divide(ImplicitLocOpBuilder &b, Value value) const {
  return arith::MulFOp::create(b, arith::MulFOp::create(b, value, scale), inverse);
}

void weir::divideByReciprocals(linalg::GenericOp op) {
  Block &body = *op.getBody();
  llvm::SmallDenseMap<Value, Reciprocal> known;
  SmallVector<arith::DivFOp> divisions;
  body.walk([&](arith::DivFOp division) {
    bool isShared = !op.getRegion().isAncestor(division.getRhs().getParentRegion());
    bool isOwn = op.getRegion().isAncestor(division.getLhs().getParentRegion());
    if (isShared && isOwn && (division.getType().isF32() || division.getType().isF64()))
      divisions.push_back(division);
  });
  for (arith::DivFOp division : divisions) {
    ImplicitLocOpBuilder before(division.getLoc(), op), b(division.getLoc(), division);
    auto [entry, isNew] = known.try_emplace(division.getRhs());
    if (isNew)
      entry->second = invert(before, division.getRhs());
    division.replaceAllUsesWith(entry->second.divide(b, division.getLhs()));
    division.erase();
  }
}
