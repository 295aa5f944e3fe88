//===- Pow.cpp - x^y as 2^(y log2 x) ---------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An error e in y log2(x), which can be 1024, is an error of e ln(2) in the result. So log2 is needed to
// about 2^-64: f32 is computed in f64, f64 in pairs of numbers (hi, lo) whose sum is meant, |lo| <=
// ulp(hi)/2.
#include "ElementaryFunctions.h"
#include "FloatFormat.h"
#include "Polynomials.h"
#include "Polynomials.inc"

using namespace mlir;
using namespace weir;

static const Polynomial logShort{{}, kLogShortF64}, exp2Short{{}, kExp2ShortF64}, logFifth{{}, kLogFifthF64},
    exp2Tail{{}, kExp2F64};

namespace {
struct Pair {
  Real hi, lo;
};
} // namespace

static Pair product(Real a, Real b) {
  Real p = a * b;
  return {p, fma(a, b, -p)};
}
static Pair product(Pair a, Pair b) {
  Pair p = product(a.hi, b.hi);
  return {p.hi, p.lo + fma(a.hi, b.lo, a.lo * b.hi)};
}
/// For |a| >= |b.hi|, or a = 0.
static Pair sum(Real a, Pair b) {
  Real s = a + b.hi;
  return {s, (a - s + b.hi) + b.lo};
}
static Pair sum(Pair a, Pair b) {
  Pair s = sum(a.hi, b);
  return {s.hi, s.lo + a.lo};
}

/// log2(x) of a positive, normal, finite f64: with s = f/(2+f), log(1+f) = 2s + 2/3 s^3 + s^5 (2/5 + ..). s
/// and s^3 are pairs; s^5 is below 2^-12 of the whole.
static Pair log2Pair(Real x) {
  Decomposed d = decompose(x);
  Real f = d.mantissa - 1, two = x.c(2);
  Real denominator = f + two; // in [1.7, 2.42]; what its rounding lost:
  Real lost = f - (denominator - two);
  Real s = f / denominator;
  Real sLow = (fma(-s, denominator, f) - s * lost) / denominator;
  Pair sPair{s, sLow};
  Pair square = product(sPair, sPair);
  Pair cube = product(square, sPair);
  Pair third = product(cube, {x.c(0x1.5555555555555p-1), x.c(0x1.5555555555555p-55)});
  Real fifth = square.hi * cube.hi * logFifth(square.hi);
  Pair tail = sum(third, {fifth, x.c(0)});
  Pair log = sum(Pair{s * 2, sLow * 2}, tail);
  log = sum(log.hi, {log.lo, x.c(0)});
  Pair scaled = product(log, {x.c(0x1.71547652b82fep+0), x.c(0x1.777d0ffda0d24p-56)});
  return sum(d.exponent, scaled);
}

/// 2^(e.hi + e.lo): 0 below the normal numbers, infinity above the finite ones.
static Real exp2Pair(Pair e) {
  NearestInteger n = nearestInteger(e.hi + roundingConstant(e.hi), e.hi);
  Real f = (e.hi - n.value) + e.lo;
  Real value = addExponent(fma(f, exp2Tail(f), f.c(1)), n.low.shl(mantissaBits(f)));
  value = select(e.hi < -1022, e.hi.c(0), value);
  Mask over = (e.hi > 1024) | ((e.hi == 1024) & !(e.lo < 0));
  return select(over, e.hi.c(HUGE_VAL), value);
}

/// |x|^y in f64, for |x| normal and finite.
static Real powMagnitude(Real magnitude, Real y) {
  Pair log = log2Pair(magnitude);
  Pair e = product(y, log.hi);
  Real lo = fma(y, log.lo, e.lo);
  Mask outside = abs(e.hi) > 1100; // also where the product is infinite and `lo` no number
  Real hi = select(outside, copysign(e.hi.c(1100), e.hi), e.hi);
  return exp2Pair(sum(hi, {select(outside, lo.c(0), lo), lo.c(0)}));
}

/// The same with the shorter polynomials that are enough for f32.
static Real powMagnitudeShort(Real magnitude, Real y) {
  Decomposed d = decompose(magnitude);
  Real f = d.mantissa - 1;
  Real s = f / (f + 2);
  Real z = s * s;
  Real log = fma(s * z, logShort(z), s * 2);
  Real e = y * fma(log, log.c(1.44269504088896340736), d.exponent);
  // Far outside f32's range either way; keeps the exponent arithmetic in f64's.
  e = select(e > 200, e.c(200), e);
  e = select(e < -200, e.c(-200), e);
  NearestInteger n = nearestInteger(e + roundingConstant(e), e);
  Real g = e - n.value;
  return addExponent(fma(g, exp2Short(g), g.c(1)), n.low.shl(mantissaBits(g)));
}

Real weir::buildPow(Real x, Real y) {
  Real ax = abs(x), ay = abs(y), infinity = x.c(HUGE_VAL);
  Real value = x;
  if (x.isF64()) {
    value = powMagnitude(ax, y);
  } else {
    FloatType wide = Float64Type::get(x.elementType().getContext());
    value = powMagnitudeShort(ax.to(wide), y.to(wide)).to(x.elementType());
  }
  // Zeros and infinities: one end or the other, by whether x^y grows with y.
  Mask tiny = ax < smallestNormal(x), huge = ax == infinity, endless = ay == infinity;
  Mask up = (ax > 1) ^ (y < 0);
  value = select(tiny | huge | endless, select(up, infinity, x.c(0)), value);
  // Negative bases.
  Real half = y * 0.5;
  Mask integer = floor(y) == y;
  Mask odd = integer & (floor(half) != half);
  Mask negative = x.bits() < 0;
  value = select(negative & odd, -value, value);
  value = select(negative & !(tiny | huge | integer), x.c(NAN), value);
  value = select(x.isNaN() | y.isNaN(), x + y, value);
  return select((y == 0) | (x == 1) | ((ax == 1) & endless), x.c(1), value);
}
