//===- ElementType.cpp - the fourteen element types -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/ElementType.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/bit.h"
#include <cassert>
#include <cmath>
#include <limits>

using namespace weir;

static_assert(std::numeric_limits<long double>::digits >= 64,
              "rounding is exact because a long double holds every i64, every f64 and its midpoints");

namespace {

/// The shape of a binary floating-point format, or the range of an integer one.
struct Format {
  const char *name;
  unsigned bits;
  bool real;
  int precision = 0;   ///< reals: bits of the significand, the hidden one included
  int minExponent = 0; ///< reals: of the smallest normal number 2^minExponent
  long double max = 0; ///< reals: the largest finite number
  bool infinity = true;
  int64_t lowest = 0, highest = 0; ///< integers
};

const Format formats[] = {
    {"f64", 64, true, 53, -1022, std::numeric_limits<double>::max()},
    {"f32", 32, true, 24, -126, std::numeric_limits<float>::max()},
    {"f16", 16, true, 11, -14, 65504.0L},
    {"bf16", 16, true, 8, -126, 0x1.FEp127L},
    {"f8e4m3", 8, true, 4, -6, 448.0L, false},
    {"f8e5m2", 8, true, 3, -14, 57344.0L},
    {"i64", 64, false, 0, 0, 0, false, INT64_MIN, INT64_MAX},
    {"i32", 32, false, 0, 0, 0, false, INT32_MIN, INT32_MAX},
    {"i16", 16, false, 0, 0, 0, false, INT16_MIN, INT16_MAX},
    {"i8", 8, false, 0, 0, 0, false, INT8_MIN, INT8_MAX},
    {"i4", 4, false, 0, 0, 0, false, -8, 7},
    {"u32", 32, false, 0, 0, 0, false, 0, UINT32_MAX},
    {"u8", 8, false, 0, 0, 0, false, 0, UINT8_MAX},
    {"bool", 8, false, 0, 0, 0, false, 0, 1},
};

const Format &formatOf(ElementType type) { return formats[static_cast<int>(type)]; }

} // namespace

llvm::StringRef weir::getName(ElementType type) { return formatOf(type).name; }

std::optional<ElementType> weir::parseElementType(llvm::StringRef name) {
  for (auto [index, format] : llvm::enumerate(formats))
    if (name == format.name)
      return static_cast<ElementType>(index);
  return std::nullopt;
}

unsigned weir::getBits(ElementType type) { return formatOf(type).bits; }
bool weir::isReal(ElementType type) { return formatOf(type).real; }
bool weir::isInteger(ElementType type) { return !isReal(type) && type != ElementType::Bool; }

mlir::Type weir::toMLIR(ElementType type, mlir::MLIRContext *context) {
  using mlir::IntegerType;
  switch (type) {
  case ElementType::F64:
    return mlir::Float64Type::get(context);
  case ElementType::F32:
    return mlir::Float32Type::get(context);
  case ElementType::F16:
    return mlir::Float16Type::get(context);
  case ElementType::BF16:
    return mlir::BFloat16Type::get(context);
  case ElementType::F8E4M3:
    return mlir::Float8E4M3FNType::get(context);
  case ElementType::F8E5M2:
    return mlir::Float8E5M2Type::get(context);
  case ElementType::U32:
  case ElementType::U8:
    return IntegerType::get(context, getBits(type), IntegerType::Unsigned);
  case ElementType::Bool:
    return IntegerType::get(context, 1);
  default:
    return IntegerType::get(context, getBits(type));
  }
}

std::optional<ElementType> weir::fromMLIR(mlir::Type type) {
  // Types are uniqued, so comparing with each of the fourteen decides it.
  for (int index = 0; index < static_cast<int>(std::size(formats)); ++index)
    if (toMLIR(static_cast<ElementType>(index), type.getContext()) == type)
      return static_cast<ElementType>(index);
  return std::nullopt;
}

