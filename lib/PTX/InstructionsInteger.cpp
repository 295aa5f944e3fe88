//===- InstructionsInteger.cpp - integers and bits ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Instructions.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <type_traits>

using namespace weir::ptx;
using llvm::StringRef;

namespace {
/// The type twice as wide, for mul.hi and mul.wide.
template <class T> struct Wide;
template <> struct Wide<int8_t> {
  using type = int16_t;
};
template <> struct Wide<uint8_t> {
  using type = uint16_t;
};
template <> struct Wide<int16_t> {
  using type = int32_t;
};
template <> struct Wide<uint16_t> {
  using type = uint32_t;
};
template <> struct Wide<int32_t> {
  using type = int64_t;
};
template <> struct Wide<uint32_t> {
  using type = uint64_t;
};
template <> struct Wide<int64_t> {
  using type = __int128;
};
template <> struct Wide<uint64_t> {
  using type = unsigned __int128;
};
} // namespace

/// Sums and products wrap: computed without a sign.
template <class T> static T wrap(uint64_t value) { return static_cast<T>(value); }

static Handler addSubtract(Type type, StringRef name, bool saturate) {
  return withInteger(type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    using Wider = typename Wide<T>::type;
    bool subtracts = name == "sub";
    if (saturate)
      return binary<T>([subtracts](T a, T b) {
        Wider exact = subtracts ? Wider(a) - Wider(b) : Wider(a) + Wider(b);
        return static_cast<T>(std::min<Wider>(std::max<Wider>(exact, std::numeric_limits<T>::min()),
                                              std::numeric_limits<T>::max()));
      });
    if (subtracts)
      return binary<T>([](T a, T b) { return wrap<T>(uint64_t(a) - uint64_t(b)); });
    return binary<T>([](T a, T b) { return wrap<T>(uint64_t(a) + uint64_t(b)); });
  });
}

static bool decodeAddSubtract(Decoding &decoding) {
  bool saturate = decoding.mnemonic.take("sat");
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(3, *type))
    return false;
  decoding.instruction.run = addSubtract(*type, decoding.mnemonic.name, saturate);
  return bool(decoding.instruction.run);
}

/// mul and mad: the low half, the high half, or all of the product.
static bool decodeMultiply(Decoding &decoding) {
  auto half = decoding.mnemonic.takeOneOf({"lo", "hi", "wide"});
  auto type = decoding.mnemonic.takeType();
  if (!type || !half)
    return false;
  bool adds = decoding.mnemonic.name == "mad", high = *half == 1, wide = *half == 2;
  if (!decoding.expect(adds ? 4 : 3))
    return false;
  unsigned bits = getBits(*type);
  Type result = !wide ? *type : bits == 16 ? Type::B32 : Type::B64;
  if (wide && bits > 32)
    return false;
  decoding.write(decoding[0], result);
  decoding.read(decoding[1], *type);
  decoding.read(decoding[2], *type);
  if (adds)
    decoding.read(decoding[3], result);
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    using Wider = typename Wide<T>::type;
    auto product = [high, wide](T a, T b) {
      // Unsigned where the product could overflow: int32_t of 16-bit numbers cannot.
      Wider all = static_cast<Wider>(a) * static_cast<Wider>(b);
      if (wide)
        return static_cast<uint64_t>(all);
      return static_cast<uint64_t>(high ? static_cast<T>(all >> (8 * sizeof(T))) : static_cast<T>(all));
    };
    unsigned resultBits = wide ? 16 * sizeof(T) : 8 * sizeof(T);
    uint64_t mask = llvm::maskTrailingOnes<uint64_t>(resultBits);
    return [product, adds, mask](Step &step) {
      uint64_t *d = step[0], *a = step[1], *b = step[2], *c = adds ? step[3] : nullptr;
      eachLane(step.lanes, [&](unsigned lane) {
        uint64_t sum = product(fromRow<T>(a[lane]), fromRow<T>(b[lane])) + (c ? c[lane] : 0);
        d[lane] = sum & mask;
      });
    };
  });
  return bool(decoding.instruction.run);
}

/// Without a meaning in PTX ("machine-specific"): a divisor of 0.
static bool decodeDivide(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(3, *type))
    return false;
  bool remainder = decoding.mnemonic.name == "rem";
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    return [remainder](Step &step) {
      uint64_t *d = step[0], *a = step[1], *b = step[2];
      eachLane(step.lanes, [&](unsigned lane) {
        T x = fromRow<T>(a[lane]), y = fromRow<T>(b[lane]);
        if (y == 0)
          return step.fail(lane, "a division by 0");
        if (std::is_signed_v<T> && y == T(-1))
          d[lane] = toRow<T>(remainder ? T(0) : wrap<T>(-uint64_t(x)));
        else
          d[lane] = toRow<T>(remainder ? x % y : x / y);
      });
    };
  });
  return bool(decoding.instruction.run);
}

