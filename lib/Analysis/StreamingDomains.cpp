//===- StreamingDomains.cpp - where a reduction over the rank is taken ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A flag says that some coordinate of the streamed rank lies in a domain. It is written as the presence of an
// accumulator over that domain, which is how it is computed.
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

const Tree *Derivation::flag(const Tree *domain) {
  const Tree *read = accumulator("sum", alg.one, domain).read;
  return logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {read}));
}

/// The accumulator whose absence the literal states.
Derivation::Acc *Derivation::flagOf(const Tree *literal) {
  if (!literal->is(TreeKind::IsAbsent) || !literal->args[0]->is(TreeKind::Read))
    return nullptr;
  return accByName.lookup(literal->args[0]->text);
}

bool Derivation::isSubset(const Trees &small, const Trees &large) const {
  return all_of(small, [&](const Tree *t) { return is_contained(large, t); });
}

/// Drops "the statistic is present" where the coordinate at hand lies in the domain that it was reduced over.
const Tree *Derivation::implied(const Tree *f, const Trees &context) {
  Trees parts = Logic::parts(f, TreeKind::And), out;
  for (const Tree *p : parts) {
    Trees others = context;
    for (const Tree *q : parts)
      if (q != p)
        others.push_back(q);
    if (p->is(TreeKind::Not))
      if (Acc *a = flagOf(p->args[0]); a && a->result.op == "sum" && a->extra.empty() &&
                                       p->args[0]->args[0] == a->read &&
                                       isSubset(Logic::parts(a->dom, TreeKind::And), others))
        continue;
    if (p->is(TreeKind::Or)) {
      Trees alternatives;
      for (const Tree *q : p->args)
        alternatives.push_back(implied(q, others));
      p = logic.disj(alternatives);
    }
    out.push_back(p);
  }
  return logic.conj(out);
}

/// The formula holds: of each flag in it, the conditions that hold together at some point.
std::vector<Derivation::Trees> Derivation::contexts(const Tree *f) {
  std::vector<Trees> out;
  for (const Tree *p : Logic::parts(f, TreeKind::And))
    if (p->is(TreeKind::Not))
      if (Acc *a = flagOf(p->args[0]);
          a && a->result.op == "sum" && a->extra.empty() && p->args[0]->args[0] == a->read)
        out.push_back(Logic::parts(a->dom, TreeKind::And));
  return out;
}

/// `e` where every list of conditions holds at some point: flags over supersets hold too.
const Tree *Derivation::under(const Tree *e, const std::vector<Trees> &context, bool deep) {
  if (context.empty() && !deep)
    return e;
  if (Acc *a = flagOf(e)) {
    bool holds =
        a->result.op == "sum" && a->extra.empty() && e->args[0] == a->read &&
        any_of(context, [&](const Trees &c) { return isSubset(Logic::parts(a->dom, TreeKind::And), c); });
    return holds ? logic.no() : e;
  }
  if (e->args.empty())
    return e;
  Trees args;
  if (e->is(TreeKind::Select)) {
    const Tree *c = under(e->args[0], context);
    if (c->isTrue() || c->isFalse())
      return under(e->args[c->isTrue() ? 1 : 2], context, deep);
    std::vector<Trees> chosen = context;
    if (deep)
      for (Trees &more : contexts(c))
        chosen.push_back(std::move(more));
    return alg.select(c, under(e->args[1], chosen, deep), under(e->args[2], context, deep));
  }
  // What holds of a coordinate outside says nothing about one of that name that a reduction goes over.
  std::vector<Trees> inside = context;
  for (Trees &conditions : inside)
    erase_if(conditions, [&](const Tree *p) { return any_of(e->coords, [&](Name c) { return alg.hasFree(p, c); }); });
  for (const Tree *arg : e->args)
    args.push_back(under(arg, inside, deep));
  return alg.rebuild(e, args);
}

const Tree *Derivation::mapLiterals(const Tree *f, function_ref<const Tree *(const Tree *)> map) {
  if (!f->is(TreeKind::And) && !f->is(TreeKind::Or) && !f->is(TreeKind::Not))
    return map(f);
  Trees args;
  for (const Tree *arg : f->args)
    args.push_back(mapLiterals(arg, map));
  return alg.rebuild(f, args);
}

/// f(key, statistics) as disjoint cases (condition on statistics, domain of keys): exactly one condition
/// holds.
std::vector<std::pair<const Tree *, const Tree *>> Derivation::cases(const Tree *f, StringRef code) {
  Trees literals;
  auto readsInner = [&](const Tree *p) {
    return readsKey(p) || any_of(inner, [&](Name c) { return alg.hasFree(p, c); });
  };
  auto collect = [&](auto &self, const Tree *p) -> void {
    if (failed() || !readsUnknown(p))
      return;
    if (!readsInner(p)) {
      const Tree *q = p->is(TreeKind::Not) ? p->args[0] : p;
      if (!is_contained(literals, q))
        literals.push_back(q);
    } else if (p->is(TreeKind::And) || p->is(TreeKind::Or)) {
      for (const Tree *arg : p->args)
        self(self, arg);
    } else {
      refuse(code, "whether a coordinate takes part (" + toText(p) +
                       ") depends on a statistic that is not complete");
    }
  };
  collect(collect, f);
  if (literals.size() > 4)
    refuse("too-large", "the domain has more than 4 conditions on statistics");
  if (failed())
    return {};
  std::vector<std::pair<const Tree *, const Tree *>> all = {{logic.yes(), f}}, joined;
  for (const Tree *l : literals) {
    std::vector<std::pair<const Tree *, const Tree *>> next;
    for (auto &[r, x] : all)
      for (bool v : {true, false})
        next.push_back({logic.conj({r, v ? l : logic.neg(l)}), logic.put(x, l, v)});
    all = std::move(next);
  }
  for (auto &[r, x] : all) {
    if (r->isFalse())
      continue;
    const Tree *domain = x;
    auto found = find_if(joined, [&](auto &c) { return c.second == domain; });
    if (found == joined.end())
      joined.push_back({r, x});
    else
      found->first = logic.disj({found->first, r});
  }
  return joined;
}
