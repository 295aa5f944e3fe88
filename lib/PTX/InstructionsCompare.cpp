//===- InstructionsCompare.cpp - predicates and choices -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Float.h"
#include "Instructions.h"
#include <cmath>

using namespace weir::ptx;
using llvm::StringRef;

namespace {
/// Two numbers are less, equal, greater, or unordered (one is a NaN); a comparison holds in some of these
/// cases.
enum Outcome : uint8_t { Less = 1, Equal = 2, Greater = 4, Unordered = 8 };
struct Comparison {
  const char *name;
  uint8_t holds;
};
} // namespace

static const Comparison comparisons[] = {{"eq", Equal},
                                         {"ne", Less | Greater},
                                         {"lt", Less},
                                         {"le", Less | Equal},
                                         {"gt", Greater},
                                         {"ge", Greater | Equal},
                                         {"lo", Less},
                                         {"ls", Less | Equal},
                                         {"hi", Greater},
                                         {"hs", Greater | Equal},
                                         {"equ", Equal | Unordered},
                                         {"neu", Less | Greater | Unordered},
                                         {"ltu", Less | Unordered},
                                         {"leu", Less | Equal | Unordered},
                                         {"gtu", Greater | Unordered},
                                         {"geu", Greater | Equal | Unordered},
                                         {"num", Less | Equal | Greater},
                                         {"nan", Unordered}};

static const Comparison *takeComparison(Mnemonic &mnemonic) {
  for (const Comparison &comparison : comparisons)
    if (mnemonic.take(comparison.name))
      return &comparison;
  return nullptr;
}

template <class T> static uint8_t outcome(T a, T b) {
  return a < b ? Less : a > b ? Greater : a == b ? Equal : Unordered;
}

using Compare = std::function<uint8_t(uint64_t, uint64_t)>;

static Compare comparing(Type type, bool flushes) {
  switch (type) {
  case Type::F32:
    if (flushes)
      return
          [](uint64_t a, uint64_t b) { return outcome(flush(fromRow<float>(a)), flush(fromRow<float>(b))); };
    return [](uint64_t a, uint64_t b) { return outcome(fromRow<float>(a), fromRow<float>(b)); };
  case Type::F64:
    return [](uint64_t a, uint64_t b) { return outcome(fromRow<double>(a), fromRow<double>(b)); };
  case Type::F16:
    return [](uint64_t a, uint64_t b) { return outcome(fromHalf(a), fromHalf(b)); };
  case Type::BF16:
    return [](uint64_t a, uint64_t b) { return outcome(fromBFloat(a), fromBFloat(b)); };
  case Type::S16:
    return [](uint64_t a, uint64_t b) { return outcome(fromRow<int16_t>(a), fromRow<int16_t>(b)); };
  case Type::S32:
    return [](uint64_t a, uint64_t b) { return outcome(fromRow<int32_t>(a), fromRow<int32_t>(b)); };
  case Type::S64:
    return [](uint64_t a, uint64_t b) { return outcome(fromRow<int64_t>(a), fromRow<int64_t>(b)); };
  default:
    return [](uint64_t a, uint64_t b) { return outcome(a, b); };
  }
}

/// setp.lt.and.f32 p|q, a, b, c: p = (a < b) and c, q = !(a < b) and c.
static bool decodeSetPredicate(Decoding &decoding) {
  const Comparison *comparison = takeComparison(decoding.mnemonic);
  auto combine = decoding.mnemonic.takeOneOf({"and", "or", "xor"});
  bool flushes = decoding.mnemonic.take("ftz");
  auto type = decoding.mnemonic.takeType();
  if (!comparison || !type || getKind(*type) == Kind::FloatPair || !decoding.expect(combine ? 4 : 3))
    return false;
  const Operand &result = decoding[0];
  bool both = result.form == Operand::Form::Pair;
  decoding.write(both ? result.elements[0] : result, Type::Pred);
  decoding.read(decoding[1], *type);
  decoding.read(decoding[2], *type);
  if (combine)
    decoding.read(decoding[3], Type::Pred);
  if (both)
    decoding.write(result.elements[1], Type::Pred);
  unsigned second = combine ? 4 : 3, how = combine.value_or(3);
  Compare compare = comparing(*type, flushes);
  decoding.instruction.run = [=, holds = comparison->holds](Step &step) {
    uint64_t *p = step[0], *a = step[1], *b = step[2], *c = how < 3 ? step[3] : nullptr,
             *q = both ? step[second] : nullptr;
    auto combined = [&](bool value, unsigned lane) {
      return how == 0   ? value && c[lane]
             : how == 1 ? value || c[lane]
             : how == 2 ? value != bool(c[lane])
                        : value;
    };
    eachLane(step.lanes, [&](unsigned lane) {
      bool value = compare(a[lane], b[lane]) & holds;
      bool first = combined(value, lane), other = combined(!value, lane); // c may be p
      p[lane] = first;
      if (q)
        q[lane] = other;
    });
  };
  return true;
}

/// set.lt.u32.f32 d, a, b: all ones (or 1.0) where it holds.
static bool decodeSet(Decoding &decoding) {
  const Comparison *comparison = takeComparison(decoding.mnemonic);
  bool flushes = decoding.mnemonic.take("ftz");
  auto result = decoding.mnemonic.takeType(), type = decoding.mnemonic.takeType();
  if (!comparison || !result || !type || getKind(*type) == Kind::FloatPair || !decoding.expect(3))
    return false;
  decoding.write(decoding[0], *result);
  decoding.read(decoding[1], *type);
  decoding.read(decoding[2], *type);
  uint64_t truth = *result == Type::F32 ? 0x3f800000 : *result == Type::F16 ? 0x3c00 : 0xffffffff;
  Compare compare = comparing(*type, flushes);
  decoding.instruction.run = binary<uint64_t>([=, holds = comparison->holds](uint64_t a, uint64_t b) {
    return compare(a, b) & holds ? truth : uint64_t(0);
  });
  return true;
}

static bool decodeSelect(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.expect(4))
    return false;
  decoding.write(decoding[0], *type);
  decoding.read(decoding[1], *type);
  decoding.read(decoding[2], *type);
  decoding.read(decoding[3], Type::Pred);
  decoding.instruction.run = ternary<uint64_t>([](uint64_t a, uint64_t b, uint64_t p) { return p ? a : b; });
  return true;
}

static bool decodeTest(Decoding &decoding) {
  auto what =
      decoding.mnemonic.takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  auto type = decoding.mnemonic.takeType();
  if (!what || (type != Type::F32 && type != Type::F64) || !decoding.expect(2))
    return false;
  decoding.write(decoding[0], Type::Pred);
  decoding.read(decoding[1], *type);
  decoding.instruction.run =
      unary<uint64_t>([what = *what, single = *type == Type::F32](uint64_t a) -> uint64_t {
        int kind = single ? std::fpclassify(fromRow<float>(a)) : std::fpclassify(fromRow<double>(a));
        switch (what) {
        case 0:
          return kind != FP_INFINITE && kind != FP_NAN;
        case 1:
          return kind == FP_INFINITE;
        case 2:
          return kind != FP_NAN;
        case 3:
          return kind == FP_NAN;
        case 4:
          return kind == FP_NORMAL;
        default:
          return kind == FP_SUBNORMAL;
        }
      });
  return true;
}

void weir::ptx::addCompareInstructions(InstructionTable &table) {
  table["setp"] = decodeSetPredicate;
  table["set"] = decodeSet;
  table["selp"] = decodeSelect;
  table["testp"] = decodeTest;
}
