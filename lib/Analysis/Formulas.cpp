//===- Formulas.cpp - presence formulas in simplified form ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Flattening, unit propagation and absorption over literals; integer comparisons are compared as polynomials.
// Every rule is an equivalence, so a formula that stays unsimplified is long, not wrong.
#include "weir/Analysis/Domains.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace llvm;
using namespace weir;

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

std::vector<std::string> Formulas::setContext(std::vector<std::string> coords) {
  ranges.clear();
  context.swap(coords);
  return coords;
}

/// Asked of the same atoms time and again.
const Formulas::Range &Formulas::rangeOf(const Tree *atom) {
  auto known = ranges.find(atom);
  if (known == ranges.end())
    known = ranges.emplace(atom, computeRange(atom)).first;
  return known->second;
}

/// What is known of an atom without reading data: coordinates lie in their rank, `x % k` in 0..k-1, entries
/// of argmax and argtopk are coordinates, and `h*G/H` with h in 0..H-1 is in 0..G-1.
Formulas::Range Formulas::computeRange(const Tree *atom) {
  Range range;
  auto zero = Polynomial::constant(0), one = Polynomial::constant(1);
  auto upTo = [&](const Polynomial &extent) { return Range{zero, extent - one}; };
  if (atom->is(TreeKind::Coordinate)) {
    if (const Tree *extent = model.getExtent(atom->text))
      return upTo(model.polynomial(extent));
    return range;
  }
  if (atom->is(TreeKind::Read)) {
    const CascadeModel::Tensor *tensor = model.getTensor(atom->text);
    if (!tensor || tensor->equation < 0)
      return range;
    const Tree *body = model.equations[tensor->equation].body;
    if (body->is(TreeKind::Selection) ||
        (body->is(TreeKind::Reduce) && (body->text == "argmax" || body->text == "argmin")))
      if (const Tree *extent = model.getExtent(body->coords[0]))
        return upTo(model.polynomial(extent));
    return range;
  }
  if (!atom->is(TreeKind::Function))
    return range;
  if (atom->text == "abs")
    range.low = zero;
  if (atom->text == "mod")
    if (auto k = atom->args[1]->getInteger(); k && *k > 0)
      return upTo(Polynomial::constant(*k));
  if (atom->text == "floordiv") {
    Polynomial numerator = model.polynomial(atom->args[0]), divisor = model.polynomial(atom->args[1]);
    if (!provesNonNegative(numerator) || !isNonNegativeAtom(atom->args[1]))
      return range;
    range.low = zero;
    for (StringRef name : freeCoordinates(atom->args[0])) {
      const Tree *coordinate = arena.coordinate(name), *extent = model.getExtent(name);
      auto parts = numerator.split(coordinate);
      if (extent && parts && parts->second.terms.empty() && !parts->first.dependsOn(name) &&
          model.polynomial(extent) == divisor)
        range.high = parts->first - one; // h*G/H <= (H-1)*G/H < G
    }
  }
  return range;
}

bool Formulas::isNonNegativeAtom(const Tree *atom) {
  if (atom->is(TreeKind::Extent) || atom->is(TreeKind::Coordinate))
    return true;
  if (auto value = atom->getInteger())
    return *value >= 0;
  const Range &range = rangeOf(atom);
  return range.low && range.low->asConstant().value_or(-1) >= 0;
}

/// Replaces one ranged atom by the end of its range at which p is least. Returns whether there was one.
bool Formulas::replaceByBound(Polynomial &p) {
  SmallVector<const Tree *> atoms;
  for (auto &[monomial, coefficient] : p.terms)
    for (const Tree *atom : monomial)
      if (!atom->is(TreeKind::Extent) && !is_contained(atoms, atom))
        atoms.push_back(atom);
  for (const Tree *atom : atoms) {
    auto parts = p.split(atom);
    if (!parts)
      continue;
    auto signs = [&](bool positive) {
      return all_of(parts->first.terms, [&](auto &term) {
        return (term.second > 0) == positive &&
               all_of(term.first, [&](const Tree *t) { return isNonNegativeAtom(t); });
      });
    };
    const Range &range = rangeOf(atom);
    const std::optional<Polynomial> *bound = signs(true) ? &range.low : signs(false) ? &range.high : nullptr;
    if (!bound || !*bound)
      continue;
    p = parts->first * **bound + parts->second;
    return true;
  }
  return false;
}