static bool decodeMinimum(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(3, *type))
    return false;
  bool greatest = decoding.mnemonic.name == "max";
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    if (greatest)
      return binary<T>([](T a, T b) { return std::max(a, b); });
    return binary<T>([](T a, T b) { return std::min(a, b); });
  });
  return bool(decoding.instruction.run);
}

/// neg, abs; the names that floats have too come here through decodeNumber.
static bool decodeSign(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(2, *type))
    return false;
  bool absolute = decoding.mnemonic.name == "abs";
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    return unary<T>([absolute](T a) { return absolute && !(a < 0) ? a : wrap<T>(-uint64_t(a)); });
  });
  return bool(decoding.instruction.run);
}

/// Integers and floats share names; the last type decides.
static bool decodeNumber(Decoding &decoding) {
  Mnemonic probe = decoding.mnemonic;
  auto type = probe.takeType();
  if (type && (getKind(*type) == Kind::Float || getKind(*type) == Kind::FloatPair))
    return decodeFloatArithmetic(decoding);
  StringRef name = decoding.mnemonic.name;
  if (name == "add" || name == "sub")
    return decodeAddSubtract(decoding);
  if (name == "mul" || name == "mad")
    return decodeMultiply(decoding);
  if (name == "div" || name == "rem")
    return decodeDivide(decoding);
  return name == "min" || name == "max" ? decodeMinimum(decoding) : decodeSign(decoding);
}

static bool decodeLogic(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  StringRef name = decoding.mnemonic.name;
  bool inverts = name == "not", counts = name == "cnot";
  if (!type || !decoding.all(inverts || counts ? 2 : 3, *type))
    return false;
  uint64_t mask = llvm::maskTrailingOnes<uint64_t>(getBits(*type));
  if (inverts)
    decoding.instruction.run = unary<uint64_t>([mask](uint64_t a) { return ~a & mask; });
  else if (counts)
    decoding.instruction.run = unary<uint64_t>([](uint64_t a) { return uint64_t(a == 0); });
  else if (name == "and")
    decoding.instruction.run = binary<uint64_t>([](uint64_t a, uint64_t b) { return a & b; });
  else if (name == "or")
    decoding.instruction.run = binary<uint64_t>([](uint64_t a, uint64_t b) { return a | b; });
  else
    decoding.instruction.run = binary<uint64_t>([](uint64_t a, uint64_t b) { return a ^ b; });
  return true;
}

/// Amounts beyond the width shift everything out.
static bool decodeShift(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.expect(3))
    return false;
  decoding.write(decoding[0], *type);
  decoding.read(decoding[1], *type);
  decoding.read(decoding[2], Type::U32);
  bool left = decoding.mnemonic.name == "shl";
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    return [left](Step &step) {
      uint64_t *d = step[0], *a = step[1], *b = step[2];
      constexpr unsigned bits = 8 * sizeof(T);
      eachLane(step.lanes, [&](unsigned lane) {
        T value = fromRow<T>(a[lane]);
        uint32_t amount = static_cast<uint32_t>(b[lane]);
        if (left)
          d[lane] = toRow<T>(amount >= bits ? T(0) : wrap<T>(uint64_t(value) << amount));
        else
          d[lane] = toRow<T>(amount >= bits ? (value < 0 ? T(-1) : T(0)) : T(value >> amount));
      });
    };
  });
  return bool(decoding.instruction.run);
}

/// popc, clz, brev, bfind: the result of popc, clz and bfind has 32 bits.
static bool decodeCount(Decoding &decoding) {
  bool amount = decoding.mnemonic.take("shiftamt");
  auto type = decoding.mnemonic.takeType();
  StringRef name = decoding.mnemonic.name;
  if (!type || !decoding.expect(2))
    return false;
  decoding.write(decoding[0], name == "brev" ? *type : Type::U32);
  decoding.read(decoding[1], *type);
  unsigned bits = getBits(*type);
  auto leading = [bits](uint64_t a) { return a ? llvm::countl_zero(a) - (64 - bits) : bits; };
  Handler &run = decoding.instruction.run;
  if (name == "popc")
    run = unary<uint64_t>([](uint64_t a) { return uint64_t(llvm::popcount(a)); });
  else if (name == "clz")
    run = unary<uint64_t>([leading](uint64_t a) { return uint64_t(leading(a)); });
  else if (name == "brev")
    run = unary<uint64_t>([bits](uint64_t a) { return llvm::reverseBits(a) >> (64 - bits); });
  else
    run = withInteger(*type, [&](auto zero) -> Handler {
      using T = decltype(zero);
      return unary<uint64_t>([leading, amount, bits](uint64_t a) {
        uint64_t sought = fromRow<T>(a) < 0 ? ~a & llvm::maskTrailingOnes<uint64_t>(bits) : a;
        if (!sought)
          return uint64_t(0xffffffff);
        return uint64_t(amount ? leading(sought) : bits - 1 - leading(sought));
      });
    });
  return bool(run);
}

