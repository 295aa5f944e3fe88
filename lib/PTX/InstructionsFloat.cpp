//===- InstructionsFloat.cpp - arithmetic of floats -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f32 and f64 to nearest are the processor's own; other directions and 16-bit formats are computed by
// APFloat, exactly and once rounded. Without a direction an operation rounds to nearest, and add and mul are
// not merged into fma, as an assembler might.
//
// What PTX defines by an error bound only (.approx, .full) is computed in f64 and rounded to nearest, so the
// bounds of the PTX manual hold: 2 ulp of div, 1 ulp of rcp, 2^-22 of ex2, 2^-22 of lg2 outside (0.5, 2),
// 2^-22.4 of rsqrt, 2^-20.9 of sin and cos, 2^-11 of tanh. A GPU's result may differ by that much.
//===----------------------------------------------------------------------===//
#include "Float.h"
#include "Instructions.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace weir::ptx;
using llvm::APFloat;
using llvm::RoundingMode;
using llvm::StringRef;

namespace {
/// What modifiers of an arithmetic instruction ask for.
struct Style {
  std::optional<RoundingMode> rounding;
  bool flushes = false, saturates = false, approximate = false, rectifies = false, propagatesNaN = false;
};
enum class Operation : uint8_t { Add, Subtract, Multiply, Divide, FusedMultiplyAdd, Minimum, Maximum };
} // namespace

std::optional<RoundingMode> weir::ptx::takeRounding(Mnemonic &mnemonic, bool toWhole) {
  static const RoundingMode modes[] = {RoundingMode::NearestTiesToEven, RoundingMode::TowardZero,
                                       RoundingMode::TowardNegative, RoundingMode::TowardPositive};
  auto mode = toWhole ? mnemonic.takeOneOf({"rni", "rzi", "rmi", "rpi"})
                      : mnemonic.takeOneOf({"rn", "rz", "rm", "rp"});
  return mode ? std::optional(modes[*mode]) : std::nullopt;
}

static Style takeStyle(Mnemonic &mnemonic) {
  Style style;
  style.rounding = takeRounding(mnemonic);
  style.approximate = mnemonic.take("approx") || mnemonic.take("full");
  style.flushes = mnemonic.take("ftz");
  style.saturates = mnemonic.take("sat");
  style.rectifies = mnemonic.take("relu");
  style.propagatesNaN = mnemonic.take("NaN");
  return style;
}

/// NaN is less than any number for min and max, unless .NaN; -0 is less than +0.
template <class T> static T least(T a, T b, bool greatest, bool propagates) {
  if (a != a || b != b)
    return propagates || (a != a && b != b) ? canonical(a + b) : a != a ? b : a;
  if (a == b)
    return std::signbit(a) == greatest ? b : a;
  return (a < b) == greatest ? b : a;
}

template <class T> static T compute(Operation operation, T a, T b, T c, bool propagates) {
  switch (operation) {
  case Operation::Add:
    return a + b;
  case Operation::Subtract:
    return a - b;
  case Operation::Multiply:
    return a * b;
  case Operation::Divide:
    return a / b;
  case Operation::FusedMultiplyAdd:
    return std::fma(a, b, c);
  case Operation::Minimum:
  case Operation::Maximum:
    return least(a, b, operation == Operation::Maximum, propagates);
  }
  return a;
}

static uint64_t computeSoftly(Operation operation, Type type, uint64_t a, uint64_t b, uint64_t c,
                              RoundingMode mode, bool propagates) {
  APFloat x = toAPFloat(a, type), y = toAPFloat(b, type);
  switch (operation) {
  case Operation::Add:
    x.add(y, mode);
    break;
  case Operation::Subtract:
    x.subtract(y, mode);
    break;
  case Operation::Multiply:
    x.multiply(y, mode);
    break;
  case Operation::Divide:
    x.divide(y, mode);
    break;
  case Operation::FusedMultiplyAdd:
    x.fusedMultiplyAdd(y, toAPFloat(c, type), mode);
    break;
  case Operation::Minimum:
    x = propagates ? llvm::minimum(x, y) : llvm::minimumnum(x, y);
    break;
  case Operation::Maximum:
    x = propagates ? llvm::maximum(x, y) : llvm::maximumnum(x, y);
    break;
  }
  return fromAPFloat(x, type);
}

