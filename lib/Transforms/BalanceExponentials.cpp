//===- BalanceExponentials.cpp - products that stay in range --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/BalanceExponentials.h"
#include "llvm/ADT/STLExtras.h"

using namespace weir;
using IsReference = llvm::function_ref<bool(llvm::StringRef)>;

namespace {
struct Product {
  std::vector<const Tree *> factors, divisors;
};
} // namespace

static bool readsReference(const Tree *tree, IsReference isReference) {
  return (tree->is(TreeKind::Read) && isReference(tree->text)) ||
         llvm::any_of(tree->args, [&](const Tree *arg) { return readsReference(arg, isReference); });
}

/// Whether the tree is max(..., x, ...), kept within numbers or not.
static bool isMaximumWith(const Tree *tree, const Tree *x) {
  if (!tree->isFunction("max") && !tree->isFunction("min"))
    return false;
  if (tree->args[1]->is(TreeKind::Number))
    return isMaximumWith(tree->args[0], x);
  return tree->isFunction("max") && llvm::is_contained(tree->args, x);
}

/// x - max(..., x, ...) is at most 0.
static bool isAtMostZero(const Tree *tree) {
  return tree->isFunction("sub") && isMaximumWith(tree->args[1], tree->args[0]);
}

static void flatten(const Tree *tree, Product &product) {
  if (tree->isFunction("mul") && tree->scalar == ScalarKind::Real) {
    flatten(tree->args[0], product);
    flatten(tree->args[1], product);
  } else if (tree->isFunction("div")) {
    flatten(tree->args[0], product);
    product.divisors.push_back(tree->args[1]);
  } else {
    product.factors.push_back(tree);
  }
}

const Tree *weir::balanceExponentials(const Tree *tree, TreeArena &arena, IsReference isReference) {
  auto recurse = [&](const Tree *t) { return balanceExponentials(t, arena, isReference); };
  auto real = [&](llvm::StringRef name, llvm::ArrayRef<const Tree *> args) {
    return arena.function(name, args, ScalarKind::Real);
  };
  if (tree->is(TreeKind::Function) && (tree->text == "mul" || tree->text == "div") &&
      tree->scalar == ScalarKind::Real) {
    Product product;
    flatten(tree, product);
    auto at = llvm::find_if(product.factors, [&](const Tree *factor) {
      return factor->isFunction("exp") && !isAtMostZero(factor->args[0]) &&
             readsReference(factor->args[0], isReference);
    });
    if (at != product.factors.end() && product.factors.size() > 1) {
      const Tree *half = arena.get(TreeKind::Number, ScalarKind::Real, "1/2");
      const Tree *root = real("exp", {real("mul", {half, (*at)->args[0]})}), *value = root;
      product.factors.erase(at);
      for (const Tree *factor : product.factors)
        value = real("mul", {value, recurse(factor)});
      for (const Tree *divisor : product.divisors)
        value = real("div", {value, recurse(divisor)});
      return real("mul", {value, root});
    }
  }
  std::vector<const Tree *> args;
  for (const Tree *arg : tree->args)
    args.push_back(recurse(arg));
  return arena.get(tree->kind, tree->scalar, tree->text, args, tree->coords);
}
