//===- StreamingFinish.cpp - finishes, and the state that they need -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

//===----------------------------------------------------------------------===//
// Values over accumulators
//===----------------------------------------------------------------------===//

/// Statistics, but for `open` ones, replaced by their finishes, down to accumulators.
const Tree *Derivation::close(const Tree *e, const std::set<std::string> &open) {
  auto closes = [&](Name tensor) { return isStatistic(tensor) && !open.count(tensor.str()); };
  if (none_of(alg.reads(e), [&](const Tree *read) { return closes(read->text); }))
    return e;
  if (e->is(TreeKind::Read) && closes(e->text) && !isWeighty(e->text))
    return close(finishOf(e->text, e->args), open);
  Trees args;
  for (const Tree *arg : e->args)
    args.push_back(close(arg, open));
  return alg.rebuild(e, args);
}

const Tree *Derivation::closeFormula(const Tree *p) {
  return mapLiterals(p, [&](const Tree *l) { return flagOf(l) ? l : close(l); });
}

/// The accumulators that the trees need, through references and through tensors that stay as written. A read
/// that is only asked whether it is absent does not count. `asked` gets the presences of the statistics that
/// are read there; their accumulators count as well.
std::set<std::string> Derivation::accumulatorsOf(ArrayRef<const Tree *> roots, Trees *asked) {
  std::set<std::string> out;
  StringSet<> seen;
  DenseSet<const Tree *> visited;
  Trees todo(roots.begin(), roots.end());
  while (!todo.empty()) {
    const Tree *t = todo.back();
    todo.pop_back();
    if (!visited.insert(t).second || flagOf(t))
      continue;
    todo.insert(todo.end(), t->args.begin(), t->args.end());
    if (!t->is(TreeKind::Read) || !seen.insert(t->text).second)
      continue;
    if (Acc *a = accByName.lookup(t->text)) {
      out.insert(a->result.name);
      if (!a->result.reference.empty())
        out.insert(a->result.reference);
    } else if (isStatistic(t->text) && finishes.count(t->text)) {
      todo.push_back(finished(t->text));
      if (asked) {
        asked->push_back(closeFormula(presences.lookup(t->text)));
        todo.push_back(asked->back());
      }
    } else if (const Line *line = lineOf(t->text)) {
      todo.push_back(line->expr);
      todo.push_back(line->where);
    }
  }
  return out;
}

/// The closed, cancelled value of a statistic.
const Tree *Derivation::finished(Name tensor) {
  if (auto known = finishedValues.find(tensor); known != finishedValues.end())
    return known->second;
  Trees indices;
  for (Name c : lineOf(tensor)->coords)
    indices.push_back(arena.coordinate(c));
  const Tree *v = tidy(close(finishOf(tensor, indices)), presences.lookup(tensor));
  return finishedValues[tensor] = v;
}

//===----------------------------------------------------------------------===//
// Cancellation
//===----------------------------------------------------------------------===//

/// Cancels. Products and powers of sums stay factored unless multiplying out removes an accumulator.
const Tree *Derivation::tidy(const Tree *t, const Tree *presence) {
  std::vector<Trees> context = contexts(presence ? presence : logic.yes());
  safe.clear();
  for (auto &a : accs)
    if (a->extra.empty() &&
        any_of(context, [&](const Trees &c) { return isSubset(Logic::parts(a->dom, TreeKind::And), c); }))
      safe.insert(a->result.name);
  const Tree *deep = under(t, context), *plain = under(t, context, false);
  const Tree *best = attempt(deep, true);
  std::set<std::string> least = accumulatorsOf({best});
  for (auto [form, factored] : {std::pair(plain, true), {deep, false}, {plain, false}}) {
    const Tree *other = attempt(form, factored);
    std::set<std::string> needs = accumulatorsOf({other});
    if (needs.size() < least.size() &&
        std::includes(least.begin(), least.end(), needs.begin(), needs.end())) {
      best = other;
      least = std::move(needs);
    }
  }
  safe.clear();
  alg.forget();
  return best;
}

