//===- Maps.cpp - strict scalar functions and rounding --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/Machine.h"
#include <cmath>

using namespace weir;
using namespace weir::reference;
using weir::attn::Fn;

//===----------------------------------------------------------------------===//
// Integers: 64-bit two's complement, wrapping
//===----------------------------------------------------------------------===//

static int64_t wrap(uint64_t x) { return static_cast<int64_t>(x); }

/// 0 <= r < abs(b); b is not 0.
static int64_t modulo(int64_t a, int64_t b) {
  if (b == -1)
    return 0;
  int64_t r = a % b;
  return r >= 0 ? r : b > 0 ? r + b : wrap(static_cast<uint64_t>(r) - static_cast<uint64_t>(b));
}

/// The quotient rounded to minus infinity; b is not 0.
static int64_t floorQuotient(int64_t a, int64_t b) {
  if (b == -1)
    return wrap(0 - static_cast<uint64_t>(a));
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static int64_t shift(int64_t a, int64_t by, bool left) {
  if (by < 0 || by > 63)
    return 0;
  uint64_t x = static_cast<uint64_t>(a);
  return wrap(left ? x << by : x >> by);
}

static int64_t integerPower(int64_t base, int64_t exponent) {
  uint64_t result = 1, factor = static_cast<uint64_t>(base);
  for (uint64_t e = exponent < 0 ? 0 : exponent; e; e >>= 1) {
    if (e & 1)
      result *= factor;
    factor *= factor;
  }
  return wrap(result);
}

static int64_t applyInteger(Fn fn, int64_t a, int64_t b) {
  uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (fn) {
  case Fn::Neg:
    return wrap(0 - ua);
  case Fn::Abs:
    return a < 0 ? wrap(0 - ua) : a;
  case Fn::Sign:
    return (a > 0) - (a < 0);
  case Fn::Add:
    return wrap(ua + ub);
  case Fn::Sub:
    return wrap(ua - ub);
  case Fn::Mul:
    return wrap(ua * ub);
  case Fn::Floordiv:
    return floorQuotient(a, b);
  case Fn::Mod:
    return modulo(a, b);
  case Fn::Powi:
    return integerPower(a, b);
  case Fn::Min:
    return std::min(a, b);
  case Fn::Max:
    return std::max(a, b);
  case Fn::Relu:
    return std::max<int64_t>(a, 0);
  case Fn::Bitand:
    return a & b;
  case Fn::Bitor:
    return a | b;
  case Fn::Bitxor:
    return a ^ b;
  case Fn::Shl:
    return shift(a, b, true);
  case Fn::Shr:
    return shift(a, b, false);
  case Fn::Floor:
  case Fn::Ceil:
  case Fn::Round:
  case Fn::Integer:
    return a;
  default:
    llvm_unreachable("a function of reals applied to integers");
  }
}

//===----------------------------------------------------------------------===//
// Reals
//===----------------------------------------------------------------------===//

static long double power(long double x, long double y) {
  if (std::isnan(x) || std::isnan(y) || x < 0)
    return std::numeric_limits<long double>::quiet_NaN();
  return powl(x, y);
}

static long double realPowi(long double x, int64_t k) {
  uint64_t e = k < 0 ? 0 - static_cast<uint64_t>(k) : static_cast<uint64_t>(k);
  long double result = 1;
  for (long double factor = x; e; e >>= 1, factor *= factor)
    if (e & 1)
      result *= factor;
  return k < 0 ? 1 / result : result;
}

static long double propagateNan(long double a, long double b, long double chosen) {
  return std::isnan(a) ? a : std::isnan(b) ? b : chosen;
}

static long double applyUnary(Fn fn, long double x) {
  switch (fn) {
  case Fn::Neg:
    return -x;
  case Fn::Abs:
    return fabsl(x);
  case Fn::Sign:
    return std::isnan(x) ? x : (x > 0) - (x < 0);
  case Fn::Floor:
    return floorl(x);
  case Fn::Ceil:
    return ceill(x);
  case Fn::Round:
    return rintl(x); // half to even
  case Fn::Exp:
    return expl(x);
  case Fn::Exp2:
    return exp2l(x);
  case Fn::Log:
    return logl(x);
  case Fn::Log2:
    return log2l(x);
  case Fn::Sqrt:
    return sqrtl(x);
  case Fn::Rsqrt:
    return 1 / sqrtl(x);
  case Fn::Tanh:
    return tanhl(x);
  case Fn::Sigmoid:
    return 1 / (1 + expl(-x));
  case Fn::Erf:
    return erfl(x);
  case Fn::Sin:
    return sinl(x);
  case Fn::Cos:
    return cosl(x);
  case Fn::Relu:
    return x > 0 || std::isnan(x) ? x : 0;
  case Fn::Softplus:
    return std::isnan(x) ? x : std::max(x, 0.0L) + log1pl(expl(-fabsl(x)));
  case Fn::Gelu:
    return x / 2 * erfcl(-x * sqrtl(0.5L)); // 1 + erf(y) = erfc(-y), without its cancellation
  case Fn::Silu:
    return x / (1 + expl(-x));
  case Fn::Real:
    return x;
  default:
    llvm_unreachable("not a function of one real");
  }
}

static long double applyReal(Fn fn, long double a, long double b, int64_t exponent) {
  switch (fn) {
  case Fn::Add:
    return a + b;
  case Fn::Sub:
    return a - b;
  case Fn::Mul:
    return a * b;
  case Fn::Div:
    return a / b;
  case Fn::Pow:
    return power(a, b);
  case Fn::Powi:
    return realPowi(a, exponent);
  case Fn::Min:
    return propagateNan(a, b, std::min(a, b));
  case Fn::Max:
    return propagateNan(a, b, std::max(a, b));
  case Fn::Atan2:
    return atan2l(a, b);
  default:
    return applyUnary(fn, a);
  }
}

template <typename T> static bool compare(Fn fn, T a, T b) {
  switch (fn) {
  case Fn::Eq:
    return a == b;
  case Fn::Ne:
    return a != b;
  case Fn::Lt:
    return a < b;
  case Fn::Le:
    return a <= b;
  case Fn::Gt:
    return a > b;
  case Fn::Ge:
    return a >= b;
  default:
    llvm_unreachable("not a comparison");
  }
}

/// Whether a comparison of reals could come out differently within the operands' errors.
static bool undecidedComparison(const Value &a, const Value &b) {
  long double reach = static_cast<long double>(a.error) + b.error;
  if (reach == 0 || std::isnan(a.real) || std::isnan(b.real))
    return false;
  if (std::isinf(a.real) || std::isinf(b.real))
    return a.real == b.real; // an infinity made by rounding has an infinite error, and is no case of this
  return fabsl(a.real - b.real) <= reach;
}

/// Every read of one coordinate of one tensor gives the same value.
static bool sameEntry(const Value &a, const Value &b) { return a.origin != 0 && a.origin == b.origin; }

Value reference::applyMap(Fn fn, Kind operandKind, Kind resultKind, bool wide, llvm::ArrayRef<Value> operands,
                          bool bounds) {
  Value out;
  out.present = true;
  const Value &a = operands[0], &b = operands.back();
  if (fn >= Fn::Eq && fn <= Fn::Ge) {
    out.integer = operandKind == Kind::Real ? compare(fn, a.real, b.real) : compare(fn, a.integer, b.integer);
    if (bounds && operandKind == Kind::Real && !sameEntry(a, b) && undecidedComparison(a, b))
      out.error = kUndecided;
    return out;
  }
  if (operandKind == Kind::Real) {
    out.real = applyReal(fn, a.real, b.real, b.integer);
    if (bounds && !(fn == Fn::Sub && sameEntry(a, b) && out.real == 0))
      out.error = settle(out.real, mapError(fn, wide, operands, out.real), wide);
    return out;
  }
  if (resultKind == Kind::Real) { // `real` of an integer
    out.real = a.integer;
    long double stored = wide ? static_cast<double>(a.integer) : static_cast<float>(a.integer);
    if (bounds)
      out.error = static_cast<double>(fabsl(stored - out.real));
    return out;
  }
  if ((fn == Fn::Floordiv || fn == Fn::Mod) && b.integer == 0)
    return Value(); // absent
  out.integer = applyInteger(fn, a.integer, b.integer);
  return out;
}

//===----------------------------------------------------------------------===//
// Rounding to an element type
//===----------------------------------------------------------------------===//

Value reference::roundValue(const Value &value, Kind kind, bool wide, ElementType to) {
  Kind target = kindOf(to);
  Value out = value;
  out.origin = 0;
  if (!value.present)
    return out;
  if (kind != Kind::Real) {
    if (target == Kind::Real) {
      out.real = roundTo(value.integer, to);
      out.integer = 0;
    } else if (target == Kind::Integer) {
      out.integer = static_cast<int64_t>(roundTo(value.integer, to));
    }
    return out;
  }
  if (target == Kind::Real && (to == ElementType::F64 || (to == ElementType::F32 && !wide)))
    return out; // a tensor of the body's own type is unrounded
  long double rounded = roundTo(value.real, to);
  long double low = rounded, high = rounded;
  if (value.error != 0 && !value.undecided()) {
    low = roundTo(value.real - value.error, to);
    high = roundTo(value.real + value.error, to);
  }
  if (target == Kind::Real) {
    out.real = rounded;
    if (value.undecided() || std::isnan(value.real) || low == high)
      out.error = value.undecided() ? kUndecided : 0;
    else
      out.error = settle(rounded, static_cast<double>(std::max(high - rounded, rounded - low)), wide);
  } else {
    out.real = 0;
    out.integer = static_cast<int64_t>(rounded);
    out.error = value.undecided() || low != high ? kUndecided : 0;
  }
  return out;
}
