//===- ProofFacts.cpp - what a predicate or a present value says ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Proof.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using attn::Fn;

static constexpr size_t kMaxCases = 64;

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

bool Proof::product(std::vector<Case> &cases, const std::vector<Case> &more) {
  if (cases.size() * more.size() > kMaxCases)
    return false;
  std::vector<Case> result;
  for (const Case &a : cases)
    for (const Case &b : more) {
      result.push_back(a);
      result.back().insert(result.back().end(), b.begin(), b.end());
    }
  cases = std::move(result);
  return true;
}

/// The cases in which `node` is present and true (or, with !holds, is not). What would be too many cases is
/// left out, which only weakens what is known.
bool Proof::expand(const Node *node, const Scope *scope, bool holds, std::vector<Case> &cases) {
  if (++visits > kMaxVisits)
    return false;
  auto both = [&](const Node *a, bool aHolds, const Node *b, bool bHolds) {
    expand(a, scope, aHolds, cases);
    expand(b, scope, bHolds, cases);
    return true;
  };
  auto either = [&](ArrayRef<SmallVector<std::pair<const Node *, bool>, 2>> alternatives) {
    std::vector<Case> all;
    for (const auto &alternative : alternatives) {
      std::vector<Case> one(1);
      for (auto [part, partHolds] : alternative)
        expand(part, scope, partHolds, one);
      all.insert(all.end(), one.begin(), one.end());
    }
    return product(cases, all);
  };
  switch (node->op) {
  case Op::Not:
    return expand(node->args[0], scope, !holds, cases);
  case Op::And:
  case Op::Or:
    if ((node->op == Op::And) == holds)
      return both(node->args[0], holds, node->args[1], holds);
    return either({{{node->args[0], holds}}, {{node->args[1], holds}}});
  case Op::Select:
    return either(
        {{{node->args[0], true}, {node->args[1], holds}}, {{node->args[0], false}, {node->args[2], holds}}});
  case Op::Map:
    // != of integers is < or >, which sets can say.
    if (isComparison(node) && node->args[0]->kind == Kind::Integer && node->args[1]->kind == Kind::Integer &&
        (node->fn == Fn::Ne) == holds && (holds || node->fn == Fn::Eq) &&
        (holds || (total(node->args[0], scope) && total(node->args[1], scope)))) {
      auto a = linear(node->args[0], scope), b = linear(node->args[1], scope);
      if (a && b && cases.size() * 2 <= kMaxCases) {
        // Which of the two is told apart below by the sign that comes with the literal.
        std::vector<Case> two{{{node, scope, holds}}, {{node, scope, holds}}};
        two[0].push_back({nullptr, nullptr, false});
        two[1].push_back({nullptr, nullptr, true});
        return product(cases, two);
      }
    }
    [[fallthrough]];
  default:
    for (Case &c : cases)
      c.push_back({node, scope, holds});
    return true;
  }
}

/// Present wherever its coordinates are: no read, no division.
bool Proof::total(const Node *node, const Scope *scope) {
  if (++visits > kMaxVisits)
    return false;
  switch (node->op) {
  case Op::Integer:
  case Op::Real:
  case Op::Bool:
  case Op::Coord: // where it stands for another node, that one's presence was assumed with it
  case Op::Extent:
  case Op::Param:
    return true;
  case Op::Map:
    if (node->fn == Fn::Floordiv || node->fn == Fn::Mod) {
      auto b = linear(node->args[1], scope);
      return b && b->terms.empty() && b->constant != 0 && total(node->args[0], scope);
    }
    break;
  case Op::Divide:
  case Op::Modulo: {
    auto b = linear(node->args[1], scope);
    return b && b->terms.empty() && b->constant != 0 && total(node->args[0], scope);
  }
  case Op::Number:
  case Op::Cast:
  case Op::Power:
    break;
  default:
    return false;
  }
  return all_of(node->args, [&](const Node *arg) { return total(arg, scope); });
}

namespace {
enum : unsigned { Less = 1, Same = 2, Greater = 4, Unordered = 8, Missing = 16, Everything = 31 };
} // namespace

static unsigned relationsOf(Fn fn) {
  switch (fn) {
  case Fn::Eq:
    return Same;
  case Fn::Ne:
    return Less | Greater | Unordered;
  case Fn::Lt:
    return Less;
  case Fn::Le:
    return Less | Same;
  case Fn::Gt:
    return Greater;
  default:
    return Greater | Same;
  }
}

/// False if the literal contradicts what is known without looking at sets.
bool Proof::addComparison(const Literal &literal) {
  const Node *node = literal.node;
  unsigned a = id(node->args[0], literal.scope), b = id(node->args[1], literal.scope);
  unsigned left = relationsOf(node->fn);
  if (!literal.holds)
    left = Everything & ~left;
  if (a == b)
    return left & (Same | Unordered | Missing);
  if (a > b) {
    std::swap(a, b);
    left = (left & ~(Less | Greater)) | (left & Less ? Greater : 0) | (left & Greater ? Less : 0);
  }
  unsigned &known = relations.try_emplace({a, b}, unsigned(Everything)).first->second;
  return known &= left;
}

