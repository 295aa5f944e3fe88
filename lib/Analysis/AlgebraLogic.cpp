//===- AlgebraLogic.cpp - formulas over opaque literals -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unlike Formulas, which proves what integer comparisons imply, these keep every conjunct as it was given:
// domains are compared conjunct by conjunct, and one that was dropped because another implies it would not be
// found again.
#include "Algebra.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace llvm;
using namespace weir;

std::vector<const Tree *> Logic::parts(const Tree *formula, TreeKind kind) {
  if (formula->is(kind))
    return formula->args.vec();
  if (kind == TreeKind::And ? formula->isTrue() : formula->isFalse())
    return {};
  return {formula};
}

const Tree *Logic::neg(const Tree *formula) {
  return pushNegation(
      formula, arena, [&](TreeKind kind, ArrayRef<const Tree *> parts) { return junction(kind, parts); },
      [&](const Tree *literal) { return arena.get(TreeKind::Not, ScalarKind::Bool, "", {literal}); });
}

const Tree *Logic::put(const Tree *f, const Tree *literal, bool value) {
  if (f == literal)
    return arena.boolean(value);
  if (f->is(TreeKind::Not))
    return neg(put(f->args[0], literal, value));
  if (!f->is(TreeKind::And) && !f->is(TreeKind::Or))
    return f;
  SmallVector<const Tree *> out;
  std::vector<const Tree *> inside;
  if (literal->is(f->kind)) // the literal is itself a junction and part of this one
    inside = literal->args.vec();
  bool whole = !inside.empty() && all_of(inside, [&](const Tree *p) { return is_contained(f->args, p); });
  if (whole)
    out.push_back(arena.boolean(value));
  for (const Tree *part : f->args)
    if (!whole || !is_contained(inside, part))
      out.push_back(put(part, literal, value));
  return junction(f->kind, out);
}

const Tree *Logic::junction(TreeKind kind, ArrayRef<const Tree *> given) {
  TreeKind other = kind == TreeKind::And ? TreeKind::Or : TreeKind::And;
  const Tree *absorbing = arena.boolean(kind == TreeKind::Or);
  std::vector<const Tree *> parts(given.begin(), given.end());
  for (unsigned round = 0; round < 8; ++round) {
    SetVector<const Tree *> flat;
    for (const Tree *part : parts)
      for (const Tree *p : Logic::parts(part, kind))
        flat.insert(p);
    if (flat.contains(absorbing))
      return absorbing;
    for (const Tree *p : flat)
      if (p->is(TreeKind::Not) && flat.contains(p->args[0]))
        return absorbing;
    std::vector<const Tree *> next;
    for (const Tree *p : flat) {
      const Tree *q = p;
      if (p->is(other))
        for (const Tree *l : flat)
          if (!l->is(other)) {
            bool positive = !l->is(TreeKind::Not);
            q = put(q, positive ? l : l->args[0], positive == (kind == TreeKind::And));
          }
      next.push_back(q);
    }
    bool same = ArrayRef<const Tree *>(next) == flat.getArrayRef();
    parts = std::move(next);
    if (same)
      break;
  }
  SmallVector<const Tree *> kept;
  for (const Tree *p : parts) {
    std::vector<const Tree *> mine = Logic::parts(p, other);
    bool absorbed = any_of(parts, [&](const Tree *q) {
      if (q == p)
        return false;
      std::vector<const Tree *> theirs = Logic::parts(q, other);
      return theirs.size() < mine.size() &&
             all_of(theirs, [&](const Tree *t) { return is_contained(mine, t); });
    });
    if (!absorbed)
      kept.push_back(p);
  }
  if (kept.empty())
    return arena.boolean(kind == TreeKind::And);
  if (kept.size() == 1)
    return kept[0];
  sort(kept, [](const Tree *a, const Tree *b) { return a->id < b->id; });
  return arena.get(kind, ScalarKind::Bool, "", kept);
}