bool Formulas::provesNonNegative(const Polynomial &polynomial) {
  if (polynomial.overflowed || polynomial.terms.size() > 24)
    return false;
  Polynomial p = polynomial;
  // A coordinate that is mentioned exists, so its rank is not empty.
  SmallSetVector<const Tree *, 4> inhabited;
  auto exists = [&](StringRef coordinate) {
    if (const Tree *extent = model.getExtent(coordinate))
      if (auto open = model.polynomial(extent);
          open.terms.size() == 1 && open.terms.begin()->first.size() == 1)
        inhabited.insert(open.terms.begin()->first[0]);
  };
  for (const std::string &name : context)
    exists(name);
  for (auto &[monomial, coefficient] : p.terms)
    for (const Tree *atom : monomial)
      llvm::for_each(freeCoordinates(atom), exists);
  for (unsigned i = 0; i < 16 && replaceByBound(p); ++i)
    ;
  for (const Tree *extent : inhabited)
    if (auto parts = p.split(extent))
      p = parts->first * (Polynomial::atom(extent) + Polynomial::constant(1)) + parts->second;
  return !p.overflowed && all_of(p.terms, [&](auto &term) {
    return term.second > 0 && all_of(term.first, [&](const Tree *t) { return isNonNegativeAtom(t); });
  });
}

//===----------------------------------------------------------------------===//
// Literals
//===----------------------------------------------------------------------===//

static bool comparesIntegers(const Tree *literal) {
  return literal->isComparison() &&
         all_of(literal->args, [](const Tree *a) { return a->scalar == ScalarKind::Integer; });
}

std::optional<Polynomial> Formulas::asNonNegative(const Tree *literal) {
  bool negated = literal->is(TreeKind::Not) && literal->args[0]->text == "eq";
  if (negated)
    literal = literal->args[0];
  if (!comparesIntegers(literal))
    return std::nullopt;
  Polynomial a = model.polynomial(literal->args[0]), b = model.polynomial(literal->args[1]);
  StringRef op = literal->text;
  if (op == "le" || op == "ge")
    return op == "le" ? b - a : a - b;
  if (op == "lt" || op == "gt")
    return (op == "lt" ? b - a : a - b) - Polynomial::constant(1);
  if (op == "eq" && !negated) { // x == 0 of an x that is never negative is x <= 0
    if (provesNonNegative(a - b))
      return b - a;
    if (provesNonNegative(b - a))
      return a - b;
  }
  if (op == "ne" || negated) { // and x != 0 is x >= 1
    if (provesNonNegative(a - b))
      return a - b - Polynomial::constant(1);
    if (provesNonNegative(b - a))
      return b - a - Polynomial::constant(1);
  }
  return std::nullopt;
}

const Tree *Formulas::compare(StringRef op, const Tree *a, const Tree *b) {
  for (const Tree **side : {&a, &b})
    if ((*side)->scalar == ScalarKind::Integer && !(*side)->is(TreeKind::Extent))
      if (auto value = model.evaluate(*side, {}))
        *side = arena.number(*value);
  const Tree *literal = arena.function(op, {a, b}, ScalarKind::Bool);
  if (!comparesIntegers(literal))
    return literal;
  auto minusOne = Polynomial::constant(-1);
  if (op == "eq" || op == "ne") {
    Polynomial d = model.polynomial(a) - model.polynomial(b);
    if (auto value = d.asConstant())
      return arena.boolean((*value == 0) == (op == "eq"));
    if (provesNonNegative(d + minusOne) || provesNonNegative(d * minusOne + minusOne))
      return arena.boolean(op == "ne");
    return literal;
  }
  Polynomial p = *asNonNegative(literal);
  if (provesNonNegative(p))
    return arena.boolean(true);
  if (provesNonNegative(p * minusOne + minusOne))
    return arena.boolean(false);
  return literal;
}

const Tree *Formulas::neg(const Tree *formula) {
  return pushNegation(
      formula, arena,
      [&](TreeKind kind, ArrayRef<const Tree *> parts) { return kind == TreeKind::And ? conj(parts) : disj(parts); },
      [&](const Tree *literal) { return negLiteral(literal); });
}

const Tree *Formulas::negLiteral(const Tree *literal) {
  StringRef op = literal->text;
  if (comparesIntegers(literal) || (literal->isComparison() && (op == "eq" || op == "ne"))) {
    StringRef opposite = op == "eq"   ? "ne"
                         : op == "ne" ? "eq"
                         : op == "lt" ? "ge"
                         : op == "ge" ? "lt"
                         : op == "le" ? "gt"
                                      : "le";
    return compare(opposite, literal->args[0], literal->args[1]);
  }
  return arena.get(TreeKind::Not, ScalarKind::Bool, "", {literal});
}

