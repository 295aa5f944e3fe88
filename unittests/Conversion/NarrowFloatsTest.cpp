//===- NarrowFloatsTest.cpp - conversions agree with APFloat ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// expand-narrow-floats against llvm::APFloat, bit for bit: widening for every code; narrowing for every
// representable number, the middle between each two neighbours, what lies just beside either, and random
// bits. Denormals are on, so that nothing is hidden.
#include "HostCode.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace weir::test;
using llvm::APFloat;

namespace {

struct Format {
  const char *name, *type;
  unsigned bits;
  const llvm::fltSemantics &semantics;
};
const Format formats[] = {{"bf16", "bf16", 16, APFloat::BFloat()},
                          {"e5m2", "f8E5M2", 8, APFloat::Float8E5M2()},
                          {"e4m3", "f8E4M3FN", 8, APFloat::Float8E4M3FN()},
                          {"f16", "f16", 16, APFloat::IEEEhalf()}};

/// For each format N, wide type T and number of lanes: @N_to_T_w and @T_to_N_w between arrays of codes (iK)
/// and of T.
std::string moduleText() {
  const char *loop = R"(
func.func @{0}(%x: memref<?x{1}>, %out: memref<?x{2}>) attributes {{llvm.emit_c_interface} {{
  %c0 = arith.constant 0 : index
  %step = arith.constant {3} : index
  %n = memref.dim %x, %c0 : memref<?x{1}>
  scf.for %i = %c0 to %n step %step {{
    %a = {4}.load %x[%i] : memref<?x{1}>{5}
    {6}
    {4}.store %r, %out[%i] : memref<?x{2}>{7}
  }
  return
})";
  std::string text;
  for (const Format &f : formats)
    for (const char *wide : {"f32", "f64"})
      for (unsigned lanes : {0, 3, 8}) {
        std::string code = "i" + std::to_string(f.bits);
        auto vector = [&](llvm::StringRef type) {
          return lanes ? llvm::formatv("vector<{0}x{1}>", lanes, type).str() : type.str();
        };
        auto access = [&](llvm::StringRef type) { return lanes ? ", " + vector(type) : std::string(); };
        std::string room = lanes ? "vector" : "memref", n = vector(f.type), w = vector(wide),
                    i = vector(code);
        std::string widen =
            llvm::formatv("%f = arith.bitcast %a : {0} to {1}\n    %r = arith.extf %f : {1} to {2}", i, n, w);
        std::string narrow = llvm::formatv(
            "%f = arith.truncf %a : {2} to {1}\n    %r = arith.bitcast %f : {1} to {0}", i, n, w);
        unsigned step = lanes ? lanes : 1;
        text += llvm::formatv(loop, llvm::formatv("{0}_to_{1}_{2}", f.name, wide, lanes).str(), code, wide,
                              step, room, access(code), widen, access(wide));
        text += llvm::formatv(loop, llvm::formatv("{0}_to_{1}_{2}", wide, f.name, lanes).str(), wide, code,
                              step, room, access(wide), narrow, access(code));
      }
  return text;
}

HostCode &code() {
  static HostCode &code =
      *new HostCode(moduleText(), "expand-narrow-floats"); // outlives the static objects of LLVM
  return code;
}

/// The value of a code.
double decode(const Format &f, uint64_t bits) {
  APFloat value(f.semantics, llvm::APInt(f.bits, bits));
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToDouble();
}

uint64_t encode(const Format &f, double x) {
  APFloat value(x);
  bool losesInfo;
  value.convert(f.semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return value.bitcastToAPInt().getZExtValue();
}

bool isNaN(const Format &f, uint64_t bits) { return APFloat(f.semantics, llvm::APInt(f.bits, bits)).isNaN(); }

class NarrowFloats : public testing::TestWithParam<Format> {};

template <typename T, typename Code> void checkWidening(const Format &f) {
  std::vector<Code> codes(size_t(1) << f.bits);
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = Code(i);
  codes.resize((codes.size() + 23) / 24 * 24);
  std::vector<T> out(codes.size());
  for (unsigned lanes : {0, 3, 8}) {
    code().call(llvm::formatv("{0}_to_{1}_{2}", f.name, sizeof(T) == 8 ? "f64" : "f32", lanes), codes, out);
    for (size_t i = 0; i < codes.size(); ++i) {
      double expected = decode(f, codes[i]);
      if (std::isnan(expected))
        ASSERT_TRUE(std::isnan(out[i])) << f.name << " code " << unsigned(codes[i]);
      else
        ASSERT_TRUE(out[i] == expected && std::signbit(out[i]) == std::signbit(expected))
            << f.name << " code " << unsigned(codes[i]) << " is " << out[i] << ", not " << expected;
    }
  }
}

/// Numbers at and around every rounding boundary of the format, as T.
template <typename T> std::vector<T> boundaries(const Format &f) {
  const T inf = std::numeric_limits<T>::infinity();
  std::vector<T> all = {inf, std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::max(),
                        std::numeric_limits<T>::min(), std::numeric_limits<T>::denorm_min()};
  for (uint64_t bits = 0; bits + 1 < uint64_t(1) << (f.bits - 1); ++bits) {
    double low = decode(f, bits), high = decode(f, bits + 1);
    if (!std::isfinite(low))
      break;
    // Above the last finite number the next one would be as far away again.
    if (!std::isfinite(high))
      high = low + (low - decode(f, bits - 1));
    for (double x : {low, low + (high - low) / 2}) {
      T t = T(x);
      all.insert(all.end(), {t, std::nextafter(t, inf), std::nextafter(t, -inf)});
      if (sizeof(T) == 8) { // what rounding to f32 on the way would turn into a tie
        all.push_back(T(x * (1 + 0x1p-40)));
        all.push_back(T(x * (1 - 0x1p-40)));
      }
    }
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    uint64_t bits = random();
    T t;
    std::memcpy(&t, &bits, sizeof(T));
    all.push_back(t);
    all.push_back(
        T(std::ldexp(std::uniform_real_distribution<double>(-1, 1)(random), int(random() % 50) - 30)));
  }
  size_t n = all.size();
  for (size_t i = 0; i < n; ++i)
    all.push_back(-all[i]);
  all.resize((all.size() + 23) / 24 * 24);
  return all;
}

template <typename T, typename Code> void checkNarrowing(const Format &f) {
  std::vector<T> x = boundaries<T>(f);
  std::vector<Code> out(x.size());
  for (unsigned lanes : {0, 3, 8}) {
    code().call(llvm::formatv("{1}_to_{0}_{2}", f.name, sizeof(T) == 8 ? "f64" : "f32", lanes), x, out);
    for (size_t i = 0; i < x.size(); ++i) {
      uint64_t expected = encode(f, x[i]);
      if (isNaN(f, expected))
        ASSERT_TRUE(isNaN(f, out[i])) << f.name << '(' << x[i] << ") is " << unsigned(out[i]) << ", not NaN";
      else
        ASSERT_EQ(uint64_t(out[i]), expected) << f.name << '(' << x[i] << ") with " << lanes << " lanes";
    }
  }
}

TEST_P(NarrowFloats, EveryCodeWidens) {
  const Format &f = GetParam();
  if (f.bits == 8) {
    checkWidening<float, uint8_t>(f);
    checkWidening<double, uint8_t>(f);
  } else {
    checkWidening<float, uint16_t>(f);
    checkWidening<double, uint16_t>(f);
  }
}

TEST_P(NarrowFloats, RoundsOnceToNearestEven) {
  const Format &f = GetParam();
  if (f.bits == 8) {
    checkNarrowing<float, uint8_t>(f);
    checkNarrowing<double, uint8_t>(f);
  } else {
    checkNarrowing<float, uint16_t>(f);
    checkNarrowing<double, uint16_t>(f);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, NarrowFloats, testing::ValuesIn(formats),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
