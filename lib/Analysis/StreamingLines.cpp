//===- StreamingLines.cpp - the levels of a cascade's equations -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamingDerivation.h"
#include "weir/Analysis/Traversals.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;

Derivation::Derivation(CascadeModel &model, StringRef rank, const StringSet<> &kept)
    : model(model), arena(*model.arena), formulas(model), logic(arena, formulas), alg(arena, logic),
      rank(rank), kept(kept) {
  n = arena.coordinate(rank.lower())->text;
  alg.signOfRead = [this](const Tree *read) { return signOfRead(read); };
  alg.isSafe = [this](const Tree *factor) {
    return none_of(alg.reads(factor), [&](const Tree *read) {
      return !safe.count(read->text.str()) && (accByName.count(read->text) || isStatistic(read->text));
    });
  };
  flatten();
}

//===----------------------------------------------------------------------===//
// One reduction a line
//===----------------------------------------------------------------------===//

void Derivation::flatten() {
  for (const CascadeModel::Equation &equation : model.equations) {
    if (kept.contains(equation.name))
      continue;
    Line line;
    line.name = line.source = equation.name;
    line.coords.assign(equation.coords.begin(), equation.coords.end());
    line.op = equation.op;
    line.recurrent = !equation.loops.empty();
    line.where = logic.yes();
    const Tree *expr = equation.body;
    while (expr->is(TreeKind::Where)) {
      const Tree *condition = lift(expr->args[1], line, false);
      line.where = line.where->isTrue()
                       ? condition
                       : arena.get(TreeKind::And, ScalarKind::Bool, "", {line.where, condition});
      expr = expr->args[0];
    }
    line.expr = line.recurrent ? expr : lift(expr, line, true);
    lines.push_back(std::make_unique<Line>(line));
    definitions[line.name] = lines.back().get();
  }
}

const Tree *Derivation::lift(const Tree *tree, const Line &line, bool top) {
  if (tree->args.empty())
    return tree;
  SmallVector<const Tree *> args;
  for (const Tree *arg : tree->args)
    args.push_back(lift(arg, line, false));
  const Tree *whole = arena.get(tree->kind, tree->scalar, tree->text, args, tree->coords);
  if (!tree->is(TreeKind::Reduce))
    return whole;
  if (tree->text == "mean") {
    const Tree *sum = arena.get(TreeKind::Reduce, tree->scalar, "sum", args, tree->coords);
    const Tree *there = arena.function("present", {args[0]}, ScalarKind::Real);
    const Tree *count = arena.get(TreeKind::Reduce, ScalarKind::Integer, "count", {there}, tree->coords);
    return alg.real("div", {lift(sum, line, false), lift(count, line, false)});
  }
  if (top)
    return whole;
  Line part;
  for (unsigned i = 1; part.name.empty() || definitions.count(part.name) || model.getTensor(part.name); ++i)
    part.name = (Twine(line.name) + "_" + Twine(i)).str();
  part.source = line.source;
  part.op = line.op;
  part.recurrent = false;
  part.coords = alg.free(whole).vec();
  part.expr = whole;
  part.where = logic.yes();
  SmallVector<const Tree *> indices;
  for (Name c : part.coords)
    indices.push_back(arena.coordinate(c));
  const Tree *read = arena.get(TreeKind::Read, tree->scalar, part.name, indices);
  lines.push_back(std::make_unique<Line>(part));
  definitions[part.name] = lines.back().get();
  return read;
}

//===----------------------------------------------------------------------===//
// Questions about tensors
//===----------------------------------------------------------------------===//

const Derivation::Line *Derivation::lineOf(Name tensor) const { return definitions.lookup(tensor); }

bool Derivation::carries(Name tensor) const {
  if (const Line *line = lineOf(tensor))
    return any_of(line->coords, [&](Name c) { return rankOf(c) == rank; });
  const CascadeModel::Tensor *input = model.getTensor(tensor);
  return input && is_contained(input->ranks, rank);
}

bool Derivation::isStatistic(Name tensor) const { return levels.lookup(tensor) > 0 && !carries(tensor); }

/// Whether a read of the tensor stays as it is: inputs, tensors without the rank, recurrences, and reductions
/// over other ranks that no statistic enters.
bool Derivation::stops(Name tensor) {
  const Line *line = lineOf(tensor);
  if (!line || !carries(tensor) || line->recurrent || line->expr->is(TreeKind::Selection))
    return true;
  if (!line->reduces())
    return false;
  StringSet<> seen;
  return !touches(tensor, seen);
}

