//===- StreamingReduce.cpp - reductions as accumulators and a finish ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

static bool isIncreasing(StringRef f) {
  return f == "exp" || f == "tanh" || f == "sigmoid" || f == "erf" || f == "softplus" || f == "log" ||
         f == "sqrt";
}
static bool isMonotone(StringRef f) {
  return isIncreasing(f) || f == "relu" || f == "floor" || f == "ceil" || f == "round" || f == "sign";
}
static StringRef mirrored(StringRef op) {
  return op == "max" ? "min" : op == "min" ? "max" : op == "argmax" ? "argmin" : "argmax";
}

//===----------------------------------------------------------------------===//
// Accumulators
//===----------------------------------------------------------------------===//

Derivation::Acc &Derivation::accumulator(StringRef op, const Tree *body, const Tree *dom, const Names &extra,
                                         const Tree *exponent, Rational lam, StringRef reference,
                                         const Names &slots) {
  std::set<Name> coords;
  for (const Tree *t : {body, dom, exponent})
    if (t)
      for (Name c : alg.free(t))
        if (c != n && !is_contained(extra, c))
          coords.insert(c);
  Names kept(coords.begin(), coords.end());
  kept.insert(kept.end(), slots.begin(), slots.end());
  for (auto &a : accs)
    if (a->result.op == op && a->body == body && a->dom == dom && a->extra == extra &&
        a->exponent == exponent && a->lam == lam && a->result.level == level && a->coords == kept)
      return *a;
  auto a = std::make_unique<Acc>();
  a->result.op = op.str();
  a->result.name = "$" +
                   (op == "ref"                ? "R"
                    : op.starts_with("argtop") ? "T"
                                               : op.take_front(1).upper()) +
                   std::to_string(accs.size() + 1);
  a->result.level = level;
  a->result.lam = lam.text();
  a->result.reference = reference.str();
  a->made = accs.size();
  a->coords = kept;
  a->extra = extra;
  a->body = body;
  a->dom = dom;
  a->exponent = exponent;
  a->lam = lam;
  if (op == "sum" || op == "max" || op == "min")
    a->sign = alg.sign(body);
  Trees indices;
  for (Name c : kept)
    indices.push_back(arena.coordinate(c));
  ScalarKind kind = op == "any" || op == "all" ? ScalarKind::Bool
                    : op.starts_with("arg")    ? ScalarKind::Integer
                                               : ScalarKind::Real;
  a->read = arena.get(TreeKind::Read, kind, a->result.name, indices);
  accByName[a->result.name] = a.get();
  accs.push_back(std::move(a));
  return *accs.back();
}

/// What the statistic is, over accumulators and other statistics, at the given indices.
const Tree *Derivation::finishOf(Name tensor, ArrayRef<const Tree *> indices) {
  const Line *line = lineOf(tensor);
  auto found = finishes.find(tensor);
  return instance(*line, found != finishes.end() ? found->second : value(line->expr), indices);
}

//===----------------------------------------------------------------------===//
// One reduction
//===----------------------------------------------------------------------===//

