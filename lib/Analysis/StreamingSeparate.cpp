//===- StreamingSeparate.cpp - f(key, statistics) as a sum of products ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// sum(n) f(x_n, r) = sum_j h_j(r) * sum(n) g_j(x_n) where f = sum_j g_j*h_j. An exponential in g is kept
// relative to a reference rho: g = c*exp(lam*a) is accumulated as c*exp(lam*(a - rho)), and exp(lam*rho)
// joins h.
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;

static constexpr size_t maxTerms = 64;

std::nullopt_t Derivation::refuse(StringRef code, const Twine &text) {
  if (!refusal)
    refusal = Refusal{code.str(), text.str()};
  return std::nullopt;
}

bool Derivation::readsUnknown(const Tree *t) {
  return any_of(alg.reads(t), [&](const Tree *read) {
    Acc *a = accByName.lookup(read->text);
    return unknown.count(read->text.str()) || (a && a->result.level >= level);
  });
}

std::string Derivation::unknownNames(const Tree *t) {
  std::set<std::string> names;
  for (const Tree *read : alg.reads(t))
    if (unknown.count(read->text.str()))
      names.insert(read->text.str());
  return names.empty() ? "that is not complete" : join(names, ", ");
}

Derivation::Class Derivation::classify(const Tree *t) {
  bool key = readsKey(t) || any_of(bound, [&](Name c) { return alg.hasFree(t, c); });
  bool statistic = readsUnknown(t);
  return key && statistic ? Class::Mixed : key ? Class::Key : statistic ? Class::Statistic : Class::Constant;
}

/// A name for a bound coordinate that no other term of this reduction has.
Derivation::Name Derivation::fresh(Name coord) {
  std::string name = unprimed(coord).str() + "'";
  while (is_contained(freshUsed, StringRef(name)))
    name += '\'';
  freshUsed.push_back(arena.coordinate(name)->text);
  return freshUsed.back();
}

//===----------------------------------------------------------------------===//
// Accumulated terms
//===----------------------------------------------------------------------===//

const Tree *Derivation::sum(const Tree *body, const Names &inner, const Tree *dom, const Tree *innerDomain) {
  if (!inner.empty())
    body = alg.reduce("sum", inner, body, innerDomain);
  std::vector<Term> terms = merged(separate(alg.normalize(body)));
  const Tree *total = nullptr;
  for (Term &term : terms) {
    if (failed())
      break;
    Trees conditions = term.part;
    conditions.push_back(dom);
    const Tree *domain = logic.conj(conditions);
    if (term.h.empty() || domain->isFalse())
      continue;
    Names coords = term.kept;
    coords.insert(coords.end(), term.extra.begin(), term.extra.end());
    // A part may be empty where the row is not; it then counts as 0.
    bool partial = logic.conj({dom, exists(coords, logic.conj(term.part))}) != dom;
    const Tree *t = accumulate(term, domain, partial);
    total = total ? alg.real("add", {total, t}) : t;
  }
  return total ? total : alg.zero;
}

/// Summands that the finish takes in one fixed combination are one: sum(n) (1 + S)*V is accumulated, not sum(n) V
/// beside sum(n) S*V, which costs a product more, cancels, and has no value where V is infinite and S negative. They
/// stay apart where that would take a product of matrices away: of exp(S[m,n])*(V[n,f]*A[n] + B[n]) both parts are one,
/// and the sum is none.
std::vector<Derivation::Term> Derivation::merged(std::vector<Term> terms) {
  auto perUnit = [&](const Term &t) { return alg.scale(t.h, Rational(1) / t.h.begin()->second); };
  auto belong = [&](const Term &a, const Term &b) {
    return a.kept.empty() && b.kept.empty() && a.extra == b.extra && a.part == b.part &&
           a.g.begin()->first->exponent == b.g.begin()->first->exponent && perUnit(a) == perUnit(b);
  };
  // Row, key and feature at once: the last coordinate of the left side that the common factors have, the key, and one
  // that they lack.
  auto isOfRows = [&](const NormalForm &common, ArrayRef<Name> part) {
    const Tree *factors = alg.toTree(common);
    auto isShared = [&](Name c) { return alg.hasFree(factors, c); };
    Names shared;
    copy_if(reduced->coords, std::back_inserter(shared), isShared);
    return is_contained(part, n) && !shared.empty() && is_contained(part, shared.back()) &&
           !all_of(part, isShared);
  };
  auto isOneProduct = [&](const NormalForm &sum) {
    std::pair<NormalForm, NormalForm> parts = alg.content(sum);
    ArrayRef<Name> all = alg.free(alg.toTree(parts.second));
    return any_of(parts.second, [&](auto &entry) {
      ArrayRef<Name> part = alg.free(alg.toTree(alg.single(entry.first)));
      size_t factors = count_if(entry.first->atoms, [&](auto &e) { return !alg.free(e.first).empty(); });
      return (part == all && factors == 1) || isOfRows(parts.first, part);
    });
  };
  std::vector<Term> out;
  std::vector<NormalForm> sums; // of those in `out`
  for (Term &term : terms) {
    if (failed())
      return {};
    NormalForm g = alg.scale(term.g, term.h.begin()->second);
    bool taken = false;
    for (size_t i = 0; i < out.size() && !taken; ++i) {
      if (!belong(out[i], term))
        continue;
      NormalForm sum = alg.add(sums[i], g);
      taken = isOneProduct(sum);
      if (taken)
        sums[i] = std::move(sum);
    }
    if (taken)
      continue;
    out.push_back(std::move(term));
    sums.push_back(std::move(g));
  }
  for (auto [term, sum] : zip(out, sums)) {
    if (sum.size() < 2)
      continue;
    auto [common, rest] = alg.content(sum);
    term.h = perUnit(term);
    term.g = alg.mul(common, alg.atom(alg.toTree(rest)));
  }
  return out;
}

