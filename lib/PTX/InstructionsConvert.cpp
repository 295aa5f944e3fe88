//===- InstructionsConvert.cpp - from one type to another -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Float.h"
#include "Instructions.h"
#include "llvm/ADT/APSInt.h"
#include "llvm/Support/MathExtras.h"

using namespace weir::ptx;
using llvm::APFloat;
using llvm::APSInt;
using llvm::RoundingMode;

namespace {
struct Conversion {
  Type from, to;
  RoundingMode rounding = RoundingMode::TowardZero;
  bool toWhole = false; ///< .rni and its like: to a whole number
  bool saturates = false, rectifies = false, flushes = false;
};
} // namespace

static uint64_t extend(uint64_t value, Type type) {
  unsigned bits = getBits(type);
  value &= llvm::maskTrailingOnes<uint64_t>(bits);
  return getKind(type) == Kind::Signed && value >> (bits - 1) & 1
             ? value | ~llvm::maskTrailingOnes<uint64_t>(bits)
             : value;
}
static bool isInteger(Type type) { return getKind(type) == Kind::Signed || getKind(type) == Kind::Unsigned; }

static uint64_t integerToInteger(uint64_t value, const Conversion &how) {
  value = extend(value, how.from);
  if (how.saturates) {
    unsigned bits = getBits(how.to);
    bool negative = getKind(how.from) == Kind::Signed && static_cast<int64_t>(value) < 0;
    if (getKind(how.to) == Kind::Unsigned) {
      value = negative ? 0 : std::min(value, llvm::maskTrailingOnes<uint64_t>(bits));
    } else {
      int64_t most = llvm::maskTrailingOnes<uint64_t>(bits - 1), least = -most - 1;
      value = negative ? std::max(static_cast<int64_t>(value), least) : std::min<uint64_t>(value, most);
    }
  }
  return extend(value, how.to);
}

static uint64_t integerToFloat(uint64_t value, const Conversion &how) {
  bool isSigned = getKind(how.from) == Kind::Signed;
  APFloat result(semantics(how.to));
  result.convertFromAPInt(llvm::APInt(64, extend(value, how.from)), isSigned, how.rounding);
  return fromAPFloat(result, how.to);
}

/// Saturates; a NaN becomes 0, or the number with the top bit alone where f64 or 64 bits take part.
static uint64_t floatToInteger(uint64_t bits, const Conversion &how) {
  APFloat value = toAPFloat(bits, how.from);
  unsigned width = getBits(how.to);
  if (value.isNaN())
    return how.from == Type::F64 || width == 64 ? uint64_t(1) << (width - 1) : 0;
  if (how.flushes && value.isDenormal())
    return 0;
  APSInt result(width, getKind(how.to) == Kind::Unsigned);
  bool exact;
  value.convertToInteger(result, how.rounding, &exact);
  return extend(result.getZExtValue(), how.to);
}

static uint64_t floatToFloat(uint64_t bits, const Conversion &how) {
  APFloat value = toAPFloat(bits, how.from);
  if (how.flushes && value.isDenormal() && how.from == Type::F32)
    value = APFloat::getZero(semantics(how.from), value.isNegative());
  if (how.toWhole)
    value.roundToIntegral(how.rounding);
  bool loses;
  value.convert(semantics(how.to), how.rounding, &loses);
  if (how.saturates)
    value = value.isNaN() || value.isNegative() ? APFloat::getZero(semantics(how.to))
                                                : llvm::minnum(value, APFloat::getOne(semantics(how.to)));
  if (how.rectifies && value.isNegative() && !value.isNaN())
    value = APFloat::getZero(semantics(how.to));
  if (how.flushes && value.isDenormal() && how.to == Type::F32)
    value = APFloat::getZero(semantics(how.to), value.isNegative());
  return fromAPFloat(value, how.to);
}