std::pair<const Tree *, const Tree *> Derivation::reduction(const Line &line, StringRef op,
                                                            const Names &coords, const Tree *body,
                                                            const Tree *dom, const Tree *where) {
  inner = coords;
  body = close(body, unknown);
  if (any_of(alg.reads(dom),
             [&](const Tree *r) { return isStatistic(r->text) && !unknown.count(r->text.str()); }))
    dom = implied(mapLiterals(dom, [&](const Tree *l) { return alg.canon(close(l, unknown)); }), {});
  current = dom;
  body = under(body, {Logic::parts(dom, TreeKind::And)});
  auto usesInner = [&](const Tree *p) { return any_of(inner, [&](Name c) { return alg.hasFree(p, c); }); };
  Trees outside, mixed;
  for (const Tree *p : Logic::parts(dom, TreeKind::And))
    (readsUnknown(p) && !readsKey(p) && !usesInner(p) ? outside : mixed).push_back(p);
  std::vector<std::pair<const Tree *, const Tree *>> values;
  Trees met, conditions;
  for (auto &[r, x] : cases(logic.conj(mixed), "mixed-domain")) {
    if (failed())
      return {};
    if (x->isFalse())
      continue;
    Trees inside, rest;
    for (const Tree *p : Logic::parts(x, TreeKind::And))
      (usesInner(p) ? inside : rest).push_back(p);
    rest.push_back(exists(inner, logic.conj(inside)));
    const Tree *domain = inner.empty() ? x : logic.conj(rest);
    current = domain;
    const Tree *v = reduce(line, op, inner, body, domain, inner.empty() ? logic.yes() : logic.conj(inside));
    if (failed())
      return {};
    if (op == "count")
      v = alg.select(flag(domain), v, alg.zero);
    values.push_back({r, v});
    Trees here = outside;
    here.push_back(r);
    const Tree *outer = under(logic.conj(here), {Logic::parts(domain, TreeKind::And)});
    met.push_back(logic.conj({outer, flag(domain)}));
    conditions.push_back(r);
  }
  if (failed())
    return {};
  const Tree *v = alg.zero;
  if (!values.empty() && op != "count")
    v = values.back().second;
  for (size_t i = values.size() - (op != "count" && !values.empty()); i-- > 0;)
    v = alg.select(values[i].first, values[i].second, v);
  const Tree *all = logic.conj(outside);
  if (where) { // never absent; where nothing takes part they see nothing
    if (op == "count")
      return {values.empty() ? alg.zero : alg.select(all, v, alg.zero), where};
    const Tree *some = logic.conj({all, logic.disj(conditions)});
    if (values.empty())
      return {arena.boolean(op == "all"), where};
    return {op == "any" ? logic.conj({some, v}) : logic.disj({logic.neg(some), v}), where};
  }
  if (op == "argtopk" || op == "argsort") {
    Trees there = outside;
    there.push_back(logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {v})));
    return {v, logic.conj(there)};
  }
  return {v, logic.disj(met)};
}

const Tree *Derivation::reduce(const Line &line, StringRef op, const Names &coords, const Tree *body,
                               const Tree *dom, const Tree *innerDomain) {
  if (op == "sum" || op == "count")
    return sum(body, coords, dom, innerDomain);
  if (op == "max" || op == "min") {
    if (!coords.empty())
      body = alg.reduce(op, coords, body, innerDomain);
    return peel(alg.normalize(body), op, dom);
  }
  if (!coords.empty()) {
    refuse(op == "prod" ? "sum-under-product" : "no-homomorphism", op + " over two ranks");
    return alg.zero;
  }
  if (op == "prod")
    return product(body, dom);
  if (op == "any" || op == "all")
    return quantifier(body, op, dom);
  NormalForm form = alg.normalize(body);
  const Tree *key = order(readsUnknown(body) ? strict(form) : alg.toTree(form));
  // Without the statistic that they are relative to, exponentials are 0 or infinite: all keys would be equal.
  if (readsUnknown(body) && hasExponential(key))
    refuse("order-changes", "the order of " + toText(body) + " is that of " + toText(key) + ", which is out of range without " +
                                unknownNames(body));
  if (failed())
    return alg.zero;
  if (op == "argmax" || op == "argmin")
    return accumulator(op, key, dom).read;
  // argtopk: the coordinate of the list is the last of the left side; a list of the whole rank is a sort.
  Names slots = {line.coords.back()};
  const Tree *slotExtent = model.getExtent(slots[0]), *whole = model.getExtent(n);
  bool sorts = slotExtent && whole && model.equalExtents(slotExtent, whole);
  if (sorts)
    why.push_back({"unbounded-state",
                   line.source,
                   model.lineOf(line.op),
                   {},
                   level,
                   "a list of all of " + rank + " keeps its every key: the state has no bounded size"});
  return accumulator(sorts ? "argsort" : "argtopk", key, dom, {}, nullptr, 1, "", slots).read;
}

