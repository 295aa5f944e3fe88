//===- SemaLets.cpp - a let is a value -----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Resolver.h"
#include "llvm/ADT/ScopeExit.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using ast::ExprKind;

/// What a let's value depends on where it is used: the names in it, and in the lets that it uses, that may be
/// coordinates.
const StringSet<> &Resolver::namesIn(const ast::Let &let, unsigned letOrder) {
  auto [it, isNew] = letNames.try_emplace(&let);
  if (!isNew || nameDepth > 2 * kMaxLetDepth) // deeper than resolveLet goes
    return it->second;
  ++nameDepth;
  StringSet<> found, seen;
  std::function<void(const ast::Expr &)> visit = [&](const ast::Expr &e) {
    if (e.ellipsis)
      found.insert("...");
    for (StringRef coord : e.coords)
      found.insert(coord);
    if (e.kind == ExprKind::Name && seen.insert(e.text).second && names::isLowerName(e.text)) {
      auto [inner, innerOrder] = findLet(e.text, letOrder);
      if (!inner)
        found.insert(e.text);
      else
        for (const auto &name : namesIn(*inner, innerOrder))
          found.insert(name.getKey());
    }
    for (const ast::Expr *arg : e.args)
      visit(*arg);
    for (const ast::Expr *part : {e.predicate, e.eps})
      if (part)
        visit(*part);
  };
  visit(*let.value);
  --nameDepth;
  return letNames[&let] = std::move(found);
}

/// A let is a value. What differs between two uses is only what its names are bound to.
Node *Resolver::resolveLet(const ast::Let &let, unsigned letOrder, const ast::Expr &use, const Scope &scope) {
  if (lets.count(let.name) && lets[let.name].first == &let)
    usedLets.insert(let.name);
  else
    world.lets[let.name].used = true;
  if (letDepth >= kMaxLetDepth) {
    world.error(use.loc, "lets use each other more than " + Twine(kMaxLetDepth) + " deep",
                "give a part of it a name by an equation");
    return nullptr;
  }
  ++letDepth;
  scope_exit leave([&] { --letDepth; });
  std::vector<StringRef> used;
  for (const auto &name : namesIn(let, letOrder))
    used.push_back(name.getKey());
  llvm::sort(used);
  std::vector<Coordinate *> key;
  for (StringRef name : used) {
    if (const Binding *binding = findBinding(name))
      key.insert(key.end(), binding->coords.begin(), binding->coords.end());
    key.push_back(nullptr);
  }
  auto [it, isNew] = letCache.try_emplace({&let, key}, nullptr);
  if (!isNew && !scope.inGiven)
    return it->second;
  Scope inner;
  inner.order = letOrder;
  inner.inLet = true;
  inner.inGiven = scope.inGiven;
  Node *node = resolve(*let.value, inner);
  letCache[{&let, key}] = scope.inGiven ? nullptr : node;
  if (scope.inGiven)
    letCache.erase({&let, key});
  return node;
}
