//===- ArithBuilder.h - formulas on scalars and vectors alike --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three handles on SSA values, so that a numerical formula is written once, as a formula, and becomes arith
// ops on whatever it is given: Real (f32, f64 and narrower floats), Bits (integers) and Mask (i1), each a
// scalar or a 1-D vector of any length. A double in a formula is a constant of the other operand's type. No
// op carries fast-math flags: the formulas rely on every rounding happening where it stands.
#ifndef WEIR_LIB_CONVERSION_TILESTOCPU_ARITHBUILDER_H
#define WEIR_LIB_CONVERSION_TILESTOCPU_ARITHBUILDER_H
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weir {

class Bits;

/// i1, as wide as what was compared.
class Mask {
public:
  Mask(mlir::ImplicitLocOpBuilder &b, mlir::Value v) : b(&b), v(v) {}
  Mask operator&(Mask o) const;
  Mask operator|(Mask o) const;
  Mask operator^(Mask o) const;
  Mask operator!() const;
  mlir::Value value() const { return v; }

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value v;
};

/// A float, or a 1-D vector of floats.
class Real {
public:
  Real(mlir::ImplicitLocOpBuilder &b, mlir::Value v) : b(&b), v(v) {}
  mlir::Value value() const { return v; }
  mlir::FloatType elementType() const;
  bool isF64() const { return elementType().isF64(); }
  /// The constant `c` rounded to this type; `c(f32, f64)` picks by it.
  Real c(double constant) const;
  Real c(double f32, double f64) const { return c(isF64() ? f64 : f32); }

  Real operator+(Real o) const;
  Real operator-(Real o) const;
  Real operator*(Real o) const;
  Real operator/(Real o) const;
  Real operator+(double o) const { return *this + c(o); }
  Real operator-(double o) const { return *this - c(o); }
  Real operator*(double o) const { return *this * c(o); }
  Real operator-() const;

  /// Ordered comparisons: false where an operand is NaN.
  Mask operator<(Real o) const { return compare(mlir::arith::CmpFPredicate::OLT, o); }
  Mask operator>(Real o) const { return compare(mlir::arith::CmpFPredicate::OGT, o); }
  Mask operator==(Real o) const { return compare(mlir::arith::CmpFPredicate::OEQ, o); }
  Mask operator!=(Real o) const { return compare(mlir::arith::CmpFPredicate::UNE, o); }
  Mask operator<(double o) const { return *this < c(o); }
  Mask operator>(double o) const { return *this > c(o); }
  Mask operator==(double o) const { return *this == c(o); }
  Mask isNaN() const { return compare(mlir::arith::CmpFPredicate::UNO, *this); }
  Mask compare(mlir::arith::CmpFPredicate predicate, Real o) const;

  Bits bits() const;
  /// Converted to float type `element`, rounding to nearest even where that is narrower.
  Real to(mlir::FloatType element) const;

  friend Real select(Mask mask, Real yes, Real no);
  friend Real fma(Real a, Real b, Real c);
  friend Real abs(Real x);
  friend Real sqrt(Real x);
  friend Real floor(Real x);
  friend Real copysign(Real magnitude, Real sign);

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value v;
};

/// A signless integer, or a 1-D vector of them.
class Bits {
public:
  Bits(mlir::ImplicitLocOpBuilder &b, mlir::Value v) : b(&b), v(v) {}
  mlir::Value value() const { return v; }
  unsigned width() const;
  Bits c(int64_t constant) const;

  Bits operator+(Bits o) const;
  Bits operator-(Bits o) const;
  Bits operator&(Bits o) const;
  Bits operator|(Bits o) const;
  Bits operator^(Bits o) const;
  Bits operator+(int64_t o) const { return *this + c(o); }
  Bits operator-(int64_t o) const { return *this - c(o); }
  Bits operator&(int64_t o) const { return *this & c(o); }
  Bits operator|(int64_t o) const { return *this | c(o); }
  Bits operator^(int64_t o) const { return *this ^ c(o); }
  Bits shl(int64_t by) const;
  Bits shr(int64_t by) const; ///< logical
  Mask operator==(int64_t o) const;
  Mask operator<(int64_t o) const; ///< signed
  Bits minUnsigned(int64_t o) const;

  Bits truncate(unsigned width) const;
  Bits zeroExtend(unsigned width) const;
  Bits signExtend(unsigned width) const;
  /// The float of the same bits.
  Real asFloat(mlir::FloatType element) const;

  friend Bits select(Mask mask, Bits yes, Bits no);

private:
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value v;
};

Real select(Mask mask, Real yes, Real no);
Bits select(Mask mask, Bits yes, Bits no);
/// a * b + c, rounded once.
Real fma(Real a, Real b, Real c);
Real abs(Real x);
Real sqrt(Real x);
Real floor(Real x);
Real copysign(Real magnitude, Real sign);

/// `type` with its element type replaced: a scalar stays one, a vector keeps its shape.
mlir::Type withElement(mlir::Type type, mlir::Type element);

} // namespace weir
#endif
