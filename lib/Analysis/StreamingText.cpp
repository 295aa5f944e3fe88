//===- StreamingText.cpp - derivations as people read them ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Streaming.h"
#include "llvm/ADT/StringExtras.h"

using namespace weir;

static std::string named(llvm::StringRef name, const std::vector<std::string> &coords) {
  return coords.empty() ? name.str() : name.str() + "[" + llvm::join(coords, ",") + "]";
}

std::string weir::toText(const Accumulator &a, llvm::StringRef coordinate) {
  std::string text = named(a.name, a.coords) + " = " + a.op + "(" + coordinate.str();
  for (const std::string &inner : a.inner)
    text += ", " + inner;
  if (!a.domain->isTrue())
    text += " | " + toText(a.domain);
  text += ") " + toText(a.body);
  if (a.exponent)
    text += " weighted by exp(" + (a.lam == "1" ? "" : a.lam + "*") + "(" + toText(a.exponent) + " - " + a.reference + "))";
  return text + (a.exact ? "" : ", any value");
}

std::string weir::toText(const Finish &f) {
  std::string text = named(f.tensor, f.coords) + " = " + toText(f.value);
  return f.presence->isTrue() ? text : text + " where " + toText(f.presence);
}