/// prod of g*h is prod(g) * h^count; exponents of g are summed.
const Tree *Derivation::product(const Tree *body, const Tree *dom) {
  NormalForm g = alg.normalize(body), h = alg.constant(1);
  if (readsUnknown(body)) {
    auto parts = separateOnce(g);
    if (!parts) {
      refuse("sum-under-product", "the product of " + toText(body) + " does not factor");
      return alg.zero;
    }
    std::tie(g, h) = *parts;
  }
  SmallVector<const Tree *> factors;
  if (g.size() == 1 && !g.begin()->first->exponent.empty()) {
    auto [m, c] = *g.begin();
    const Tree *exponent = alg.toTree(NormalForm(m->exponent.begin(), m->exponent.end()));
    factors.push_back(alg.real("exp", {sum(exponent, {}, dom, logic.yes())}));
    g = alg.single(alg.intern({}, m->atoms), c);
  }
  if (!(g == alg.constant(1)))
    factors.push_back(accumulator("prod", alg.toTree(g), dom).read);
  if (!(h == alg.constant(1)))
    factors.push_back(alg.real("pow", {alg.toTree(h), accumulator("sum", alg.one, dom).read}));
  if (factors.empty())
    return alg.one;
  const Tree *out = factors[0];
  for (const Tree *f : drop_begin(factors))
    out = alg.real("mul", {out, f});
  return out;
}

//===----------------------------------------------------------------------===//
// max and min by peeling monotone steps
//===----------------------------------------------------------------------===//

/// Of c*exp(E) the order is that of E + log|c|: it is never scaled by a reference, which would lose the
/// smaller.
const Tree *Derivation::peelWeighted(const NormalForm &form, StringRef op, const Tree *dom) {
  auto [m, c] = *form.begin();
  const Tree *exponent = alg.toTree(NormalForm(m->exponent.begin(), m->exponent.end()));
  NormalForm factor = alg.single(alg.intern({}, m->atoms), c);
  const Tree *f = alg.toTree(factor), *minus = alg.toTree(alg.scale(factor, -1));
  auto extreme = [&](StringRef o, const Tree *t) {
    const Tree *body = alg.real("add", {exponent, alg.real("log", {t})});
    return accumulator(o, body, dom).read;
  };
  Sign s = alg.sign(factor);
  if (isNonNegative(s))
    return alg.real("exp", {extreme(op, f)});
  if (isNonPositive(s))
    return alg.real("neg", {alg.real("exp", {extreme(mirrored(op), minus)})});
  // Of unknown sign: the largest positive one, else the least negative one; mirrored for min.
  const Tree *a = op == "max" ? f : minus, *b = op == "max" ? minus : f;
  const Tree *above = extreme("max", alg.real("relu", {a})), *below = extreme("min", alg.real("relu", {b}));
  const Tree *some = logic.compare("gt", above, alg.number(Rational(-1000000000000000000)));
  const Tree *v = alg.select(some, alg.real("exp", {above}), alg.real("neg", {alg.real("exp", {below})}));
  return op == "max" ? v : alg.real("neg", {v});
}

