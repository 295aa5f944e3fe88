//===- Bounds.cpp - how far a kernel may be from the real numbers ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel computes in f32 (or f64) with unit roundoff u. Let a' be its operand, |a' - a| <= e. Then for a
// product
//
//   |fl(a' b') - a b| <= |a| eb + |b| ea + ea eb + u |a b|
//
// and likewise below: what the operands' errors become (their Lipschitz part), then what the operation adds.
// The elementary functions of kernels are good to kUlps units in the last place (docs/functions.md promises
// it); sigmoid, whose argument is rounded once more inside, to kUlps + |x| / 2. The mathematics has one zero,
// a kernel two: what tells them apart (a / 0, atan2 on its cut) is undecided. Results in the range of
// denormals may be flushed to zero, so the smallest normal number is added where that can be.
#include "lib/Reference/Machine.h"
#include <cmath>

using namespace weir;
using namespace weir::reference;
using weir::attn::Fn;

/// Of elementary functions; one ulp is at most 2u relative.
static constexpr double kUlps = 4;

double reference::settle(long double r, double error, bool wide) {
  if (std::isnan(error))
    return kUndecided;
  if (!std::isfinite(r))
    return error;
  long double magnitude = fabsl(r);
  double largest = wide ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  double smallest = wide ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min();
  if (magnitude + error > largest)
    return kUndecided; // a kernel may have overflowed here, and is allowed to
  if ((magnitude != 0 || error != 0) && magnitude - error < smallest)
    error += smallest;
  return error;
}

/// The larger step of a monotone function to the ends of [x - e, x + e].
template <typename F> static double spread(F f, long double x, long double e, long double r) {
  long double up = fabsl(f(x + e) - r), down = fabsl(f(x - e) - r);
  return static_cast<double>(std::isnan(up) || std::isnan(down) ? kUndecided : std::max(up, down));
}

/// How an error of the operand passes through a function of one real.
static double passOn(Fn fn, long double x, double e, long double r) {
  switch (fn) {
  case Fn::Neg:
  case Fn::Abs:
  case Fn::Relu:
  case Fn::Real:
  case Fn::Sin:
  case Fn::Cos:
  case Fn::Softplus:
    return e;
  case Fn::Gelu:
  case Fn::Silu:
    return 1.2 * e; // the largest slopes are 1.129 and 1.0998
  case Fn::Sign:
    return fabsl(x) <= e ? 2 : 0;
  case Fn::Exp:
    return static_cast<double>(r * expm1l(e));
  case Fn::Exp2:
    return static_cast<double>(r * expm1l(e * 0.6931471805599453L));
  case Fn::Floor:
    return spread(floorl, x, e, r);
  case Fn::Ceil:
    return spread(ceill, x, e, r);
  case Fn::Round:
    return spread(rintl, x, e, r);
  case Fn::Log:
    return x > e ? static_cast<double>(-log1pl(-e / x)) : kUndecided;
  case Fn::Log2:
    return x > e ? static_cast<double>(-log1pl(-e / x) * 1.442695040888963407L) : kUndecided;
  case Fn::Sqrt:
    return x - e >= 0 ? spread(sqrtl, x, e, r) : kUndecided;
  case Fn::Rsqrt:
    return x > e ? spread([](long double y) { return 1 / sqrtl(y); }, x, e, r) : kUndecided;
  case Fn::Tanh:
    return e < 1e-3 ? e * static_cast<double>(1 - r * r + 2 * e) : spread(tanhl, x, e, r);
  case Fn::Sigmoid:
    return e < 1e-3 ? e * static_cast<double>(r * (1 - r)) * (1 + 2 * e)
                    : spread([](long double y) { return 1 / (1 + expl(-y)); }, x, e, r);
  case Fn::Erf:
    return 1.13 * e;
  default:
    llvm_unreachable("not a function of one real");
  }
}

/// What computing a function of one real adds.
static double ownError(Fn fn, bool wide, long double x, long double r) {
  double u = unitRoundoff(wide), magnitude = static_cast<double>(fabsl(r));
  switch (fn) {
  case Fn::Neg:
  case Fn::Abs:
  case Fn::Sign:
  case Fn::Floor:
  case Fn::Ceil:
  case Fn::Round:
  case Fn::Relu:
    return 0;
  case Fn::Real:
    return u * magnitude;
  case Fn::Sigmoid:
  case Fn::Silu:
    return (2 * kUlps + static_cast<double>(fabsl(x))) * u * magnitude;
  case Fn::Gelu: // 1 + erf(y) cancels
    return 2 * kUlps * u * (magnitude + static_cast<double>(fabsl(x)));
  case Fn::Sin:
  case Fn::Cos: // beyond 2^40 the argument is not reduced: some number from -1 to 1
    return fabsl(x) > 0x1p40L ? 2 : 2 * kUlps * u * magnitude;
  default:
    return 2 * kUlps * u * magnitude;
  }
}

static double unaryError(Fn fn, bool wide, const Value &a, long double r) {
  double own = ownError(fn, wide, a.real, r);
  return a.error == 0 ? own : passOn(fn, a.real, a.error, r) + own;
}

static double quotientError(double u, const Value &a, const Value &b, long double r) {
  long double divisor = fabsl(b.real) - b.error;
  if (divisor <= 0)
    return kUndecided;
  return static_cast<double>((a.error + fabsl(r) * b.error) / divisor) + u * static_cast<double>(fabsl(r));
}

