//===- ElementTypeTest.cpp - rounding to the fourteen types ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/ElementType.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "gtest/gtest.h"
#include <cfenv>
#include <cmath>
#include <limits>
#include <random>

using namespace weir;
using T = ElementType;

namespace {

const T allTypes[] = {T::F64, T::F32, T::F16, T::BF16, T::F8E4M3, T::F8E5M2, T::I64,
                      T::I32, T::I16, T::I8,  T::I4,   T::U32,    T::U8,     T::Bool};
const T smallReals[] = {T::F16, T::BF16, T::F8E4M3, T::F8E5M2};
constexpr long double infinity = std::numeric_limits<long double>::infinity();
constexpr long double nan = std::numeric_limits<long double>::quiet_NaN();

const llvm::fltSemantics &semanticsOf(T type) {
  switch (type) {
  case T::F64:
    return llvm::APFloat::IEEEdouble();
  case T::F32:
    return llvm::APFloat::IEEEsingle();
  case T::F16:
    return llvm::APFloat::IEEEhalf();
  case T::BF16:
    return llvm::APFloat::BFloat();
  case T::F8E4M3:
    return llvm::APFloat::Float8E4M3FN();
  default:
    return llvm::APFloat::Float8E5M2();
  }
}

/// LLVM's own rounding of the 80 bits of `value`.
uint64_t roundByLLVM(long double value, T type) {
  uint64_t words[2] = {0, 0};
  std::memcpy(words, &value, 10);
  llvm::APFloat number(llvm::APFloat::x87DoubleExtended(), llvm::APInt(80, words));
  bool lost;
  number.convert(semanticsOf(type), llvm::APFloat::rmNearestTiesToEven, &lost);
  return number.bitcastToAPInt().getZExtValue();
}

TEST(ElementTypeTest, namesRoundTrip) {
  for (T type : allTypes)
    EXPECT_EQ(parseElementType(getName(type)), type);
  EXPECT_EQ(getName(T::F8E4M3), "f8e4m3");
  EXPECT_FALSE(parseElementType("f31"));
  EXPECT_FALSE(parseElementType(""));
}

TEST(ElementTypeTest, typesOfMLIRRoundTrip) {
  mlir::MLIRContext context;
  for (T type : allTypes)
    EXPECT_EQ(fromMLIR(toMLIR(type, &context)), type) << getName(type).str();
  EXPECT_FALSE(fromMLIR(mlir::IndexType::get(&context)));
  EXPECT_TRUE(mlir::isa<mlir::Float8E4M3FNType>(toMLIR(T::F8E4M3, &context)));
  EXPECT_TRUE(toMLIR(T::U8, &context).isUnsignedInteger(8));
  EXPECT_TRUE(toMLIR(T::Bool, &context).isInteger(1));
}

TEST(ElementTypeTest, kindsAreDisjoint) {
  for (T type : allTypes)
    EXPECT_EQ(int(isReal(type)) + int(isInteger(type)) + int(type == T::Bool), 1) << getName(type).str();
}

// Every code of the small reals is its own value, and between two neighbours the middle goes to the even code
// and what is beside the middle to the nearer one.
TEST(ElementTypeTest, smallRealsExhaustively) {
  for (T type : smallReals) {
    uint64_t codes = uint64_t(1) << getBits(type);
    for (uint64_t code = 0; code < codes; ++code) {
      long double value = fromBits(code, type);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(fromBits(toBits(value, type), type)));
        continue;
      }
      ASSERT_EQ(toBits(value, type), code) << getName(type).str();
      ASSERT_EQ(roundTo(value, type), value);
      llvm::APFloat reference(semanticsOf(type), llvm::APInt(getBits(type), code));
      bool lost;
      reference.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
      ASSERT_EQ(static_cast<long double>(reference.convertToDouble()), value);
      long double next = code + 1 < codes / 2 ? fromBits(code + 1, type) : infinity;
      if (code >= codes / 2 || !std::isfinite(next) || !std::isfinite(value))
        continue;
      long double middle = (value + next) / 2, even = code % 2 ? next : value;
      for (long double sign : {1.0L, -1.0L}) {
        ASSERT_EQ(roundTo(sign * middle, type), sign * even);
        ASSERT_EQ(roundTo(sign * std::nextafter(middle, infinity), type), sign * next);
        ASSERT_EQ(roundTo(sign * std::nextafter(middle, 0.0L), type), sign * value);
      }
    }
  }
}

TEST(ElementTypeTest, overflow) {
  EXPECT_EQ(roundTo(65519.99L, T::F16), 65504);
  EXPECT_EQ(roundTo(65520.0L, T::F16), infinity);
  EXPECT_EQ(roundTo(-1e30L, T::F8E5M2), -infinity);
  EXPECT_EQ(roundTo(61439.0L, T::F8E5M2), 57344);
  EXPECT_EQ(roundTo(61440.0L, T::F8E5M2), infinity);
  EXPECT_EQ(roundTo(464.0L, T::F8E4M3), 448);
  EXPECT_TRUE(std::isnan(roundTo(464.1L, T::F8E4M3)));
  EXPECT_TRUE(std::isnan(roundTo(infinity, T::F8E4M3)));
  EXPECT_EQ(roundTo(1e300L, T::F32), infinity);
  EXPECT_EQ(roundTo(1e4000L, T::F64), infinity);
  EXPECT_EQ(roundTo(infinity, T::BF16), infinity);
}

