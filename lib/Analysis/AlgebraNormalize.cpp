//===- AlgebraNormalize.cpp - trees to normal forms and back --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Algebra.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

//===----------------------------------------------------------------------===//
// Trees
//===----------------------------------------------------------------------===//

const Tree *Algebra::number(Rational value) {
  return arena.get(TreeKind::Number, ScalarKind::Real, value.text());
}
const Tree *Algebra::real(StringRef function, ArrayRef<const Tree *> args) {
  return arena.function(function, args, ScalarKind::Real);
}
const Tree *Algebra::indicator(const Tree *formula) { return select(formula, one, zero); }

const Tree *Algebra::select(const Tree *condition, const Tree *a, const Tree *b) {
  if (condition->isTrue() || a == b)
    return a;
  if (condition->isFalse())
    return b;
  return arena.get(TreeKind::Select, a->scalar, "", {condition, a, b});
}

const Tree *Algebra::reduce(StringRef op, ArrayRef<StringRef> coords, const Tree *body, const Tree *domain) {
  if (domain && !domain->isTrue())
    body = arena.get(TreeKind::Where, body->scalar, "", {body, domain});
  ScalarKind kind = op == "any" || op == "all" ? ScalarKind::Bool
                    : op == "count"            ? ScalarKind::Integer
                                               : ScalarKind::Real;
  return arena.get(TreeKind::Reduce, kind, op, {body}, coords);
}

std::pair<const Tree *, const Tree *> weir::splitReduce(const Tree *reduce, TreeArena &arena) {
  const Tree *body = reduce->args[0];
  if (body->is(TreeKind::Where))
    return {body->args[0], body->args[1]};
  return {body, arena.boolean(true)};
}

const Tree *Algebra::rebuild(const Tree *tree, ArrayRef<const Tree *> args) {
  switch (tree->kind) {
  case TreeKind::And:
    return logic.conj(args);
  case TreeKind::Or:
    return logic.disj(args);
  case TreeKind::Not:
    return logic.neg(args[0]);
  default:
    break;
  }
  if (args == tree->args)
    return tree;
  if (tree->is(TreeKind::Select))
    return select(args[0], args[1], args[2]);
  return arena.get(tree->kind, tree->scalar, tree->text, args, tree->coords);
}

const Tree *Algebra::rename(const Tree *tree, StringRef from, StringRef to) {
  if (from == to)
    return tree;
  StringMap<const Tree *> map;
  map[from] = arena.coordinate(to);
  return arena.substitute(tree, map);
}

ArrayRef<StringRef> Algebra::free(const Tree *tree) {
  if (auto found = frees.find(tree); found != frees.end())
    return found->second;
  std::set<StringRef> names;
  if (tree->is(TreeKind::Coordinate))
    names.insert(tree->text);
  for (const Tree *arg : tree->args)
    for (StringRef name : free(arg))
      if (!is_contained(tree->coords, name))
        names.insert(name);
  return frees[tree] = std::vector<StringRef>(names.begin(), names.end());
}

ArrayRef<const Tree *> Algebra::reads(const Tree *tree) {
  if (auto found = readsOf.find(tree); found != readsOf.end())
    return found->second;
  std::vector<const Tree *> all;
  if (tree->is(TreeKind::Read))
    all.push_back(tree);
  for (const Tree *arg : tree->args)
    for (const Tree *read : reads(arg))
      if (!is_contained(all, read))
        all.push_back(read);
  return readsOf[tree] = std::move(all);
}

bool Algebra::hasFree(const Tree *tree, StringRef coordinate) { return is_contained(free(tree), coordinate); }

bool Algebra::contains(const Tree *tree, function_ref<bool(const Tree *)> what) {
  DenseSet<const Tree *> seen;
  SmallVector<const Tree *> todo = {tree};
  while (!todo.empty()) {
    const Tree *t = todo.pop_back_val();
    if (!seen.insert(t).second)
      continue;
    if (what(t))
      return true;
    todo.append(t->args.begin(), t->args.end());
  }
  return false;
}

unsigned Algebra::depth(const Tree *tree) {
  unsigned inner = 0;
  for (const Tree *arg : tree->args)
    inner = std::max(inner, depth(arg));
  return inner + tree->is(TreeKind::Reduce);
}

//===----------------------------------------------------------------------===//
// Tree to normal form
//===----------------------------------------------------------------------===//