const Tree *Derivation::attempt(const Tree *t, bool factored) {
  alg.forget();
  alg.overflowed = false;
  alg.factored = factored;
  bool truth = t->scalar == ScalarKind::Bool;
  const Tree *formula = truth ? alg.canon(t) : nullptr;
  NormalForm form = truth ? NormalForm() : cancel(alg.normalize(t));
  if (form.size() > 1 && !alg.overflowed) { // one quotient, so that numerator and denominator align alike
    auto [common, rest] = alg.content(form);
    const Monomial *m = common.begin()->first;
    bool divides = false, all = true;
    for (auto &[a, k] : m->atoms)
      if (k.p < 0) {
        divides = true;
        const Tree *divisor = a;
        all &= all_of(form, [&](auto &entry) { return entry.first->powerOf(divisor).p < 0; });
      }
    if (divides && all)
      form = alg.mul(common, alg.atom(alg.toTree(rest)));
  }
  const Tree *out = truth ? formula : alg.toTree(form);
  if (alg.overflowed)
    out = t;
  alg.overflowed = false;
  alg.factored = false;
  alg.forget();
  return out;
}

/// If the monomials with sum^-1 hold q*(the sum's monomials), they become q.
bool Derivation::cancelOnce(NormalForm &form, const Tree *divisor) {
  NormalForm of = alg.normalize(divisor), over;
  for (auto &[m, c] : form)
    if (m->powerOf(divisor).p < 0)
      over[m] = c;
  if (over.size() < of.size() || of.empty())
    return false;
  NormalForm numerator = alg.mul(over, alg.atom(divisor, 1));
  for (auto &[m, c] : numerator)
    for (auto &[s, k] : of) {
      NormalForm q = alg.mul(alg.single(m, c), alg.monomialPower(alg.single(s, k), -1));
      bool was = alg.factored;
      alg.factored = false;
      NormalForm candidate = alg.mul(q, of);
      alg.factored = was;
      if (alg.overflowed)
        return false;
      bool there = all_of(candidate, [&](auto &entry) {
        auto found = numerator.find(entry.first);
        return found != numerator.end() && found->second == entry.second;
      });
      if (!there)
        continue;
      form = alg.add(alg.add(form, alg.scale(alg.mul(candidate, alg.atom(divisor, -1)), -1)), q);
      return true;
    }
  return false;
}

NormalForm Derivation::cancel(NormalForm form) {
  for (unsigned round = 0; round < 8 && !alg.overflowed; ++round) {
    SmallVector<const Tree *> divisors;
    for (auto &[m, c] : form)
      for (auto &[a, k] : m->atoms)
        if (k.p < 0 && isSum(a) && !is_contained(divisors, a))
          divisors.push_back(a);
    if (none_of(divisors, [&](const Tree *d) { return cancelOnce(form, d); }))
      break;
  }
  return form;
}

/// The largest finite number of the widest real type of the cascade's inputs, or minus that.
const Tree *Derivation::largestFinite(bool negative) {
  bool isDouble = any_of(model.inputs, [&](auto &name) { return model.getTensor(name)->elementType.isF64(); });
  StringRef text = getLargestFinite(isDouble);
  return arena.get(TreeKind::Number, ScalarKind::Real, negative ? ("-" + text).str() : text.str());
}

