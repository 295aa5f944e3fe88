//===- SemaOperators.cpp - operators and reductions in expressions -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Resolver.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using ast::ExprKind;

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Node *Resolver::resolveUnary(const ast::Expr &e, const Scope &scope) {
  Node *operand = resolve(*e.args[0], scope);
  if (!operand)
    return nullptr;
  if (e.text == "not")
    return make(Op::Not, e.loc, {operand});
  Node *node = makeMap(attn::Fn::Neg, e.loc, {operand});
  return node;
}

Node *Resolver::resolveBinary(const ast::Expr &e, const Scope &scope) {
  if (e.text == "^")
    return resolvePower(e, scope);
  auto fn = StringSwitch<std::optional<attn::Fn>>(e.text)
                .Case("+", attn::Fn::Add)
                .Case("-", attn::Fn::Sub)
                .Case("*", attn::Fn::Mul)
                .Case("==", attn::Fn::Eq)
                .Case("!=", attn::Fn::Ne)
                .Case("<", attn::Fn::Lt)
                .Case("<=", attn::Fn::Le)
                .Case(">", attn::Fn::Gt)
                .Case(">=", attn::Fn::Ge)
                .Default(std::nullopt);
  bool compares = fn && *fn >= attn::Fn::Eq;
  Scope inner = scope;
  Node *node = nullptr;
  if (compares) {
    if (!(node = makeMap(*fn, e.loc, {})))
      return nullptr;
    node->text = e.text.str();
    if (scope.context != Context::Floor) {
      inner.context = Context::Comparison;
      inner.comparison = node;
    }
  }
  Node *a = resolve(*e.args[0], inner), *b = resolve(*e.args[1], inner);
  if (!a || !b)
    return nullptr;
  if (compares) {
    node->args = {a, b};
    node->height = std::max(a->height, b->height) + 1;
    node->depth = std::max(a->depth, b->depth);
    return node;
  }
  if (fn)
    return makeMap(*fn, e.loc, {a, b});
  Op op = StringSwitch<Op>(e.text)
              .Case("/", Op::Divide)
              .Case("%", Op::Modulo)
              .Case("and", Op::And)
              .Case("or", Op::Or)
              .Default(Op::Else);
  if ((node = make(op, e.loc, {a, b}))) {
    node->context = scope.context;
    node->comparison = scope.comparison;
    if (op == Op::Divide || op == Op::Modulo)
      node->text = world.textOf(e.args[0]->begin, e.args[0]->end) + "\n" +
                   world.textOf(e.args[1]->begin, e.args[1]->end);
  }
  return node;
}

/// An exponent that is an integer literal, perhaps with a sign, is repeated multiplication.
Node *Resolver::resolvePower(const ast::Expr &e, const Scope &scope) {
  const ast::Expr *exponent = e.args[1];
  bool negative = exponent->kind == ExprKind::Unary && exponent->text == "-";
  const ast::Expr *literal = negative ? exponent->args[0] : exponent;
  Node *base = resolve(*e.args[0], scope);
  if (literal->kind == ExprKind::Integer) {
    Node *number = resolve(*literal, scope);
    Node *node = base && number ? make(Op::Power, e.loc, {base}) : nullptr;
    if (node) {
      node->integer =
          negative ? static_cast<int64_t>(0 - static_cast<uint64_t>(number->integer)) : number->integer;
      node->text = std::to_string(node->integer);
    }
    return node;
  }
  Node *power = resolve(*exponent, scope);
  return base && power ? make(Op::Power, e.loc, {base, power}) : nullptr;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// New coordinates for what a reduction or a selection goes over.
bool Resolver::bindReduced(const ast::Expr &e, const Scope &scope, Coords &coords) {
  bool good = true;
  for (auto [name, loc] : zip(e.coords, e.coordLocs)) {
    if (isPrelude && groups.count(name)) {
      for (Coordinate *outer : groups[name])
        coords.push_back(newCoordinate(outer->name, outer->rank));
      continue;
    }
    Rank *rank = rankOfCoordinate(name);
    if (!rank) {
      if (world.params.count(name) || lets.count(name) || world.lets.count(name))
        world.error(loc, "`" + e.text + "` goes over coordinates, `" + name + "` is a " +
                             (world.params.count(name) ? "param" : "let"));
      else if (!activeRanks.contains(name.upper()) && !ownRanks.count(name.upper()))
        unknownCoordinate(name, loc);
      good = false;
      continue;
    }
    const Binding *outer = findBinding(name);
    if (outer && outer->left && !scope.inLet && !scope.inGiven) {
      world.error(loc, "the index `" + name + "` is reduced and stands on the left too",
                  "take it off the left side, or reduce another coordinate over the same extent: `rank L = " +
                      rank->name + "`");
      good = false;
    }
    coords.push_back(newCoordinate(name, rank));
  }
  return good;
}

Node *Resolver::resolveReduction(const ast::Expr &e, const Scope &scope) {
  if (names::classify(e.text) == names::Word::AlongRank || e.text == "logsumexp")
    return expandMap(e, scope);
  Coords coords;
  if (!bindReduced(e, scope, coords))
    return nullptr;
  if (isPrelude)
    bindings.push_back({e.coords[0], coords, false});
  else
    for (auto [name, coord] : zip(e.coords, coords))
      bindings.push_back({name, {coord}, false});
  Scope inner = scope;
  inner.inWhere = false;
  Node *predicate = e.predicate ? resolve(*e.predicate, inner) : nullptr;
  Node *body = resolve(*e.args[0], inner);
  // A promise may have put coordinates of its own below these.
  bindings.erase(bindings.end() - (isPrelude ? 1 : e.coords.size()), bindings.end());
  if (!body || (e.predicate && !predicate))
    return nullptr;
  if (predicate && !(body = make(Op::Where, e.predicate->loc, {body, predicate})))
    return nullptr;
  Node *node = make(Op::Reduce, e.loc, {body});
  if (node) {
    node->reduction = *attn::symbolizeReduction(e.text);
    node->text = e.text.str();
    node->coords.append(coords.begin(), coords.end());
  }
  return node;
}
