//===- Float.cpp - numbers of 16, 32 and 64 bits --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Float.h"

using namespace weir::ptx;
using llvm::APFloat;

float weir::ptx::fromHalf(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return llvm::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent)
    return llvm::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

uint16_t weir::ptx::toHalf(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  uint16_t sign = bits >> 16 & 0x8000;
  if (magnitude > 0x7f800000)
    return 0x7fff;
  if (magnitude >= 0x477ff000) // 65520 and more round to infinity
    return sign | 0x7c00;
  if (magnitude < 0x38800000) { // below 2^-14: the sum's last bit is worth 2^-24
    float shifted = llvm::bit_cast<float>(magnitude) + 0.5f;
    return sign | uint16_t(llvm::bit_cast<uint32_t>(shifted) - 0x3f000000);
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return sign | uint16_t((rounded - (112u << 23)) >> 13);
}

uint16_t weir::ptx::toBFloat(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if (value != value)
    return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

const llvm::fltSemantics &weir::ptx::semantics(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return APFloat::IEEEhalf();
  case Type::BF16:
  case Type::BF16x2:
    return APFloat::BFloat();
  case Type::F64:
    return APFloat::IEEEdouble();
  default:
    return APFloat::IEEEsingle();
  }
}

static unsigned bitsOf(Type type) { return APFloat::semanticsSizeInBits(semantics(type)); }

APFloat weir::ptx::toAPFloat(uint64_t bits, Type type) {
  return APFloat(semantics(type),
                 llvm::APInt(bitsOf(type), bits, /*isSigned=*/false, /*implicitTrunc=*/true));
}

uint64_t weir::ptx::canonicalNaN(Type type) {
  return type == Type::F64 ? 0x7ff8000000000000 : bitsOf(type) == 16 ? 0x7fff : 0x7fffffff;
}

uint64_t weir::ptx::fromAPFloat(const APFloat &value, Type type) {
  return value.isNaN() ? canonicalNaN(type) : value.bitcastToAPInt().getZExtValue();
}

uint64_t weir::ptx::convertFloat(uint64_t bits, Type from, Type to, llvm::RoundingMode mode) {
  APFloat value = toAPFloat(bits, from);
  bool loses;
  value.convert(semantics(to), mode, &loses);
  return fromAPFloat(value, to);
}

uint32_t weir::ptx::toTF32(uint32_t bits) {
  return (bits & 0x7f800000) == 0x7f800000 ? bits : (bits + 0x1000) & ~uint32_t(0x1fff);
}
