//===- Traversals.cpp - how often a cascade reads a rank, as written ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One forward dataflow a rank. Sweeps repeat until nothing changes: recurrences need more than one, at most
// one an equation and two.
#include "weir/Analysis/Traversals.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace weir;
using Equation = CascadeModel::Equation;

namespace {

/// The order in which a tensor's elements appear while its traversal runs.
enum class Order { Any, Forward, Backward };

struct Availability {
  bool streaming = false;
  unsigned number = 0;
  Order order = Order::Any;
  bool operator==(const Availability &o) const {
    return streaming == o.streaming && number == o.number && order == o.order;
  }
};

/// The dataflow of one rank, which may stand for a tuple of parts.
class RankFlow {
public:
  RankFlow(const CascadeModel &model, Domains &domains, StringRef whole, ArrayRef<std::string> parts)
      : model(model), domains(domains), whole(whole), parts(parts) {}

  void run(Traversals::Rank &result);

private:
  /// What an equation, or a reduction inside one, was found to need while its body was walked.
  struct Needs {
    unsigned pointwise = 0, bound = 0;
    Order order = Order::Any;
    SmallVector<std::pair<std::string, unsigned>> bounds; // tensors with what must have ended
    SmallVector<std::pair<Availability, std::string>> streams;
    SmallVector<std::pair<Availability, std::string>> own; // streams of the equation's own recurrence
  };

  bool isMine(StringRef rank) const { return rank == whole || is_contained(parts, rank); }
  void keep(StringRef tensor) {
    if (model.getTensor(tensor) && !is_contained(kept, tensor))
      kept.push_back(tensor.str());
  }
  Availability equation(const Equation &e);
  Availability conclude(Needs &needs, ArrayRef<StringRef> iterated, ArrayRef<StringRef> carried,
                        const Equation &e);
  void walk(const Tree *tree, Needs &needs, SmallVectorImpl<const Tree *> &enclosing, const Equation &e);
  void read(const Tree *tree, Needs &needs, ArrayRef<const Tree *> enclosing, const Equation &e);
  Availability reduction(const Tree *tree, SmallVectorImpl<const Tree *> &enclosing, const Equation &e);
  enum class Access { Pointwise, Whole, Nothing };
  Access recurrenceAccess(const Tree *tree, const CascadeModel::Tensor &tensor, const Equation &e,
                          Order &order);
  bool isPointwise(const Tree *index, StringRef rank, ArrayRef<const Tree *> enclosing, Order &order);
  bool isPrefix(StringRef coordinate, StringRef rank, ArrayRef<const Tree *> enclosing, Order &order);
  bool hides(StringRef coordinate, ArrayRef<const Tree *> enclosing);

  const CascadeModel &model;
  Domains &domains;
  StringRef whole;
  ArrayRef<std::string> parts;
  StringMap<Availability> known;
  std::vector<Traversals::Wait> waits;
  std::vector<std::string> kept;
  DenseSet<const Tree *> visited;
};

} // namespace

static void merge(Order &into, Order from) {
  if (into == Order::Any)
    into = from;
}
static bool conflict(Order a, Order b) { return a != Order::Any && b != Order::Any && a != b; }

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

/// `sum(l | l <= t)` or `l < t`, t a coordinate of the rank: element t needs no more than what lies before
/// it. The mirror image goes backward.
bool RankFlow::isPrefix(StringRef coordinate, StringRef rank, ArrayRef<const Tree *> enclosing,
                        Order &order) {
  for (const Tree *reduction : enclosing) {
    if (!is_contained(reduction->coords, coordinate) ||
        none_of(freeCoordinates(reduction), [&](StringRef t) { return rankOf(t) == rank; }))
      continue;
    const Tree *domain = domains.present(reduction->args[0]);
    ArrayRef<const Tree *> conjuncts =
        domain->is(TreeKind::And) ? domain->args : ArrayRef<const Tree *>(domain);
    const Tree *l = model.arena->coordinate(coordinate);
    for (const Tree *conjunct : conjuncts) {
      auto p = domains.formulas.asNonNegative(conjunct);
      auto split = p ? p->split(l) : std::nullopt;
      auto factor = split ? split->first.asConstant() : std::nullopt;
      if (!factor || (*factor != 1 && *factor != -1))
        continue;
      for (StringRef t : freeCoordinates(reduction)) {
        Polynomial expected = Polynomial::atom(model.arena->coordinate(t)) * Polynomial::constant(-*factor);
        if (rankOf(t) != rank || !(split->second - expected).asConstant())
          continue;
        order = *factor == -1 ? Order::Forward : Order::Backward;
        return true;
      }
    }
  }
  return false;
}