/// A sum of exponentials as exp(mu) times a rest, mu the largest exponent, kept finite as references are. A part that may be missing counts
/// where it is there; one that may not decides elsewhere, and without one the sum stays as it is.
std::optional<std::pair<const Tree *, const Tree *>> Derivation::alignSum(const Tree *t) {
  NormalForm sum = isSum(t) ? alg.normalize(t) : NormalForm(), rest;
  std::vector<std::pair<const Tree *, const Tree *>> parts; // exponent, condition
  const Tree *base = nullptr;
  for (auto &[s, f] : sum) {
    const Tree *e = alg.toTree(NormalForm(s->exponent.begin(), s->exponent.end())), *there = logic.yes();
    for (auto &[atom, power] : s->atoms)
      if (alg.isIndicator(atom))
        there = logic.conj({there, atom->args[0]});
      else if (alg.contains(atom, [](const Tree *x) { return x->is(TreeKind::Select); }))
        return std::nullopt;
    parts.push_back({e, there});
    if (there->isTrue() && !base)
      base = e;
  }
  if (!base)
    return std::nullopt;
  Trees exponents;
  for (auto &[e, there] : parts)
    if (const Tree *own = alg.select(there, e, base); !is_contained(exponents, own))
      exponents.push_back(own);
  if (exponents.size() < 2)
    return std::nullopt;
  const Tree *largest = exponents[0];
  for (const Tree *e : drop_begin(exponents))
    largest = alg.real("max", {largest, e});
  largest = alg.real("max", {alg.real("min", {largest, largestFinite(false)}), largestFinite(true)});
  NormalForm less = alg.exponential(alg.scale(alg.atom(largest), -1));
  for (auto &[s, f] : sum)
    rest = alg.add(rest, alg.mul(alg.single(s, f), less));
  return std::pair(largest, alg.toTree(rest));
}

/// c1*A + c2*A, multiplied out on the way, becomes (c1 + c2)*A, A what reads accumulators: one multiplication,
/// and nothing is cancelled between terms that may be large or infinite. A part that may be missing stays alone.
NormalForm Derivation::collect(const NormalForm &form) {
  std::map<const Monomial *, NormalForm, ById> coefficients;
  NormalForm out;
  for (auto &[m, c] : form) {
    decltype(Monomial::atoms) state, rest;
    for (auto &entry : m->atoms)
      (accumulatorsOf({entry.first}).empty() ? rest : state).push_back(entry);
    bool mayBeMissing = any_of(m->atoms, [](auto &entry) { return entry.first->is(TreeKind::Select); });
    if (state.empty() || mayBeMissing)
      out.insert({m, c});
    else
      coefficients[alg.intern(m->exponent, state)].insert({alg.intern({}, rest), c});
  }
  for (auto &[state, coefficient] : coefficients) {
    bool isSum = coefficient.size() > 1;
    NormalForm factor = isSum ? alg.atom(alg.toTree(coefficient)) : coefficient;
    out = alg.add(out, alg.mul(alg.single(state), factor));
  }
  return out;
}

/// Sums of exponentials kept relative to their largest exponent: exp(R)*A/(exp(R)*B + exp(s)) becomes
/// exp(R - mu)*A/(exp(R - mu)*B + exp(s - mu)), mu = max(R, s), which no size of R makes overflow; and
/// log(exp(R)*B + exp(s)) becomes mu + log(exp(R - mu)*B + exp(s - mu)).
const Tree *Derivation::align(const Tree *t) {
  if (t->scalar == ScalarKind::Bool)
    return t;
  if (t->is(TreeKind::Select))
    return alg.select(t->args[0], align(t->args[1]), align(t->args[2]));
  alg.overflowed = false;
  alg.factored = true;
  alg.forget();
  NormalForm out;
  for (auto &[m, c] : alg.normalize(t)) {
    NormalForm product = alg.single(alg.intern(m->exponent, {}), c);
    for (auto &[a, k] : m->atoms) {
      bool isLog = a->isFunction("log") && k.isOne();
      auto aligned = alignSum(isLog ? a->args[0] : a);
      if (!aligned) {
        product = alg.mul(product, alg.atom(a, k));
        continue;
      }
      auto [mu, rest] = *aligned;
      if (isLog) {
        product = alg.mul(product, alg.add(alg.atom(mu), alg.atom(alg.real("log", {rest}))));
        continue;
      }
      product = alg.mul(product, alg.atom(rest, k));
      product = alg.mul(product, alg.exponential(alg.scale(alg.atom(mu), k)));
    }
    out = alg.add(out, product);
  }
  const Tree *aligned = alg.overflowed ? t : alg.toTree(collect(out));
  if (alg.overflowed)
    aligned = t;
  alg.overflowed = false;
  alg.factored = false;
  alg.forget();
  return aligned;
}

//===----------------------------------------------------------------------===//
// Live state
//===----------------------------------------------------------------------===//

