//===- StreamingPresence.cpp - values and presence of expressions ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As Domains has it, with two differences: a tensor that carries the streamed rank is opened, and the
// presence of a statistic is the formula that its derivation found, over flags of accumulators.
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

const Tree *Derivation::instance(const Line &line, const Tree *tree, ArrayRef<const Tree *> indices) {
  StringMap<const Tree *> to;
  for (auto [coord, index] : zip(line.coords, indices))
    to[coord] = index;
  return arena.substitute(tree, to);
}

const Tree *Derivation::value(const Tree *e) {
  if (auto found = values.find(e); found != values.end())
    return found->second;
  const Tree *v = e;
  SmallVector<const Tree *> args;
  switch (e->kind) {
  case TreeKind::Reduce:
    v = valueOfReduce(e);
    break;
  case TreeKind::Else:
    v = alg.select(present(e->args[0]), value(e->args[0]), value(e->args[1]));
    break;
  case TreeKind::Select:
    v = alg.select(truth(e->args[0], true), value(e->args[1]), value(e->args[2]));
    break;
  case TreeKind::Where:
    v = value(e->args[0]);
    break;
  case TreeKind::And:
  case TreeKind::Or:
  case TreeKind::Not:
  case TreeKind::IsAbsent:
    v = truth(e, true);
    break;
  default:
    if (e->args.empty())
      break;
    if (e->isFunction("present")) {
      v = alg.one;
      break;
    }
    for (const Tree *arg : e->args)
      args.push_back(value(arg));
    v = alg.rebuild(e, args);
    if (e->is(TreeKind::Read) && !stops(e->text)) {
      const Line *line = lineOf(e->text);
      v = value(instance(*line, line->expr, args));
    }
  }
  return values[e] = v;
}

const Tree *Derivation::valueOfReduce(const Tree *e) {
  const Tree *body = e->args[0];
  const Tree *domain = present(body);
  if (e->text == "count") {
    if (body->scalar == ScalarKind::Bool)
      domain = logic.conj({domain, truth(body, true)});
    return alg.reduce("count", e->coords, alg.one, domain);
  }
  SmallVector<const Tree *> inside;
  for (const Tree *part : Logic::parts(domain, TreeKind::And))
    if (any_of(e->coords, [&](StringRef c) { return alg.hasFree(part, c); }))
      inside.push_back(part);
  return alg.reduce(e->text, e->coords, value(body), logic.conj(inside));
}

const Tree *Derivation::present(const Tree *e) {
  if (auto found = presents.find(e); found != presents.end())
    return found->second;
  const Tree *p = computePresent(e);
  return presents[e] = p;
}

const Tree *Derivation::computePresent(const Tree *e) {
  SmallVector<const Tree *> parts;
  switch (e->kind) {
  case TreeKind::IsAbsent:
  case TreeKind::Not:
    return logic.yes();
  case TreeKind::Read:
    return presentRead(e);
  case TreeKind::Else:
    return logic.disj({present(e->args[0]), present(e->args[1])});
  case TreeKind::Select: {
    const Tree *c = truth(e->args[0], true);
    return logic.disj(
        {logic.conj({c, present(e->args[1])}), logic.conj({logic.neg(c), present(e->args[2])})});
  }
  case TreeKind::Where:
    return logic.conj({present(e->args[0]), truth(e->args[1], true)});
  case TreeKind::And:
  case TreeKind::Or:
    return logic.disj({truth(e, true), truth(e, false)});
  case TreeKind::Reduce:
    if (e->text == "count" || e->text == "any" || e->text == "all")
      return logic.yes();
    return exists(e->coords.vec(), present(e->args[0]));
  default:
    for (const Tree *arg : e->args)
      parts.push_back(present(arg));
    return logic.conj(parts);
  }
}