/// Whether the coordinate is reduced by something that keeps another coordinate of the rank.
bool RankFlow::hides(StringRef coordinate, ArrayRef<const Tree *> enclosing) {
  return any_of(enclosing, [&](const Tree *reduction) {
    return is_contained(reduction->coords, coordinate) &&
           any_of(freeCoordinates(reduction),
                  [&](StringRef c) { return isMine(rankOf(c)) && rankOf(c) == rankOf(coordinate); });
  });
}

/// Whether an index of a dimension of `rank` moves along with the traversal.
bool RankFlow::isPointwise(const Tree *index, StringRef rank, ArrayRef<const Tree *> enclosing,
                           Order &order) {
  if (index->is(TreeKind::Coordinate) && !isMine(rankOf(index->text)))
    return isPrefix(index->text, rank, enclosing, order);
  if (index->is(TreeKind::Function) && (index->text == "floordiv" || index->text == "mod") &&
      index->args[0]->is(TreeKind::Coordinate))
    return !parts.empty() && rankOf(index->args[0]->text) == whole; // the part of a coordinate of the whole
  // n + constants + reduced coordinates; of parts, n1*N0 + n0 in the place of n.
  Polynomial rest = model.polynomial(index);
  auto isReduced = [&](StringRef name) {
    return any_of(enclosing, [&](const Tree *r) { return is_contained(r->coords, name); });
  };
  SmallVector<StringRef> mine;
  for (StringRef name : freeCoordinates(index)) {
    auto split = rest.split(model.arena->coordinate(name));
    if (!split || split->second.dependsOn(name))
      return false;
    if (isMine(rankOf(name))) {
      if (rankOf(name) == rank && split->first.asConstant() != 1)
        return false;
      if (hides(name, enclosing) && !isPrefix(name, rank, enclosing, order))
        return false;
      mine.push_back(name);
    } else if (!isReduced(name) || !split->first.asConstant()) {
      return false;
    }
    rest = split->second;
  }
  if (!rest.asConstant() || mine.empty())
    return false;
  return mine.size() == 1 ? rankOf(mine[0]) == rank : rank == whole && mine.size() == parts.size();
}

/// How a read of a tensor of the same recurrence counts: earlier steps of the recurrence's own rank stream
/// by; for another rank, an earlier step has ended altogether and the count is that of one step.
RankFlow::Access RankFlow::recurrenceAccess(const Tree *tree, const CascadeModel::Tensor &tensor,
                                            const Equation &e, Order &order) {
  const Equation &source = model.equations[tensor.equation];
  for (auto [ours, theirs] : zip(e.loops, source.loops)) {
    if (ours.op != theirs.op)
      break;
    if (isMine(rankOf(ours.along))) {
      order = ours.backward ? Order::Backward : Order::Forward;
      return Access::Pointwise;
    }
    auto at = find(source.coords, ours.along);
    if (at == source.coords.end())
      continue;
    const Tree *index = tree->args[at - source.coords.begin()];
    if (!index->is(TreeKind::Coordinate) || index->text != ours.along)
      return Access::Nothing;
  }
  return Access::Whole;
}

void RankFlow::read(const Tree *tree, Needs &needs, ArrayRef<const Tree *> enclosing, const Equation &e) {
  const CascadeModel::Tensor *tensor = model.getTensor(tree->text);
  if (!tensor || tensor->equation < 0)
    return;
  Availability available = known.lookup(tree->text);
  Order order = Order::Any;
  Access access = recurrenceAccess(tree, *tensor, e, order);
  if (access == Access::Nothing)
    return;
  bool carries = false, pointwise = true,
       single = true; // single: one fixed coordinate of it, such as the last
  for (auto [rank, index] : zip(tensor->ranks, tree->args))
    if (isMine(rank)) {
      carries = true;
      single &= freeCoordinates(index).empty() && !readsData(index);
      pointwise &= access == Access::Pointwise || isPointwise(index, rank, enclosing, order);
    }
  if (available.streaming && (access == Access::Pointwise || (carries && pointwise))) {
    (access == Access::Pointwise ? needs.own : needs.streams).push_back({available, tree->text.str()});
    merge(needs.order, order);
  } else {
    needs.bounds.push_back({tree->text.str(), available.number});
    if (carries && !single)
      keep(tree->text);
  }
}

