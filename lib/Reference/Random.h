//===- Random.h - numbers that are the same on every machine --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_REFERENCE_RANDOM_H
#define WEIR_LIB_REFERENCE_RANDOM_H
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>

namespace weir::reference {

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). Integer
/// arithmetic only up to uniform(), and no library function after it, so that a seed means the same inputs
/// everywhere.
class Random {
public:
  /// Neighbouring seeds begin far apart in the one sequence that there is.
  explicit Random(uint64_t seed) : state(mix(seed + 0x632be59bd9b4e019u)) {}
  uint64_t next() { return mix(state += 0x9e3779b97f4a7c15u); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// In [low, high], which must not be empty.
  int64_t integer(int64_t low, int64_t high) {
    uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
    return static_cast<int64_t>(static_cast<uint64_t>(low) + (span ? next() % span : next()));
  }
  bool chance(double probability) { return uniform() < probability; }
  /// Mean 0, variance 1, within 6: the sum of twelve uniform numbers less 6.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i)
      sum += uniform();
    return sum;
  }
  template <typename T> const T &pick(llvm::ArrayRef<T> from) { return from[next() % from.size()]; }

private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t state;
};

} // namespace weir::reference
#endif
