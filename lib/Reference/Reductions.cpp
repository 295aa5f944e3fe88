//===- Reductions.cpp - the ten reductions --------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 4. A reduction skips absent bodies. Over nothing at all it is absent itself; but count is 0, any false, all
// true.
#include "lib/Reference/Machine.h"
#include <cmath>

using namespace weir;
using namespace weir::reference;
using weir::attn::Reduction;

void Accumulator::add(const Value &v, int64_t coordinate) {
  undecided |= v.undecided();
  if (!v.present)
    return;
  if (givesCoordinate(op))
    addArg(v, coordinate);
  else if (body == Kind::Real)
    addReal(v);
  else
    addInteger(v);
  ++count;
}

void Accumulator::addReal(const Value &v) {
  long double x = v.real;
  bool first = count == 0;
  switch (op) {
  case Reduction::Sum:
  case Reduction::Mean:
    value += x;
    magnitude += fabsl(x);
    error += v.error;
    return;
  case Reduction::Prod: {
    value = first ? x : value * x;
    if (!bounds)
      return;
    double size = static_cast<double>(fabsl(x));
    outer *= fabsl(x) + v.error;
    zero |= x == 0 && v.error == 0;
    large *= std::max(1.0, size + v.error);
    if (size != 0)
      small *= std::min(1.0, std::max(size - v.error, 0.0));
    return;
  }
  case Reduction::Max:
  case Reduction::Min:
    if (first)
      value = x;
    else if (std::isnan(x) || std::isnan(value))
      value = std::isnan(value) ? value : x;
    else
      value = op == Reduction::Max ? std::max(value, x) : std::min(value, x);
    low = first                  ? x - v.error
          : op == Reduction::Max ? std::max(low, x - v.error)
                                 : std::min(low, x - v.error);
    high = first                  ? x + v.error
           : op == Reduction::Max ? std::max(high, x + v.error)
                                  : std::min(high, x + v.error);
    return;
  case Reduction::Count:
    ++counted;
    return;
  default:
    llvm_unreachable("any and all are of bools");
  }
}

void Accumulator::addInteger(const Value &v) {
  uint64_t x = static_cast<uint64_t>(v.integer), so = static_cast<uint64_t>(integer);
  bool first = count == 0;
  switch (op) {
  case Reduction::Sum:
  case Reduction::Mean:
    integer = static_cast<int64_t>(so + x);
    value += v.integer;
    magnitude += fabsl(static_cast<long double>(v.integer));
    return;
  case Reduction::Prod:
    integer = first ? v.integer : static_cast<int64_t>(so * x);
    return;
  case Reduction::Max:
    integer = first ? v.integer : std::max(integer, v.integer);
    return;
  case Reduction::Min:
    integer = first ? v.integer : std::min(integer, v.integer);
    return;
  case Reduction::Count:
    counted += body == Kind::Integer || v.integer;
    return;
  case Reduction::Any:
  case Reduction::All: // one that decides it is stronger than any number of undecided ones
    if ((op == Reduction::Any) == (v.integer != 0)) {
      ++counted;
      zero |= !v.undecided();
    }
    return;
  default:
    llvm_unreachable("argmax and argmin go their own way");
  }
}

/// The lowest coordinate among equals, NaN last.
void Accumulator::addArg(const Value &v, int64_t coordinate) {
  long double x = body == Kind::Real ? v.real : v.integer;
  if (op == Reduction::Argmin)
    x = -x;
  bool first = count == 0;
  exact &= v.error == 0;
  bool wins = first || (std::isnan(value) && !std::isnan(x)) || x > value;
  auto remember = [&](long double high) {
    if (!std::isnan(high))
      rival = hasRival ? std::max(rival, high) : high;
    hasRival |= !std::isnan(high);
  };
  if (!wins) {
    remember(x + v.error);
    return;
  }
  if (!first)
    remember(value + error);
  value = x;
  error = v.error;
  arg = coordinate;
}

double Accumulator::errorOfSum() const {
  double u = unitRoundoff(wide);
  if (!std::isfinite(value))
    return 0; // an infinity or NaN among the bodies; no order of adding loses it
  double reach = static_cast<double>(magnitude);
  double steps = static_cast<double>(count > 1 ? count : 0);
  double bound = error + steps * u * (reach + error);
  if (reach + error > 0) // in some order every partial sum but the first is so small that it is flushed
    bound += steps * (wide ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min());
  return std::isinf(settle(magnitude, bound, wide)) ? kUndecided : settle(value, bound, wide);
}

/// The largest value lies between the largest of the lower ends and the largest of the upper ends.
double Accumulator::errorOfExtreme() const {
  if (!std::isfinite(value))
    return std::isnan(value) || low == high ? 0 : kUndecided;
  return static_cast<double>(std::max(high - value, value - low));
}

double Accumulator::errorOfProduct() const {
  double u = unitRoundoff(wide);
  double largest = wide ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  double smallest = wide ? std::numeric_limits<double>::min() : std::numeric_limits<float>::min();
  if (!std::isfinite(value))
    return outer == fabsl(value) || std::isnan(value) ? 0 : kUndecided;
  if (large > largest || (small < smallest && !zero))
    return kUndecided; // some order of multiplying leaves the type's range
  if (zero)
    return 0;
  double bound =
      static_cast<double>(outer - fabsl(value)) + static_cast<double>(count) * u * static_cast<double>(outer);
  return settle(value, bound, wide);
}

Value Accumulator::finish() const {
  Value out;
  out.error = undecided ? kUndecided : 0;
  if (op == Reduction::Count || op == Reduction::Any || op == Reduction::All) {
    out.present = true;
    out.integer = op == Reduction::Count ? counted : op == Reduction::Any ? counted > 0 : counted == 0;
    if (op != Reduction::Count && zero)
      out.error = 0;
    return out;
  }
  if (count == 0)
    return out;
  out.present = true;
  if (givesCoordinate(op)) {
    out.integer = arg;
    if (bounds && hasRival && !exact && !(rival < value - error))
      out.error = kUndecided;
    return out;
  }
  if (result != Kind::Real) {
    out.integer = integer;
    return out;
  }
  out.real = op == Reduction::Mean ? value / count : body == Kind::Real ? value : integer;
  if (undecided || !bounds)
    return out;
  double u = unitRoundoff(wide);
  if (op == Reduction::Sum || op == Reduction::Mean) {
    out.error = errorOfSum();
    if (op == Reduction::Mean)
      out.error =
          settle(out.real,
                 out.error / static_cast<double>(count) + 2 * u * static_cast<double>(fabsl(out.real)), wide);
  } else {
    out.error = op == Reduction::Prod ? errorOfProduct() : errorOfExtreme();
  }
  if (body != Kind::Real && op != Reduction::Mean)
    out.error = u * static_cast<double>(fabsl(out.real));
  return out;
}