const Tree *Derivation::peelKey(const NormalForm &form, StringRef op, const Tree *dom) {
  const Monomial *unit = alg.unit();
  if (form.size() > 1 && form.count(unit)) { // max(c + y) = c + max y
    NormalForm rest = form;
    rest.erase(unit);
    return alg.real("add", {alg.number(form.at(unit)), peelKey(rest, op, dom)});
  }
  if (form.size() != 1)
    return accumulator(op, alg.toTree(form), dom).read;
  auto [m, c] = *form.begin();
  NormalForm exponent(m->exponent.begin(), m->exponent.end());
  bool unitSize = c == Rational(1) || c == Rational(-1);
  if (!m->exponent.empty() && m->atoms.empty()) {
    const Tree *t = alg.real("exp", {peelKey(exponent, c.p > 0 ? op : mirrored(op), dom)});
    return c.isOne() ? t : alg.real("mul", {alg.number(c), t});
  }
  if (!m->exponent.empty() && unitSize && readsKey(alg.toTree(exponent)) && !bounded(exponent, dom))
    return peelWeighted(form, op, dom);
  if (m->exponent.empty() && m->atoms.size() == 1 && m->atoms[0].second.isOne() && c.isOne())
    if (const Tree *a = m->atoms[0].first; a->is(TreeKind::Function) && isMonotone(a->text))
      return alg.real(a->text, {peelKey(alg.normalize(a->args[0]), op, dom)});
  if (!unitSize && m != unit)
    return alg.real("mul", {alg.number(c.p < 0 ? -c : c), peelKey(alg.single(m, c.p < 0 ? -1 : 1), op, dom)});
  if (c == Rational(-1) && m != unit)
    return alg.real("neg", {peelKey(alg.single(m), mirrored(op), dom)});
  return accumulator(op, alg.toTree(form), dom).read;
}

const Tree *Derivation::peel(const NormalForm &form, StringRef op, const Tree *dom) {
  NormalForm key, statistic, mixed;
  splitByClass(form, key, statistic, mixed);
  auto shifted = [&](const Tree *t, const NormalForm &by) {
    return by.empty() ? t : alg.real("add", {t, alg.toTree(by)});
  };
  if (mixed.empty())
    return shifted(peelKey(key, op, dom), statistic);
  NormalForm keyed = key;
  keyed.erase(alg.unit());
  const Tree *whole = alg.toTree(form);
  std::string message =
      (op + " of " + toText(whole) + " is not monotone in one key-dependent quantity whatever " +
       unknownNames(whole) + " is")
          .str();
  if (mixed.size() != 1 || !keyed.empty()) {
    refuse("not-monotone", message);
    return alg.zero;
  }
  NormalForm offset = alg.add(statistic, key);
  if (auto parts = separateOnce(mixed)) {
    const Tree *h = alg.toTree(parts->second);
    auto with = [&](StringRef o) { return alg.real("mul", {h, peelKey(parts->first, o, dom)}); };
    Sign s = alg.sign(parts->second);
    const Tree *t = isNonNegative(s) ? with(op)
                    : isNonPositive(s)
                        ? with(mirrored(op))
                        : alg.select(logic.compare("ge", h, alg.zero), with(op), with(mirrored(op)));
    return shifted(t, offset);
  }
  auto [m, c] = *mixed.begin();
  if (m->atoms.size() != 1 || !m->exponent.empty() || !m->atoms[0].second.isOne()) {
    refuse("not-monotone", message);
    return alg.zero;
  }
  const Tree *a = m->atoms[0].first, *t = nullptr;
  StringRef o = c.p > 0 ? op : mirrored(op);
  auto inside = [&](const Tree *x) { return peel(alg.normalize(x), o, dom); };
  if (a->is(TreeKind::Function) && isMonotone(a->text)) {
    t = alg.real(a->text, {inside(a->args[0])});
  } else if (a->isFunction("max") || a->isFunction("min")) {
    // max under max, or one keyed argument: max of min of two keyed ones is no min of maxima.
    if (count_if(a->args, [&](const Tree *x) { return readsKey(x); }) <= 1 || a->text == o) {
      Trees args;
      for (const Tree *x : a->args)
        args.push_back(readsKey(x) ? inside(x) : x);
      t = alg.real(a->text, args);
    }
  } else if (a->is(TreeKind::Select) && !readsKey(a->args[0])) {
    t = alg.select(a->args[0], inside(a->args[1]), inside(a->args[2]));
  }
  if (!t) {
    refuse("not-monotone", message);
    return alg.zero;
  }
  return shifted(c.isOne() ? t : alg.real("mul", {alg.number(c), t}), offset);
}

