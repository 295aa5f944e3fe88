//===- Proof.cpp - what cannot be at once ---------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Proof.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/Analysis/Presburger/Simplex.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using attn::Fn;

// Beyond these a set is only tested over the rationals, or not at all.
static constexpr unsigned kMaxVariables = 24, kMaxConstraints = 80;
static constexpr unsigned kMaxRationalVariables = 80, kMaxRationalConstraints = 300;
static constexpr int64_t kMaxCoefficient = int64_t(1) << 40;

//===----------------------------------------------------------------------===//
// Linear forms
//===----------------------------------------------------------------------===//

std::optional<Proof::Linear> Proof::combine(const Linear &a, const Linear &b, int64_t factor) {
  Linear result = a;
  auto add = [](int64_t &to, int64_t value, int64_t by) {
    int64_t product;
    if (MulOverflow(value, by, product) || AddOverflow(to, product, to))
      return false;
    return to < kMaxCoefficient && to > -kMaxCoefficient;
  };
  if (!add(result.constant, b.constant, factor))
    return std::nullopt;
  for (auto [v, c] : b.terms) {
    if (!add(result.terms[v], c, factor))
      return std::nullopt;
    if (result.terms[v] == 0)
      result.terms.erase(v);
  }
  return result;
}

std::optional<Proof::Linear> Proof::scale(const Linear &a, int64_t factor) {
  return combine(Linear(), a, factor);
}

void Proof::atLeastZero(std::optional<Linear> l) {
  if (l)
    inequalities.push_back(std::move(*l));
}

void Proof::equal(const std::optional<Linear> &a, const std::optional<Linear> &b) {
  if (a && b)
    if (auto difference = combine(*a, *b, -1))
      equalities.push_back(*difference);
}

/// a + gap <= b
void Proof::lessOrEqual(const std::optional<Linear> &a, const std::optional<Linear> &b, int64_t gap) {
  if (!a || !b)
    return;
  auto difference = combine(*b, *a, -1);
  if (difference && (difference = combine(*difference, number(gap), -1)))
    atLeastZero(difference);
}

unsigned Proof::coordinate(const Coordinate *coord) {
  if (auto it = aliases.find(coord); it != aliases.end())
    coord = it->second;
  auto [it, isNew] = coordVariables.try_emplace(coord, variables);
  if (!isNew)
    return it->second;
  unsigned v = variables++;
  atLeastZero(variable(v));
  lessOrEqual(variable(v), variable(extent(coord->rank)), 1);
  return v;
}

unsigned Proof::extent(const Rank *rank) {
  rank = rank->canonical();
  auto [it, isNew] = extentVariables.try_emplace(rank, variables);
  if (!isNew)
    return it->second;
  unsigned v = variables++;
  atLeastZero(variable(v));
  if (rank->fixed && !symbolic)
    equal(variable(v), number(*rank->fixed));
  else if (rank->extent && !rank->override && !rank->carrier &&
           !rank->fixed) // `rank J = 0` is what -D overrides
    equal(variable(v), linear(rank->extent, nullptr));
  return v;
}

std::optional<Proof::Linear> Proof::linear(const Node *node, const Scope *scope) {
  if (++visits > kMaxVisits)
    return std::nullopt;
  auto arg = [&](unsigned i) { return linear(node->args[i], scope); };
  switch (node->op) {
  case Op::Integer:
    if (node->integer >= kMaxCoefficient || node->integer <= -kMaxCoefficient)
      return opaque(node, scope);
    return symbolic && !node->text.empty() ? opaque(node, scope) : number(node->integer);
  case Op::Coord: {
    for (const Scope *s = scope; s; s = s->parent)
      if (auto it = s->coords.find(node->coord); it != s->coords.end())
        return it->second.node ? linear(it->second.node, it->second.scope) : variable(it->second.variable);
    return variable(coordinate(node->coord));
  }
  case Op::Extent:
    return variable(extent(node->rank));
  case Op::Number:
    return node->args[0]->kind == Kind::Bool ? opaque(node, scope) : arg(0);
  case Op::Divide:
  case Op::Modulo:
    return node->kind == Kind::Integer ? quotient(node, scope, node->op == Op::Modulo) : std::nullopt;
  case Op::Map:
    break;
  default:
    return node->kind == Kind::Integer || node->kind == Kind::Bool ? opaque(node, scope) : std::nullopt;
  }
  if (node->kind != Kind::Integer)
    return std::nullopt;
  switch (node->fn) {
  case Fn::Neg: {
    auto a = arg(0);
    return a ? scale(*a, -1) : std::nullopt;
  }
  case Fn::Add:
  case Fn::Sub: {
    auto a = arg(0), b = arg(1);
    auto sum = a && b ? combine(*a, *b, node->fn == Fn::Add ? 1 : -1) : std::nullopt;
    return sum ? sum : opaque(node, scope);
  }
  case Fn::Mul: {
    auto a = arg(0), b = arg(1);
    if (a && b && (a->terms.empty() || b->terms.empty()))
      if (auto product = a->terms.empty() ? scale(*b, a->constant) : scale(*a, b->constant))
        return product;
    return opaque(node, scope);
  }
  case Fn::Floordiv:
  case Fn::Mod:
    return quotient(node, scope, node->fn == Fn::Mod);
  default:
    return opaque(node, scope);
  }
}