bool Formulas::implies(const Tree *a, const Tree *b) {
  if (a == b)
    return true;
  if (a->is(TreeKind::Or))
    return all_of(a->args, [&](const Tree *part) { return implies(part, b); });
  if (b->is(TreeKind::Or))
    return any_of(b->args, [&](const Tree *part) { return implies(a, part); });
  if (a->is(TreeKind::And))
    return any_of(a->args, [&](const Tree *part) { return implies(part, b); });
  if (a->is(TreeKind::Any) && b->isFunction("ge") && b->args[1]->getInteger() == 1)
    return any_of(a->coords, [&](StringRef c) { return model.equalExtents(model.getExtent(c), b->args[0]); });
  auto p = asNonNegative(a), q = asNonNegative(b);
  if (q && !p && a->isFunction("eq") && comparesIntegers(a)) {
    Polynomial d = model.polynomial(a->args[0]) - model.polynomial(a->args[1]);
    return provesNonNegative(*q - d) || provesNonNegative(*q + d);
  }
  if (p && b->isFunction("ne") && comparesIntegers(b)) {
    Polynomial d = model.polynomial(b->args[0]) - model.polynomial(b->args[1]),
               apart = *p + Polynomial::constant(1);
    return provesNonNegative(d - apart) || provesNonNegative(Polynomial::constant(0) - d - apart);
  }
  if (!p || !q)
    return false;
  Polynomial difference = *q - *p;
  if (auto constant = difference.asConstant())
    return *constant >= 0;
  return provesNonNegative(difference);
}

//===----------------------------------------------------------------------===//
// And, or
//===----------------------------------------------------------------------===//

static void flatten(ArrayRef<const Tree *> parts, TreeKind kind, SmallVectorImpl<const Tree *> &flat) {
  for (const Tree *part : parts)
    if (part->is(kind))
      flatten(part->args, kind, flat);
    else if (!is_contained(flat, part))
      flat.push_back(part);
}

static const Tree *join(TreeArena &arena, TreeKind kind, SmallVectorImpl<const Tree *> &parts) {
  if (parts.empty())
    return arena.boolean(kind == TreeKind::And);
  if (parts.size() == 1)
    return parts[0];
  llvm::sort(parts, [](const Tree *a, const Tree *b) { return a->id < b->id; });
  return arena.get(kind, ScalarKind::Bool, "", parts);
}

/// `F(n) and any(n) F(n)` is F(n): the coordinate itself is the witness, if something else mentions it, so that its
/// rank is not empty. So most statistics vanish from the domains of what reads them.
bool Formulas::hasWitness(const Tree *any, ArrayRef<const Tree *> others) {
  auto exists = [&](StringRef coord) {
    return is_contained(context, coord) ||
           any_of(others, [&](const Tree *other) { return other != any && is_contained(freeCoordinates(other), coord); });
  };
  if (!all_of(any->coords, [&](StringRef coord) { return exists(unprimed(coord)); }))
    return false;
  StringMap<const Tree *> to;
  for (StringRef coord : any->coords)
    if (coord != unprimed(coord))
      to[coord] = arena.coordinate(unprimed(coord));
  const Tree *body = to.empty() ? any->args[0] : arena.substitute(any->args[0], to);
  ArrayRef<const Tree *> goals = body->is(TreeKind::And) ? body->args : ArrayRef<const Tree *>(body);
  return all_of(goals, [&](const Tree *goal) {
    return any_of(others, [&](const Tree *other) { return other != any && implies(other, goal); });
  });
}

const Tree *Formulas::conj(ArrayRef<const Tree *> parts) {
  SmallVector<const Tree *> flat, kept;
  flatten(parts, TreeKind::And, flat);
  for (const Tree *part : flat) {
    if (part->isFalse())
      return part;
    if (part->isTrue() || any_of(kept, [&](const Tree *k) { return implies(k, part); }))
      continue;
    if (!part->is(TreeKind::Or)) {
      const Tree *opposite = neg(part);
      if (any_of(kept, [&](const Tree *k) { return implies(k, opposite); }))
        return arena.boolean(false);
    }
    erase_if(kept, [&](const Tree *k) { return implies(part, k); });
    kept.push_back(part);
  }
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i]->is(TreeKind::Any) && hasWitness(kept[i], kept))
      kept.erase(kept.begin() + i--);
  // Unit propagation: what the literals refute leaves the disjunctions.
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]->is(TreeKind::Or))
      continue;
    SmallVector<const Tree *> open;
    for (const Tree *part : kept[i]->args)
      if (part->is(TreeKind::And) ||
          none_of(kept, [&](const Tree *k) { return k != kept[i] && implies(k, neg(part)); }))
        open.push_back(part);
    if (open.size() == kept[i]->args.size())
      continue;
    const Tree *smaller = disj(open);
    kept.erase(kept.begin() + i);
    kept.push_back(smaller);
    return conj(kept);
  }
  return join(arena, TreeKind::And, kept);
}