/// The domain of an accumulator without its further coordinates: where some setting of them lies in it.
const Tree *Derivation::projectedDomain(const Acc &a) {
  Trees inside, rest;
  for (const Tree *p : Logic::parts(a.dom, TreeKind::And))
    (any_of(a.extra, [&](Name c) { return alg.hasFree(p, c); }) ? inside : rest).push_back(p);
  if (!inside.empty())
    rest.push_back(exists(a.extra, logic.conj(inside)));
  return logic.conj(rest);
}

/// The domain of an accumulator without claims that there is some setting of its further coordinates where conditions hold
/// that hold at the setting at hand.
const Tree *Derivation::withoutWitnessed(const Acc &a) {
  Trees parts = Logic::parts(a.dom, TreeKind::And), kept;
  for (const Tree *p : parts)
    if (!p->is(TreeKind::Any) || !all_of(p->coords, [&](Name c) { return is_contained(a.extra, c); }) ||
        !isSubset(Logic::parts(p->args[0], TreeKind::And), parts))
      kept.push_back(p);
  return logic.conj(kept);
}

/// Whether what an accumulator takes in is there wherever its domain holds. A condition that all its summands share has left the
/// sum for the finish, and with it what said that they are there.
bool Derivation::isThereInDomain(const Acc &a) {
  Trees inside = Logic::parts(a.dom, TreeKind::And);
  return all_of(Trees{a.body, a.exponent}, [&](const Tree *t) {
    return !t || isSubset(Logic::parts(implied(present(t), inside), TreeKind::And), inside);
  });
}

/// A live accumulator over the same domain tells the same presence.
const Derivation::Acc *Derivation::standIn(const Acc &a, const std::set<std::string> &scope) {
  for (auto &b : accs) {
    StringRef op = b->result.op;
    bool isSame = b->dom == a.dom && b->extra == a.extra;
    bool isProjected = a.extra.empty() && !b->extra.empty() && projectedDomain(*b) == a.dom;
    if (!live.count(b->result.name) || !(isSame || isProjected) || b->result.level != a.result.level ||
        op == "any" || op == "all" || op.starts_with("argtop") || op == "argsort" || !isThereInDomain(*b))
      continue;
    bool covers = all_of(a.coords, [&](Name c) { return is_contained(b->coords, c); });
    bool bound = all_of(b->coords, [&](Name c) { return is_contained(a.coords, c) || scope.count(c.str()); });
    if (covers && bound)
      return b.get();
  }
  return nullptr;
}

/// Flags read off live accumulators; over a domain in coordinates and extents alone a flag is its projection.
const Tree *Derivation::settleFlags(const Tree *e, const std::set<std::string> &scope) {
  if (Acc *a = flagOf(e)) {
    if (live.count(a->result.name))
      return e;
    StringMap<const Tree *> to;
    for (auto [coord, index] : zip(a->coords, e->args[0]->args))
      to[coord] = index;
    if (const Acc *b = standIn(*a, scope)) {
      Trees indices;
      for (Name c : b->coords)
        indices.push_back(to.count(c) ? to[c] : arena.coordinate(c));
      const Tree *read = arena.get(TreeKind::Read, b->read->scalar, b->result.name, indices);
      return arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {read});
    }
    if (readsData(a->dom))
      return e;
    return logic.neg(formulas.any({n}, settleFlags(arena.substitute(a->dom, to), scope)));
  }
  if (e->args.empty())
    return e;
  std::set<std::string> inside = scope;
  for (Name c : e->coords)
    inside.insert(c.str());
  Trees args;
  for (const Tree *arg : e->args)
    args.push_back(settleFlags(arg, inside));
  if (e->is(TreeKind::Any)) { // without the quantifier, where that can be said
    const Tree *plain = formulas.any(e->coords, args[0]);
    if (!alg.contains(plain, [](const Tree *x) { return x->is(TreeKind::Any); }))
      return plain;
  }
  return alg.rebuild(e, args);
}