const Tree *Derivation::accumulate(Term term, const Tree *dom, bool partial) {
  for (Name &i : term.kept) { // plain names again where nothing clashes
    Name plain = arena.coordinate(unprimed(i))->text;
    const Tree *g = alg.toTree(term.g), *h = alg.toTree(term.h);
    if (plain == i || plain == n || is_contained(term.extra, plain) || alg.hasFree(g, plain) ||
        alg.hasFree(h, plain) || alg.hasFree(dom, plain))
      continue;
    term.g = alg.normalize(alg.rename(g, i, plain));
    term.h = alg.normalize(alg.rename(h, i, plain));
    dom = alg.rename(dom, i, plain);
    i = plain;
  }
  if (term.g.size() != 1)
    return alg.zero; // only after an overflow
  auto [m, c] = *term.g.begin();
  auto moves = [&](const Tree *t) {
    return readsKey(t) || any_of(term.extra, [&](Name x) { return alg.hasFree(t, x); });
  };
  NormalForm exponent(m->exponent.begin(), m->exponent.end()), outer;
  const Monomial *lead = nullptr;
  for (auto &[e, k] : exponent)
    if (!lead && moves(alg.toTree(alg.single(e))))
      lead = e;
  if (!lead)
    std::swap(exponent, outer);
  std::vector<std::pair<const Tree *, Rational>> in, out;
  for (auto &e : m->atoms)
    (moves(e.first) ? in : out).push_back(e);
  const Tree *body = alg.toTree(alg.single(alg.intern({}, in)));
  std::optional<std::pair<NormalForm, NormalForm>> split;
  if (lead)
    split = bounded(exponent, dom);
  if (split)
    outer = alg.add(outer, split->second);
  NormalForm h = alg.mul(alg.single(alg.intern({outer.begin(), outer.end()}, out), c), term.h);
  Acc *a;
  NormalForm decoded;
  if (!lead || split) {
    if (split) {
      std::vector<std::pair<const Monomial *, Rational>> inside(split->first.begin(), split->first.end());
      body = alg.toTree(alg.single(alg.intern(inside, in)));
    }
    a = &accumulator("sum", body, dom, term.extra);
    decoded = alg.atom(a->read);
  } else {
    Rational lam = exponent[lead];
    lam = lam.p < 0 ? -lam : lam;
    const Tree *scaled = alg.toTree(alg.scale(exponent, Rational(1) / lam));
    Acc &reference = accumulator("ref", scaled, dom, term.extra);
    a = &accumulator("sum", body, dom, term.extra, scaled, lam, reference.result.name);
    decoded = alg.mul(alg.atom(a->read), alg.exp(alg.scale(alg.atom(reference.read), lam)));
  }
  NormalForm whole = alg.mul(decoded, h);
  if (partial) {
    const Tree *met = term.extra.empty()
                          ? flag(dom)
                          : logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {a->read}));
    whole = alg.mul(whole, alg.atom(alg.indicator(met)));
  }
  const Tree *t = alg.toTree(whole);
  return term.kept.empty() ? t : alg.reduce("sum", term.kept, t, nullptr);
}

