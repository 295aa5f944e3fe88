//===- StreamingGuards.cpp - conditions around what may be absent ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The normal form has the indicator of a condition as a factor: [q] * x is 0 where q does not hold, whether x is
// there or not. In an equation a product is absent where a factor is. So a derived tree gets the condition around
// the whole product, q ? x : 0.
#include "StreamingDerivation.h"

using namespace llvm;
using namespace weir;

/// `q ? x : 0`.
static bool isGuarded(const Tree *t) {
  return t->is(TreeKind::Select) && t->args[2]->is(TreeKind::Number) && t->args[2]->text == "0";
}

const Tree *Derivation::guardProduct(const Tree *t) {
  if (!t->isFunction("mul") && !t->isFunction("div"))
    return t;
  bool product = t->text == "mul";
  for (unsigned at : {0u, 1u}) {
    const Tree *guard = t->args[at];
    if (!isGuarded(guard) || (at == 1 && !product))
      continue;
    Trees args(t->args.begin(), t->args.end());
    args[at] = guard->args[1];
    bool isOne = product && args[at]->is(TreeKind::Number) && args[at]->text == "1";
    const Tree *inside =
        isOne ? args[1 - at] : guardProduct(arena.get(t->kind, t->scalar, t->text, args, t->coords));
    return arena.get(TreeKind::Select, t->scalar, "", {guard->args[0], inside, guard->args[2]});
  }
  return t;
}

const Tree *Derivation::guard(const Tree *t) {
  if (t->args.empty())
    return t;
  if (auto known = guards.find(t); known != guards.end())
    return known->second;
  Trees args;
  for (const Tree *arg : t->args)
    args.push_back(guard(arg));
  const Tree *result = guardProduct(arena.get(t->kind, t->scalar, t->text, args, t->coords));
  return guards[t] = result;
}