bool Derivation::touches(Name tensor, StringSet<> &seen) {
  const Line *line = lineOf(tensor);
  if (!line || !seen.insert(tensor).second)
    return false;
  return any_of(alg.reads(line->expr), [&](const Tree *read) {
    return isStatistic(read->text) || (carries(read->text) && touches(read->text, seen));
  });
}

/// Whether a tensor without the rank reduces exponentials over another one, or depends on one that does: it
/// is computed as it is written, once the accumulators are complete.
bool Derivation::isWeighty(Name tensor) {
  StringSet<> seen;
  return isWeighty(tensor, seen);
}

bool Derivation::isWeighty(Name tensor, StringSet<> &seen) {
  const Line *line = lineOf(tensor);
  if (!line || finishes.count(tensor) || !seen.insert(tensor).second)
    return false;
  if (line->recurrent || line->expr->is(TreeKind::Selection))
    return true;
  auto hasExp = [&](const Tree *t) { return t->isFunction("exp") || t->isFunction("exp2"); };
  auto opened = [&](const Tree *reduction) {
    return alg.contains(reduction, hasExp) || any_of(alg.reads(reduction), [&](const Tree *read) {
             const Line *of = lineOf(read->text);
             return of && !finishes.count(read->text) && !carries(read->text) &&
                    alg.contains(of->expr, hasExp);
           });
  };
  bool reduces = alg.contains(line->expr, [&](const Tree *t) {
    return t->is(TreeKind::Reduce) && (t->text == "max" || t->text == "min" || t->text.starts_with("arg") ||
                                       (t->text == "sum" && opened(t)));
  });
  return reduces ||
         any_of(alg.reads(line->expr), [&](const Tree *read) { return isWeighty(read->text, seen); });
}

unsigned Derivation::levelOf(const Tree *tree) const {
  unsigned r = 0;
  for (const Tree *read : const_cast<Derivation *>(this)->alg.reads(tree)) {
    if (Acc *a = accByName.lookup(read->text))
      r = std::max(r, a->result.level);
    else if (isStatistic(read->text))
      r = std::max(r, levels.lookup(read->text));
    else if (const Line *line = lineOf(read->text); line && isCut(*line))
      r = std::max(r, levels.lookup(read->text) - (carries(read->text) && levels.lookup(read->text) > 0));
  }
  return r;
}

/// The statistics of at least that level that the tree reads, by value or by presence.
std::vector<std::string> Derivation::statisticsOf(const Tree *tree, unsigned least) const {
  std::set<std::string> names;
  Algebra &algebra = const_cast<Derivation *>(this)->alg;
  // Through what stays a read: of a selection or a recurrence, the statistics that its elements are made of.
  SmallVector<const Tree *> todo{tree};
  StringSet<> seen;
  while (!todo.empty())
    for (const Tree *read : algebra.reads(todo.pop_back_val())) {
      const Line *line = lineOf(read->text);
      if (isStatistic(read->text) && levels.lookup(read->text) >= least)
        names.insert(read->text.str());
      else if (line && carries(read->text) && seen.insert(read->text).second)
        todo.push_back(line->expr);
    }
  for (const Tree *read : algebra.reads(tree))
    if (Acc *a = accByName.lookup(read->text); a && names.empty() && a->result.level >= least)
      for (auto &[tensor, presence] : presences)
        if (finishes.count(tensor) &&
            any_of(algebra.reads(presence), [&](const Tree *r) { return r->text == read->text; })) {
          names.insert(tensor.str());
          break;
        }
  return {names.begin(), names.end()};
}

