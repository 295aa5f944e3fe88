//===- ExpLog.cpp - exponentials, logarithms, and what is made of them -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ElementaryFunctions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "FloatFormat.h"
#include "Polynomials.h"
#include "Polynomials.inc"

using namespace mlir;
using namespace weir;

static const Polynomial expm1Tail{kExpm1F32, kExpm1F64}, exp2Tail{kExp2F32, kExp2F64},
    logTail{kLogF32, kLogF64}, erfHead{kErfF32, kErfF64}, logErfc{kLogErfcF32, kLogErfcF64},
    tanhNumerator{kTanhNumeratorF32, {}}, tanhDenominator{kTanhDenominatorF32, {}};

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

namespace {
/// x = n ln(2) + r with |r| <= ln(2)/2. For x = 1: n = 1, r = 1 - 0.693 = 0.307.
struct ReducedExp {
  Real r;
  Bits exponent; ///< n where a float's exponent field stands
};
} // namespace

/// n ln(2) is taken off in two parts, each with one rounding.
static ReducedExp reduceExp(Real x) {
  NearestInteger n = nearestInteger(fma(x, x.c(1.44269504088896340736), roundingConstant(x)), x);
  Real r = fma(n.value, x.c(-0.693147182464599609375, -0.69314718055994528623), x);
  r = fma(n.value, x.c(1.904654299957768e-9, -2.319046813846299558e-17), r);
  return {r, n.low.shl(mantissaBits(x))};
}

/// e^r - 1 for |r| <= ln(2)/2.
static Real expm1Near0(Real r) { return fma(r * r, expm1Tail(r), r); }

/// e^x where it neither over- nor underflows; not for NaN.
static Real expInRange(Real x) {
  ReducedExp reduced = reduceExp(x);
  return addExponent(expm1Near0(reduced.r) + 1, reduced.exponent);
}

/// `value`, but 0 for x < low and infinity for x > high; NaN where x is NaN.
static Real saturate(Real value, Real x, Real low, Real high) {
  value = select(x < low, x.c(0), value);
  return select(x.compare(arith::CmpFPredicate::UGT, high), x * largest(x), value);
}

Real weir::buildExp(Real x) {
  // ln of the smallest normal number and of the largest finite one.
  return saturate(expInRange(x), x, x.c(-87.33654, -708.396418532264), x.c(88.722831726, 709.782712893384));
}

/// Scaling overflows to infinity and underflows to 0 by itself, so that x need only stay where n is exact; and comparisons
/// with NaN are false, so that it stays.
Real weir::buildExpScaled(Real x, ImplicitLocOpBuilder &b) {
  x = select(x < x.c(-104), x.c(-104), x);
  x = select(x > x.c(89), x.c(89), x);
  Real shifted = fma(x, x.c(1.44269504088896340736), roundingConstant(x));
  Real n = shifted - roundingConstant(x);
  Real r = fma(n, x.c(-0.693147182464599609375), x);
  r = fma(n, x.c(1.904654299957768e-9), r);
  Real value = expm1Near0(r) + 1;
  Type type = x.value().getType();
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value all = arith::ConstantIntOp::create(b, -1, 16), mode = arith::ConstantIntOp::create(b, 4, 32);
  auto name = b.getStringAttr("llvm.x86.avx512.mask.scalef.ps.512");
  return Real(b, LLVM::CallIntrinsicOp::create(b, type, name, ValueRange{value.value(), n.value(), none, all, mode}).getResult(0));
}

Real weir::buildExp2(Real x) {
  NearestInteger n = nearestInteger(x + roundingConstant(x), x);
  Real f = x - n.value;
  Real value = addExponent(fma(f, exp2Tail(f), f.c(1)), n.low.shl(mantissaBits(x)));
  Real overflow = x.c(128, 1024);
  value = select(x < x.c(-126, -1022), x.c(0), value);
  return select(x.compare(arith::CmpFPredicate::UGE, overflow), x * largest(x), value);
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1) where 2^n is a normal number.
static Real expm1Scaled(Real x) {
  ReducedExp reduced = reduceExp(x);
  Real scale = addExponent(x.c(1), reduced.exponent);
  return fma(scale, expm1Near0(reduced.r), scale - 1);
}

/// The same computed at half its size so that 2^n is finite; e^x - 1 is -1 below -20 (-40).
static Real expm1InRange(Real x) {
  ReducedExp reduced = reduceExp(select(x < x.c(-20, -40), x.c(-20, -40), x));
  Real half = addExponent(x.c(0.5), reduced.exponent);
  return fma(half, expm1Near0(reduced.r), half - 0.5) * 2;
}

Real weir::buildExpm1(Real x) {
  Real high = x.c(88.722831726, 709.782712893384);
  Real value = select(x.compare(arith::CmpFPredicate::UGT, high), x * largest(x), expm1InRange(x));
  return select(abs(x) < x.c(0x1p-30, 0x1p-60), x, value); // -0 stays, and half of a small x is not denormal
}

