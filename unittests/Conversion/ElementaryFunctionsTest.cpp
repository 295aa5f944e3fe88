//===- ElementaryFunctionsTest.cpp - stated errors hold --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// expand-elementary-functions against the C library in long double, on random and special arguments. What is
// allowed, and what was measured, stands in docs/functions.md: a measured number that no longer is what the
// table says fails too, and the failure prints the new row.
#include "HostCode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sstream>

using namespace weir::test;

namespace {

using Reference = long double (*)(long double, long double);

struct Function {
  const char *name, *op;
  unsigned operands;
  Reference reference;
  double low[2], high[2]; ///< where most random arguments are, for f32 and f64
};

#define UNARY(F) [](long double x, long double) -> long double { return F; }
#define BINARY(F) [](long double x, long double y) -> long double { return F; }
const Function functions[] = {
    {"exp", "math.exp", 1, UNARY(expl(x)), {-90, -720}, {90, 720}},
    {"exp2", "math.exp2", 1, UNARY(exp2l(x)), {-130, -1030}, {130, 1030}},
    {"expm1", "math.expm1", 1, UNARY(expm1l(x)), {-2, -2}, {2, 2}},
    {"log", "math.log", 1, UNARY(logl(x)), {0, 0}, {4, 4}},
    {"log2", "math.log2", 1, UNARY(log2l(x)), {0, 0}, {4, 4}},
    {"log1p", "math.log1p", 1, UNARY(log1pl(x)), {-1, -1}, {3, 3}},
    {"tanh", "math.tanh", 1, UNARY(tanhl(x)), {-11, -23}, {11, 23}},
    {"erf", "math.erf", 1, UNARY(erfl(x)), {-4, -6}, {4, 6}},
    {"sin", "math.sin", 1, UNARY(sinl(x)), {-1e5, -1e5}, {1e5, 1e5}},
    {"cos", "math.cos", 1, UNARY(cosl(x)), {-1e5, -1e5}, {1e5, 1e5}},
    {"atan2", "math.atan2", 2, BINARY(atan2l(x, y)), {-10, -10}, {10, 10}},
    {"pow", "math.powf", 2, BINARY(powl(x, y)), {-20, -100}, {20, 100}},
    {"rsqrt", "math.rsqrt", 1, UNARY(1 / sqrtl(x)), {0, 0}, {1000, 1000}},
};

/// Of promised accuracy up to 2^40 only.
bool isTrigonometric(const Function &f) {
  return llvm::StringRef(f.op) == "math.sin" || llvm::StringRef(f.op) == "math.cos";
}

/// @NAME_TYPE_wLANES: out[i] = op(x[i], y[i]), LANES at a time; 0 lanes is the scalar op.
std::string moduleText(const std::vector<unsigned> &widths) {
  std::string text;
  for (const Function &f : functions)
    for (const char *type : {"f32", "f64"})
      for (unsigned lanes : widths) {
        std::string element = lanes ? llvm::formatv("vector<{0}x{1}>", lanes, type).str() : type;
        std::string memref = llvm::formatv("memref<?x{0}>", type),
                    access = memref + (lanes ? ", " + element : "");
        std::string room = lanes ? "vector" : "memref";
        text += llvm::formatv(R"(
func.func @{0}_{1}_w{2}(%x: {3}, %y: {3}, %out: {3}) attributes {{llvm.emit_c_interface} {{
  %c0 = arith.constant 0 : index
  %step = arith.constant {4} : index
  %n = memref.dim %x, %c0 : {3}
  scf.for %i = %c0 to %n step %step {{
    %a = {5}.load %x[%i] : {6}
    %b = {5}.load %y[%i] : {6}
    %r = {7} %a{8} : {9}
    {5}.store %r, %out[%i] : {6}
  }
  return
})",
                              f.name, type, lanes, memref, lanes ? lanes : 1, room, access, f.op,
                              f.operands == 2 ? ", %b" : "", element);
      }
  return text;
}

HostCode &code() {
  static HostCode &code = *new HostCode(moduleText({0, 5, 8}),
                                        "expand-elementary-functions"); // outlives the static objects of LLVM
  return code;
}

template <typename T> constexpr bool isF64 = sizeof(T) == 8;
template <typename T> std::string symbol(const Function &f, unsigned lanes) {
  return llvm::formatv("{0}_{1}_w{2}", f.name, isF64<T> ? "f64" : "f32", lanes);
}

template <typename T> std::vector<T> specials() {
  const T inf = std::numeric_limits<T>::infinity(), min = std::numeric_limits<T>::min(),
          max = std::numeric_limits<T>::max();
  std::vector<T> all = {0,
                        inf,
                        std::numeric_limits<T>::quiet_NaN(),
                        min,
                        max,
                        T(0.5),
                        1,
                        T(1.5),
                        2,
                        3,
                        4,
                        T(2.5),
                        10,
                        100,
                        127,
                        128,
                        T(1e-5),
                        T(1e5),
                        T(1e10),
                        std::nextafter(T(1), T(0)),
                        std::nextafter(T(1), T(2)),
                        T(M_PI),
                        T(M_PI_2),
                        T(M_PI_4),
                        T(M_SQRT2),
                        T(M_SQRT1_2),
                        T(0.9),
                        T(88.72283),
                        T(88.7229),
                        T(87.3365),
                        T(87.3366),
                        T(709.782712893384),
                        T(709.79),
                        T(708.396),
                        T(708.4),
                        126,
                        T(126.5),
                        1022,
                        1023,
                        1024,
                        T(0x1p20),
                        T(0x1p39),
                        T(0x1p24),
                        std::nextafter(T(128), T(0))};
  for (size_t i = 0, n = all.size(); i < n; ++i)
    all.push_back(-all[i]);
  return all;
}

/// Random arguments: of the interval, of magnitudes near 0, and of any bits. A trigonometric one stays within
/// 2^40.
template <typename T> std::vector<T> arguments(const Function &f, size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  bool trigonometric = isTrigonometric(f);
  std::vector<T> all(count);
  for (size_t i = 0; i < count; ++i) {
    double low = f.low[isF64<T>], high = f.high[isF64<T>];
    switch (i % 4) {
    case 0:
      all[i] = T(uniform(low, high));
      break;
    case 1:
      all[i] = T(uniform(-2, 2));
      break;
    case 2:
      all[i] = T(std::ldexp(uniform(-1, 1), int(uniform(-60, trigonometric ? 40 : 60))));
      break;
    default:
      uint64_t bits = random();
      std::memcpy(&all[i], &bits, sizeof(T));
      if (trigonometric)
        all[i] = T(std::ldexp(uniform(-1, 1), int(uniform(-4, 20))));
    }
    // The C library's long double reads a denormal; a kernel does not.
    if (std::fpclassify(all[i]) == FP_SUBNORMAL)
      all[i] = 0;
  }
  return all;
}

/// The distance of `got` from `expected` in units of T's last place at `expected`. 0 where both are NaN, the
/// same infinity, or a result below the normal numbers that may be flushed; infinity where they cannot be
/// compared.
template <typename T> double ulps(T got, long double expected) {
  const long double max = std::numeric_limits<T>::max(), min = std::numeric_limits<T>::min();
  const double bad = HUGE_VAL;
  if (std::isnan(expected) || std::isnan(got))
    return std::isnan(expected) && std::isnan(got) ? 0 : bad;
  using Limits = std::numeric_limits<T>;
  int exponent = std::clamp(std::ilogb(expected), Limits::min_exponent - 1, Limits::max_exponent - 1);
  long double unit = std::ldexp(1.0L, exponent + 1 - Limits::digits);
  if (std::isinf(expected) || std::fabs(expected) > max + unit / 2)
    return std::isinf(got) ? (std::signbit(got) == std::signbit(expected) ? 0 : bad) : bad;
  if (std::isinf(got))
    return bad;
  if (expected == 0)
    return got == 0 && std::signbit(got) == std::signbit(expected) ? 0 : bad;
  if (std::fabs(expected) < min && std::fabs(got) <= min)
    return 0;
  return double(std::fabs(got - expected) / unit);
}

struct Stated {
  double stated[2], measured[2];
};

/// The rows `| name | f32 stated | f32 measured | f64 stated | f64 measured |` of docs/functions.md.
std::map<std::string, Stated> readTable() {
  auto file = llvm::MemoryBuffer::getFile(WEIR_SOURCE_DIR "/docs/functions.md");
  std::map<std::string, Stated> table;
  if (!file)
    return table;
  llvm::SmallVector<llvm::StringRef> lines;
  (*file)->getBuffer().split(lines, '\n');
  for (llvm::StringRef line : lines) {
    llvm::SmallVector<llvm::StringRef> cells;
    line.split(cells, '|');
    double number[4];
    bool isRow = cells.size() == 7;
    for (int i = 0; isRow && i < 4; ++i)
      isRow = !cells[2 + i].trim().getAsDouble(number[i]);
    if (isRow)
      table[cells[1].trim().str()] = {{number[0], number[2]}, {number[1], number[3]}};
  }
  return table;
}

template <typename T> double measure(const Function &f, std::string &worst) {
  const size_t count = 1 << 17;
  std::vector<T> x = arguments<T>(f, count, 1), y = arguments<T>(f, count, 2), out(count);
  for (size_t i = 0; f.operands == 2 && i < count; i += 3) // powers of moderate size
    x[i] = std::fabs(x[i]);
  {
    DenormalsOff off;
    code().call(symbol<T>(f, 8), x, y, out);
  }
  double largest = 0;
  for (size_t i = 0; i < count; ++i) {
    double error = ulps(out[i], f.reference(x[i], y[i]));
    if (error > largest) {
      largest = error;
      std::ostringstream text;
      text << std::hexfloat << "at (" << x[i] << ", " << y[i] << "): " << out[i];
      worst = text.str();
    }
  }
  return largest;
}

/// One decimal, upwards: what the table says.
double roundedUp(double error) { return std::ceil(error * 10) / 10; }

class Elementary : public testing::TestWithParam<Function> {};

TEST_P(Elementary, ErrorIsWithinTheTable) {
  const Function &f = GetParam();
  static const std::map<std::string, Stated> table = readTable();
  auto row = table.find(f.name);
  ASSERT_NE(row, table.end()) << "docs/functions.md has no row for " << f.name;
  std::string worst[2];
  double error[2] = {measure<float>(f, worst[0]), measure<double>(f, worst[1])};
  for (int i = 0; i < 2; ++i) {
    EXPECT_LE(error[i], row->second.stated[i]) << (i ? "f64 " : "f32 ") << worst[i];
    EXPECT_NEAR(roundedUp(error[i]), row->second.measured[i], 1e-6) << "the table's number is out of date";
  }
  if (HasFailure())
    printf("| %s | %g | %.1f | %g | %.1f |\n", f.name, row->second.stated[0], roundedUp(error[0]),
           row->second.stated[1], roundedUp(error[1]));
}

/// All pairs of special values (all single ones), with denormals on and off.
template <typename T> void checkSpecials(const Function &f) {
  std::vector<T> values = specials<T>(), x, y;
  for (T a : values)
    for (T b : values) {
      x.push_back(a);
      y.push_back(b);
    }
  while (x.size() % 40)
    x.push_back(1), y.push_back(1);
  for (bool off : {false, true}) {
    std::vector<T> out(x.size());
    if (off) {
      DenormalsOff guard;
      code().call(symbol<T>(f, 8), x, y, out);
    } else {
      code().call(symbol<T>(f, 8), x, y, out);
    }
    for (size_t i = 0; i < x.size(); ++i) {
      if (isTrigonometric(f) && std::isfinite(x[i]) && std::fabs(x[i]) > 0x1p40)
        continue;
      long double expected = f.reference(x[i], y[i]);
      ASSERT_LE(ulps(out[i], expected), 4)
          << f.name << '(' << x[i] << ", " << y[i] << ") is " << out[i] << ", not " << double(expected);
    }
  }
}

TEST_P(Elementary, SpecialValues) {
  checkSpecials<float>(GetParam());
  checkSpecials<double>(GetParam());
}

/// A lane does not depend on how many there are.
template <typename T> void checkWidths(const Function &f) {
  std::vector<T> x = arguments<T>(f, 4000, 3), y = arguments<T>(f, 4000, 4);
  std::vector<T> scalar(x.size()), five(x.size()), eight(x.size());
  code().call(symbol<T>(f, 0), x, y, scalar);
  code().call(symbol<T>(f, 5), x, y, five);
  code().call(symbol<T>(f, 8), x, y, eight);
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(scalar[i]) && std::isnan(five[i]) && std::isnan(eight[i]))
      continue;
    ASSERT_EQ(std::memcmp(&scalar[i], &five[i], sizeof(T)), 0)
        << f.name << '(' << x[i] << ", " << y[i] << ')';
    ASSERT_EQ(std::memcmp(&scalar[i], &eight[i], sizeof(T)), 0)
        << f.name << '(' << x[i] << ", " << y[i] << ')';
  }
}

TEST_P(Elementary, ScalarsAndVectorsOfAnyLengthAgree) {
  checkWidths<float>(GetParam());
  checkWidths<double>(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Functions, Elementary, testing::ValuesIn(functions),
                         [](const auto &info) { return std::string(info.param.name); });

/// Where tanh comes up to 1, of which every float is tried, it does not go beyond.
TEST(ElementaryTanh, IsAtMost1) {
  std::vector<float> x, y, out;
  for (float a = 7; a < 10; a = std::nextafter(a, 16.0f))
    x.push_back(a);
  x.resize(x.size() / 8 * 8);
  y = out = x;
  code().call("tanh_f32_w8", x, y, out);
  EXPECT_LE(*llvm::max_element(out), 1);
  EXPECT_GE(*llvm::min_element(out), std::tanh(7.0f) - 3 * 0x1p-24f);
}

/// Beyond 2^40 sin and cos promise no digits, but stay in [-1, 1].
TEST(ElementaryTrigonometry, HugeArgumentsStayBounded) {
  std::vector<double> x, y, out;
  for (int e = 40; e < 1023; ++e)
    for (double m : {1.0, -1.3, 1.9})
      x.push_back(std::ldexp(m, e));
  while (x.size() % 8)
    x.push_back(1);
  y = out = x;
  for (const char *name : {"sin_f64_w8", "cos_f64_w8"}) {
    code().call(name, x, y, out);
    for (double v : out)
      ASSERT_LE(std::fabs(v), 1.0000000001);
  }
}

} // namespace