Sign Derivation::signOfRead(const Tree *read) {
  if (Acc *a = accByName.lookup(read->text))
    return a->sign;
  if (auto known = signs.find(read->text); known != signs.end())
    return known->second;
  const Line *line = lineOf(read->text);
  if (!line || line->recurrent || line->expr->is(TreeKind::Selection))
    return Sign::Unknown;
  signs[read->text] = Sign::Unknown;
  return signs[read->text] = alg.sign(line->expr);
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

/// The rank that a declared one is equal to: N for `rank L = N`.
std::string Derivation::resolve(std::string declared) const {
  const Tree *definition = model.definitions.lookup(declared);
  for (unsigned i = 0; definition && definition->is(TreeKind::Extent) && i < model.ranks.size(); ++i) {
    declared = definition->text.str();
    definition = model.definitions.lookup(declared);
  }
  return declared;
}

/// Whether an equation goes over the rank in a way that no rule takes: in every step of a recurrence, by two
/// coordinates of equal ranks at once, by a coordinate of an equal rank over a tensor that carries this one, or
/// over a recurrence that does at another coordinate than its own.
bool Derivation::isEntangled(const CascadeModel::Equation &equation) {
  // Whether a tensor that carries the rank is read at an index of the rank's dimension that is `wrong`.
  auto readsAt = [&](const Tree *read, auto wrong) {
    const Line *line = read->is(TreeKind::Read) ? lineOf(read->text) : nullptr;
    return line && any_of(zip(line->coords, read->args), [&](auto pair) {
             return rankOf(std::get<0>(pair)) == rank && wrong(*line, std::get<1>(pair));
           });
  };
  return alg.contains(equation.body, [&](const Tree *t) {
    if (readsAt(t, [&](const Line &line, const Tree *index) {
          return line.recurrent && !(index->is(TreeKind::Coordinate) && rankOf(index->text) == rank);
        }))
      return true;
    if (!t->is(TreeKind::Reduce) && !t->is(TreeKind::Selection))
      return false;
    auto isEqual = [&](Name c) { return rankOf(c) != rank && resolve(rankOf(c)) == resolve(rank); };
    unsigned own = count_if(t->coords, [&](Name c) { return rankOf(c) == rank; });
    if (own)
      return !equation.loops.empty() || own + count_if(t->coords, isEqual) > 1;
    // An extent that is a number does not say whose it is: a coordinate of any rank may be the index.
    return any_of(alg.reads(t->args[0]), [&](const Tree *read) {
      return readsAt(read, [&](const Line &, const Tree *index) {
        return any_of(t->coords, [&](Name c) {
          return rankOf(c) != rank && (isEqual(c) ? alg.hasFree(index, c) : index->is(TreeKind::Coordinate) && index->text == c);
        });
      });
    });
  });
}

void Derivation::giveUp(StringRef code, mlir::Operation *op, const Twine &text) {
  if (!gaveUp)
    gaveUp = {code.str(), "", op ? model.lineOf(op) : "", {}, 0, text.str()};
}

void Derivation::visit(const Line &line) {
  Names over;
  if (line.reduces())
    for (Name c : line.expr->coords)
      if (rankOf(c) == rank)
        over.push_back(c);
  bool carried = carries(line.name);
  if (over.empty())
    return visitMap(line, carried);
  if (over.size() > 1 || carried) {
    giveUp("two-coordinates", line.op,
           line.source + " goes over " + rank + " by two coordinates at once; nothing is derived");
    return;
  }
  visitReduction(line, over[0]);
}

void Derivation::visitMap(const Line &line, bool carried) {
  Names own = line.coords;
  SmallVector<const Tree *> indices;
  for (Name c : own)
    indices.push_back(arena.coordinate(c));
  const Tree *self = arena.get(TreeKind::Read, line.expr->scalar, line.name, indices);
  const Tree *there = logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {self}));
  if (line.recurrent || line.expr->is(TreeKind::Selection)) {
    // An element appears no earlier than those that it is made of, those of its own cycle that no visit has
    // reached yet included; a statistic is complete one traversal before.
    bool selects = any_of(line.expr->coords, [&](Name c) { return rankOf(c) == rank; });
    unsigned at = carried || selects ? 1 : 0;
    SmallVector<const Line *> todo{&line};
    StringSet<> seen;
    while (!todo.empty())
      for (const Tree *read : alg.reads(todo.pop_back_val()->expr)) {
        at = std::max(at, levels.lookup(read->text) + (carried && isStatistic(read->text)));
        const Line *of = lineOf(read->text);
        if (of && of->recurrent && !levels.count(of->name) && seen.insert(of->name).second)
          todo.push_back(of);
      }
    levels[line.name] = at;
    if (carried)
      carriedLevels[line.name] = levels[line.name];
    presences[line.name] = there;
    return;
  }
  const Tree *w = truth(line.where, true);
  const Tree *body = value(line.expr), *p = logic.conj({present(line.expr), w});
  const Tree *both = arena.get(TreeKind::Where, body->scalar, "", {body, p});
  unsigned at = levelOf(both);
  if (!carried) {
    levels[line.name] = at;
    if (at)
      presences[line.name] = isWeighty(line.name) ? there : p;
    return;
  }
  levels[line.name] = carriedLevels[line.name] = at + 1;
  bool output = any_of(model.outputs, [&](auto &o) { return o.tensor == line.name; });
  if (!at || !output)
    return;
  std::vector<std::string> names = statisticsOf(both, at);
  why.push_back({"carried-output", line.source, model.lineOf(line.op), names, at + 1,
                 "the output " + line.name + " carries " + n.str() + " and reads " + join(names, ", ") +
                     ", complete only after " + n.str() + " has been traversed"});
}