const Tree *Formulas::disj(ArrayRef<const Tree *> parts) {
  SmallVector<const Tree *> flat, kept;
  flatten(parts, TreeKind::Or, flat);
  auto covers = [&](const Tree *weak, const Tree *strong) { // strong implies weak, conjunct by conjunct
    auto any = [&](const Tree *goal) {
      return strong->is(TreeKind::And) ? any_of(strong->args, [&](const Tree *s) { return implies(s, goal); })
                                       : implies(strong, goal);
    };
    return weak->is(TreeKind::And) ? all_of(weak->args, any) : any(weak);
  };
  for (const Tree *part : flat) {
    if (part->isTrue())
      return part;
    if (part->isFalse() || any_of(kept, [&](const Tree *k) { return covers(k, part); }))
      continue;
    if (!part->is(TreeKind::And)) {
      const Tree *opposite = neg(part);
      if (any_of(kept, [&](const Tree *k) { return !k->is(TreeKind::And) && implies(opposite, k); }))
        return arena.boolean(true);
    }
    erase_if(kept, [&](const Tree *k) { return covers(part, k); });
    kept.push_back(part);
  }
  // The dual of unit propagation: `a or (not a and b)` is `a or b`.
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]->is(TreeKind::And))
      continue;
    SmallVector<const Tree *> open;
    for (const Tree *part : kept[i]->args)
      if (part->is(TreeKind::Or) || none_of(kept, [&](const Tree *k) {
            return k != kept[i] && !k->is(TreeKind::And) && implies(neg(part), k);
          }))
        open.push_back(part);
    if (open.size() == kept[i]->args.size())
      continue;
    const Tree *weaker = conj(open);
    kept.erase(kept.begin() + i);
    kept.push_back(weaker);
    return disj(kept);
  }
  // any(n) a or any(n) b is any(n) (a or b).
  for (size_t i = 0; i < kept.size(); ++i)
    for (size_t k = i + 1; k < kept.size(); ++k) {
      const Tree *a = kept[i], *b = kept[k];
      if (!a->is(TreeKind::Any) || !b->is(TreeKind::Any) || a->coords != b->coords)
        continue;
      const Tree *body = disj({a->args[0], b->args[0]});
      kept.erase(kept.begin() + k);
      kept[i] = body->is(TreeKind::Or) ? arena.get(TreeKind::Any, ScalarKind::Bool, "", {body}, a->coords)
                                       : any(a->coords, body);
      return disj(kept);
    }
  return join(arena, TreeKind::Or, kept);
}

//===----------------------------------------------------------------------===//
// Coordinates
//===----------------------------------------------------------------------===//

const Tree *Formulas::rebuild(const Tree *formula, const StringMap<const Tree *> *to, bool inhabited) {
  SmallVector<const Tree *> parts;
  switch (formula->kind) {
  case TreeKind::And:
  case TreeKind::Or:
    for (const Tree *part : formula->args)
      parts.push_back(rebuild(part, to, inhabited));
    return formula->is(TreeKind::And) ? conj(parts) : disj(parts);
  case TreeKind::Not:
    return neg(rebuild(formula->args[0], to, inhabited));
  case TreeKind::Any: {
    const Tree *renamed = to ? arena.substitute(formula, *to) : formula;
    return any(renamed->coords, rebuild(renamed->args[0], nullptr, inhabited));
  }
  default:
    break;
  }
  const Tree *literal = to ? arena.substitute(formula, *to) : formula;
  if (!literal->isComparison())
    return literal;
  if (inhabited && literal->args[0]->is(TreeKind::Extent)) {
    auto value = literal->args[1]->getInteger();
    if ((literal->text == "ge" && value == 1) || (literal->text == "ne" && value == 0))
      return arena.boolean(true);
    if ((literal->text == "lt" && value == 1) || (literal->text == "eq" && value == 0))
      return arena.boolean(false);
  }
  return compare(literal->text, literal->args[0], literal->args[1]);
}

const Tree *Formulas::substitute(const Tree *formula, const StringMap<const Tree *> &to) {
  return to.empty() ? formula : rebuild(formula, &to, false);
}

const Tree *Formulas::assumeInhabited(const Tree *formula) {
  for (const Tree *next;
       (next = rebuild(formula, nullptr, true)) != formula;) // dropping one claim may uncover another
    formula = next;
  return formula;
}