/// Keeps the accumulators that values reach, then those that only their conditions and flags reach.
void Derivation::findLive(ArrayRef<Finish> roots, const Trees &others) {
  live.clear();
  std::vector<std::pair<const Tree *, std::set<std::string>>> all; // and the coordinates at hand
  Trees values = others;
  for (const Tree *t : others)
    all.push_back({t, {}});
  for (const Finish &f : roots)
    for (const Tree *t : {f.value, f.presence}) {
      values.push_back(t);
      all.push_back({t, {f.coords.begin(), f.coords.end()}});
    }
  Trees asked;
  std::set<std::string> need = accumulatorsOf(values, &asked);
  for (const Tree *t : asked)
    all.push_back({t, {}});
  while (true) {
    while (!need.empty()) {
      std::string name = *need.begin();
      need.erase(need.begin());
      if (!live.insert(name).second)
        continue;
      Acc *a = accByName.lookup(name);
      Trees own = {close(a->body), closeFormula(a->dom)};
      if (a->exponent)
        own.push_back(close(a->exponent));
      if (!a->result.reference.empty())
        need.insert(a->result.reference);
      need.merge(accumulatorsOf(own));
      for (const Tree *t : own)
        all.push_back({t, {}});
    }
    for (auto &entry : all)
      alg.contains(entry.first, [&](const Tree *x) {
        Acc *a = flagOf(x);
        if (!a || !need.empty() || live.count(a->result.name) || !readsData(a->dom))
          return false;
        if (!standIn(*a, entry.second))
          need.insert(a->result.name);
        return !need.empty();
      });
    if (need.empty())
      return;
  }
}

std::set<std::string> Derivation::reachable() {
  std::set<std::string> seen;
  std::vector<std::string> todo;
  for (auto &output : model.outputs)
    todo.push_back(output.tensor);
  while (!todo.empty()) {
    std::string name = todo.back();
    todo.pop_back();
    const Line *line = lineOf(name);
    if (!line || !seen.insert(name).second)
      continue;
    seen.insert(line->source);
    for (const Tree *t : {line->expr, line->where})
      for (const Tree *read : alg.reads(t))
        todo.push_back(read->text.str());
  }
  return seen;
}

//===----------------------------------------------------------------------===//
// The result
//===----------------------------------------------------------------------===//

static std::vector<std::string> strings(ArrayRef<StringRef> names) { return {names.begin(), names.end()}; }

void Derivation::finish(Streaming &out) {
  Trees roots;
  auto add = [&](std::vector<Finish> &to, const Line &line, const Tree *value, const Tree *presence,
                 unsigned at) { to.push_back({line.name, strings(line.coords), value, presence, at}); };
  unknown.clear();
  refusal.reset();
  std::set<std::string> reached = reachable();
  // An equation that is no reduction itself, without the coordinate or with it.
  auto addMap = [&](std::vector<Finish> &without, std::vector<Finish> &with, const Line &line) {
    const Tree *there = logic.conj({present(line.expr), truth(line.where, true)});
    if (carries(line.name)) {
      level = carriedLevels.lookup(line.name);
      const Tree *p = implied(there, {});
      return add(with, line, tidy(close(value(line.expr)), p), closeFormula(p), level);
    }
    const Tree *p = isWeighty(line.name) && !isCut(line) ? there : presences.lookup(line.name);
    add(without, line, finished(line.name), closeFormula(p), levels.lookup(line.name));
  };
  for (auto &output : model.outputs) {
    const Line *line = lineOf(output.tensor);
    if (!line)
      continue;
    if (carries(line->name) && isCut(*line))
      roots.push_back(line->expr);
    else if (carries(line->name) || levels.lookup(line->name) > 0)
      addMap(out.outputs, out.carried, *line);
  }
  std::vector<Finish> finishesOfOutputs = out.outputs;
  llvm::append_range(finishesOfOutputs, out.carried);
  findLive(finishesOfOutputs, roots);
  numberTraversals();
  for (auto &line : lines)
    if (finishes.count(line->name) && reached.count(line->name))
      add(out.reductions, *line, finished(line->name), closeFormula(presences.lookup(line->name)),
          levels.lookup(line->name));
  std::set<std::string> holders; // of reductions inside expressions
  for (auto &line : lines)
    if (line->name != line->source && finishes.count(line->name))
      holders.insert(line->source);
  for (auto &line : lines)
    if (holders.count(line->name) && isStatistic(line->name) && !finishes.count(line->name) &&
        reached.count(line->name) && !isCut(*line))
      addMap(out.wholes, out.carried, *line);
  for (auto *list : {&out.outputs, &out.carried, &out.reductions, &out.wholes})
    for (Finish &f : *list) {
      std::set<std::string> scope(f.coords.begin(), f.coords.end());
      f.value = guard(settleFlags(align(f.value), scope));
      f.presence = guard(settleFlags(f.presence, scope));
      f.level = numberOf(f.level);
    }
  report(out);
}

