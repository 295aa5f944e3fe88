//===- ArithBuilder.cpp - formulas on scalars and vectors alike ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ArithBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace weir;

Type weir::withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

/// A constant of `type`, a splat where that is a vector.
static Value constant(ImplicitLocOpBuilder &b, Type type, Attribute scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, scalar));
  return arith::ConstantOp::create(b, cast<TypedAttr>(scalar));
}

//===----------------------------------------------------------------------===//
// Mask
//===----------------------------------------------------------------------===//

Mask Mask::operator&(Mask o) const { return {*b, arith::AndIOp::create(*b, v, o.v)}; }
Mask Mask::operator|(Mask o) const { return {*b, arith::OrIOp::create(*b, v, o.v)}; }
Mask Mask::operator^(Mask o) const { return {*b, arith::XOrIOp::create(*b, v, o.v)}; }
Mask Mask::operator!() const {
  return {*b, arith::XOrIOp::create(*b, v, constant(*b, v.getType(), b->getBoolAttr(true)))};
}

//===----------------------------------------------------------------------===//
// Real
//===----------------------------------------------------------------------===//

FloatType Real::elementType() const { return cast<FloatType>(getElementTypeOrSelf(v.getType())); }
Real Real::c(double value) const {
  return {*b, constant(*b, v.getType(), b->getFloatAttr(elementType(), value))};
}
Real Real::operator+(Real o) const { return {*b, arith::AddFOp::create(*b, v, o.v)}; }
Real Real::operator-(Real o) const { return {*b, arith::SubFOp::create(*b, v, o.v)}; }
Real Real::operator*(Real o) const { return {*b, arith::MulFOp::create(*b, v, o.v)}; }
Real Real::operator/(Real o) const { return {*b, arith::DivFOp::create(*b, v, o.v)}; }
Real Real::operator-() const { return {*b, arith::NegFOp::create(*b, v)}; }
Mask Real::compare(arith::CmpFPredicate predicate, Real o) const {
  return {*b, arith::CmpFOp::create(*b, predicate, v, o.v)};
}
Bits Real::bits() const {
  Type integer = b->getIntegerType(elementType().getWidth());
  return {*b, arith::BitcastOp::create(*b, withElement(v.getType(), integer), v)};
}
Real Real::to(FloatType element) const {
  unsigned from = elementType().getWidth(), into = element.getWidth();
  Type type = withElement(v.getType(), element);
  if (from == into)
    return *this;
  if (from < into)
    return {*b, arith::ExtFOp::create(*b, type, v)};
  return {*b, arith::TruncFOp::create(*b, type, v)};
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

unsigned Bits::width() const { return getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth(); }
Bits Bits::c(int64_t value) const {
  return {*b, constant(*b, v.getType(), b->getIntegerAttr(getElementTypeOrSelf(v.getType()), value))};
}
Bits Bits::operator+(Bits o) const { return {*b, arith::AddIOp::create(*b, v, o.v)}; }
Bits Bits::operator-(Bits o) const { return {*b, arith::SubIOp::create(*b, v, o.v)}; }
Bits Bits::operator&(Bits o) const { return {*b, arith::AndIOp::create(*b, v, o.v)}; }
Bits Bits::operator|(Bits o) const { return {*b, arith::OrIOp::create(*b, v, o.v)}; }
Bits Bits::operator^(Bits o) const { return {*b, arith::XOrIOp::create(*b, v, o.v)}; }
Bits Bits::shl(int64_t by) const { return {*b, arith::ShLIOp::create(*b, v, c(by).v)}; }
Bits Bits::shr(int64_t by) const { return {*b, arith::ShRUIOp::create(*b, v, c(by).v)}; }
Mask Bits::operator==(int64_t o) const {
  return {*b, arith::CmpIOp::create(*b, arith::CmpIPredicate::eq, v, c(o).v)};
}
Mask Bits::operator<(int64_t o) const {
  return {*b, arith::CmpIOp::create(*b, arith::CmpIPredicate::slt, v, c(o).v)};
}
Bits Bits::minUnsigned(int64_t o) const { return {*b, arith::MinUIOp::create(*b, v, c(o).v)}; }
Bits Bits::truncate(unsigned width) const {
  return {*b, arith::TruncIOp::create(*b, withElement(v.getType(), b->getIntegerType(width)), v)};
}
Bits Bits::zeroExtend(unsigned width) const {
  return {*b, arith::ExtUIOp::create(*b, withElement(v.getType(), b->getIntegerType(width)), v)};
}
Bits Bits::signExtend(unsigned width) const {
  return {*b, arith::ExtSIOp::create(*b, withElement(v.getType(), b->getIntegerType(width)), v)};
}
Real Bits::asFloat(FloatType element) const {
  return {*b, arith::BitcastOp::create(*b, withElement(v.getType(), element), v)};
}

//===----------------------------------------------------------------------===//
// Functions that are one instruction
//===----------------------------------------------------------------------===//

Real weir::select(Mask mask, Real yes, Real no) {
  return {*yes.b, arith::SelectOp::create(*yes.b, mask.value(), yes.v, no.v)};
}
Bits weir::select(Mask mask, Bits yes, Bits no) {
  return {*yes.b, arith::SelectOp::create(*yes.b, mask.value(), yes.v, no.v)};
}
Real weir::fma(Real a, Real b, Real c) { return {*a.b, math::FmaOp::create(*a.b, a.v, b.v, c.v)}; }
Real weir::abs(Real x) { return {*x.b, math::AbsFOp::create(*x.b, x.v)}; }
Real weir::sqrt(Real x) { return {*x.b, math::SqrtOp::create(*x.b, x.v)}; }
Real weir::floor(Real x) { return {*x.b, math::FloorOp::create(*x.b, x.v)}; }
Real weir::copysign(Real magnitude, Real sign) {
  return {*sign.b, math::CopySignOp::create(*sign.b, magnitude.v, sign.v)};
}