NormalForm Algebra::normalize(const Tree *tree) {
  if (auto found = known.find(tree); found != known.end())
    return found->second;
  NormalForm n;
  switch (tree->kind) {
  case TreeKind::Number: {
    Rational value = Rational::parse(tree->text);
    n = value.bad ? atom(tree) : constant(value);
    break;
  }
  case TreeKind::Function:
    n = normalizeFunction(tree);
    break;
  case TreeKind::Cast:
    n = atom(arena.get(TreeKind::Cast, tree->scalar, tree->text, {canon(tree->args[0])}));
    break;
  case TreeKind::Select: {
    const Tree *c = canon(tree->args[0]), *a = canon(tree->args[1]), *b = canon(tree->args[2]);
    if (c->isTrue() || c->isFalse() || a == b) {
      n = normalize(c->isFalse() ? b : a);
    } else if (b == zero && a != one && normalize(a).size() == 1) {
      n = mul(normalize(a), atom(indicator(c)));
    } else {
      n = atom(select(c, a, b));
    }
    break;
  }
  case TreeKind::Reduce:
    n = normalizeReduce(tree);
    break;
  case TreeKind::And:
  case TreeKind::Or:
  case TreeKind::Not:
  case TreeKind::Else:
  case TreeKind::Where:
    n = atom(canon(tree));
    break;
  default:
    n = atom(tree);
  }
  if (!overflowed)
    known[tree] = n;
  return n;
}

NormalForm Algebra::normalizeFunction(const Tree *tree) {
  StringRef f = tree->text;
  ArrayRef<const Tree *> a = tree->args;
  if (f == "real" || f == "integer")
    return normalize(a[0]);
  if (f == "add" || f == "sub") {
    NormalForm n = normalize(a[0]);
    for (const Tree *arg : a.drop_front())
      n = add(n, scale(normalize(arg), f == "add" ? 1 : -1));
    return n;
  }
  if (f == "neg")
    return scale(normalize(a[0]), -1);
  if (f == "mul") {
    NormalForm n = normalize(a[0]);
    for (const Tree *arg : a.drop_front())
      n = mul(n, normalize(arg));
    return n;
  }
  if (f == "div" && tree->scalar == ScalarKind::Real)
    return mul(normalize(a[0]), power(normalize(a[1]), -1));
  if (f == "pow" || f == "powi") {
    if (NormalForm k = normalize(a[1]); k.empty())
      return constant(1);
    else if (k.size() == 1 && k.begin()->first == unit())
      return power(normalize(a[0]), k.begin()->second);
    if (sign(a[0]) == Sign::Positive)
      return exp(mul(normalize(a[1]), log(normalize(a[0]))));
    return atom(real("pow", {canon(a[0]), canon(a[1])}));
  }
  if (f == "exp")
    return exp(normalize(a[0]));
  if (f == "exp2")
    return exp(mul(normalize(a[0]), atom(real("log", {number(2)}))));
  if (f == "log")
    return log(normalize(a[0]));
  if (f == "log2")
    return mul(log(normalize(a[0])), atom(real("log", {number(2)}), -1));
  if (f == "sqrt" || f == "rsqrt")
    return power(normalize(a[0]), Rational::make(f == "sqrt" ? 1 : -1, 2));
  if (f == "relu" || f == "abs" || f == "sign")
    if (NormalForm n = normalize(a[0]); !n.empty()) {
      auto [m, c] = *content(n).first.begin();
      std::vector<std::pair<const Tree *, Rational>> positive;
      for (auto &[t, k] : m->atoms)
        if (sign(t) == Sign::Positive)
          positive.push_back({t, k});
      NormalForm factor = single(intern(m->exponent, positive), c.p < 0 ? -c : c);
      const Tree *rest = toTree(mul(n, monomialPower(factor, -1)));
      if (!(factor == constant(1)))
        laws.insert((f + "(c*u) = c*" + f + "(u), c > 0").str());
      NormalForm inner = atom(real(f, {rest}));
      return f == "sign" ? inner : mul(factor, inner);
    }
  SmallVector<const Tree *> args;
  for (const Tree *arg : a)
    args.push_back(canon(arg));
  if (f == "max" || f == "min") {
    sort(args, [](const Tree *x, const Tree *y) { return x->id < y->id; });
    args.erase(std::unique(args.begin(), args.end()), args.end());
    if (args.size() == 1)
      return normalize(args[0]);
  }
  if (tree->isComparison())
    return atom(canon(tree));
  return atom(arena.function(f, args, tree->scalar));
}