/// Rounds once, at the last bit that the format keeps at the value's own exponent. Scaling by powers of two
/// is exact in a long double, whose exponent range is wider than any format's, so there is no second
/// rounding.
static long double roundReal(long double value, const Format &format) {
  if (!std::isfinite(value) || value == 0)
    return std::isinf(value) && !format.infinity ? std::numeric_limits<long double>::quiet_NaN() : value;
  int exponent = std::max(std::ilogb(value), format.minExponent);
  int lastBit = exponent - (format.precision - 1);
  long double units = std::scalbn(value, -lastBit);
  long double whole = std::floor(units), rest = units - whole; // both exact
  // Not rint: the answer may not depend on the rounding mode of the thread.
  if (rest > 0.5L || (rest == 0.5L && std::fmod(whole, 2.0L) != 0))
    whole += 1;
  long double rounded = std::copysign(std::scalbn(whole, lastBit), value);
  if (std::fabs(rounded) <= format.max)
    return rounded;
  if (!format.infinity)
    return std::numeric_limits<long double>::quiet_NaN();
  return std::copysign(std::numeric_limits<long double>::infinity(), value);
}

long double weir::roundTo(long double value, ElementType type) {
  const Format &format = formatOf(type);
  if (format.real)
    return roundReal(value, format);
  if (type == ElementType::Bool)
    return value != 0 ? 1 : 0;
  if (std::isnan(value))
    return 0;
  if (value <= static_cast<long double>(format.lowest))
    return static_cast<long double>(format.lowest);
  if (value >= static_cast<long double>(format.highest))
    return static_cast<long double>(format.highest);
  return std::trunc(value) + 0.0L; // no negative zero among the integers
}

uint64_t weir::toBits(long double value, ElementType type) {
  const Format &format = formatOf(type);
  value = roundTo(value, type);
  if (!format.real) {
    uint64_t bits = type == ElementType::U32 || value >= 0
                        ? static_cast<uint64_t>(value)
                        : static_cast<uint64_t>(static_cast<int64_t>(value));
    return format.bits == 64 ? bits : bits & ((uint64_t(1) << format.bits) - 1);
  }
  if (type == ElementType::F64)
    return llvm::bit_cast<uint64_t>(static_cast<double>(value));
  if (type == ElementType::F32)
    return llvm::bit_cast<uint32_t>(static_cast<float>(value));
  int fractionBits = format.precision - 1;
  uint64_t sign = uint64_t(std::signbit(value)) << (format.bits - 1);
  uint64_t exponentMask = ((uint64_t(1) << (format.bits - format.precision)) - 1) << fractionBits;
  if (std::isnan(value)) // quiet; f8e4m3 has one code, all ones
    return sign | exponentMask |
           (format.infinity ? uint64_t(1) << (fractionBits - 1) : (uint64_t(1) << fractionBits) - 1);
  if (std::isinf(value))
    return sign | exponentMask;
  if (value == 0)
    return sign;
  int exponent = std::max(std::ilogb(value), format.minExponent);
  auto units = static_cast<uint64_t>(std::scalbn(std::fabs(value), fractionBits - exponent));
  // A normal number's hidden bit adds the 1 that its exponent field is ahead of a subnormal's.
  return sign | ((uint64_t(exponent - format.minExponent) << fractionBits) + units);
}

long double weir::fromBits(uint64_t bits, ElementType type) {
  const Format &format = formatOf(type);
  if (!format.real) {
    if (type == ElementType::Bool)
      return bits != 0;
    if (type == ElementType::U32 || type == ElementType::U8)
      return static_cast<long double>(bits);
    unsigned unused = 64 - format.bits;
    return static_cast<long double>(static_cast<int64_t>(bits << unused) >> unused);
  }
  if (type == ElementType::F64)
    return llvm::bit_cast<double>(bits);
  if (type == ElementType::F32)
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits));
  int fractionBits = format.precision - 1;
  uint64_t exponentField = (bits >> fractionBits) & ((uint64_t(1) << (format.bits - format.precision)) - 1);
  uint64_t fraction = bits & ((uint64_t(1) << fractionBits) - 1);
  bool topExponent = exponentField == (uint64_t(1) << (format.bits - format.precision)) - 1;
  long double magnitude;
  if (topExponent && format.infinity)
    magnitude = fraction ? std::numeric_limits<long double>::quiet_NaN()
                         : std::numeric_limits<long double>::infinity();
  else if (topExponent && fraction == (uint64_t(1) << fractionBits) - 1)
    magnitude = std::numeric_limits<long double>::quiet_NaN();
  else if (exponentField == 0)
    magnitude = std::scalbn(static_cast<long double>(fraction), format.minExponent - fractionBits);
  else
    magnitude = std::scalbn(static_cast<long double>(fraction + (uint64_t(1) << fractionBits)),
                            format.minExponent - fractionBits + int(exponentField) - 1);
  return bits >> (format.bits - 1) & 1 ? -magnitude : magnitude;
}
