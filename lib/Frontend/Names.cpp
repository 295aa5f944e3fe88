//===- Names.cpp - reserved words and the letters of names ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Names.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;
using namespace weir;

static StringMap<names::Word> makeTable() {
  using names::Word;
  StringMap<Word> table;
  auto add = [&](Word word, StringRef list) {
    SmallVector<StringRef, 32> parts;
    list.split(parts, ' ');
    for (StringRef name : parts)
      table[name] = word;
  };
  add(Word::Keyword, "const param fn rank let given cascade import where else as and or not true false inf");
  add(Word::ElementType, "f64 f32 f16 bf16 f8e4m3 f8e5m2 i64 i32 i16 i8 i4 u32 u8 bool");
  add(Word::Function,
      "exp exp2 log log2 sqrt rsqrt tanh sigmoid erf sin cos atan2 abs sign floor ceil round relu "
      "softplus gelu silu clamp isabsent floordiv mod bitand bitor bitxor shl shr");
  add(Word::Reduction, "sum prod max min mean any all count argmax argmin logsumexp");
  add(Word::AlongRank, "softmax l2norm rmsnorm layernorm cumsum cumprod cummax");
  add(Word::Selection, "argtopk argsort");
  return table;
}

names::Word names::classify(StringRef name) {
  static const StringMap<Word> table = makeTable();
  auto it = table.find(name);
  return it == table.end() ? Word::None : it->second;
}

StringRef names::describe(Word word) {
  switch (word) {
  case Word::Keyword:
    return "a keyword";
  case Word::ElementType:
    return "an element type";
  case Word::Function:
    return "a function";
  case Word::Reduction:
    return "a reduction";
  case Word::AlongRank:
    return "a map along a rank";
  case Word::Selection:
    return "a selection";
  case Word::None:
    break;
  }
  llvm_unreachable("only reserved words are described");
}

bool names::isUpperName(StringRef name) {
  return !name.empty() && name[0] >= 'A' && name[0] <= 'Z' &&
         none_of(name, [](char c) { return isLower(c); });
}

bool names::isLowerName(StringRef name) { return !name.empty() && isLower(name[0]); }
