//===- Domains.cpp - where each tensor of a cascade has a value -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Domains.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;

/// A domain with more nodes than this is named, not copied, by what reads the tensor.
static constexpr unsigned kMaxCopied = 160;

static bool isTotalReduction(StringRef op) { return op == "count" || op == "any" || op == "all"; }

//===----------------------------------------------------------------------===//
// P
//===----------------------------------------------------------------------===//

const Tree *Domains::present(const Tree *e) {
  if (auto known = presence.find(e); known != presence.end())
    return known->second;
  TreeArena &arena = *model.arena;
  auto all = [&](ArrayRef<const Tree *> args) {
    SmallVector<const Tree *> parts;
    for (const Tree *arg : args)
      parts.push_back(present(arg));
    return formulas.conj(parts);
  };
  const Tree *result = nullptr;
  switch (e->kind) {
  case TreeKind::Read:
    result = presentRead(e);
    break;
  case TreeKind::Function:
    result = all(e->args);
    if (e->text == "floordiv" || e->text == "mod") // absent where the divisor is 0
      result = formulas.conj({result, formulas.compare("ne", e->args[1], arena.number(0))});
    break;
  case TreeKind::Cast:
    result = all(e->args);
    break;
  case TreeKind::And:
  case TreeKind::Or:
    result = formulas.disj({holds(e), isFalse(e)});
    break;
  case TreeKind::Else:
    result = formulas.disj({present(e->args[0]), present(e->args[1])});
    break;
  case TreeKind::Select: {
    const Tree *c = holds(e->args[0]);
    result = formulas.disj(
        {formulas.conj({c, present(e->args[1])}), formulas.conj({formulas.neg(c), present(e->args[2])})});
    break;
  }
  case TreeKind::Where:
    result = formulas.conj({present(e->args[0]), holds(e->args[1])});
    break;
  case TreeKind::Reduce:
    result = isTotalReduction(e->text) ? arena.boolean(true) : formulas.any(e->coords, present(e->args[0]));
    break;
  default: // numbers, coordinates, extents, params, isabsent, not
    result = arena.boolean(true);
    break;
  }
  return presence[e] = result;
}

static bool hasQuotient(const Tree *tree) {
  return tree->isFunction("floordiv") || any_of(tree->args, hasQuotient);
}

const Tree *Domains::presentRead(const Tree *read) {
  const CascadeModel::Tensor *tensor = model.getTensor(read->text);
  TreeArena &arena = *model.arena;
  SmallVector<const Tree *> parts;
  for (auto [i, index] : enumerate(read->args)) {
    parts.push_back(present(index));
    if (i >= tensor->extents.size())
      continue;
    const Tree *size = tensor->extents[i];
    if (index->is(TreeKind::Coordinate) && model.equalExtents(model.getExtent(index->text), size))
      continue;
    bool back = index->isFunction("sub") && index->args[1]->getInteger(); // m - 1 >= 0 reads better as m >= 1
    parts.push_back(back ? formulas.compare("ge", index->args[0], index->args[1])
                         : formulas.compare("le", arena.number(0), index));
    parts.push_back(formulas.compare("lt", index, size));
    if (hasQuotient(index)) // h*G/H < G needs a G that is not 0
      parts.push_back(formulas.compare("ge", size, arena.number(1)));
  }
  if (tensor->equation < 0)
    return formulas.conj(parts);
  const Tree *domain = domainOf(read->text);
  if (domain->size > kMaxCopied || domain->is(TreeKind::Present)) {
    parts.push_back(arena.get(TreeKind::Present, ScalarKind::Bool, "", {read}));
    return formulas.conj(parts);
  }
  StringMap<const Tree *> to;
  for (auto [coord, index] : zip(model.equations[tensor->equation].coords, read->args))
    if (!index->is(TreeKind::Coordinate) || index->text != coord)
      to[coord] = index;
  parts.push_back(formulas.substitute(domain, to));
  return formulas.conj(parts);
}