/// .sat: into [0, 1], NaN to 0. .relu: at least 0, NaN stays.
template <class T> static T finish(T value, const Style &style) {
  value = canonical(value);
  if (style.saturates)
    return value > T(0) ? std::min(value, T(1)) : T(0);
  return style.rectifies && value < T(0) ? T(0) : value;
}

static float maybeFlush(float value, bool flushes) { return flushes ? flush(value) : value; }
static double maybeFlush(double value, bool) { return value; }

template <class T> static Handler native(Operation operation, const Style &style) {
  return [operation, style](Step &step) {
    bool fused = operation == Operation::FusedMultiplyAdd;
    uint64_t *d = step[0], *a = step[1], *b = step[2], *c = fused ? step[3] : nullptr;
    eachLane(step.lanes, [&](unsigned lane) {
      T x = maybeFlush(fromRow<T>(a[lane]), style.flushes),
        y = maybeFlush(fromRow<T>(b[lane]), style.flushes),
        z = c ? maybeFlush(fromRow<T>(c[lane]), style.flushes) : T(0);
      T result = finish(compute(operation, x, y, z, style.propagatesNaN), style);
      d[lane] = toRow<T>(maybeFlush(result, style.flushes));
    });
  };
}

/// One or two 16-bit numbers in a register, or f32 and f64 in another direction than to nearest.
static Handler soft(Operation operation, Type type, const Style &style) {
  unsigned parts = getKind(type) == Kind::FloatPair ? 2 : 1, bits = getBits(type) / parts;
  uint64_t mask = llvm::maskTrailingOnes<uint64_t>(bits);
  RoundingMode mode = style.rounding.value_or(RoundingMode::NearestTiesToEven);
  return [=](Step &step) {
    bool fused = operation == Operation::FusedMultiplyAdd;
    uint64_t *d = step[0], *a = step[1], *b = step[2], *c = fused ? step[3] : nullptr;
    eachLane(step.lanes, [&](unsigned lane) {
      uint64_t result = 0;
      for (unsigned part = 0, shift = 0; part < parts; ++part, shift += bits) {
        auto flushed = [&](uint64_t value) {
          APFloat number = toAPFloat(value, type);
          return style.flushes && number.isDenormal() ? value & (mask ^ mask >> 1) : value;
        };
        uint64_t value =
            computeSoftly(operation, type, flushed(a[lane] >> shift & mask), flushed(b[lane] >> shift & mask),
                          c ? flushed(c[lane] >> shift & mask) : 0, mode, style.propagatesNaN);
        APFloat number = toAPFloat(value, type);
        if (style.saturates)
          number = number.isNaN() || number.isNegative()
                       ? APFloat::getZero(semantics(type))
                       : llvm::minnum(number, APFloat::getOne(semantics(type)));
        else if (style.rectifies && number.isNegative() && !number.isNaN())
          number = APFloat::getZero(semantics(type));
        result |= flushed(fromAPFloat(number, type)) << shift;
      }
      d[lane] = result;
    });
  };
}

static Handler arithmetic(Operation operation, Type type, const Style &style) {
  bool nearest = style.rounding.value_or(RoundingMode::NearestTiesToEven) == RoundingMode::NearestTiesToEven;
  if (type == Type::F32 && nearest)
    return native<float>(operation, style);
  if (type == Type::F64 && nearest)
    return native<double>(operation, style);
  return soft(operation, type, style);
}

static bool isFloat(Type type) {
  return (getKind(type) == Kind::Float && type != Type::TF32) || getKind(type) == Kind::FloatPair;
}

/// The sign bit of one or two numbers.
static bool decodeFloatSign(Decoding &decoding) {
  Style style = takeStyle(decoding.mnemonic);
  auto type = decoding.mnemonic.takeType();
  if (!type || !isFloat(*type) || !decoding.all(2, *type))
    return false;
  uint64_t signs = getKind(*type) == Kind::FloatPair ? 0x80008000 : uint64_t(1) << (getBits(*type) - 1);
  bool absolute = decoding.mnemonic.name == "abs", flushes = style.flushes && *type == Type::F32;
  decoding.instruction.run = unary<uint64_t>([=](uint64_t a) {
    if (flushes)
      a = toRow(flush(fromRow<float>(a)));
    return absolute ? a & ~signs : a ^ signs;
  });
  return true;
}

