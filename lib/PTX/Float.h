//===- Float.h - numbers of 16, 32 and 64 bits ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_FLOAT_H
#define WEIR_LIB_PTX_FLOAT_H
#include "weir/PTX/Types.h"
#include "llvm/ADT/APFloat.h"

namespace weir::ptx {

/// Bits of an f16 or bf16 as a float, exactly.
float fromHalf(uint16_t bits);
inline float fromBFloat(uint16_t bits) { return llvm::bit_cast<float>(uint32_t(bits) << 16); }
/// To nearest, ties to even. NaN becomes 0x7fff.
uint16_t toHalf(float value);
uint16_t toBFloat(float value);

/// The format of F16, BF16, F32 (TF32 too) and F64; of pairs, that of an element.
const llvm::fltSemantics &semantics(Type type);
llvm::APFloat toAPFloat(uint64_t bits, Type type);
/// The bits; a NaN becomes the one that the hardware makes.
uint64_t fromAPFloat(const llvm::APFloat &value, Type type);
/// `value` in another format, rounded.
uint64_t convertFloat(uint64_t bits, Type from, Type to, llvm::RoundingMode mode);
/// 10 bits of significand: to nearest, ties away from zero (cvt.rna.tf32.f32).
uint32_t toTF32(uint32_t bits);

uint64_t canonicalNaN(Type type);
inline float canonical(float value) { return value == value ? value : llvm::bit_cast<float>(0x7fffffffu); }
inline double canonical(double value) {
  return value == value ? value : llvm::bit_cast<double>(0x7ff8000000000000u);
}
/// Subnormal numbers become zeros of their sign.
inline float flush(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  return bits & 0x7f800000 ? value : llvm::bit_cast<float>(bits & 0x80000000);
}

} // namespace weir::ptx
#endif