const Tree *Derivation::presentRead(const Tree *e) {
  SmallVector<const Tree *> parts, indices;
  const CascadeModel::Tensor *tensor = model.getTensor(e->text);
  const Line *line = lineOf(e->text);
  for (auto [i, arg] : enumerate(e->args)) {
    parts.push_back(present(arg));
    indices.push_back(value(arg));
    const Tree *extent = tensor && i < tensor->extents.size() ? tensor->extents[i]
                         : line && i < line->coords.size()    ? model.getExtent(line->coords[i])
                                                              : nullptr;
    if (!extent)
      continue;
    const Tree *index = indices.back();
    const Tree *own = index->is(TreeKind::Coordinate) ? model.getExtent(index->text) : nullptr;
    if (own && model.equalExtents(own, extent))
      continue;
    parts.push_back(logic.compare("le", arena.number(0), index));
    parts.push_back(logic.compare("lt", index, extent));
  }
  if (line && isStatistic(e->text) && presences.count(e->text)) {
    parts.push_back(instance(*line, presences[e->text], indices));
  } else if (line && (line->recurrent || line->expr->is(TreeKind::Selection))) {
    const Tree *read = arena.get(TreeKind::Read, e->scalar, e->text, indices);
    parts.push_back(logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {read})));
  } else if (line) {
    parts.push_back(truth(instance(*line, line->where, indices), true));
    parts.push_back(present(instance(*line, line->expr, indices)));
  } else if (tensor && (!tensor->needed || kept.contains(e->text))) {
    const Tree *read = arena.get(TreeKind::Read, e->scalar, e->text, indices);
    parts.push_back(logic.neg(arena.get(TreeKind::IsAbsent, ScalarKind::Bool, "", {read})));
  } else if (tensor) {
    for (const Tree *extent : *tensor->needed)
      parts.push_back(logic.compare("lt", arena.number(0), extent));
  }
  return logic.conj(parts);
}

/// "present and true", or "present and false".
const Tree *Derivation::truth(const Tree *e, bool v) {
  if (auto found = truths.find({e, v}); found != truths.end())
    return found->second;
  const Tree *t = nullptr;
  SmallVector<const Tree *> parts;
  switch (e->kind) {
  case TreeKind::Bool:
    t = arena.boolean(e->isTrue() == v);
    break;
  case TreeKind::Not: // true wherever its operand does not hold
    t = truth(e->args[0], true);
    t = v ? logic.neg(t) : t;
    break;
  case TreeKind::And:
  case TreeKind::Or:
    for (const Tree *arg : e->args)
      parts.push_back(truth(arg, v));
    t = e->is(TreeKind::And) == v ? logic.conj(parts) : logic.disj(parts);
    break;
  case TreeKind::IsAbsent:
    t = present(e->args[0]);
    t = v ? logic.neg(t) : t;
    break;
  case TreeKind::Select: {
    const Tree *c = truth(e->args[0], true);
    t = logic.disj({logic.conj({c, truth(e->args[1], v)}), logic.conj({logic.neg(c), truth(e->args[2], v)})});
    break;
  }
  case TreeKind::Else:
    t = logic.disj(
        {truth(e->args[0], v), logic.conj({logic.neg(present(e->args[0])), truth(e->args[1], v)})});
    break;
  case TreeKind::Where:
    t = logic.conj({truth(e->args[0], v), truth(e->args[1], true)});
    break;
  default:
    if (e->is(TreeKind::Read) && !stops(e->text)) {
      const Line *line = lineOf(e->text);
      SmallVector<const Tree *> indices;
      for (const Tree *arg : e->args)
        indices.push_back(value(arg));
      t = logic.conj({presentRead(e), truth(instance(*line, line->expr, indices), v)});
      break;
    }
    const Tree *literal = value(e);
    if (!e->is(TreeKind::Read) && !literal->is(TreeKind::Reduce))
      literal = alg.canon(literal);
    t = logic.conj({present(e), v ? literal : logic.neg(literal)});
  }
  return truths[{e, v}] = t;
}

/// Some setting of the coordinates satisfies the formula; ranks other than the streamed one are taken to have
/// a coordinate.
const Tree *Derivation::exists(const Names &coords, const Tree *f) {
  auto uses = [&](const Tree *t) { return any_of(coords, [&](StringRef c) { return alg.hasFree(t, c); }); };
  if (!uses(f))
    return f;
  SmallVector<const Tree *> out, inside;
  if (f->is(TreeKind::Or)) {
    for (const Tree *part : f->args)
      out.push_back(exists(coords, part));
    return logic.disj(out);
  }
  for (const Tree *part : Logic::parts(f, TreeKind::And))
    (uses(part) ? inside : out).push_back(part);
  const Tree *body = logic.conj(inside);
  Names kept;
  for (Name c : coords)
    if (alg.hasFree(body, c))
      kept.push_back(c);
  // One spelling of the bound coordinates, so that equal formulas are one.
  StringMap<const Tree *> to;
  for (Name &c : kept) {
    std::string name = unprimed(c).str() + "'";
    while (alg.hasFree(body, name) && name != c)
      name += '\'';
    to[c] = arena.coordinate(name);
    c = to[c]->text;
  }
  out.push_back(arena.get(TreeKind::Any, ScalarKind::Bool, "", {arena.substitute(body, to)}, kept));
  return logic.conj(out);
}