const Tree *Formulas::any(ArrayRef<StringRef> coords, const Tree *formula) {
  for (StringRef coord : reverse(coords))
    formula = eliminate(coord, formula);
  return formula;
}

const Tree *Formulas::eliminate(StringRef coord, const Tree *formula) {
  SmallVector<const Tree *> bound, free;
  const Tree *extent = model.getExtent(coord);
  assert(extent && "a coordinate of no rank");
  const Tree *inhabited = compare("ge", extent, arena.number(1));
  if (formula->is(TreeKind::Or)) {
    for (const Tree *part : formula->args)
      free.push_back(eliminate(coord, part));
    return disj(free);
  }
  ArrayRef<const Tree *> parts = formula->is(TreeKind::And) ? formula->args : ArrayRef<const Tree *>(formula);
  for (const Tree *part : parts)
    (dependsOn(part, coord) ? bound : free).push_back(part);
  if (bound.empty()) {
    free.push_back(inhabited);
    return conj(free);
  }
  if (const Tree *linear = eliminateLinear(coord, bound)) {
    free.push_back(linear);
    return conj(free);
  }
  // Adjacent quantifiers are one.
  const Tree *inner = conj(bound);
  SmallVector<StringRef> coords = {coord};
  if (inner->is(TreeKind::Any)) {
    coords.append(inner->coords.begin(), inner->coords.end());
    inner = inner->args[0];
  }
  free.push_back(arena.get(TreeKind::Any, ScalarKind::Bool, "", {inner}, coords));
  return conj(free);
}

/// `p >= 0` with the negative terms on one side and the positive ones on the other.
const Tree *Formulas::nonNegative(const Polynomial &p) {
  Polynomial less, more;
  for (auto &[monomial, coefficient] : p.terms)
    (coefficient < 0 ? less : more).terms[monomial] = coefficient;
  less = less * Polynomial::constant(-1);
  if (less.constantTerm() == 1 && less.terms.size() > 1)
    return compare("lt", toTree(less - Polynomial::constant(1), arena), toTree(more, arena));
  return less.terms.empty() ? compare("ge", toTree(more, arena), arena.number(0))
                            : compare("le", toTree(less, arena), toTree(more, arena));
}

/// `l <= c and c <= u` for some c, with factors of one, is `l <= u` for every pair; null where the parts are
/// not of that form.
const Tree *Formulas::eliminateLinear(StringRef coord, ArrayRef<const Tree *> parts) {
  const Tree *c = arena.coordinate(coord), *extent = model.getExtent(coord), *one = arena.number(1);
  struct Bound {
    const Tree *tree; // null where the coordinate did not stand alone
    Polynomial value;
    bool strict;
  };
  SmallVector<Bound> low = {{arena.number(0), {}, false}},
                     high; // c >= low; c <= high, or < if strict; the extent is apart
  for (const Tree *part : parts) {
    auto p = asNonNegative(part);
    auto split = p ? p->split(c) : std::nullopt;
    auto factor = split ? split->first.asConstant() : std::nullopt;
    if (!factor || (*factor != 1 && *factor != -1) || split->second.dependsOn(coord))
      return nullptr;
    // The bound as it was written, where the coordinate stands alone on one side; of c != 0 that is not the bound.
    bool isBound = !part->is(TreeKind::Not) && part->text != "ne";
    const Tree *a = isBound ? part->args[0] : nullptr, *b = isBound ? part->args[1] : nullptr;
    const Tree *side = a == c ? b : a;
    bool alone = isBound && (a == c || b == c) && !dependsOn(side, coord);
    bool strict = part->text == "lt" || part->text == "gt";
    Polynomial value = split->second * Polynomial::constant(*factor == 1 ? -1 : 1);
    if (*factor == 1)
      low.push_back({alone ? (strict ? arena.add(side, one) : side) : nullptr, value, false});
    else
      high.push_back({alone ? side : nullptr, value, strict});
  }
  SmallVector<const Tree *> pairs = {compare("ge", extent, one)};
  Polynomial last = model.polynomial(extent) - Polynomial::constant(1);
  for (const Bound &l : low) {
    bool zero = l.tree && l.tree->getInteger() == 0;
    if (!zero)
      pairs.push_back(l.tree ? compare("lt", l.tree, extent) : nonNegative(last - l.value));
    for (const Bound &h : high)
      if (!h.tree || !l.tree)
        pairs.push_back(nonNegative(h.value - l.value));
      else if (zero)
        pairs.push_back(compare("ge", h.tree, h.strict ? one : l.tree));
      else
        pairs.push_back(compare(h.strict ? "lt" : "le", l.tree, h.tree));
  }
  return conj(pairs);
}
