//===- AlgebraNormalForm.cpp - sums of monomials --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic of normal forms. No rule searches: every operation is bounded by the product of its operands'
// sizes, and a form of more than 64 monomials is given up.
#include "Algebra.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

static constexpr size_t maxMonomials = 64;

bool ById::operator()(const Monomial *a, const Monomial *b) const { return a->id < b->id; }

Rational Monomial::powerOf(const Tree *atom) const {
  for (auto &[a, k] : atoms)
    if (a == atom)
      return k;
  return 0;
}

Algebra::Algebra(TreeArena &arena, Logic &logic) : arena(arena), logic(logic) {
  zero = number(0);
  one = number(1);
}

//===----------------------------------------------------------------------===//
// Monomials
//===----------------------------------------------------------------------===//

const Monomial *Algebra::intern(std::vector<std::pair<const Monomial *, Rational>> exponent,
                                std::vector<std::pair<const Tree *, Rational>> atoms) {
  sort(exponent, [](auto &a, auto &b) { return a.first->id < b.first->id; });
  sort(atoms, [](auto &a, auto &b) { return a.first->id < b.first->id; });
  Key key;
  for (auto &[m, c] : exponent) {
    overflowed |= c.bad;
    key.first.push_back({m->id, {c.p, c.q}});
  }
  for (auto &[a, k] : atoms) {
    overflowed |= k.bad;
    key.second.push_back({a->id, {k.p, k.q}});
  }
  std::unique_ptr<Monomial> &known = monomials[key];
  if (!known) {
    known = std::make_unique<Monomial>();
    known->id = unsigned(monomials.size());
    known->exponent = std::move(exponent);
    known->atoms = std::move(atoms);
  }
  return known.get();
}

void Algebra::put(NormalForm &n, const Monomial *monomial, Rational c) {
  overflowed |= c.bad;
  auto [found, fresh] = n.try_emplace(monomial, c);
  if (!fresh)
    found->second = found->second + c;
  overflowed |= found->second.bad;
  if (found->second.isZero())
    n.erase(found);
}

