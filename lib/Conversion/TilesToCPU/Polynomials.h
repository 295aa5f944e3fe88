//===- Polynomials.h - evaluation of the fitted polynomials ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_CONVERSION_TILESTOCPU_POLYNOMIALS_H
#define WEIR_LIB_CONVERSION_TILESTOCPU_POLYNOMIALS_H
#include "ArithBuilder.h"
#include "llvm/ADT/ArrayRef.h"

namespace weir {

/// Coefficients of one polynomial, lowest degree first, fitted for each of the two formats.
struct Polynomial {
  llvm::ArrayRef<double> f32, f64;

  /// Its value at x by Horner's rule: one fused multiply-add a degree.
  Real operator()(Real x) const {
    llvm::ArrayRef<double> table = x.isF64() ? f64 : f32;
    Real sum = x.c(table.back());
    for (double c : llvm::reverse(table.drop_back()))
      sum = fma(sum, x, x.c(c));
    return sum;
  }
};

} // namespace weir
#endif
