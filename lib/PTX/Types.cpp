//===- Types.cpp - the types of PTX ---------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Types.h"
#include <cassert>
#include <iterator>

namespace weir::ptx {

namespace {
struct TypeEntry {
  Type type;
  const char *name;
  unsigned bits;
  Kind kind;
};
} // namespace

static const TypeEntry entries[] = {{Type::Pred, "pred", 1, Kind::Predicate},
                                    {Type::B8, "b8", 8, Kind::Bits},
                                    {Type::B16, "b16", 16, Kind::Bits},
                                    {Type::B32, "b32", 32, Kind::Bits},
                                    {Type::B64, "b64", 64, Kind::Bits},
                                    {Type::U8, "u8", 8, Kind::Unsigned},
                                    {Type::U16, "u16", 16, Kind::Unsigned},
                                    {Type::U32, "u32", 32, Kind::Unsigned},
                                    {Type::U64, "u64", 64, Kind::Unsigned},
                                    {Type::S8, "s8", 8, Kind::Signed},
                                    {Type::S16, "s16", 16, Kind::Signed},
                                    {Type::S32, "s32", 32, Kind::Signed},
                                    {Type::S64, "s64", 64, Kind::Signed},
                                    {Type::F16, "f16", 16, Kind::Float},
                                    {Type::BF16, "bf16", 16, Kind::Float},
                                    {Type::F16x2, "f16x2", 32, Kind::FloatPair},
                                    {Type::BF16x2, "bf16x2", 32, Kind::FloatPair},
                                    {Type::TF32, "tf32", 32, Kind::Float},
                                    {Type::F32, "f32", 32, Kind::Float},
                                    {Type::F64, "f64", 64, Kind::Float}};

static const TypeEntry &entry(Type type) {
  const TypeEntry &found = entries[static_cast<unsigned>(type)];
  assert(found.type == type && "the table is in the order of the types");
  return found;
}

unsigned getBits(Type type) { return entry(type).bits; }
Kind getKind(Type type) { return entry(type).kind; }

std::optional<Type> parseType(llvm::StringRef name) {
  for (const TypeEntry &candidate : entries)
    if (name == candidate.name)
      return candidate.type;
  return std::nullopt;
}

} // namespace weir::ptx