const Monomial *Algebra::multiply(const Monomial *a, const Monomial *b) {
  NormalForm exponent(a->exponent.begin(), a->exponent.end());
  for (auto &[m, c] : b->exponent)
    put(exponent, m, c);
  std::vector<std::pair<const Tree *, Rational>> atoms = a->atoms;
  for (auto &[t, k] : b->atoms) {
    const Tree *atom = t;
    auto found = find_if(atoms, [&](auto &e) { return e.first == atom; });
    if (found == atoms.end())
      atoms.push_back({t, k});
    else
      found->second = found->second + k;
  }
  for (auto &[t, k] : atoms)
    if (isIndicator(t) && Rational(1) < k)
      k = 1; // it is 0 or 1
  erase_if(atoms, [](auto &e) { return e.second.isZero(); });
  return intern({exponent.begin(), exponent.end()}, std::move(atoms));
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

NormalForm Algebra::constant(Rational value) { return single(unit(), value); }
NormalForm Algebra::atom(const Tree *tree, Rational power) { return single(intern({}, {{tree, power}})); }

NormalForm Algebra::single(const Monomial *monomial, Rational c) {
  NormalForm n;
  put(n, monomial, c);
  return n;
}

NormalForm Algebra::exponential(const NormalForm &exponent) {
  return single(intern({exponent.begin(), exponent.end()}, {}));
}

NormalForm Algebra::add(const NormalForm &a, const NormalForm &b) {
  NormalForm n = a;
  for (auto &[m, c] : b)
    put(n, m, c);
  return n;
}

NormalForm Algebra::scale(const NormalForm &a, Rational c) {
  NormalForm n;
  for (auto &[m, k] : a)
    put(n, m, k * c);
  return n;
}

NormalForm Algebra::fold(const NormalForm &n) {
  if (n.size() < 2)
    return n;
  auto [common, rest] = content(n);
  return mul(common, atom(toTree(rest)));
}

NormalForm Algebra::mul(const NormalForm &a, const NormalForm &b) {
  NormalForm n;
  if (factored && a.size() > 1 && b.size() > 1)
    return mul(fold(a), fold(b));
  for (auto &[m, c] : a)
    for (auto &[m2, c2] : b) {
      if (overflowed)
        return n;
      put(n, multiply(m, m2), c * c2);
      overflowed |= n.size() > maxMonomials;
    }
  return n;
}

/// An exact k-th power of a positive rational for integer k; nullopt for others.
static std::optional<Rational> rationalPower(Rational c, Rational k) {
  if (c.isOne())
    return Rational(1);
  if (!k.isInteger() || std::abs(k.p) > 64)
    return std::nullopt;
  Rational r = 1;
  for (int64_t i = 0; i < std::abs(k.p); ++i)
    r = k.p > 0 ? r * c : r / c;
  return r;
}

NormalForm Algebra::monomialPower(const NormalForm &n, Rational k) {
  assert(n.size() == 1 && "not one monomial");
  auto [m, c] = *n.begin();
  auto exponent = m->exponent;
  for (auto &[e, f] : exponent)
    f = f * k;
  auto atoms = m->atoms;
  for (auto &[a, p] : atoms)
    p = isIndicator(a) && Rational(0) < k ? p : p * k;
  std::optional<Rational> scaled = rationalPower(c, k);
  if (!scaled) {
    atoms.push_back({number(c), k});
    scaled = Rational(1);
  }
  return single(intern(std::move(exponent), std::move(atoms)), *scaled);
}

/// The number that leaves a sum: the first coefficient, so that multiples of a sum share the rest. One far from 1, as
/// the 1e-8 of Z + 1e-8, would leave a rest of another magnitude, which a power can take out of range; then the
/// simplest one.
static Rational numberOf(const NormalForm &n) {
  constexpr int64_t most = 1024;
  auto size = [](const Rational &c) { return std::max(c.p < 0 ? -c.p : c.p, c.q); };
  const Rational *best = &n.begin()->second;
  if (size(*best) > most)
    for (auto &[m, c] : n)
      if (size(c) < size(*best))
        best = &c;
  return *best;
}

std::pair<NormalForm, NormalForm> Algebra::content(const NormalForm &n) {
  assert(!n.empty() && "content of zero");
  SmallVector<const Monomial *> all, unguarded;
  for (auto &[m, c] : n) {
    all.push_back(m);
    if (none_of(m->atoms, [](auto &e) { return e.first->is(TreeKind::Select); }))
      unguarded.push_back(m);
  }
  auto mayLeave = [&](const Tree *factor, auto inside) {
    return unguarded.size() == all.size() || any_of(unguarded, inside) || isSafe(factor);
  };
  std::vector<std::pair<const Monomial *, Rational>> exponent;
  for (auto &entry : all[0]->exponent)
    if (all_of(all,
               [&](const Monomial *m) {
                 return any_of(m->exponent,
                               [&](auto &e) { return e.first == entry.first && e.second == entry.second; });
               }) &&
        mayLeave(toTree(single(entry.first)), [](const Monomial *) { return true; }))
      exponent.push_back(entry);
  std::vector<std::pair<const Tree *, Rational>> atoms;
  for (const Monomial *from : all)
    for (auto &[a, power] : from->atoms) {
      const Tree *factor = a;
      if (isIndicator(a) || any_of(atoms, [&](auto &e) { return e.first == factor; }))
        continue;
      Rational least = power;
      for (const Monomial *m : all)
        if (Rational p = m->powerOf(factor); p < least)
          least = p;
      if (!least.isZero() &&
          mayLeave(factor, [&](const Monomial *m) { return !m->powerOf(factor).isZero(); }))
        atoms.push_back({factor, least});
    }
  NormalForm common = single(intern(std::move(exponent), std::move(atoms)), numberOf(n));
  return {common, mul(n, monomialPower(common, -1))};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

NormalForm Algebra::exp(const NormalForm &n) {
  NormalForm exponent, factors = constant(1);
  for (auto &[m, c] : n) {
    if (m->exponent.empty() && m->atoms.size() == 1 && m->atoms[0].second.isOne() &&
        m->atoms[0].first->isFunction("log")) {
      laws.insert("exp(c*log u) = u^c, u > 0");
      factors = mul(factors, power(normalize(m->atoms[0].first->args[0]), c));
    } else {
      put(exponent, m, c);
    }
  }
  return exponent.empty() ? factors : mul(factors, exponential(exponent));
}

NormalForm Algebra::log(const NormalForm &n) {
  if (n.empty())
    return atom(real("log", {zero}));
  if (n.size() > 1) {
    auto [common, rest] = content(n);
    if (common == constant(1) || sign(common) != Sign::Positive)
      return atom(real("log", {toTree(n)}));
    return add(log(common), rest.size() > 1 ? atom(real("log", {toTree(rest)})) : log(rest));
  }
  auto [m, c] = *n.begin();
  if (any_of(m->atoms, [&](auto &e) { return isIndicator(e.first); }))
    return atom(real("log", {toTree(n)}));
  NormalForm out(m->exponent.begin(), m->exponent.end());
  std::vector<std::pair<const Tree *, Rational>> rest;
  for (auto &[a, k] : m->atoms)
    if (sign(a) == Sign::Positive)
      out = add(out, scale(atom(real("log", {a})), k));
    else
      rest.push_back({a, k});
  bool whole = rest.size() == m->atoms.size() && m->exponent.empty();
  if (!rest.empty() || !c.isOne())
    out = add(out, atom(real("log", {toTree(single(intern({}, rest), c))})));
  if (!whole)
    laws.insert("log(u*v) = log u + log v, u, v > 0");
  return out;
}

NormalForm Algebra::power(const NormalForm &n, Rational k) {
  if (n.empty())
    return k.p < 0 ? atom(zero, k) : NormalForm();
  bool whole = k.isInteger();
  if (n.size() == 1) {
    auto [m, c] = *n.begin();
    bool guarded = any_of(m->atoms, [&](auto &e) { return isIndicator(e.first); });
    if (guarded && (k.p < 0 || !whole))
      return atom(toTree(n), k);
    if (whole)
      return monomialPower(n, k);
    std::vector<std::pair<const Tree *, Rational>> positive, rest;
    for (auto &[a, p] : m->atoms)
      (isNonNegative(sign(a)) ? positive : rest).push_back({a, p});
    NormalForm out = monomialPower(single(intern(m->exponent, positive)), k);
    NormalForm others = single(intern({}, rest), c);
    if (rest.empty() && Rational(0) < c)
      return mul(out, monomialPower(others, k));
    return mul(out, atom(toTree(others), k));
  }
  if (whole && k.p > 0 && k.p <= 4 && !factored) {
    NormalForm out = n;
    for (int64_t i = 1; i < k.p; ++i)
      out = mul(out, n);
    return out;
  }
  auto [common, rest] = content(n);
  if (!whole && sign(common) == Sign::Positive) { // a rational has no exact root: it stays with the sum
    auto [m, c] = *common.begin();
    common = single(m);
    rest = scale(rest, c);
  }
  if (!whole && sign(common) != Sign::Positive)
    return atom(toTree(n), k);
  return mul(monomialPower(common, k), atom(toTree(rest), k));
}