//===----------------------------------------------------------------------===//
// argmax, any and all
//===----------------------------------------------------------------------===//

/// The key that orders the coordinates: strictly increasing maps and statistics that shift or scale are
/// dropped.
const Tree *Derivation::strict(const NormalForm &form) {
  NormalForm key, statistic, mixed;
  splitByClass(form, key, statistic, mixed);
  if (mixed.empty())
    return alg.toTree(key);
  key.erase(alg.unit());
  if (mixed.size() == 1 && key.empty()) {
    if (auto parts = separateOnce(mixed); parts && alg.sign(parts->second) == Sign::Positive)
      return strict(parts->first);
    auto [m, c] = *mixed.begin();
    if (m->atoms.size() == 1 && m->exponent.empty() && c.p > 0 && m->atoms[0].second.isOne())
      if (const Tree *a = m->atoms[0].first; a->is(TreeKind::Function) && isIncreasing(a->text))
        return strict(alg.normalize(a->args[0]));
  }
  const Tree *whole = alg.toTree(form);
  refuse("order-changes",
         "the order of " + toText(whole) + " depends on the statistic " + unknownNames(whole));
  return alg.zero;
}

const Tree *Derivation::order(const Tree *tree) {
  NormalForm form = alg.normalize(tree);
  while (form.size() == 1) {
    auto [m, c] = *form.begin();
    if (c.p > 0 && !m->exponent.empty() && m->atoms.empty())
      form = NormalForm(m->exponent.begin(), m->exponent.end());
    else if (c.p > 0 && m->exponent.empty() && m->atoms.size() == 1 && m->atoms[0].second.isOne() &&
             m->atoms[0].first->is(TreeKind::Function) && isIncreasing(m->atoms[0].first->text))
      form = alg.normalize(m->atoms[0].first->args[0]);
    else
      break;
  }
  return alg.toTree(form);
}

const Tree *Derivation::quantifier(const Tree *body, StringRef op, const Tree *dom) {
  bool any = op == "any";
  for (const Tree *p : Logic::parts(dom, TreeKind::And))
    body = p->is(TreeKind::Not) ? logic.put(body, p->args[0], false) : logic.put(body, p, true);
  auto beside = [&](const Tree *t) { // any: some coordinate takes part and t; all: none does, or t
    return any ? logic.conj({flag(dom), t}) : logic.disj({logic.neg(flag(dom)), t});
  };
  if (body->is(TreeKind::Bool))
    return beside(body);
  if (!readsUnknown(body))
    return accumulator(op, alg.canon(body), dom).read;
  TreeKind split = any ? TreeKind::Or : TreeKind::And, join = any ? TreeKind::And : TreeKind::Or;
  auto combine = [&](TreeKind kind, const Trees &parts) {
    return kind == TreeKind::And ? logic.conj(parts) : logic.disj(parts);
  };
  if (body->is(split)) {
    Trees parts;
    for (const Tree *p : body->args)
      parts.push_back(quantifier(p, op, dom));
    return combine(split, parts);
  }
  if (body->is(join)) {
    Trees fixed, moving;
    for (const Tree *p : body->args)
      (readsKey(p) ? moving : fixed).push_back(p);
    if (!fixed.empty()) {
      fixed.push_back(quantifier(combine(join, moving), op, dom));
      return combine(join, fixed);
    }
  }
  if (!readsKey(body))
    return beside(body);
  StringRef f = body->text;
  if (body->isComparison() && f != "eq" && f != "ne") {
    NormalForm d = alg.add(alg.normalize(body->args[0]), alg.scale(alg.normalize(body->args[1]), -1));
    bool largest = (f == "gt" || f == "ge") == any;
    return beside(logic.compare(f, peel(d, largest ? "max" : "min", dom), alg.zero));
  }
  refuse("mixed-comparison",
         op + " of " + toText(body) + " sets the key against the statistic " + unknownNames(body));
  return logic.no();
}
