//===- AlgebraSigns.cpp - which values are never negative -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Algebra.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

static Sign join(ArrayRef<Sign> signs) {
  if (all_of(signs, isNonNegative))
    return is_contained(signs, Sign::NonNegative) ? Sign::NonNegative : Sign::Positive;
  return Sign::Unknown;
}

Sign Algebra::monomialSign(const Monomial *m, Rational c) {
  bool negative = c.p < 0, zeroToo = false;
  for (auto &[a, k] : m->atoms) {
    Sign s = sign(a);
    if (k.isInteger() && k.p % 2 == 0) {
      zeroToo |= s != Sign::Positive && s != Sign::Negative;
      continue;
    }
    if (s == Sign::Unknown)
      return Sign::Unknown;
    negative ^= isNonPositive(s);
    zeroToo |= s == Sign::NonNegative || s == Sign::NonPositive || s == Sign::Zero;
  }
  if (negative)
    return zeroToo ? Sign::NonPositive : Sign::Negative;
  return zeroToo ? Sign::NonNegative : Sign::Positive;
}

Sign Algebra::sign(const NormalForm &n) {
  if (n.empty())
    return Sign::Zero;
  SmallVector<Sign> signs;
  for (auto &[m, c] : n)
    signs.push_back(monomialSign(m, c));
  if (all_of(signs, isNonNegative))
    return is_contained(signs, Sign::Positive) ? Sign::Positive : Sign::NonNegative;
  if (all_of(signs, isNonPositive))
    return is_contained(signs, Sign::Negative) ? Sign::Negative : Sign::NonPositive;
  return Sign::Unknown;
}

Sign Algebra::functionSign(const Tree *tree) {
  StringRef f = tree->text;
  if (tree->isComparison())
    return Sign::NonNegative;
  if (f == "exp" || f == "exp2" || f == "sigmoid" || f == "softplus")
    return Sign::Positive;
  if (f == "log") {
    Rational of = tree->args[0]->is(TreeKind::Number) ? Rational::parse(tree->args[0]->text) : Rational();
    return !of.bad && Rational(1) < of ? Sign::Positive : Sign::Unknown;
  }
  if (f == "relu" || f == "abs" || f == "sqrt")
    return Sign::NonNegative;
  if (f == "real" || f == "integer")
    return sign(tree->args[0]);
  if (f == "max" || f == "min") {
    SmallVector<Sign> signs;
    for (const Tree *arg : tree->args)
      signs.push_back(sign(arg));
    if (f == "max" && is_contained(signs, Sign::Positive))
      return Sign::Positive;
    if (f == "max" && is_contained(signs, Sign::NonNegative))
      return Sign::NonNegative;
    return join(signs);
  }
  if (f == "add" || f == "sub" || f == "mul" || f == "div" || f == "neg" || f == "pow" || f == "powi") {
    NormalForm n = normalize(tree);
    return n == atom(tree) ? Sign::Unknown : sign(n);
  }
  return Sign::Unknown;
}

Sign Algebra::sign(const Tree *tree) {
  switch (tree->kind) {
  case TreeKind::Number: {
    Rational value = Rational::parse(tree->text);
    return value.bad     ? Sign::Unknown
           : value.p > 0 ? Sign::Positive
           : value.p < 0 ? Sign::Negative
                         : Sign::NonNegative;
  }
  case TreeKind::Extent:
    return Sign::Positive; // of a rank that is read; an empty one leaves nothing to compute
  case TreeKind::Coordinate:
  case TreeKind::And:
  case TreeKind::Or:
  case TreeKind::Not:
    return Sign::NonNegative;
  case TreeKind::Read:
    return signOfRead ? signOfRead(tree) : Sign::Unknown;
  case TreeKind::Function:
    return functionSign(tree);
  case TreeKind::Select: {
    // An indicator's zero is not negative either.
    Sign a = sign(tree->args[1]), b = sign(tree->args[2]);
    auto weak = [](Sign s) { return s == Sign::Zero ? Sign::NonNegative : s; };
    return join({weak(a), weak(b)});
  }
  case TreeKind::Else:
    return join({sign(tree->args[0]), sign(tree->args[1])});
  case TreeKind::Reduce:
    if (tree->text == "count")
      return Sign::NonNegative;
    if (tree->text == "sum" || tree->text == "max" || tree->text == "min" || tree->text == "mean" ||
        tree->text == "prod") {
      Sign s = sign(splitReduce(tree, arena).first);
      return tree->text == "prod" && !isNonNegative(s) ? Sign::Unknown : s;
    }
    return Sign::Unknown;
  default:
    return Sign::Unknown;
  }
}