/// exponent = lam*(a - rho) + u, rho a completed reference or maximum of a over a superset of the domain, u
/// without the key: the bounded part and u.
std::optional<std::pair<NormalForm, NormalForm>> Derivation::bounded(const NormalForm &exponent,
                                                                     const Tree *dom) {
  Trees have = Logic::parts(dom, TreeKind::And);
  for (auto &[m, c] : exponent) {
    if (!m->exponent.empty() || m->atoms.size() != 1 || !m->atoms[0].second.isOne() || c.p >= 0)
      continue;
    const Tree *read = m->atoms[0].first;
    Acc *a = read->is(TreeKind::Read) ? accByName.lookup(read->text) : nullptr;
    if (!a || (a->result.op != "max" && a->result.op != "ref") || a->result.level >= level ||
        !a->extra.empty())
      continue;
    StringMap<const Tree *> to;
    for (auto [coord, index] : zip(a->coords, read->args))
      to[coord] = index;
    Trees over;
    for (const Tree *p : Logic::parts(a->dom, TreeKind::And))
      over.push_back(arena.substitute(p, to));
    if (!isSubset(over, have))
      continue;
    NormalForm part =
        alg.scale(alg.add(alg.normalize(arena.substitute(a->body, to)), alg.scale(alg.atom(read), -1)), -c);
    NormalForm rest = alg.add(exponent, alg.scale(part, -1));
    if (!readsKey(alg.toTree(rest)))
      return std::make_pair(part, rest);
  }
  return std::nullopt;
}

bool Derivation::isPlainExp(const Tree *exponent, const Tree *dom) {
  NormalForm e = alg.normalize(exponent);
  if (!readsKey(alg.toTree(e)))
    return false;
  auto split = bounded(e, dom);
  return split && split->second.empty();
}

bool Derivation::hasExponential(const Tree *a) {
  auto unbounded = [&](const Tree *t) { return t->isFunction("exp") && !isPlainExp(t->args[0], current); };
  if (a->is(TreeKind::Select))
    return alg.contains(a->args[1], unbounded) || alg.contains(a->args[2], unbounded);
  return alg.contains(a, unbounded);
}

//===----------------------------------------------------------------------===//
// Separation
//===----------------------------------------------------------------------===//

std::vector<Derivation::Term> Derivation::separate(const NormalForm &form) {
  std::vector<Term> out;
  for (auto &[m, c] : form) {
    for (Term &t : separateMonomial(m, c)) {
      if (failed() || t.g.size() != 1)
        return {};
      const Monomial *gm = t.g.begin()->first;
      Rational gc = t.g.begin()->second;
      auto found = find_if(out, [&](const Term &o) {
        return o.kept == t.kept && o.extra == t.extra && o.part == t.part && o.g.begin()->first == gm;
      });
      if (found == out.end()) {
        Term fresh = t;
        fresh.g = alg.single(gm);
        fresh.h = alg.scale(t.h, gc);
        out.push_back(std::move(fresh));
      } else {
        found->h = alg.add(found->h, alg.scale(t.h, gc));
      }
    }
    if (failed())
      return {};
  }
  erase_if(out, [](const Term &t) { return t.h.empty(); });
  return out;
}