/// nd / (nd + (d - n/2)^2) for tanh(a/2) = (n/2) / d: no argument reduction, never above 1, and 1 where d - n/2
/// no longer counts, however few of its digits are right.
static Real tanhOfShort(Real a) {
  Real z = a * a, n = a * tanhNumerator(z), d = tanhDenominator(z);
  Real product = n * d, rest = fma(n, n.c(-0.5), d);
  return product / fma(rest, rest, product);
}

/// (e^2a - 1) / (e^2a - 1 + 2).
static Real tanhOfLong(Real a) {
  Real e = expm1Scaled(a * 2);
  return e / (e + 2);
}

/// That of a = |x|, which is 1 from 9.1 (22) on.
Real weir::buildTanh(Real x) {
  Real a = abs(x), high = x.c(9.1, 22);
  a = select(a > high, high, a);
  return copysign(x.isF64() ? tanhOfLong(a) : tanhOfShort(a), x);
}

/// A polynomial in x up to 0.9; beyond, 1 - e^-p with p a polynomial for -log(1 - erf(x)), which is
/// well-behaved and whose relative error counts only as far as e^-p does beside 1.
Real weir::buildErf(Real x) {
  Real a = abs(x), high = x.c(4, 6);
  Real near0 = fma(a, erfHead(x * x), a);
  Real clamped = select(a > high, high, a);
  Real far = x.c(1) - expInRange(-logErfc(clamped - 2));
  Mask near = a.compare(arith::CmpFPredicate::ULT, a.c(0.9)); // or NaN, which the exponential does not keep
  return copysign(select(near, near0, far), x);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {
/// log(1 + f) = f - (h - t) for 1 + f in [sqrt(1/2), sqrt(2)], h = f^2/2. (With s = f/(2+f): log(1+f) = 2s +
/// 2/3 s^3 + .. and 2s = f - s f.)
struct LogTerms {
  Real h, t;
};
} // namespace

static LogTerms logNear1(Real f) {
  Real s = f / (f + 2);
  Real z = s * s;
  Real h = f * f * 0.5;
  return {h, s * fma(z, logTail(z), h)};
}

static Real logOf(Real f, Real k) {
  // The high part of ln(2) has so many zeros at its end that k times it is exact.
  Real high = k.c(0.693138122558593750, 6.93147180369123816490e-01),
       low = k.c(9.05800061445916e-06, 1.90821492927058770002e-10);
  LogTerms terms = logNear1(f);
  return k * high - ((terms.h - fma(k, low, terms.t)) - f);
}

/// log(argument) where the formula for it does not hold; x is the function's own operand.
static Real logSpecials(Real value, Real x, Real argument) {
  Real infinity = x.c(HUGE_VAL), tiny = smallestNormal(x);
  value = select(x < infinity, value, x); // infinity and NaN
  value = select(argument < tiny, x.c(NAN), value);
  return select(abs(argument) < tiny, -infinity, value);
}

Real weir::buildLog(Real x) {
  Decomposed d = decompose(x);
  return logSpecials(logOf(d.mantissa - 1, d.exponent), x, x);
}

/// (hi + lo) log2(e) + k, with the products' and the sum's roundings carried along.
Real weir::buildLog2(Real x) {
  Decomposed d = decompose(x);
  Real f = d.mantissa - 1, k = d.exponent;
  LogTerms terms = logNear1(f);
  Real hi = f - terms.h;
  Real lo = ((f - hi) - terms.h) + terms.t;
  Real log2e = x.c(1.44269502162933349609375, 1.442695040888963387);
  Real p = hi * log2e;
  Real rest = fma(hi, log2e, -p) + fma(lo, log2e, hi * x.c(1.925962991126e-8, 2.0355273740931033e-17));
  Real sum = k + p;
  return logSpecials(sum + ((k - sum) + p + rest), x, x);
}

/// log(u) for u = 1 + x rounded, with what the rounding lost, c, added to the reduced argument.
Real weir::buildLog1p(Real x) {
  Real one = x.c(1), u = one + x;
  Real b = u - one;
  Real c = (one - (u - b)) + (x - b);
  Decomposed d = decompose(u);
  // 2^-k; not needed, and no number, where u is huge.
  Real scale = select(u < x.c(0x1p60), powerOfTwo(-d.exponent), x.c(0));
  Real f = fma(select(u < x.c(0x1p60), c, x.c(0)), scale, d.mantissa - 1);
  Real value = logSpecials(logOf(f, d.exponent), x, u);
  return select(abs(x) < smallestNormal(x), x, value);
}

Real weir::buildRsqrt(Real x) { return x.c(1) / sqrt(x); }