//===----------------------------------------------------------------------===//
// T and F
//===----------------------------------------------------------------------===//

/// "present and equal to `value`".
const Tree *Domains::truth(const Tree *e, bool value) {
  auto key = std::make_pair(e, int(value));
  if (auto known = truths.find(key); known != truths.end())
    return known->second;
  TreeArena &arena = *model.arena;
  auto literal = [&](const Tree *atom) { return value ? atom : formulas.neg(atom); };
  const Tree *result = nullptr;
  switch (e->kind) {
  case TreeKind::Bool:
    result = arena.boolean(e->isTrue() == value);
    break;
  case TreeKind::And:
  case TreeKind::Or: {
    auto a = truth(e->args[0], value), b = truth(e->args[1], value);
    result = e->is(TreeKind::And) == value ? formulas.conj({a, b}) : formulas.disj({a, b});
    break;
  }
  case TreeKind::Not:
    result = value ? formulas.neg(holds(e->args[0])) : holds(e->args[0]);
    break;
  case TreeKind::IsAbsent:
    result = value ? formulas.neg(present(e->args[0])) : present(e->args[0]);
    break;
  case TreeKind::Else:
    result = formulas.disj({truth(e->args[0], value),
                            formulas.conj({formulas.neg(present(e->args[0])), truth(e->args[1], value)})});
    break;
  case TreeKind::Select: {
    const Tree *c = holds(e->args[0]);
    result = formulas.disj({formulas.conj({c, truth(e->args[1], value)}),
                            formulas.conj({formulas.neg(c), truth(e->args[2], value)})});
    break;
  }
  case TreeKind::Where:
    result = formulas.conj({truth(e->args[0], value), holds(e->args[1])});
    break;
  case TreeKind::Reduce: {
    if (e->text == "any" || e->text == "all") { // present always; all is "no present body is false"
      bool some = e->text == "any";
      const Tree *witness = formulas.any(e->coords, truth(e->args[0], some));
      result = some == value ? witness : formulas.neg(witness);
      break;
    }
    result = formulas.conj({present(e), literal(e)});
    break;
  }
  default:
    if (e->isComparison()) {
      const Tree *test = formulas.compare(e->text, e->args[0], e->args[1]);
      result = formulas.conj({present(e), literal(test)});
    } else {
      result = formulas.conj({present(e), literal(e)});
    }
    break;
  }
  return truths[key] = result;
}

//===----------------------------------------------------------------------===//
// Domains of tensors
//===----------------------------------------------------------------------===//

const Tree *Domains::opaque(const CascadeModel::Equation &equation) {
  SmallVector<const Tree *> indices;
  for (const std::string &coord : equation.coords)
    indices.push_back(model.arena->coordinate(coord));
  const Tree *read = model.arena->get(TreeKind::Read, ScalarKind::Real, equation.name, indices);
  return model.arena->get(TreeKind::Present, ScalarKind::Bool, "", {read});
}

/// Entry j of a list is present below the number of present bodies.
const Tree *Domains::presentSelection(const CascadeModel::Equation &equation) {
  TreeArena &arena = *model.arena;
  const Tree *body = equation.body, *listed = present(body->args[0]);
  const Tree *j = arena.coordinate(equation.coords.back());
  SmallVector<const Tree *> counted, apart; // conjuncts with and without the listed coordinate
  for (const Tree *part : listed->is(TreeKind::And) ? listed->args : ArrayRef<const Tree *>(listed))
    (dependsOn(part, body->coords[0]) ? counted : apart).push_back(part);
  const Tree *length = model.getExtent(body->coords[0]);
  if (!counted.empty())
    length =
        arena.get(TreeKind::Reduce, ScalarKind::Integer, "count", {formulas.conj(counted)}, body->coords);
  apart.push_back(formulas.compare("lt", j, length));
  return formulas.conj(apart);
}

