//===- Polynomial.cpp - integer polynomials of index expressions ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Tree.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;

bool Polynomial::Less::operator()(const Monomial &a, const Monomial &b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const Tree *x, const Tree *y) { return x->id < y->id; });
}

Polynomial Polynomial::constant(int64_t c) {
  Polynomial p;
  if (c)
    p.terms[{}] = c;
  return p;
}

Polynomial Polynomial::atom(const Tree *tree) {
  Polynomial p;
  p.terms[{tree}] = 1;
  return p;
}

std::optional<int64_t> Polynomial::asConstant() const {
  if (overflowed || terms.size() > 1)
    return std::nullopt;
  if (terms.empty())
    return 0;
  if (!terms.begin()->first.empty())
    return std::nullopt;
  return terms.begin()->second;
}

int64_t Polynomial::constantTerm() const {
  auto found = terms.find({});
  return found == terms.end() ? 0 : found->second;
}

bool Polynomial::operator==(const Polynomial &other) const {
  return !overflowed && !other.overflowed && terms == other.terms;
}

static void addTerm(Polynomial &into, const Polynomial::Monomial &monomial, int64_t coefficient) {
  int64_t &slot = into.terms[monomial];
  if (AddOverflow(slot, coefficient, slot))
    into.overflowed = true;
  if (!slot)
    into.terms.erase(monomial);
}

Polynomial Polynomial::operator+(const Polynomial &other) const {
  Polynomial sum = *this;
  sum.overflowed |= other.overflowed;
  for (auto &[monomial, coefficient] : other.terms)
    addTerm(sum, monomial, coefficient);
  return sum;
}

Polynomial Polynomial::operator-(const Polynomial &other) const { return *this + other * constant(-1); }

Polynomial Polynomial::operator*(const Polynomial &other) const {
  Polynomial product;
  product.overflowed = overflowed || other.overflowed;
  for (auto &[a, x] : terms)
    for (auto &[b, y] : other.terms) {
      Monomial both;
      std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both),
                 [](const Tree *s, const Tree *t) { return s->id < t->id; });
      int64_t coefficient;
      if (MulOverflow(x, y, coefficient))
        product.overflowed = true;
      addTerm(product, both, coefficient);
    }
  return product;
}

std::optional<std::pair<Polynomial, Polynomial>> Polynomial::split(const Tree *atom) const {
  Polynomial factor, rest;
  factor.overflowed = rest.overflowed = overflowed;
  for (auto &[monomial, coefficient] : terms) {
    auto times = llvm::count(monomial, atom);
    if (times > 1)
      return std::nullopt;
    if (times == 0) {
      rest.terms[monomial] = coefficient;
      continue;
    }
    Monomial others;
    llvm::copy_if(monomial, std::back_inserter(others), [&](const Tree *t) { return t != atom; });
    factor.terms[others] = coefficient;
  }
  return std::make_pair(factor, rest);
}

bool Polynomial::dependsOn(StringRef coordinate) const {
  return any_of(terms, [&](auto &term) {
    return any_of(term.first, [&](const Tree *atom) { return weir::dependsOn(atom, coordinate); });
  });
}

Polynomial weir::toPolynomial(const Tree *tree, const StringMap<const Tree *> &definitions) {
  if (auto value = tree->getInteger())
    return Polynomial::constant(*value);
  if (tree->is(TreeKind::Extent))
    if (auto found = definitions.find(tree->text); found != definitions.end())
      return toPolynomial(found->second, definitions);
  auto operand = [&](unsigned i) { return toPolynomial(tree->args[i], definitions); };
  if (tree->scalar == ScalarKind::Integer && tree->is(TreeKind::Function) && tree->size < 256) {
    if (tree->text == "add")
      return operand(0) + operand(1);
    if (tree->text == "sub")
      return operand(0) - operand(1);
    if (tree->text == "neg")
      return Polynomial::constant(0) - operand(0);
    if (tree->text == "mul") {
      Polynomial a = operand(0), b = operand(1);
      if (a.terms.size() * b.terms.size() <= 64)
        return a * b;
    }
  }
  return Polynomial::atom(tree);
}

const Tree *weir::toTree(const Polynomial &polynomial, TreeArena &arena) {
  const Tree *sum = nullptr;
  for (unsigned round : {0, 1, 2, 3}) { // positive terms, a positive constant, the same of negative ones
    bool positive = round < 2, constant = round % 2;
    for (auto &[monomial, coefficient] : polynomial.terms) {
      if ((coefficient > 0) != positive || monomial.empty() != constant)
        continue;
      int64_t magnitude = coefficient < 0 && coefficient != INT64_MIN ? -coefficient : coefficient;
      const Tree *term = arena.number(magnitude);
      for (const Tree *atom : monomial)
        term = arena.mul(term, atom);
      if (!sum)
        sum = positive ? term : arena.function("neg", {term}, ScalarKind::Integer);
      else
        sum = positive ? arena.add(sum, term) : arena.sub(sum, term);
    }
  }
  return sum ? sum : arena.number(0);
}
