//===- Trigonometry.cpp - sin, cos, atan2 ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ElementaryFunctions.h"
#include "FloatFormat.h"
#include "Polynomials.h"
#include "Polynomials.inc"

using namespace mlir;
using namespace weir;

static const Polynomial sinTail{kSinF32, kSinF64}, cosTail{kCosF32, kCosF64}, atanTail{kAtanF32, kAtanF64};

namespace {
/// x = q pi/2 + r with |r| <= pi/4; for x = 3: q = 2, r = 3 - 3.1416 = -0.1416.
struct Quadrant {
  Real r;
  Bits q; ///< its two low bits are q's
};
} // namespace

/// Always in f64, also for f32 arguments. x and q times the first part of pi/2 are both multiples of 2^-52
/// (for |x| >= 1), and so is their difference, which is below 1: the first step is exact, up to |q| = 2^52.
/// What remains is the rounding of the second step, relative to r, and the rounding of x 2/pi, which only
/// makes |r| a little larger than pi/4.
static Quadrant reduceQuadrant(Real x) {
  FloatType format = x.elementType();
  Real wide = format.isF64() ? x : x.to(Float64Type::get(format.getContext()));
  NearestInteger q = nearestInteger(fma(wide, wide.c(0x1.45f306dc9c883p-1), roundingConstant(wide)), wide);
  Real r = fma(q.value, wide.c(-0x1.921fb54442d18p+0), wide);
  r = fma(q.value, wide.c(-0x1.1a62633145c07p-54), r);
  r = fma(q.value, wide.c(0x1.f1976b7ed8fbcp-110), r);
  // Where |x| is so large that q is not an integer any more, stay bounded.
  r = select(r > 1, r.c(1), r);
  r = select(r < -1, r.c(-1), r);
  Bits low = q.low;
  return {r.to(format), format.isF64() ? low : low.truncate(32)};
}

/// sin(r + q pi/2).
static Real sinOfQuadrant(Real r, Bits q) {
  Real z = r * r;
  Real sine = fma(r * z, sinTail(z), r);
  Real cosine = fma(z, fma(z, cosTail(z), z.c(-0.5)), z.c(1));
  Real value = select((q & 1) == 0, sine, cosine);
  // q = 2, 3: the other sign.
  Bits sign = q.shr(1).shl(q.width() - 1);
  return (value.bits() ^ sign).asFloat(value.elementType());
}

Real weir::buildSin(Real x) {
  Quadrant reduced = reduceQuadrant(x);
  return select(x == 0, x, sinOfQuadrant(reduced.r, reduced.q)); // -0 stays
}

Real weir::buildCos(Real x) {
  Quadrant reduced = reduceQuadrant(x);
  return sinOfQuadrant(reduced.r, reduced.q + 1);
}

/// atan of the smaller magnitude over the larger one, then the reflections at pi/4 and at the y axis.
/// Constants are pairs: pi - a is (high - (a - low)).
Real weir::buildAtan2(Real y, Real x) {
  Real ax = abs(x), ay = abs(y);
  Mask steep = ay > ax;
  Real large = select(steep, ay, ax), small = select(steep, ax, ay);
  Real q = small / large;
  q = select(large == 0, x.c(0), q); // atan2(0, 0) = 0
  q = select((ax == HUGE_VAL) & (ay == HUGE_VAL), x.c(1), q);
  Real z = q * q;
  Real angle = fma(q * z, atanTail(z), q);
  Real halfPi = x.c(0x1.921fb6p+0, 0x1.921fb54442d18p+0),
       halfPiLow = x.c(-0x1.777a5cp-25, 0x1.1a62633145c07p-54);
  angle = select(steep, halfPi - (angle - halfPiLow), angle);
  Mask left = x.bits() < 0; // the sign of -0 counts
  angle = select(left, halfPi * 2 - (angle - halfPiLow * 2), angle);
  return select(x.isNaN() | y.isNaN(), x + y, copysign(angle, y));
}