void Derivation::visitReduction(const Line &line, Name over) {
  const Tree *e = line.expr;
  StringMap<const Tree *> to;
  to[over] = arena.coordinate(n);
  const Tree *raw = arena.substitute(e->args[0], to);
  Names inside;
  for (Name c : e->coords)
    if (c != over)
      inside.push_back(c);
  StringRef op = e->text;
  const Tree *dom = present(raw), *w = truth(line.where, true);
  if (op == "count" && raw->scalar == ScalarKind::Bool)
    dom = logic.conj({dom, truth(raw, true)});
  const Tree *body = op == "count" ? alg.one : value(raw);
  bool counts = op == "count" || op == "any" || op == "all";
  dom = implied(counts ? dom : logic.conj({dom, w}), {});
  settle(line, body, dom, counts ? w : nullptr, inside);
}

void Derivation::settle(const Line &line, const Tree *body, const Tree *dom, const Tree *where,
                        const Names &inside) {
  constexpr unsigned maxSize = 20000; // nodes of a body written out
  StringRef op = line.expr->text;
  reduced = &line;
  const Tree *both = arena.get(TreeKind::Where, body->scalar, "", {body, dom});
  unsigned first = std::max(levelOf(both), 1u);
  for (const Tree *read : alg.reads(both)) // the elements of a recurrence appear in its traversal
    first = std::max(first, carriedLevels.lookup(read->text));
  for (level = first; level <= first + 1; ++level) {
    unknown.clear();
    for (auto &entry : levels)
      if (entry.second >= level && isStatistic(entry.first()))
        unknown.insert(entry.first().str());
    refusal.reset();
    alg.overflowed = false;
    freshUsed.clear();
    bound.clear();
    std::pair<const Tree *, const Tree *> found;
    if (body->size > maxSize)
      refuse("too-large", "the expression has more than " + Twine(maxSize) + " parts");
    else
      found = reduction(line, op, inside, body, dom, where);
    if (!failed()) {
      finishes[line.name] = found.first;
      presences[line.name] = found.second;
      break;
    }
    if (!refusal)
      refuse("too-large", "the separation has more than 64 terms");
    alg.overflowed = false;
    if (level > first || !readsUnknown(both)) { // all is known: the reduction is its own accumulator
      refusal.reset();
      StringRef own = op == "count" ? StringRef("sum") : op;
      const Tree *read = accumulator(own, body, dom, inside).read;
      const Tree *met = logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {read}));
      finishes[line.name] = op == "count" ? alg.select(met, read, alg.zero) : read;
      presences[line.name] = where ? where : met;
      break;
    }
    why.push_back({refusal->code, line.source, model.lineOf(line.op), statisticsOf(both, first), first + 1,
                   refusal->text});
  }
  levels[line.name] = std::min(level, first + 1);
}

Streaming Derivation::run() {
  Domains domains(model);
  Traversals traversals = countTraversals(model, domains, rank);
  Streaming out;
  out.rank = rank;
  out.coordinate = n.str();
  const Traversals::Rank *written = traversals.find(rank);
  out.asWritten = written ? std::max(written->count, 1u) : 1;
  if (written)
    blocks = written->parts;
  if (written && written->loop)
    giveUp("recurrence", nullptr, "a recurrence goes along " + rank + "; nothing is derived");
  std::set<std::string> reached = reachable();
  auto counts = [&](const std::string &name) { return kept.empty() || reached.count(name); };
  for (const CascadeModel::Equation &equation : model.equations)
    if (counts(equation.name) && isEntangled(equation))
      giveUp("entangled", equation.op,
             equation.name + " goes over " + rank + " in every step of a recurrence, or by another coordinate as well; nothing is derived");
  for (auto &line : lines)
    if (!gaveUp && counts(line->name))
      visit(*line);
  if (!gaveUp)
    finish(out);
  // A partition of the rank may be written with fewer than the rules find: then that is the answer.
  if (!gaveUp && out.derived > out.asWritten)
    giveUp("in-parts", nullptr, "blocks of " + rank + " (" + join(blocks, ", ") + ") are used with fewer traversals than rewriting finds");
  if (gaveUp) {
    Streaming bare;
    bare.rank = out.rank;
    bare.coordinate = out.coordinate;
    bare.asWritten = bare.derived = out.asWritten;
    gaveUp->level = out.asWritten;
    bare.whyNot.push_back(*gaveUp);
    return bare;
  }
  return out;
}

Streaming weir::deriveStreaming(CascadeModel &model, StringRef rank, const StringSet<> &kept) {
  return Derivation(model, rank, kept).run();
}