/// By a positive number q with c*q <= a <= c*q + c - 1; otherwise an unknown.
std::optional<Proof::Linear> Proof::quotient(const Node *node, const Scope *scope, bool remainder) {
  auto a = linear(node->args[0], scope), b = linear(node->args[1], scope);
  if (!a || !b || !b->terms.empty() || b->constant <= 0)
    return opaque(node, scope);
  std::vector<uint64_t> key{~0ull, uint64_t(b->constant), uint64_t(a->constant)};
  for (auto [v, c] : a->terms) {
    key.push_back(v);
    key.push_back(uint64_t(c));
  }
  auto [it, isNew] = idTable.try_emplace(key, idTable.size());
  auto [variableOf, first] = opaqueVariables.try_emplace(it->second, variables);
  Linear q = variable(variableOf->second);
  if (first) {
    ++variables;
    auto multiple = scale(q, b->constant);
    lessOrEqual(multiple, a);
    if (multiple)
      lessOrEqual(a, combine(*multiple, number(b->constant - 1), 1));
  }
  if (!remainder)
    return q;
  return combine(*a, q, -b->constant);
}

/// Any other integer is an unknown; equal expressions are the same one.
std::optional<Proof::Linear> Proof::opaque(const Node *node, const Scope *scope) {
  auto [it, isNew] = opaqueVariables.try_emplace(id(node, scope), variables);
  unsigned v = it->second;
  if (isNew) {
    ++variables;
    if (node->op == Op::Read)
      atoms.push_back({node, scope, v});
    boundOpaque(node, scope, v);
  }
  return variable(v);
}

void Proof::boundOpaque(const Node *node, const Scope *scope, unsigned v) {
  auto below = [&](unsigned i) { lessOrEqual(variable(v), linear(node->args[i], scope)); };
  auto above = [&](unsigned i) { lessOrEqual(linear(node->args[i], scope), variable(v)); };
  auto within = [&](const Rank *rank) {
    atLeastZero(variable(v));
    lessOrEqual(variable(v), variable(extent(rank)), 1);
  };
  bool isBool = node->kind == Kind::Bool || (node->op == Op::Number && node->args[0]->kind == Kind::Bool);
  if (isBool) {
    atLeastZero(variable(v));
    lessOrEqual(variable(v), number(1));
  }
  if (node->op == Op::Map && (node->fn == Fn::Min || node->fn == Fn::Max)) {
    for (unsigned i : {0u, 1u})
      node->fn == Fn::Min ? below(i) : above(i);
  } else if (node->op == Op::Map && node->fn == Fn::Abs) {
    above(0);
    if (auto a = linear(node->args[0], scope))
      lessOrEqual(scale(*a, -1), variable(v));
  } else if (node->op == Op::Modulo || (node->op == Op::Map && node->fn == Fn::Mod)) {
    atLeastZero(variable(v));
  } else if (node->op == Op::Read) {
    for (const Equation *equation : node->tensor->equations)
      if (equation->over && node->tensor->equations.size() == 1)
        within(equation->over->rank);
    auto type = node->tensor->type;
    if (type == ElementType::U8 || type == ElementType::U32)
      atLeastZero(variable(v));
  } else if (node->op == Op::Reduce) {
    if (attn::givesCoordinate(node->reduction))
      within(node->coords[0]->rank);
    else if (node->reduction == attn::Reduction::Count)
      atLeastZero(variable(v));
  }
}

//===----------------------------------------------------------------------===//
// Equal expressions
//===----------------------------------------------------------------------===//