static double powerError(double u, const Value &a, const Value &b, long double r) {
  if (a.error == 0 && b.error == 0 && a.real >= 0 && (a.real == 0 || !std::isfinite(r)))
    return 0;
  if (a.real + a.error < 0)
    return 0; // NaN
  if (a.real <= a.error || !std::isfinite(r))
    return kUndecided;
  // exp(b log a): the exponent's relative error becomes an absolute one
  long double logarithm = fabsl(logl(a.real)), exponent = fabsl(b.real);
  long double e = exponent * -log1pl(-a.error / a.real) + b.error * (logarithm - log1pl(-a.error / a.real)) +
                  2 * kUlps * u * exponent * logarithm;
  return static_cast<double>(r * expm1l(e)) + 2 * kUlps * u * static_cast<double>(r);
}

static double powiError(double u, const Value &a, int64_t k, long double r) {
  long double steps = fabsl(static_cast<long double>(k)) + 1, base = fabsl(a.real);
  double own = static_cast<double>(steps * u * fabsl(r));
  if (k < 0 && base <= a.error)
    return kUndecided;
  if (a.error == 0)
    return own;
  long double edge = powl(k < 0 ? base - a.error : base + a.error, k);
  return static_cast<double>(edge - fabsl(r)) + own;
}

static double atan2Error(double u, const Value &y, const Value &x, long double r) {
  double own = 2 * kUlps * u * static_cast<double>(fabsl(r));
  if (y.real == 0 && x.real <= 0)
    return kUndecided; // 0, pi or -pi, by the zeros' signs
  if (y.error == 0 && x.error == 0)
    return own;
  long double radius = hypotl(x.real, y.real) - y.error - x.error;
  bool cut = x.real - x.error <= 0 && fabsl(y.real) <= y.error; // may cross the negative axis
  return radius <= 0 || cut ? kUndecided : static_cast<double>((y.error + x.error) / radius) + own;
}

/// The larger lies between the larger of the lower ends and the larger of the upper ends.
static double extremeError(Fn fn, const Value &a, const Value &b, long double r) {
  bool max = fn == Fn::Max;
  auto extreme = [max](long double x, long double y) { return max ? std::max(x, y) : std::min(x, y); };
  long double low = extreme(a.real - a.error, b.real - b.error),
              high = extreme(a.real + a.error, b.real + b.error);
  return static_cast<double>(std::max(high - r, r - low));
}

/// Operands of which one is an infinity or a NaN: the result is one too, or is surely not.
static double nonfiniteError(Fn fn, const Value &a, const Value &b) {
  bool byZero = fn == Fn::Div && b.real == 0 && !std::isnan(a.real);
  bool nan = std::isnan(a.real) || std::isnan(b.real);
  if (a.error == 0 && b.error == 0 && !byZero && !(nan && fn == Fn::Pow))
    return 0;
  if (std::isnan(a.real) || std::isnan(b.real))
    return fn == Fn::Pow ? kUndecided : 0; // 1^nan and nan^0 may be 1
  auto signKnown = [](const Value &v) { return fabsl(v.real) > v.error || v.error == 0; };
  switch (fn) {
  case Fn::Add:
  case Fn::Sub:
    return 0;
  case Fn::Min:
  case Fn::Max:
    return std::max(a.error, b.error);
  case Fn::Mul:
    return signKnown(a) && signKnown(b) ? 0 : kUndecided;
  case Fn::Div:
    return std::isinf(b.real) || signKnown(b) ? 0 : kUndecided;
  default:
    return kUndecided;
  }
}

double reference::mapError(Fn fn, bool wide, llvm::ArrayRef<Value> operands, long double r) {
  const Value &a = operands[0], &b = operands.back();
  double u = unitRoundoff(wide), magnitude = static_cast<double>(fabsl(r));
  if (fn == Fn::Powi)
    return !std::isfinite(a.real) || (a.real == 0 && a.error == 0 && b.integer >= 0)
               ? 0
               : powiError(u, a, b.integer, r);
  if (operands.size() == 1) {
    if (fn == Fn::Rsqrt && a.real == 0)
      return kUndecided; // inf or -inf
    if (!std::isfinite(a.real) || (!std::isfinite(r) && a.error == 0))
      return 0; // an infinity or NaN that every kernel makes too
    return unaryError(fn, wide, a, r);
  }
  if (!std::isfinite(a.real) || !std::isfinite(b.real)) // an angle is a number all the same
    return nonfiniteError(fn, a, b) + (fn == Fn::Atan2 && std::isfinite(r) ? 2 * kUlps * u * magnitude : 0);
  switch (fn) {
  case Fn::Add:
  case Fn::Sub:
    return a.error + b.error + u * magnitude;
  case Fn::Mul:
    return static_cast<double>(fabsl(a.real) * b.error + fabsl(b.real) * a.error) + a.error * b.error +
           u * magnitude;
  case Fn::Div:
    return std::isnan(r) && a.error == 0 && b.error == 0 ? 0 : quotientError(u, a, b, r);
  case Fn::Min:
  case Fn::Max:
    return extremeError(fn, a, b, r);
  case Fn::Pow:
    return powerError(u, a, b, r);
  case Fn::Atan2:
    return atan2Error(u, a, b, r);
  default:
    llvm_unreachable("not a function of two reals");
  }
}