const Tree *Domains::domainOfEquation(const CascadeModel::Equation &equation) {
  // What is remembered holds where the left side's coordinates exist, so it is not shared between equations.
  std::vector<std::string> outer = formulas.setContext(equation.coords);
  decltype(presence) outerPresence;
  decltype(truths) outerTruths;
  presence.swap(outerPresence);
  truths.swap(outerTruths);
  const Tree *domain =
      equation.body->is(TreeKind::Selection) ? presentSelection(equation) : present(equation.body);
  formulas.setContext(std::move(outer));
  presence.swap(outerPresence);
  truths.swap(outerTruths);
  return domain;
}

/// Every cycle of a recurrence goes strictly one way, so the equations determine the domains: whatever
/// satisfies them is the solution. Guess "present everywhere", evaluate, and take the result if evaluating it
/// again changes nothing.
void Domains::solveRecurrence(const CascadeModel::Equation &member) {
  SmallVector<const CascadeModel::Equation *> group;
  for (const CascadeModel::Equation &equation : model.equations)
    if (!equation.loops.empty() && equation.loops[0].op == member.loops[0].op)
      group.push_back(&equation);
  for (const CascadeModel::Equation *equation : group)
    domains[equation->name] = model.arena->boolean(true);
  bool settled = false;
  for (unsigned round = 0; round < 4 && !settled; ++round) {
    settled = true;
    SmallVector<const Tree *> next;
    for (const CascadeModel::Equation *equation : group)
      next.push_back(domainOfEquation(*equation));
    for (auto [equation, domain] : zip(group, next)) {
      settled &= domains[equation->name] == domain;
      domains[equation->name] = domain;
    }
  }
  if (!settled)
    for (const CascadeModel::Equation *equation : group)
      domains[equation->name] = opaque(*equation);
}

const Tree *Domains::domainOf(StringRef name) {
  const CascadeModel::Tensor *tensor = model.getTensor(name);
  assert(tensor && "no such tensor");
  if (tensor->equation < 0)
    return model.arena->boolean(true);
  if (auto known = domains.find(name); known != domains.end())
    return known->second;
  const CascadeModel::Equation &equation = model.equations[tensor->equation];
  if (equation.loops.empty()) {
    const Tree *domain = domainOfEquation(equation);
    return domains[name] = domain;
  }
  // What the recurrence reads from outside comes first: a guess must not reach it.
  for (const CascadeModel::Equation &other : model.equations)
    if (&other < &equation && (other.loops.empty() || other.loops[0].op != equation.loops[0].op))
      domainOf(other.name);
  solveRecurrence(equation);
  return domains[name];
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string Domains::text(StringRef name) {
  const CascadeModel::Tensor *tensor = model.getTensor(name);
  std::vector<std::string> coords;
  if (tensor->equation >= 0)
    coords = model.equations[tensor->equation].coords;
  else
    for (auto [i, rank] : enumerate(tensor->ranks))
      coords.push_back(all_of(rank, [](char c) { return isAlnum(c) || c == '_'; }) ? StringRef(rank).lower()
                                                                                   : "i" + std::to_string(i));
  const Tree *formula = formulas.assumeInhabited(domainOf(name));
  std::string out = "{ " + join(coords, ", ");
  if (!formula->isTrue())
    out += (coords.empty() ? ": " : " : ") + toText(formula);
  return out + (out.size() > 2 ? " }" : "}");
}

static void collectInhabited(const Tree *formula, std::vector<std::string> &ranks) {
  if (formula->isComparison() && formula->args[0]->is(TreeKind::Extent) &&
      (formula->text == "ge" ? formula->args[1]->getInteger() == 1
                             : formula->text == "ne" && formula->args[1]->getInteger() == 0) &&
      !is_contained(ranks, formula->args[0]->text))
    ranks.push_back(formula->args[0]->text.str());
  for (const Tree *arg : formula->args)
    collectInhabited(arg, ranks);
}

std::vector<std::string> Domains::inhabitedRanks(StringRef tensor) {
  std::vector<std::string> ranks;
  collectInhabited(domainOf(tensor), ranks);
  return ranks;
}
