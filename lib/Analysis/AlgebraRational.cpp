//===- AlgebraRational.cpp - exact rationals in 64 bits -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Algebra.h"
#include "llvm/ADT/StringExtras.h"
#include <limits>

using namespace llvm;
using namespace weir;

Rational Rational::make(__int128 p, __int128 q) {
  Rational r;
  r.bad = q == 0;
  if (r.bad)
    return r;
  __int128 a = p < 0 ? -p : p, b = q < 0 ? -q : q;
  while (b) {
    __int128 rest = a % b;
    a = b;
    b = rest;
  }
  if (a == 0)
    a = 1;
  if (q < 0)
    a = -a;
  p /= a;
  q /= a;
  constexpr __int128 limit = std::numeric_limits<int64_t>::max();
  r.bad = p > limit || p < -limit || q > limit;
  if (!r.bad) {
    r.p = int64_t(p);
    r.q = int64_t(q);
  }
  return r;
}

static Rational merged(__int128 p, __int128 q, Rational a, Rational b) {
  Rational r = Rational::make(p, q);
  r.bad |= a.bad || b.bad;
  return r;
}

Rational weir::operator+(Rational a, Rational b) {
  // The products have at most 126 bits, their sum 127.
  return merged(__int128(a.p) * b.q + __int128(b.p) * a.q, __int128(a.q) * b.q, a, b);
}
Rational weir::operator*(Rational a, Rational b) {
  return merged(__int128(a.p) * b.p, __int128(a.q) * b.q, a, b);
}
Rational weir::operator/(Rational a, Rational b) {
  return merged(__int128(a.p) * b.q, __int128(a.q) * b.p, a, b);
}

static Rational powerOfTen(int64_t k) {
  Rational r = 1;
  for (int64_t i = 0; i < std::abs(k) && !r.bad; ++i)
    r = k > 0 ? r * Rational(10) : r / Rational(10);
  return r;
}

Rational Rational::parse(StringRef text) {
  Rational bad;
  bad.bad = true;
  if (text.contains('/')) {
    auto [above, below] = text.split('/');
    return parse(above) / parse(below);
  }
  bool negative = text.consume_front("-");
  auto [mantissa, exponentText] = text.split(text.contains('E') ? 'E' : 'e');
  int64_t exponent = 0;
  exponentText.consume_front("+");
  if (!exponentText.empty() && (exponentText.getAsInteger(10, exponent) || std::abs(exponent) > 18))
    return bad;
  Rational r;
  bool point = false, any = false;
  for (char c : mantissa) {
    if (c == '.' && !point) {
      point = true;
    } else if (isDigit(c)) {
      any = true;
      r = r * Rational(10) + Rational(c - '0');
      exponent -= point;
    } else {
      return bad;
    }
  }
  if (!any)
    return bad;
  r = r * powerOfTen(exponent);
  return negative ? -r : r;
}

std::string Rational::text() const { return q == 1 ? itostr(p) : itostr(p) + "/" + itostr(q); }