void Derivation::report(Streaming &out) {
  std::vector<Acc *> listed;
  for (auto &a : accs)
    if (live.count(a->result.name))
      listed.push_back(a.get());
  sort(listed, [&](Acc *a, Acc *b) { // by traversal, then in the order in which they were made
    auto order = [](Acc *x) { return std::pair(x->result.level, x->made); };
    return order(a) < order(b);
  });
  unsigned count = 1; // of levels
  for (Acc *a : listed) {
    Accumulator r = a->result;
    r.coords = strings(a->coords);
    r.inner = strings(a->extra);
    std::set<std::string> scope(r.coords.begin(), r.coords.end());
    scope.insert(n.str());
    scope.insert(r.inner.begin(), r.inner.end());
    r.body = guard(settleFlags(close(a->body), scope));
    r.domain = guard(settleFlags(closeFormula(withoutWitnessed(*a)), scope));
    r.exponent = a->exponent ? guard(settleFlags(close(a->exponent), scope)) : nullptr;
    r.exact = a->result.op != "ref";
    count = std::max(count, r.level);
    r.level = numberOf(r.level);
    out.accumulators.push_back(std::move(r));
  }
  out.first = numberOf(1);
  for (auto &output : model.outputs) {
    count = std::max(count, levels.lookup(output.tensor));
    out.derived = std::max(out.derived, traversalsFor(output.tensor));
  }
  out.derived = std::max(out.derived, numberOf(count));
  out.lowerBound = 1;
  std::set<std::string> reached = reachable();
  for (StreamingReason &reason : why) {
    if (!reached.count(reason.equation) || reason.level > count)
      continue;
    out.whyNot.push_back(reason);
    out.whyNot.back().level = numberOf(reason.level);
    // The output's first element needs a value that depends on the last coordinate of the rank.
    for (const Finish &f : out.carried)
      if (reason.code == "carried-output" && f.tensor == reason.equation &&
          !accumulatorsOf({f.value}).empty())
        out.lowerBound = 2;
  }
  for (auto &line : lines)
    if (!model.getTensor(line->name))
      out.parts.push_back({line->name, strings(line->coords), line->expr, line->where, 0});
  for (auto &line : lines)
    if (levels.lookup(line->name))
      out.levels.push_back({line->name, std::max(numberOf(levels.lookup(line->name)), traversalsFor(line->name))});
  out.laws.assign(alg.laws.begin(), alg.laws.end());
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

std::vector<std::string> weir::getStreamedRanks(const CascadeModel &model) {
  // Of every rank that some equation reduces over: how many of its reductions keep a coordinate, the rank
  // with the most first.
  std::map<std::string, unsigned> reductions;
  auto count = [&](auto &self, const Tree *t, size_t carried) -> void {
    if (t->is(TreeKind::Reduce) || t->is(TreeKind::Selection))
      for (StringRef c : t->coords)
        reductions[rankOf(c)] += carried + 1;
    for (const Tree *arg : t->args)
      self(self, arg, carried);
  };
  for (const CascadeModel::Equation &equation : model.equations)
    count(count, equation.body, equation.coords.size());
  std::vector<std::string> out;
  for (const std::string &rank : model.ranks)
    if (reductions.count(rank))
      out.push_back(rank);
  std::map<std::string, size_t> position;
  for (const std::string &rank : out)
    position[rank] = position.size();
  sort(out, [&](auto &a, auto &b) {
    return std::pair(reductions[b], position[a]) < std::pair(reductions[a], position[b]);
  });
  return out;
}