TEST(ElementTypeTest, zerosKeepTheirSign) {
  for (T type : smallReals) {
    EXPECT_TRUE(std::signbit(roundTo(-0.0L, type)));
    EXPECT_TRUE(std::signbit(roundTo(-1e-4000L, type)));
    EXPECT_EQ(roundTo(1e-4000L, type), 0);
  }
}

// A value just above the middle of two bf16 that a first rounding to f32 would move onto it.
TEST(ElementTypeTest, roundsOnce) {
  long double value = 1.0L + 0x1p-8L + 0x1p-60L;
  EXPECT_EQ(static_cast<float>(value), 1.0f + 0x1p-8f);
  EXPECT_EQ(roundTo(value, T::BF16), 1.0L + 0x1p-7L);
  EXPECT_EQ(roundTo(1.0L + 0x1p-24L + 0x1p-62L, T::F32), 1.0L + 0x1p-23L);
}

TEST(ElementTypeTest, agreesWithLLVMOnRandomNumbers) {
  std::mt19937_64 random(1);
  for (T type : {T::F64, T::F32, T::F16, T::BF16, T::F8E4M3, T::F8E5M2})
    for (int i = 0; i < 50000; ++i) {
      uint64_t mantissa = random() | uint64_t(1) << 63;
      if (random() % 2) // few bits: middles are common
        mantissa &= ~uint64_t(0) << (random() % 64);
      int range = type == T::F64 ? 1100 : type == T::F32 || type == T::BF16 ? 160 : 24;
      long double value =
          std::scalbn(static_cast<long double>(mantissa), int(random() % (2 * range)) - range - 63);
      if (random() % 2)
        value = -value;
      uint64_t expected = roundByLLVM(value, type), actual = toBits(value, type);
      if (!std::isnan(fromBits(expected, type)))
        ASSERT_EQ(actual, expected) << getName(type).str() << " of " << value;
      else
        ASSERT_TRUE(std::isnan(fromBits(actual, type)));
    }
}

TEST(ElementTypeTest, ignoresTheRoundingMode) {
  std::fesetround(FE_UPWARD);
  EXPECT_EQ(roundTo(1.0L + 0x1p-12L, T::F16), 1);
  std::fesetround(FE_TONEAREST);
}

TEST(ElementTypeTest, integersTruncateAndSaturate) {
  for (T type : {T::I64, T::I32, T::I16, T::I8, T::I4, T::U32, T::U8}) {
    EXPECT_EQ(roundTo(nan, type), 0);
    EXPECT_EQ(roundTo(2.9L, type), 2);
    EXPECT_FALSE(std::signbit(roundTo(-0.5L, type)));
    EXPECT_EQ(roundTo(infinity, type), roundTo(1e30L, type));
    EXPECT_EQ(roundTo(-infinity, type), roundTo(-1e30L, type));
  }
  EXPECT_EQ(roundTo(-2.9L, T::I4), -2);
  EXPECT_EQ(roundTo(9, T::I4), 7);
  EXPECT_EQ(roundTo(-9, T::I4), -8);
  EXPECT_EQ(roundTo(300, T::I8), 127);
  EXPECT_EQ(roundTo(-3, T::U8), 0);
  EXPECT_EQ(roundTo(1e30L, T::U32), 4294967295.0L);
  EXPECT_EQ(roundTo(1e30L, T::I64), 9223372036854775807.0L);
  EXPECT_EQ(roundTo(9223372036854775807.0L, T::I64), 9223372036854775807.0L);
  EXPECT_EQ(roundTo(-1e30L, T::I64), -9223372036854775808.0L);
  EXPECT_EQ(roundTo(0.25L, T::Bool), 1);
}

TEST(ElementTypeTest, integerCodesRoundTrip) {
  for (T type : {T::I4, T::I8, T::U8, T::I16})
    for (uint64_t code = 0; code < uint64_t(1) << getBits(type); ++code)
      ASSERT_EQ(toBits(fromBits(code, type), type), code) << getName(type).str();
  for (int64_t value : {INT64_MIN, INT64_MIN + 1, int64_t(-1), int64_t(0), INT64_MAX - 1, INT64_MAX})
    EXPECT_EQ(toBits(static_cast<long double>(value), T::I64), static_cast<uint64_t>(value));
  EXPECT_EQ(fromBits(0xffffffff, T::U32), 4294967295.0L);
  EXPECT_EQ(fromBits(0xffffffff, T::I32), -1);
}

} // namespace