template <typename T> static std::vector<T> joined(std::vector<T> a, const std::vector<T> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Derivation::Term> Derivation::cross(const std::vector<Term> &a, const std::vector<Term> &b) {
  std::vector<Term> out;
  if (a.size() * b.size() > maxTerms)
    refuse("too-large", "the separation has more than 64 terms");
  for (const Term &x : a)
    for (const Term &y : b) {
      if (failed())
        return {};
      out.push_back({joined(x.kept, y.kept), joined(x.extra, y.extra), joined(x.part, y.part),
                     alg.mul(x.g, y.g), alg.mul(x.h, y.h)});
    }
  return out;
}

std::vector<Derivation::Term> Derivation::separateMonomial(const Monomial *m, Rational c) {
  NormalForm unit = alg.constant(1);
  std::vector<Term> terms = {{{}, {}, {}, alg.constant(c), unit}};
  NormalForm key, statistic;
  for (auto &[e, k] : m->exponent) {
    const Tree *t = alg.toTree(alg.single(e));
    Class kind = classify(t);
    if (kind == Class::Mixed) {
      refuse("scaled-exponent", "exp of " + toText(t) + ", which mixes the key with the statistic " +
                                    unknownNames(t) + " and is no sum of a part of each");
      return {};
    }
    (kind == Class::Statistic ? statistic : key)[e] = k;
  }
  if (!key.empty())
    terms = cross(terms, {{{}, {}, {}, alg.exponential(key), unit}});
  if (!statistic.empty())
    terms = cross(terms, {{{}, {}, {}, unit, alg.exponential(statistic)}});
  for (auto &[a, k] : m->atoms) {
    if (failed())
      return {};
    Class kind = classify(a);
    if (kind == Class::Mixed) {
      terms = cross(terms, separateMixed(a, k));
    } else if (kind == Class::Statistic) {
      terms = cross(terms, {{{}, {}, {}, unit, alg.atom(a, k)}});
    } else if (kind == Class::Key && k.isOne() && a->is(TreeKind::Reduce) && a->text == "sum" &&
               hasExponential(a)) {
      terms = cross(terms, separateSum(a, false)); // keeps exponents visible
    } else if (kind == Class::Key && a->is(TreeKind::Select) && (alg.isIndicator(a) || hasExponential(a))) {
      terms = cross(terms, separateSelect(a, k));
    } else {
      terms = cross(terms, {{{}, {}, {}, alg.atom(a, k), unit}});
    }
  }
  return terms;
}

/// sum(d) b: d in g and h indexes the accumulator, d in g alone is reduced with the key, d in h alone in the
/// finish.
std::vector<Derivation::Term> Derivation::separateSum(const Tree *a, bool mixed) {
  auto [body, domain] = splitReduce(a, arena);
  if (readsUnknown(domain)) {
    refuse("mixed-domain",
           "the inner domain " + toText(domain) + " depends on the statistic " + unknownNames(domain));
    return {};
  }
  StringMap<const Tree *> to;
  Names coords;
  for (Name c : a->coords) {
    coords.push_back(fresh(c));
    to[c] = arena.coordinate(coords.back());
  }
  const Tree *condition = arena.substitute(domain, to);
  Names outerBound = bound;
  if (!mixed)
    bound.insert(bound.end(), coords.begin(), coords.end());
  std::vector<Term> terms = separate(alg.normalize(arena.substitute(body, to)));
  bound = outerBound;
  for (Term &t : terms) {
    const Tree *g = alg.toTree(t.g), *h = alg.toTree(t.h);
    Names onlyH;
    for (Name c : coords)
      if (!mixed || (alg.hasFree(g, c) && !alg.hasFree(h, c)))
        t.extra.push_back(c);
      else if (alg.hasFree(g, c))
        t.kept.push_back(c);
      else
        onlyH.push_back(c);
    if (!onlyH.empty())
      t.h = alg.normalize(alg.reduce("sum", onlyH, h, nullptr));
    if (!condition->isTrue())
      t.part.push_back(condition);
  }
  return terms;
}

std::vector<Derivation::Term> Derivation::separateSelect(const Tree *a, Rational k) {
  const Tree *condition = a->args[0];
  Class kind = classify(condition);
  std::vector<Term> out;
  std::vector<std::pair<const Tree *, const Tree *>> settings;
  bool keyed = kind == Class::Mixed || kind == Class::Key;
  if (kind == Class::Mixed)
    settings = cases(condition, "mixed-comparison");
  else
    settings = {{keyed ? logic.yes() : condition, keyed ? condition : logic.yes()}};
  for (auto &[r, x] : settings)
    for (bool chosen : {true, false}) {
      const Tree *branch = a->args[chosen ? 1 : 2];
      const Tree *part = !keyed || chosen ? x : logic.neg(x);
      const Tree *when = keyed || chosen ? r : logic.neg(r);
      if (failed())
        return {};
      if ((branch == alg.zero && k.p > 0) || part->isFalse() || when->isFalse())
        continue;
      NormalForm form = alg.normalize(branch);
      for (Term &t : separate(k.isOne() ? form : alg.power(form, k))) {
        if (!part->isTrue())
          t.part.push_back(part);
        if (!when->isTrue())
          t.h = alg.mul(t.h, alg.atom(alg.indicator(when)));
        out.push_back(std::move(t));
      }
    }
  return out;
}

std::vector<Derivation::Term> Derivation::separateFunction(const Tree *a, Rational k) {
  StringRef f = a->text;
  std::string text = toText(a), names = unknownNames(a);
  if ((f == "relu" || f == "abs" || f == "sign") && k.isInteger() && k.p >= 1) {
    if (auto parts = separateOnce(alg.normalize(a->args[0]))) {
      const Tree *g = alg.toTree(parts->first), *h = alg.toTree(parts->second);
      auto part = [&](const Tree *t, bool negated) {
        t = negated ? alg.real("neg", {t}) : t;
        return alg.power(alg.normalize(alg.real(f, {t})), k);
      };
      if (f != "relu")
        return {{{}, {}, {}, part(g, false), part(h, false)}};
      auto whole = [&](bool negated, NormalForm hk) {
        return Term{{}, {}, {}, part(g, negated), std::move(hk)};
      };
      if (isNonNegative(alg.sign(parts->second)))
        return {whole(false, alg.power(parts->second, k))};
      return {whole(false, part(h, false)), whole(true, part(h, true))};
    }
    refuse("shift-under-relu", f + " is applied to " + toText(a->args[0]) +
                                   ", a sum of a key-dependent part and the statistic " + names);
    return {};
  }
  if ((f == "sin" || f == "cos") && k.isOne()) {
    NormalForm key, statistic, mixed;
    splitByClass(alg.normalize(a->args[0]), key, statistic, mixed);
    if (mixed.empty()) {
      const Tree *x = alg.toTree(key), *r = alg.toTree(statistic);
      auto of = [&](StringRef function, const Tree *t) { return alg.normalize(alg.real(function, {t})); };
      if (f == "sin")
        return {{{}, {}, {}, of("sin", x), of("cos", r)}, {{}, {}, {}, of("cos", x), of("sin", r)}};
      return {{{}, {}, {}, of("cos", x), of("cos", r)},
              {{}, {}, {}, alg.scale(of("sin", x), -1), of("sin", r)}};
    }
  }
  if (f == "max" || f == "min")
    refuse("clip-after-statistic", text + " clips a key-dependent value with or after the statistic " +
                                       names + ": not a sum of products");
  else if (a->isComparison())
    refuse("mixed-comparison", "the comparison " + text + " sets the key against the statistic " + names);
  else
    refuse("no-homomorphism", f + " is applied to " + toText(a->args[0]) + " after the statistic " + names +
                                  " has entered; no homomorphism of + or * is known for it");
  return {};
}

std::vector<Derivation::Term> Derivation::separateMixed(const Tree *a, Rational k) {
  if (a->is(TreeKind::Reduce) && a->text == "sum" && k.isOne())
    return separateSum(a, true);
  if (a->is(TreeKind::Select))
    return separateSelect(a, k);
  std::string names = unknownNames(a);
  if (isSum(a) && k.p < 0) {
    std::vector<Term> terms = separate(alg.normalize(a));
    if (terms.size() == 1 && !failed() && k.isInteger() && terms[0].kept.empty() && terms[0].extra.empty()) {
      terms[0].g = alg.monomialPower(terms[0].g, k);
      terms[0].h = alg.power(terms[0].h, k);
      return terms;
    }
    refuse("mixed-denominator",
           "the denominator " + toText(a) + " adds a key-dependent part to the statistic " + names);
    return {};
  }
  if (a->is(TreeKind::Function) && !isSum(a))
    return separateFunction(a, k);
  if (a->is(TreeKind::And) || a->is(TreeKind::Or) || a->is(TreeKind::Not))
    refuse("mixed-comparison", "the condition " + toText(a) + " sets the key against the statistic " + names);
  else if (a->is(TreeKind::Read))
    refuse("mixed-coordinate",
           toText(a) + " is read at a coordinate that depends on both the key and " + names);
  else
    refuse("no-homomorphism", toText(a) + " mixes the key with the statistic " + names);
  return {};
}

void Derivation::splitByClass(const NormalForm &form, NormalForm &key, NormalForm &statistic,
                              NormalForm &mixed) {
  for (auto &[m, c] : form) {
    Class kind = classify(alg.toTree(alg.single(m)));
    (kind == Class::Mixed ? mixed : kind == Class::Statistic ? statistic : key)[m] = c;
  }
}

/// form = g(key) * h(statistics), one product.
std::optional<std::pair<NormalForm, NormalForm>> Derivation::separateOnce(const NormalForm &form) {
  std::optional<Refusal> before = refusal;
  std::vector<Term> terms = separate(form);
  refusal = before;
  auto plain = [](const Term &t) { return t.kept.empty() && t.extra.empty() && t.part.empty(); };
  if (terms.empty() || failed() || !all_of(terms, plain))
    return std::nullopt;
  if (terms.size() == 1)
    return std::make_pair(terms[0].g, terms[0].h);
  NormalForm g;
  if (terms[0].h.size() != 1)
    return std::nullopt;
  NormalForm inverse = alg.monomialPower(terms[0].h, -1);
  for (Term &t : terms) {
    NormalForm ratio = alg.mul(t.h, inverse);
    if (ratio.size() != 1 || ratio.begin()->first != alg.unit())
      return std::nullopt;
    g = alg.add(g, alg.scale(t.g, ratio.begin()->second));
  }
  return std::make_pair(g, terms[0].h);
}