/// bfe d, a, position, length: zeros or copies of the sign above. bfi d, a, b, position, length: bits of a in
/// b.
static bool decodeBitField(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  bool inserts = decoding.mnemonic.name == "bfi";
  if (!type || !decoding.expect(inserts ? 5 : 4))
    return false;
  unsigned values = inserts ? 3 : 2, bits = getBits(*type);
  decoding.write(decoding[0], *type);
  for (unsigned i = 1; i < values; ++i)
    decoding.read(decoding[i], *type);
  decoding.read(decoding[values], Type::U32);
  decoding.read(decoding[values + 1], Type::U32);
  bool isSigned = getKind(*type) == Kind::Signed;
  decoding.instruction.run = [=](Step &step) {
    uint64_t *d = step[0], *a = step[1], *b = step[2], *positions = step[values], *lengths = step[values + 1];
    eachLane(step.lanes, [&](unsigned lane) {
      unsigned position = positions[lane] & 0xff, length = lengths[lane] & 0xff;
      uint64_t field = llvm::maskTrailingOnes<uint64_t>(std::min(length, bits));
      if (inserts) {
        uint64_t mask = position >= 64 ? 0 : field << position;
        d[lane] = ((b[lane] & ~mask) | ((position >= 64 ? 0 : a[lane] << position) & mask)) &
                  llvm::maskTrailingOnes<uint64_t>(bits);
        return;
      }
      uint64_t value = position >= bits ? 0 : a[lane] >> position & field;
      unsigned top = std::min(position + length - 1, bits - 1);
      if (isSigned && length && a[lane] >> top & 1)
        value |= ~llvm::maskTrailingOnes<uint64_t>(top >= position ? top - position + 1 : 0);
      d[lane] = value & llvm::maskTrailingOnes<uint64_t>(bits);
    });
  };
  return true;
}

/// Bytes of {b, a} chosen by nibbles of c; bit 3 of a nibble takes the sign of the byte instead.
static bool decodePermute(Decoding &decoding) {
  if (!decoding.mnemonic.take("b32") || !decoding.all(4, Type::B32))
    return false;
  decoding.instruction.run = ternary<uint32_t>([](uint32_t a, uint32_t b, uint32_t c) {
    uint64_t both = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (unsigned i = 0; i < 4; ++i) {
      unsigned selector = c >> (4 * i) & 0xf;
      uint8_t byte = both >> (8 * (selector & 7));
      if (selector & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= uint32_t(byte) << (8 * i);
    }
    return result;
  });
  return true;
}

static bool decodeTable(Decoding &decoding) {
  if (!decoding.mnemonic.take("b32") || !decoding.expect(5))
    return false;
  for (unsigned i = 0; i < 4; ++i)
    i ? decoding.read(decoding[i], Type::B32) : decoding.write(decoding[i], Type::B32);
  auto constant = decoding.constant(decoding[4]);
  if (!constant)
    return decoding.fail("the table of lop3 must be a number");
  uint8_t bits = *constant;
  decoding.instruction.run = ternary<uint32_t>([bits](uint32_t a, uint32_t b, uint32_t c) {
    uint32_t result = 0;
    for (unsigned i = 0; i < 8; ++i)
      if (bits >> i & 1)
        result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return result;
  });
  return true;
}

/// shf.l: the upper half of {b, a} << c; shf.r: the lower half of {b, a} >> c.
static bool decodeFunnel(Decoding &decoding) {
  auto direction = decoding.mnemonic.takeOneOf({"l", "r"});
  auto limit = decoding.mnemonic.takeOneOf({"clamp", "wrap"});
  if (!direction || !limit || !decoding.mnemonic.take("b32") || !decoding.all(4, Type::B32))
    return false;
  bool left = *direction == 0, clamps = *limit == 0;
  decoding.instruction.run = ternary<uint32_t>([left, clamps](uint32_t a, uint32_t b, uint32_t c) {
    unsigned amount = clamps ? std::min(c, 32u) : c & 31;
    uint64_t both = uint64_t(b) << 32 | a;
    return static_cast<uint32_t>(left ? both << amount >> 32 : both >> amount);
  });
  return true;
}

void weir::ptx::addIntegerInstructions(InstructionTable &table) {
  for (StringRef name : {"add", "sub", "mul", "mad", "div", "rem", "min", "max", "neg", "abs"})
    table[name] = decodeNumber;
  for (StringRef name : {"and", "or", "xor", "not", "cnot"})
    table[name] = decodeLogic;
  table["shl"] = table["shr"] = decodeShift;
  for (StringRef name : {"popc", "clz", "brev", "bfind"})
    table[name] = decodeCount;
  table["bfe"] = table["bfi"] = decodeBitField;
  table["prmt"] = decodePermute;
  table["lop3"] = decodeTable;
  table["shf"] = decodeFunnel;
}