bool Proof::addLiteral(const Literal &literal) {
  const Node *node = literal.node;
  if (node->op == Op::Bool)
    return (node->integer != 0) == literal.holds;
  auto [it, isNew] = truths.try_emplace(id(node, literal.scope), literal.holds);
  if (!isNew && it->second != literal.holds)
    return false;
  if (!isComparison(node))
    return true;
  if (!addComparison(literal))
    return false;
  bool integers = node->args[0]->kind == Kind::Integer && node->args[1]->kind == Kind::Integer;
  if (!integers)
    return true;
  bool usable = literal.holds || (total(node->args[0], literal.scope) && total(node->args[1], literal.scope));
  if (!usable)
    return true;
  auto a = linear(node->args[0], literal.scope), b = linear(node->args[1], literal.scope);
  unsigned left = relationsOf(node->fn);
  if (!literal.holds)
    left = (Less | Same | Greater) & ~left;
  switch (left & (Less | Same | Greater)) {
  case Less:
    lessOrEqual(a, b, 1);
    break;
  case Less | Same:
    lessOrEqual(a, b);
    break;
  case Same:
    equal(a, b);
    break;
  case Greater:
    lessOrEqual(b, a, 1);
    break;
  case Greater | Same:
    lessOrEqual(b, a);
    break;
  default:
    break;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Presence
//===----------------------------------------------------------------------===//

const Proof::Scope *Proof::freshScope(const Node *reduce, const Scope *scope) {
  Scope &inner = scopes.emplace_back();
  inner.parent = scope;
  for (const Coordinate *coord : reduce->coords) {
    unsigned v = variables++;
    atLeastZero(variable(v));
    lessOrEqual(variable(v), variable(extent(coord->rank)), 1);
    inner.coords[coord] = {nullptr, nullptr, int(v)};
  }
  return &inner;
}

/// What holds where a node is present.
void Proof::present(const Node *node, const Scope *scope, unsigned depth, std::vector<Case> &cases) {
  constexpr unsigned kMaxDepth = 3; // equations looked through
  if (++visits > kMaxVisits)
    return;
  switch (node->op) {
  case Op::Else:
  case Op::Select:
  case Op::And:
  case Op::Or:
  case Op::Not:
  case Op::IsAbsent:
    return;
  case Op::Where:
    present(node->args[0], scope, depth, cases);
    expand(node->args[1], scope, true, cases);
    return;
  case Op::Reduce:
    if (node->reduction != attn::Reduction::Count && node->reduction != attn::Reduction::Any &&
        node->reduction != attn::Reduction::All)
      present(node->args[0], freshScope(node, scope), depth, cases);
    return;
  case Op::Read: {
    for (const Node *index : node->args)
      present(index, scope, depth, cases);
    for (auto [index, dim] : zip(node->args, node->tensor->dims)) {
      auto i = linear(index, scope);
      atLeastZero(i);
      lessOrEqual(i, dim.rank ? variable(extent(dim.rank)) : linear(dim.extent, nullptr), 1);
    }
    const std::vector<Equation *> &equations = node->tensor->equations;
    if (depth >= kMaxDepth || equations.size() != 1 || equations[0]->over)
      return;
    Scope &inner = scopes.emplace_back();
    for (auto [coord, index] : zip(equations[0]->coords, node->args))
      inner.coords[coord] = {index, scope, -1};
    if (equations[0]->where)
      expand(equations[0]->where, &inner, true, cases);
    present(equations[0]->value, &inner, depth + 1, cases);
    return;
  }
  default:
    for (const Node *arg : node->args)
      present(arg, scope, depth, cases);
  }
}

//===----------------------------------------------------------------------===//
// Promises
//===----------------------------------------------------------------------===//

/// Binds the promise's coordinates so that `pattern` is `atom`.
bool Proof::match(const Node *pattern, const Atom &atom, Scope &scope) {
  if (pattern->tensor != atom.node->tensor)
    return false;
  for (auto [p, a] : zip(pattern->args, atom.node->args)) {
    if (p->op != Op::Coord)
      continue;
    auto [it, isNew] = scope.coords.try_emplace(p->coord, Scope::Target{a, atom.scope, -1});
    if (!isNew && id(it->second.node, it->second.scope) != id(a, atom.scope))
      return false;
  }
  for (auto [p, a] : zip(pattern->args, atom.node->args))
    if (p->op != Op::Coord && id(p, &scope) != id(a, atom.scope))
      return false;
  return true;
}

/// Every coordinate is bound and every read is of an element that is known to be present.
bool Proof::allKnown(const Node *node, const Scope &scope) {
  if (node->op == Op::Coord)
    return scope.coords.count(node->coord);
  if (node->op == Op::Read && !opaqueVariables.count(id(node, &scope)))
    return false;
  return all_of(node->args, [&](const Node *arg) { return allKnown(arg, scope); });
}

static void findReads(const Node *node, SmallVectorImpl<const Node *> &reads) {
  if (node->op == Op::Read)
    reads.push_back(node);
  for (const Node *arg : node->args)
    findReads(arg, reads);
}

void Proof::usePromise(const Node *literal) {
  if (literal->op == Op::And) {
    usePromise(literal->args[0]);
    usePromise(literal->args[1]);
    return;
  }
  if (!isComparison(literal) || literal->args[0]->kind != Kind::Integer ||
      literal->args[1]->kind != Kind::Integer)
    return;
  SmallVector<const Node *, 4> reads;
  findReads(literal, reads);
  if (any_of(reads, [](const Node *read) { return !read->tensor->input; }))
    return; // of a called cascade: it is checked, not relied upon
  Scope none;
  if (reads.empty()) {
    if (allKnown(literal, none))
      addLiteral({literal, nullptr, true});
    return;
  }
  std::vector<Atom> known = atoms;
  for (const Atom &atom : known) {
    Scope &scope = scopes.emplace_back();
    if (match(reads[0], atom, scope)) {
      scope.ids.clear();
      if (allKnown(literal, scope))
        addLiteral({literal, &scope, true});
    }
  }
}

void Proof::usePromises() {
  for (const Promise &promise : program.promises)
    usePromise(promise.predicate);
}