bool weir::ptx::decodeFloatArithmetic(Decoding &decoding) {
  StringRef name = decoding.mnemonic.name;
  if (name == "neg" || name == "abs")
    return decodeFloatSign(decoding);
  Style style = takeStyle(decoding.mnemonic);
  auto type = decoding.mnemonic.takeType();
  Operation operation = name == "add"   ? Operation::Add
                        : name == "sub" ? Operation::Subtract
                        : name == "mul" ? Operation::Multiply
                        : name == "div" ? Operation::Divide
                        : name == "min" ? Operation::Minimum
                        : name == "max" ? Operation::Maximum
                                        : Operation::FusedMultiplyAdd;
  bool fused = operation == Operation::FusedMultiplyAdd;
  if (name == "rem" || !type || !isFloat(*type) || !decoding.all(fused ? 4 : 3, *type))
    return false;
  decoding.instruction.run = arithmetic(operation, *type, style);
  return true;
}

/// d = f(a) of f32 or f64, computed in f64 and rounded once. Of .ftz, operands and results below the normal
/// numbers are 0.
template <class F> static bool decodeFunction(Decoding &decoding, F f) {
  Style style = takeStyle(decoding.mnemonic);
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(2, *type))
    return false;
  if (style.rounding.value_or(RoundingMode::NearestTiesToEven) != RoundingMode::NearestTiesToEven)
    return false;
  bool flushes = style.flushes;
  Handler &run = decoding.instruction.run;
  if (*type == Type::F32)
    run = unary<float>([=](float a) {
      return maybeFlush(canonical(static_cast<float>(f(static_cast<double>(maybeFlush(a, flushes))))),
                        flushes);
    });
  else if (*type == Type::F64)
    run = unary<double>([=](double a) { return canonical(f(a)); });
  else if (*type == Type::F16 || *type == Type::F16x2 || *type == Type::BF16 || *type == Type::BF16x2)
    run = unary<uint32_t>([=, half = *type == Type::F16 || *type == Type::F16x2](uint32_t a) {
      auto one = [&](uint16_t bits) -> uint32_t {
        float value = static_cast<float>(f(static_cast<double>(half ? fromHalf(bits) : fromBFloat(bits))));
        return half ? toHalf(value) : toBFloat(value);
      };
      return *type == Type::F16x2 || *type == Type::BF16x2 ? one(a >> 16) << 16 | one(a & 0xffff)
                                                           : one(a & 0xffff);
    });
  return bool(run);
}

static bool decodeReciprocal(Decoding &decoding) {
  Mnemonic probe = decoding.mnemonic;
  Style style = takeStyle(probe);
  auto type = probe.takeType();
  if (style.rounding.value_or(RoundingMode::NearestTiesToEven) == RoundingMode::NearestTiesToEven)
    return decodeFunction(decoding, [](double a) { return 1 / a; });
  if (!type || !isFloat(*type) || !decoding.all(2, *type))
    return false;
  decoding.mnemonic = probe;
  RoundingMode mode = *style.rounding;
  decoding.instruction.run = unary<uint64_t>([mode, type = *type](uint64_t a) {
    APFloat one = APFloat::getOne(semantics(type));
    one.divide(toAPFloat(a, type), mode);
    return fromAPFloat(one, type);
  });
  return true;
}

static bool decodeFused(Decoding &decoding) { return decodeFloatArithmetic(decoding); }

static bool decodeCopySign(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.all(3, *type))
    return false;
  uint64_t sign = uint64_t(1) << (getBits(*type) - 1); // d has the sign of a and the rest of b
  decoding.instruction.run =
      binary<uint64_t>([sign](uint64_t a, uint64_t b) { return (a & sign) | (b & ~sign); });
  return true;
}

void weir::ptx::addFloatInstructions(InstructionTable &table) {
  table["fma"] = decodeFused;
  table["copysign"] = decodeCopySign;
  table["rcp"] = decodeReciprocal;
  table["sqrt"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::sqrt(a); }); };
  table["rsqrt"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return 1 / std::sqrt(a); }); };
  table["ex2"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::exp2(a); }); };
  table["lg2"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::log2(a); }); };
  table["sin"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::sin(a); }); };
  table["cos"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::cos(a); }); };
  table["tanh"] = [](Decoding &d) { return decodeFunction(d, [](double a) { return std::tanh(a); }); };
}
