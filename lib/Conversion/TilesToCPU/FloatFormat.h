//===- FloatFormat.h - the parts of an IEEE number, as formulas ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tricks with the bits of f32 and f64 that need no conversion between integers and floats: those are slow for
// f64 below AVX-512, and undefined for NaN and values out of range.
#ifndef WEIR_LIB_CONVERSION_TILESTOCPU_FLOATFORMAT_H
#define WEIR_LIB_CONVERSION_TILESTOCPU_FLOATFORMAT_H
#include "ArithBuilder.h"
#include <cfloat>
#include <cmath>

namespace weir {

inline unsigned mantissaBits(Real x) { return x.isF64() ? 52 : 23; }
inline int64_t exponentBias(Real x) { return x.isF64() ? 1023 : 127; }
inline Real largest(Real x) { return x.c(FLT_MAX, DBL_MAX); }
inline Real smallestNormal(Real x) { return x.c(FLT_MIN, DBL_MIN); }

/// 1.5 * 2^mantissaBits: a number of magnitude up to 2^(mantissaBits-1) added to it is rounded to an integer
/// (half to even), which then stands in the low bits of the sum.
inline Real roundingConstant(Real x) { return x.c(0x1.8p23, 0x1.8p52); }

struct NearestInteger {
  Real value;
  Bits low; ///< its low bits are the integer's, in two's complement
};

/// The integer that `shifted`, a sum with the rounding constant, holds.
inline NearestInteger nearestInteger(Real shifted, Real like) {
  return {shifted - roundingConstant(like), shifted.bits()};
}

/// x * 2^n for normal x and result; `exponent` is n shifted to the exponent field.
inline Real addExponent(Real x, Bits exponent) { return (x.bits() + exponent).asFloat(x.elementType()); }

/// 2^n for an integer n such that it is normal.
inline Real powerOfTwo(Real n) {
  Bits exponent = (n + roundingConstant(n)).bits() + exponentBias(n);
  return exponent.shl(mantissaBits(n)).asFloat(n.elementType());
}

/// x = mantissa * 2^exponent with mantissa in [sqrt(1/2), sqrt(2)), for x positive, normal, finite.
struct Decomposed {
  Real mantissa, exponent;
};

inline Decomposed decompose(Real x) {
  int64_t bias = exponentBias(x);
  unsigned bits = mantissaBits(x);
  int64_t sqrtHalf = x.isF64() ? 0x3FE6A09E667F3BCD : 0x3F3504F3;
  // Subtracting the bits of sqrt(1/2) leaves floor(log2(x / sqrt(1/2))) in the exponent field; the bias keeps
  // it positive.
  Bits field = x.bits() + ((bias << bits) - sqrtHalf);
  Bits biased = field.shr(bits);
  Real mantissa = (x.bits() - (biased - bias).shl(bits)).asFloat(x.elementType());
  // The integer as the low bits of 2^mantissaBits is that plus the integer.
  Real big = x.c(0x1p23, 0x1p52);
  Real exponent = (big.bits() | biased).asFloat(x.elementType()) - x.c(0x1p23 + 127, 0x1p52 + 1023);
  return {mantissa, exponent};
}

} // namespace weir
#endif
