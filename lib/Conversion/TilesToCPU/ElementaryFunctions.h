//===- ElementaryFunctions.h - exp, log, sin ... as formulas ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Straight-line, branch-free code for the elementary functions of level 4 on f32 and f64, scalars and 1-D
// vectors: an argument reduction, one polynomial (Polynomials.inc), and selects for what the polynomial does
// not reach. docs/functions.md has the largest error of each, in units in the last place. At 0, -0,
// infinities and NaN they agree with C's libm. A denormal argument may be read as 0 and a denormal result may
// be 0, since kernels run with denormals off. All need fused multiply-add.
#ifndef WEIR_LIB_CONVERSION_TILESTOCPU_ELEMENTARYFUNCTIONS_H
#define WEIR_LIB_CONVERSION_TILESTOCPU_ELEMENTARYFUNCTIONS_H
#include "ArithBuilder.h"

namespace weir {

Real buildExp(Real x);
/// The same of 16 f32, where a processor multiplies by powers of two in one instruction (AVX-512).
Real buildExpScaled(Real x, mlir::ImplicitLocOpBuilder &b);
Real buildExp2(Real x);
Real buildExpm1(Real x);
Real buildTanh(Real x);
Real buildErf(Real x);

Real buildLog(Real x);
Real buildLog2(Real x);
Real buildLog1p(Real x);
/// C's pow: x^0 = 1 and 1^y = 1 for every x and y; NaN for x < 0 finite and y no integer.
Real buildPow(Real x, Real y);

/// sin and cos keep their error up to |x| = 2^40; beyond, the result is some number in [-1, 1].
Real buildSin(Real x);
Real buildCos(Real x);
Real buildAtan2(Real y, Real x);

Real buildRsqrt(Real x);

} // namespace weir
#endif
