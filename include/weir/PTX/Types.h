//===- Types.h - the types of PTX -----------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_TYPES_H
#define WEIR_PTX_TYPES_H
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace weir::ptx {

enum class Type : uint8_t {
  Pred,
  B8,
  B16,
  B32,
  B64,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  BF16,
  F16x2,
  BF16x2,
  TF32,
  F32,
  F64
};
enum class Kind : uint8_t { Predicate, Bits, Unsigned, Signed, Float, FloatPair };

/// Where a variable lies or an access goes. Generic addresses are told apart by the windows of Memory.h.
enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

std::optional<Type> parseType(llvm::StringRef name); ///< "f16x2"
unsigned getBits(Type type);                         ///< of a register; 1 for pred
inline unsigned getBytes(Type type) { return (getBits(type) + 7) / 8; }
Kind getKind(Type type);

} // namespace weir::ptx
#endif