void RankFlow::walk(const Tree *tree, Needs &needs, SmallVectorImpl<const Tree *> &enclosing,
                    const Equation &e) {
  if (!visited.insert(tree).second)
    return;
  if (tree->is(TreeKind::Reduce) || tree->is(TreeKind::Selection)) {
    DenseSet<const Tree *> outer;
    outer.swap(visited);
    Availability inner = reduction(tree, enclosing, e);
    outer.swap(visited);
    std::string name = tree->text.str() + "(" + join(tree->coords, ", ") + ")";
    if (inner.streaming)
      needs.streams.push_back({inner, name});
    else if (inner.number)
      needs.bounds.push_back({name, inner.number});
    return;
  }
  if (tree->is(TreeKind::Read))
    read(tree, needs, enclosing, e);
  for (const Tree *arg : tree->args)
    walk(arg, needs, enclosing, e);
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

Availability RankFlow::conclude(Needs &needs, ArrayRef<StringRef> iterated, ArrayRef<StringRef> carried,
                                const Equation &e) {
  auto has = [](ArrayRef<StringRef> coords, StringRef rank) {
    return any_of(coords, [&](StringRef c) { return rankOf(c) == rank; });
  };
  bool every =
      has(iterated, whole) || (!parts.empty() && all_of(parts, [&](auto &p) { return has(iterated, p); }));
  bool some = every || any_of(parts, [&](auto &p) { return has(iterated, p); });
  bool carries = has(carried, whole) || (!parts.empty() && has(carried, parts.front()));
  for (auto &[available, name] : needs.streams)
    needs.pointwise = std::max(needs.pointwise, available.number);
  for (auto &[available, name] : needs.streams)
    if (available.number == needs.pointwise) {
      if (conflict(needs.order, available.order)) // it runs the other way: all of it must be there
        needs.bounds.push_back({name, available.number});
      else
        merge(needs.order, available.order);
    }
  for (auto &[name, number] : needs.bounds)
    needs.bound = std::max(needs.bound, number);
  unsigned outside = needs.pointwise, s = outside, b = needs.bound;
  for (auto &[available, name] : needs.own)
    s = std::max(s, available.number);
  if (!some)
    return {false, std::max(s, b), Order::Any};
  if (!every) {
    bool streams = b < s && carries;
    for (auto &[available, name] : needs.streams)
      if (b >= available.number)
        keep(name);
    return {streams, std::max(s, b), streams ? needs.order : Order::Any};
  }
  unsigned at = std::max({s, b + 1, 1u});
  for (auto &[available, name] : concat<std::pair<Availability, std::string>>(needs.streams, needs.own))
    if (available.number < at)
      keep(name);
  if (at > outside && at == b + 1 && b > 0)
    for (auto &[name, number] : needs.bounds)
      if (number == b &&
          none_of(waits, [&, &tensor = name](auto &w) { return w.op == e.op && w.tensor == tensor; }))
        waits.push_back({e.name, name, e.op, at});
  return {carries, at, carries ? needs.order : Order::Any};
}

/// A reduction inside a body is an equation of its own over the coordinates it mentions.
Availability RankFlow::reduction(const Tree *tree, SmallVectorImpl<const Tree *> &enclosing,
                                 const Equation &e) {
  Needs needs;
  enclosing.push_back(tree);
  walk(tree->args[0], needs, enclosing, e);
  enclosing.pop_back();
  std::vector<StringRef> carried = freeCoordinates(tree), iterated = carried;
  iterated.insert(iterated.end(), tree->coords.begin(), tree->coords.end());
  return conclude(needs, iterated, carried, e);
}

Availability RankFlow::equation(const Equation &e) {
  SmallVector<StringRef> coords(e.coords.begin(), e.coords.end());
  SmallVector<const Tree *> enclosing;
  visited.clear();
  // The list coordinate of argtopk and the one reduction that is the whole body belong to the equation
  // itself.
  if (e.body->is(TreeKind::Selection) || e.body->is(TreeKind::Reduce)) {
    Needs needs;
    enclosing.push_back(e.body);
    walk(e.body->args[0], needs, enclosing, e);
    SmallVector<StringRef> iterated(coords);
    iterated.append(e.body->coords.begin(), e.body->coords.end());
    return conclude(needs, iterated, coords, e);
  }
  Needs needs;
  walk(e.body, needs, enclosing, e);
  return conclude(needs, coords, coords, e);
}

void RankFlow::run(Traversals::Rank &result) {
  bool changed = true;
  for (unsigned sweep = 0; changed && sweep < model.equations.size() + 2; ++sweep) {
    changed = false;
    waits.clear();
    kept.clear();
    for (const Equation &e : model.equations) {
      Availability next = equation(e);
      Availability &slot = known[e.name];
      changed |= !(slot == next);
      slot = next;
    }
  }
  for (const Equation &e : model.equations) {
    Availability available = known[e.name];
    result.tensors[e.name] = {available.streaming, available.number};
    result.count = std::max(result.count, available.number);
    for (const CascadeModel::Loop &loop : e.loops)
      result.loop |= isMine(rankOf(loop.along));
  }
  result.waits = std::move(waits);
  result.kept = std::move(kept);
}

//===----------------------------------------------------------------------===//
// Which ranks
//===----------------------------------------------------------------------===//

namespace {
/// Ranks in order of appearance and the partitions that reads and signatures show.
class RankFinder {
public:
  explicit RankFinder(const CascadeModel &model) : model(model) {}
  std::vector<Traversals::Rank> find();

private:
  void scan(const Tree *tree);
  void scanRead(const Tree *tree);
  void addTuples();
  bool reducedTogether(ArrayRef<std::string> tuple) const;

  const CascadeModel &model;
  std::vector<std::string> iterated;
  std::vector<std::pair<std::string, std::vector<std::string>>> partitions; // whole -> parts
  std::vector<const Tree *> reductions;
  DenseSet<const Tree *> visited;
};
} // namespace

/// `n1*N0 + n0` in a dimension of N, where the extents say that it covers N exactly once: extent of n1 = N/N0
/// or its ceiling.
void RankFinder::scanRead(const Tree *tree) {
  const CascadeModel::Tensor *tensor = model.getTensor(tree->text);
  for (auto [i, index] : enumerate(tree->args)) {
    std::vector<StringRef> names = freeCoordinates(index);
    if (!tensor || i >= tensor->ranks.size() || names.size() < 2)
      continue;
    Polynomial rest = model.polynomial(index), stride = Polynomial::constant(1);
    std::vector<std::string> parts; // innermost first
    const Tree *last = nullptr;
    while (!names.empty()) {
      auto inner = find_if(names, [&](StringRef name) {
        auto split = rest.split(model.arena->coordinate(name));
        return split && split->first == stride;
      });
      if (inner == names.end())
        break;
      rest = rest.split(model.arena->coordinate(*inner))->second;
      last = model.getExtent(*inner);
      parts.push_back(rankOf(*inner));
      names.erase(inner);
      if (!names.empty())
        stride = stride * model.polynomial(last);
    }
    if (!names.empty() || !rest.terms.empty())
      continue;
    // The outermost extent is N/stride or its ceiling, (N + stride - 1)/stride; of numbers, whichever.
    const Tree *size = tensor->extents[i];
    Polynomial whole = model.polynomial(size), outer = model.polynomial(last);
    bool covers = outer * stride == whole;
    if (auto n = whole.asConstant(), s = stride.asConstant(), o = outer.asConstant(); n && s && o && *s > 0)
      covers |= *o == (*n + *s - 1) / *s || *o == *n / *s;
    if (outer.terms.size() == 1 && outer.terms.begin()->first.size() == 1)
      if (const Tree *quotient = outer.terms.begin()->first[0]; quotient->isFunction("floordiv")) {
        Polynomial numerator = model.polynomial(quotient->args[0]);
        covers |= model.polynomial(quotient->args[1]) == stride &&
                  (numerator == whole || numerator == whole + stride - Polynomial::constant(1));
      }
    if (!covers)
      continue;
    std::pair<std::string, std::vector<std::string>> partition(tensor->ranks[i],
                                                               {parts.rbegin(), parts.rend()});
    if (!is_contained(partitions, partition))
      partitions.push_back(partition);
  }
}

void RankFinder::scan(const Tree *tree) {
  if (!visited.insert(tree).second)
    return;
  auto add = [&](StringRef coord) {
    if (!is_contained(iterated, rankOf(coord)))
      iterated.push_back(rankOf(coord));
  };
  if (tree->is(TreeKind::Reduce) || tree->is(TreeKind::Selection)) {
    for_each(tree->coords, add);
    reductions.push_back(tree);
  }
  if (tree->is(TreeKind::Read))
    scanRead(tree);
  for (const Tree *arg : tree->args)
    scan(arg);
}

/// N1, N0: one stem, falling numbers. Other names are parts of one rank if some reduction is over all of
/// them.
bool RankFinder::reducedTogether(ArrayRef<std::string> tuple) const {
  auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
  auto stem = [&](StringRef name) { return name.rtrim("0123456789"); };
  bool numbered =
      all_of(tuple, [&](StringRef name) { return isDigit(name.back()) && stem(name) == stem(tuple[0]); });
  for (size_t i = 0; numbered && i + 1 < tuple.size(); ++i)
    numbered = StringRef(tuple[i]).drop_front(stem(tuple[i]).size()) >
               StringRef(tuple[i + 1]).drop_front(stem(tuple[i + 1]).size());
  return numbered || any_of(reductions, [&](const Tree *reduction) {
           return all_of(tuple, [&](StringRef rank) {
             return any_of(reduction->coords, [&](StringRef c) { return rankOf(c) == rank; });
           });
         });
}

/// Ranks that stand side by side in every input that has one of them are only parts; as a tuple they are one
/// rank.
void RankFinder::addTuples() {
  auto follows = [&](StringRef a, StringRef b) { // b right after a, wherever either stands
    bool found = false;
    for (const std::string &input : model.inputs) {
      ArrayRef<std::string> ranks = model.getTensor(input)->ranks;
      for (size_t i = 0; i < ranks.size(); ++i) {
        bool pair = ranks[i] == a && i + 1 < ranks.size() && ranks[i + 1] == b;
        if ((ranks[i] == a && !pair) || (ranks[i] == b && (i == 0 || ranks[i - 1] != a)))
          return false;
        found |= pair;
      }
    }
    return found;
  };
  std::vector<std::string> candidates = iterated;
  for (const std::string &first : candidates) {
    std::vector<std::string> tuple = {first};
    for (bool grown = true; grown;) {
      grown = false;
      for (const std::string &next : candidates)
        if (!is_contained(tuple, next) && follows(tuple.back(), next)) {
          std::vector<std::string> longer = tuple;
          longer.push_back(next);
          if (!reducedTogether(longer))
            continue;
          tuple = longer;
          grown = true;
          break;
        }
    }
    bool inner = any_of(partitions, [&](auto &p) { return is_contained(p.second, first); });
    if (tuple.size() > 1 && !inner)
      partitions.push_back({join(tuple, "*"), tuple});
  }
}

std::vector<Traversals::Rank> RankFinder::find() {
  for (const Equation &e : model.equations) {
    for (const std::string &coord : e.coords)
      if (!is_contained(iterated, rankOf(coord)))
        iterated.push_back(rankOf(coord));
    visited.clear();
    scan(e.body);
  }
  addTuples();
  std::vector<Traversals::Rank> ranks;
  auto add = [&](StringRef name, ArrayRef<std::string> parts) {
    Traversals::Rank rank;
    rank.name = name.str();
    rank.parts.assign(parts.begin(), parts.end());
    ranks.push_back(std::move(rank));
  };
  for (const std::string &name : iterated) {
    auto whole = find_if(partitions, [&](auto &p) { return p.first == name; });
    bool partOfRank = any_of(partitions, [&](auto &p) {
      return p.first.find('*') == std::string::npos && is_contained(p.second, name);
    });
    if (!partOfRank)
      add(name, whole == partitions.end() ? ArrayRef<std::string>() : ArrayRef<std::string>(whole->second));
  }
  for (auto &[name, parts] : partitions)
    if (!is_contained(iterated, name))
      add(name, parts);
  return ranks;
}

Traversals weir::countTraversals(const CascadeModel &model, Domains &domains, StringRef only) {
  Traversals result;
  result.ranks = RankFinder(model).find();
  if (!only.empty())
    erase_if(result.ranks, [&](const Traversals::Rank &rank) { return rank.name != only; });
  for (Traversals::Rank &rank : result.ranks)
    RankFlow(model, domains, rank.name, rank.parts).run(rank);
  return result;
}

const Traversals::Rank *Traversals::find(StringRef name) const {
  auto found = find_if(ranks, [&](const Rank &rank) { return rank.name == name; });
  return found == ranks.end() ? nullptr : &*found;
}
