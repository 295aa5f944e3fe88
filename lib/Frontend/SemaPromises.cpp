//===- SemaPromises.cpp - what is given ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Resolver.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

void Resolver::resolveGivens() {
  for (const ast::Statement &statement : cascade.body)
    if (statement.given &&
        !resolveGiven(*statement.given, false, kOwnOrder + unsigned(&statement - cascade.body.data())))
      program.failed = true;
  if (isPrelude)
    return;
  for (World::GivenEntry &entry : world.givens) {
    // At file level a promise is about the cascades that have its tensors and ranks.
    bool outer = world.quiet;
    unsigned before = world.quietErrors;
    world.quiet = true;
    size_t promises = program.promises.size();
    bool good = resolveGiven(*entry.declaration, true, entry.order);
    world.quiet = outer;
    if (good && world.quietErrors == before)
      entry.used = true;
    else
      program.promises.resize(promises);
    world.quietErrors = before;
  }
}

/// The same promise about the same tensors; those with coordinates are told apart by them.
static bool sameNode(const Node *a, const Node *b) {
  bool same = a->op == b->op && a->fn == b->fn && a->integer == b->integer && a->text == b->text &&
              a->coord == b->coord && a->param == b->param && a->tensor == b->tensor &&
              a->args.size() == b->args.size() &&
              (!a->rank || (b->rank && a->rank->canonical() == b->rank->canonical()));
  return same && all_of(zip(a->args, b->args),
                        [](auto pair) { return sameNode(std::get<0>(pair), std::get<1>(pair)); });
}

bool Resolver::resolveGiven(const ast::Given &given, bool fileLevel, unsigned givenOrder) {
  bindings.clear();
  Scope scope;
  scope.order = givenOrder;
  scope.inGiven = true;
  Node *predicate = resolve(*given.value, scope);
  Promise promise;
  for (const Binding &binding : bindings)
    promise.coords.insert(promise.coords.end(), binding.coords.begin(), binding.coords.end());
  bindings.clear();
  if (!predicate)
    return false;
  unsigned before = world.quiet ? world.quietErrors : world.diags.errorCount();
  checkGivenShape(predicate, true);
  if ((world.quiet ? world.quietErrors : world.diags.errorCount()) != before)
    return false;
  promise.source = world.textOf(given.begin, given.end);
  for (const Promise &known : program.promises)
    if (known.source == promise.source && sameNode(known.predicate, predicate))
      return true; // of a cascade around this one, about the same things
  promise.loc = given.loc;
  promise.predicate = predicate;
  program.promises.push_back(std::move(promise));
  return true;
}

static bool isComparison(const Node *node) {
  return node->op == Op::Map && node->fn >= attn::Fn::Eq && node->fn <= attn::Fn::Ge;
}

/// Comparisons and bool tensors joined by `and`; a reduction only as the norm of an input.
void Resolver::checkGivenShape(const Node *node, bool top) {
  if (top) {
    if (node->op == Op::And) {
      checkGivenShape(node->args[0], true);
      checkGivenShape(node->args[1], true);
      return;
    }
    bool negated = node->op == Op::Not && (node->args[0]->op == Op::Read || node->args[0]->op == Op::Param);
    if (!isComparison(node) && node->op != Op::Read && node->op != Op::Param && node->op != Op::Bool &&
        !negated) {
      StringRef note =
          node->op == Op::Or ? "write a promise without it, or give the two cases in a bool tensor" : "";
      world.error(node->loc, "a promise is made of comparisons and bool tensors joined by `and`", note);
      return;
    }
  }
  if (node->op == Op::Read && !node->tensor->input && !isCall)
    world.error(node->loc,
                "a promise is about inputs, params and extents, `" + node->tensor->name + "` is computed",
                "the caller cannot promise it; an equation can make it so");
  if (node->op == Op::Reduce) {
    bool norm = node->reduction == attn::Reduction::Sum && node->args.size() == 1 &&
                ((node->args[0]->op == Op::Power && node->args[0]->text == "2") ||
                 (node->args[0]->op == Op::Map && node->args[0]->fn == attn::Fn::Mul));
    if (!norm)
      world.error(node->loc, "a promise holds no reduction but a norm", "as in `given sum(d) K[t,d]^2 == 1`");
  }
  for (const Node *arg : node->args)
    checkGivenShape(arg, false);
}

void World::checkGivens() {
  for (const GivenEntry &entry : givens) {
    if (entry.used || cascadeOrder.empty())
      continue;
    unsigned before = diags.errorCount();
    const CascadeEntry &last = *cascadeOrder.back();
    Program program;
    Resolver(*this, program, *last.declaration, last.order, false)
        .explainGiven(*entry.declaration, entry.order);
    if (diags.errorCount() == before)
      error(entry.declaration->loc, "the promise is about no cascade of the file");
  }
}

/// Why a promise at file level does not fit this cascade.
void Resolver::explainGiven(const ast::Given &given, unsigned givenOrder) {
  declareSignature();
  collectDefinitions();
  resolveGiven(given, true, givenOrder);
}