/// The same number for expressions that are the same, up to the order of sums.
unsigned Proof::id(const Node *node, const Scope *scope) {
  if (!scope)
    scope = &root;
  if (auto it = scope->ids.find(node); it != scope->ids.end())
    return it->second;
  ++visits;
  std::vector<uint64_t> key{uint64_t(node->op)};
  bool affine =
      node->kind == Kind::Integer &&
      (node->op == Op::Coord || node->op == Op::Extent ||
       (node->op == Op::Map && (node->fn == Fn::Add || node->fn == Fn::Sub || node->fn == Fn::Neg)));
  if (affine) {
    if (auto form = linear(node, scope)) {
      key = {~1ull, uint64_t(form->constant)};
      for (auto [v, c] : form->terms) {
        key.push_back(v);
        key.push_back(uint64_t(c));
      }
      return scope->ids[node] = idTable.try_emplace(key, idTable.size()).first->second;
    }
  }
  key.push_back(uint64_t(node->fn));
  key.push_back(uint64_t(node->reduction));
  key.push_back(uint64_t(node->type));
  key.push_back(uint64_t(node->integer));
  key.push_back(uint64_t(node->param));
  key.push_back(uint64_t(node->tensor));
  if (node->op == Op::Coord)
    key.push_back(reinterpret_cast<uint64_t>(node->coord));
  if (node->op == Op::Extent)
    key.push_back(reinterpret_cast<uint64_t>(node->rank->canonical()));
  if (node->op == Op::Real || node->op == Op::Power || (node->op == Op::Integer && symbolic))
    key.push_back(hash_value(StringRef(node->text)));
  if (node->op == Op::Reduce)
    key.push_back(reinterpret_cast<uint64_t>(node)); // its coordinates are its own
  else
    for (const Node *arg : node->args)
      key.push_back(visits > kMaxVisits ? reinterpret_cast<uint64_t>(arg) : id(arg, scope));
  return scope->ids[node] = idTable.try_emplace(key, idTable.size()).first->second;
}

//===----------------------------------------------------------------------===//
// The answer
//===----------------------------------------------------------------------===//

void Proof::identify(ArrayRef<Coordinate *> coords, ArrayRef<Coordinate *> same) {
  for (auto [a, b] : zip(coords, same))
    if (a != b)
      aliases[b] = a;
}

void Proof::assumeDistance(const Node *index, Coordinate *coord, int64_t offset, int direction) {
  distances.push_back({index, coord, offset, direction, false});
}

void Proof::assumeEqual(const Node *index, Coordinate *coord) {
  distances.push_back({index, coord, 0, 1, true});
}

bool Proof::empty() {
  using namespace mlir::presburger;
  size_t constraints = inequalities.size() + equalities.size();
  if (variables > kMaxRationalVariables || constraints > kMaxRationalConstraints || !budget.spend())
    return false;
  IntegerPolyhedron set(PresburgerSpace::getSetSpace(variables));
  SmallVector<int64_t, 32> row(variables + 1);
  auto fill = [&](const Linear &l) {
    llvm::fill(row, 0);
    for (auto [v, c] : l.terms)
      row[v] = c;
    row.back() = l.constant;
  };
  for (const Linear &l : inequalities) {
    fill(l);
    set.addInequality(row);
  }
  for (const Linear &l : equalities) {
    fill(l);
    set.addEquality(row);
  }
  if (Simplex(set).isEmpty())
    return true;
  return variables <= kMaxVariables && constraints <= kMaxConstraints && set.isIntegerEmpty();
}

bool Proof::contradictory() {
  std::vector<Case> cases(1);
  for (const Fact &fact : facts) {
    if (fact.kind == Fact::Present)
      present(fact.node, nullptr, 0, cases);
    else
      expand(fact.node, nullptr, fact.kind == Fact::True, cases);
  }
  for (const Distance &d : distances) {
    auto index = linear(d.index, nullptr);
    Linear coord = variable(coordinate(d.coord));
    if (!index)
      return false;
    if (d.equal)
      equal(index, coord);
    else if (d.direction > 0)
      lessOrEqual(coord, index, d.offset);
    else
      lessOrEqual(index, coord, d.offset);
  }
  for (const Case &one : cases) // the bounds of their unknowns hold in every case
    for (const Literal &literal : one)
      if (literal.node && isComparison(literal.node))
        for (const Node *side : literal.node->args)
          linear(side, literal.scope);
  for (const Case &one : cases) {
    auto savedInequalities = inequalities;
    auto savedEqualities = equalities;
    auto savedRelations = relations;
    auto savedTruths = truths;
    bool possible = true;
    for (size_t i = 0; possible && i < one.size(); ++i) {
      if (one[i].node) {
        possible = addLiteral(one[i]);
        continue;
      }
      const Node *comparison = one[i - 1].node; // `!=` split in two
      auto a = linear(comparison->args[0], one[i - 1].scope),
           b = linear(comparison->args[1], one[i - 1].scope);
      one[i].holds ? lessOrEqual(b, a, 1) : lessOrEqual(a, b, 1);
    }
    if (possible)
      usePromises();
    if (possible && !empty())
      return false;
    inequalities = std::move(savedInequalities);
    equalities = std::move(savedEqualities);
    relations = std::move(savedRelations);
    truths = std::move(savedTruths);
  }
  return true;
}