/// The sum over other ranks: one atom a monomial, factors without its coordinates moved out. Bound
/// coordinates get as many primes as the nesting is deep, so that equal sums are equal trees.
NormalForm Algebra::normalizeReduce(const Tree *tree) {
  auto [body, domain] = splitReduce(tree, arena);
  unsigned level = depth(tree->args[0]) + 1;
  StringMap<const Tree *> to;
  SmallVector<StringRef> coords;
  for (auto [i, coord] : enumerate(tree->coords)) {
    std::string name = unprimed(coord).str() + std::string(2 * level + i, '\'');
    while (hasFree(tree, name))
      name += '\'';
    to[coord] = arena.coordinate(name);
    coords.push_back(to[coord]->text);
  }
  body = arena.substitute(body, to);
  domain = canon(arena.substitute(domain, to));
  if (tree->text != "sum")
    return atom(reduce(tree->text, coords, canon(body), domain));
  NormalForm out;
  auto inside = [&](const Tree *t) { return any_of(coords, [&](StringRef c) { return hasFree(t, c); }); };
  for (auto &[m, c] : normalize(body)) {
    std::vector<std::pair<const Monomial *, Rational>> inE, outE;
    std::vector<std::pair<const Tree *, Rational>> in, rest;
    for (auto &e : m->exponent)
      (inside(toTree(single(e.first))) ? inE : outE).push_back(e);
    for (auto &e : m->atoms)
      (inside(e.first) ? in : rest).push_back(e);
    const Tree *inner = reduce("sum", coords, toTree(single(intern(inE, in))), domain);
    out = add(out, scale(mul(single(intern(outE, rest)), atom(inner)), c));
  }
  return out;
}

const Tree *Algebra::canon(const Tree *tree) {
  SmallVector<const Tree *> args;
  switch (tree->kind) {
  case TreeKind::Bool:
  case TreeKind::IsAbsent:
  case TreeKind::Any:
  case TreeKind::Present:
    return tree;
  case TreeKind::And:
  case TreeKind::Or:
  case TreeKind::Not:
  case TreeKind::Else:
  case TreeKind::Where:
    for (const Tree *arg : tree->args)
      args.push_back(canon(arg));
    return rebuild(tree, args);
  default:
    break;
  }
  if (!tree->isComparison())
    return toTree(normalize(tree));
  // Integers are left to the polynomials of Formulas.
  if (all_of(tree->args, [](const Tree *a) { return a->scalar == ScalarKind::Integer; }))
    return logic.compare(tree->text, tree->args[0], tree->args[1]);
  if (any_of(tree->args, [](const Tree *a) { return a->scalar == ScalarKind::Bool; }))
    return tree;
  return logic.compare(tree->text, canon(tree->args[0]), canon(tree->args[1]));
}

//===----------------------------------------------------------------------===//
// Normal form to tree
//===----------------------------------------------------------------------===//

const Tree *Algebra::monomialTree(const Monomial *m, Rational c) {
  std::vector<std::pair<const Tree *, Rational>> atoms = m->atoms;
  std::vector<std::pair<const Monomial *, Rational>> exponent = m->exponent;
  // An exponential does not leave an inner sum of exponentials: sum(c) w*exp(S - X), not exp(-X)*sum(c)
  // w*exp(S).
  if (!exponent.empty())
    for (auto &[a, k] : atoms)
      if (k.isOne() && a->is(TreeKind::Reduce) && a->text == "sum" &&
          contains(a, [](const Tree *t) { return t->isFunction("exp"); })) {
        auto [body, domain] = splitReduce(a, arena);
        NormalForm factor = single(intern(exponent, {}));
        const Tree *outer = toTree(NormalForm(exponent.begin(), exponent.end()));
        if (any_of(a->coords, [&](StringRef coord) { return hasFree(outer, coord); }))
          continue;
        a = reduce("sum", a->coords, toTree(mul(normalize(body), factor)), domain);
        exponent.clear();
        break;
      }
  SmallVector<const Tree *> above, below;
  if (!exponent.empty())
    above.push_back(real("exp", {toTree(NormalForm(exponent.begin(), exponent.end()))}));
  for (auto &[a, k] : atoms) {
    Rational p = k.p < 0 ? -k : k;
    const Tree *t = p.isOne()                   ? a
                    : p == Rational::make(1, 2) ? real("sqrt", {a})
                    : p.isInteger()             ? real("powi", {a, arena.number(p.p)})
                                                : real("pow", {a, number(p)});
    (k.p < 0 ? below : above).push_back(t);
  }
  if (!c.isOne() || above.empty())
    above.insert(above.begin(), number(c));
  auto product = [&](ArrayRef<const Tree *> factors) {
    const Tree *t = factors[0];
    for (const Tree *f : factors.drop_front())
      t = real("mul", {t, f});
    return t;
  };
  const Tree *t = product(above);
  return below.empty() ? t : real("div", {t, product(below)});
}

const Tree *Algebra::toTree(const NormalForm &n) {
  const Tree *sum = nullptr;
  for (auto &[m, c] : n) {
    bool negative = c.p < 0;
    if (!sum && m == unit())
      sum = number(c);
    else if (!sum)
      sum = negative ? real("neg", {monomialTree(m, -c)}) : monomialTree(m, c);
    else
      sum = real(negative ? "sub" : "add", {sum, monomialTree(m, negative ? -c : c)});
  }
  return sum ? sum : zero;
}