static uint64_t convert(uint64_t value, const Conversion &how) {
  if (isInteger(how.from))
    return isInteger(how.to) ? integerToInteger(value, how) : integerToFloat(value, how);
  return isInteger(how.to) ? floatToInteger(value, how) : floatToFloat(value, how);
}

static bool takeRounding(Mnemonic &mnemonic, Conversion &conversion) {
  auto mode = takeRounding(mnemonic, /*toWhole=*/true);
  conversion.toWhole = mode.has_value();
  if (!mode)
    mode = takeRounding(mnemonic);
  conversion.rounding = mode.value_or(conversion.rounding);
  return mode.has_value();
}

/// cvt.rn.bf16x2.f32 d, a, b: a above, b below.
static bool decodePair(Decoding &decoding, Conversion how) {
  if (how.from != Type::F32 || !decoding.expect(3))
    return false;
  Type element = how.to == Type::F16x2 ? Type::F16 : Type::BF16;
  decoding.write(decoding[0], how.to);
  decoding.read(decoding[1], Type::F32);
  decoding.read(decoding[2], Type::F32);
  how.to = element;
  bool fast = how.rounding == RoundingMode::NearestTiesToEven && !how.rectifies && !how.saturates;
  decoding.instruction.run = binary<uint64_t>([=](uint64_t a, uint64_t b) {
    auto one = [&](uint64_t value) -> uint64_t {
      if (!fast)
        return floatToFloat(value, how);
      return element == Type::F16 ? toHalf(fromRow<float>(value)) : toBFloat(fromRow<float>(value));
    };
    return one(a) << 16 | one(b);
  });
  return true;
}

static bool decodeConvert(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  Conversion how;
  bool away = mnemonic.take("rna"), rounds = takeRounding(mnemonic, how);
  how.flushes = mnemonic.take("ftz");
  how.saturates = mnemonic.take("sat");
  how.rectifies = mnemonic.take("relu");
  auto to = mnemonic.takeType(), from = mnemonic.takeType();
  if (!to || !from)
    return false;
  how.to = *to, how.from = *from;
  if (getKind(*to) == Kind::FloatPair)
    return rounds && decodePair(decoding, how);
  if (!decoding.expect(2))
    return false;
  if (*to == Type::TF32) {
    if (*from != Type::F32 || !(away || rounds) || !decoding.all(2, Type::B32))
      return false;
    bool even = !away && how.rounding == RoundingMode::NearestTiesToEven;
    decoding.instruction.run = unary<uint32_t>([away, even](uint32_t a) {
      if (away)
        return toTF32(a);
      if ((a & 0x7f800000) == 0x7f800000)
        return a;
      return (even ? a + 0xfff + (a >> 13 & 1) : a) & ~uint32_t(0x1fff);
    });
    return true;
  }
  auto known = [](Type type) {
    return isInteger(type) || (getKind(type) == Kind::Float && type != Type::TF32);
  };
  if (!known(*to) || !known(*from))
    return false;
  // What loses must say how it rounds.
  bool floats = !isInteger(*to) && !isInteger(*from);
  bool loses = floats ? getBits(*to) < getBits(*from) : isInteger(*to) != isInteger(*from);
  if (loses && !rounds)
    return decoding.fail("a conversion that rounds must say how");
  if (isInteger(*to) && !isInteger(*from) && !how.toWhole)
    return decoding.fail("a conversion to integers rounds with .rni, .rzi, .rmi or .rpi");
  decoding.write(decoding[0], *to, /*wide=*/true);
  decoding.read(decoding[1], *from, /*wide=*/true);
  unsigned width = decoding.width(decoding[0]);
  uint64_t mask = llvm::maskTrailingOnes<uint64_t>(width ? width : 64);
  decoding.instruction.run = unary<uint64_t>([=](uint64_t a) { return convert(a, how) & mask; });
  return true;
}

void weir::ptx::addConvertInstructions(InstructionTable &table) { table["cvt"] = decodeConvert; }
