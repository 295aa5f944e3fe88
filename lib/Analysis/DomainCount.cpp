//===- DomainCount.cpp - how many coordinates a domain has ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact counts at given extents. Coordinates that the formula does not mention multiply; the last one that it
// mentions is summed as an interval where the formula is a conjunction of bounds on it, so a causal mask
// costs one step a row; the others are enumerated.
#include "weir/Analysis/Domains.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;

namespace {
/// Evaluates integer trees and formulas under a setting of the coordinates. A tree without a value (it reads
/// data) stops everything.
class Evaluator {
public:
  Evaluator(const CascadeModel &model, const StringMap<int64_t> &extents, uint64_t budget)
      : model(model), extents(extents), budget(budget) {}

  StringMap<int64_t> point;
  bool failed = false;

  bool holds(const Tree *formula);
  int64_t value(const Tree *tree);
  int64_t extentOf(StringRef coordinate);
  int64_t count(const Tree *formula, ArrayRef<StringRef> coords);

private:
  bool any(const Tree *formula, ArrayRef<StringRef> coords);
  std::optional<int64_t> interval(const Tree *formula, StringRef coord, int64_t extent);
  /// Sets a coordinate for a scope; one of the same name outside is hidden meanwhile.
  struct Binding {
    Binding(StringMap<int64_t> &point, StringRef coord) : point(point), coord(coord) {
      if (auto outer = point.find(coord); outer != point.end())
        hidden = outer->second;
    }
    ~Binding() {
      point.erase(coord);
      if (hidden)
        point[coord] = *hidden;
    }
    StringMap<int64_t> &point;
    StringRef coord;
    std::optional<int64_t> hidden;
  };
  int64_t fail() {
    failed = true;
    return 0;
  }

  const CascadeModel &model;
  const StringMap<int64_t> &extents;
  uint64_t budget;
  DenseMap<std::pair<const Tree *, const Tree *>, int64_t>
      factors; // of a coordinate in a literal; 0: not linear
};
} // namespace

int64_t Evaluator::extentOf(StringRef coordinate) {
  const Tree *extent = model.getExtent(coordinate);
  auto value = extent ? model.evaluate(extent, extents) : std::nullopt;
  return value ? std::max<int64_t>(*value, 0) : fail();
}

int64_t Evaluator::value(const Tree *tree) {
  switch (tree->kind) {
  case TreeKind::Coordinate:
    if (auto found = point.find(tree->text); found != point.end())
      return found->second;
    return fail();
  case TreeKind::Number:
    return tree->getInteger() ? *tree->getInteger() : fail();
  case TreeKind::Extent: {
    auto found = model.evaluate(tree, extents);
    return found ? *found : fail();
  }
  case TreeKind::Bool:
  case TreeKind::And:
  case TreeKind::Or:
  case TreeKind::Not:
    return holds(tree);
  case TreeKind::Select:
    return value(tree->args[holds(tree->args[0]) ? 1 : 2]);
  case TreeKind::Reduce:
    if (tree->text == "count" && tree->args[0]->scalar == ScalarKind::Bool)
      return count(tree->args[0], tree->coords);
    return fail();
  case TreeKind::Function:
    break;
  default:
    return fail();
  }
  if (tree->scalar == ScalarKind::Real)
    return fail();
  if (tree->isComparison())
    return holds(tree);
  SmallVector<int64_t, 3> args;
  for (const Tree *arg : tree->args)
    args.push_back(value(arg));
  if (failed)
    return 0;
  StringRef name = tree->text;
  int64_t a = args[0], b = args.size() > 1 ? args[1] : 0, r;
  if (name == "add")
    return AddOverflow(a, b, r) ? fail() : r;
  if (name == "sub")
    return SubOverflow(a, b, r) ? fail() : r;
  if (name == "mul")
    return MulOverflow(a, b, r) ? fail() : r;
  if (name == "neg" || name == "abs")
    return a == INT64_MIN ? fail() : name == "neg" ? -a : std::abs(a);
  if (name == "min" || name == "max")
    return name == "min" ? std::min(a, b) : std::max(a, b);
  if (name == "integer")
    return a;
  if (name == "sign")
    return (a > 0) - (a < 0);
  if (name == "floordiv" || name == "mod") {
    if (b == 0 || b == -1 || b == INT64_MIN)
      return b == -1 && name == "mod" ? 0 : fail();
    int64_t rest = a % b < 0 ? a % b + std::abs(b) : a % b;
    return name == "mod" ? rest : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
  }
  if (name == "bitand" || name == "bitor" || name == "bitxor")
    return name == "bitand" ? a & b : name == "bitor" ? a | b : a ^ b;
  return fail();
}

bool Evaluator::holds(const Tree *formula) {
  if (failed || budget-- == 0)
    return fail();
  switch (formula->kind) {
  case TreeKind::Bool:
    return formula->isTrue();
  case TreeKind::And:
    return all_of(formula->args, [&](const Tree *part) { return holds(part); });
  case TreeKind::Or:
    return any_of(formula->args, [&](const Tree *part) { return holds(part); });
  case TreeKind::Not:
    return !holds(formula->args[0]);
  case TreeKind::Any:
    return any(formula->args[0], formula->coords);
  default:
    break;
  }
  if (!formula->isComparison())
    return fail();
  int64_t a = value(formula->args[0]), b = value(formula->args[1]);
  StringRef op = formula->text;
  return op == "eq"   ? a == b
         : op == "ne" ? a != b
         : op == "lt" ? a < b
         : op == "le" ? a <= b
         : op == "gt" ? a > b
                      : a >= b;
}

bool Evaluator::any(const Tree *formula, ArrayRef<StringRef> coords) {
  if (coords.empty())
    return holds(formula);
  int64_t extent = extentOf(coords.front());
  bool found = false;
  Binding binding(point, coords.front());
  for (int64_t i = 0; i < extent && !found && !failed; ++i) {
    point[coords.front()] = i;
    found = any(formula, coords.drop_front());
  }
  return found;
}

/// The number of c in 0..extent-1 for which a conjunction of bounds on c holds, each linear in c with a
/// factor of one; a bound's other terms are evaluated at c = 0. nullopt: not of that form.
std::optional<int64_t> Evaluator::interval(const Tree *formula, StringRef coord, int64_t extent) {
  ArrayRef<const Tree *> parts = formula->is(TreeKind::And) ? formula->args : ArrayRef<const Tree *>(formula);
  const Tree *c = model.arena->coordinate(coord);
  int64_t low = 0, high = extent;
  if (budget-- == 0)
    return fail();
  for (const Tree *part : parts) {
    if (!dependsOn(part, coord)) {
      if (!holds(part))
        high = 0;
      continue;
    }
    StringRef op = part->text;
    if (!part->isComparison() || part->args[0]->scalar != ScalarKind::Integer || op == "eq" || op == "ne")
      return std::nullopt;
    auto [known, isNew] = factors.try_emplace({part, c}, 0);
    if (isNew) {
      Polynomial p = model.polynomial(part->args[0]) - model.polynomial(part->args[1]);
      auto split = p.split(c);
      if (split && !split->second.dependsOn(coord))
        known->second = split->first.asConstant().value_or(0);
    }
    int64_t factor = known->second;
    if (factor != 1 && factor != -1)
      return std::nullopt;
    point[coord] = 0;
    int64_t rest = value(part->args[0]) - value(part->args[1]); // factor*c + rest OP 0
    if (op == "gt" || op == "lt")
      rest += op == "lt" ? 1 : -1;
    bool below = (factor == 1) == (op == "lt" || op == "le"); // c <= bound, otherwise c >= bound
    int64_t bound = factor == 1 ? -rest : rest;
    if (below)
      high = std::min(high, bound + 1);
    else
      low = std::max(low, bound);
  }
  return std::max<int64_t>(high - low, 0);
}

int64_t Evaluator::count(const Tree *formula, ArrayRef<StringRef> coords) {
  if (failed)
    return 0;
  if (coords.empty())
    return holds(formula);
  StringRef coord = coords.front();
  int64_t extent = extentOf(coord), sum = 0;
  Binding binding(point, coord);
  if (coords.size() == 1) {
    std::optional<int64_t> quick =
        formula->isTrue() ? std::optional(extent) : interval(formula, coord, extent);
    if (quick)
      return *quick;
  }
  for (int64_t i = 0; i < extent && !failed; ++i) {
    point[coord] = i;
    sum += count(formula, coords.drop_front());
  }
  return sum;
}

std::optional<int64_t> Domains::countPoints(const Tree *formula, ArrayRef<std::string> coords,
                                            const StringMap<int64_t> &extents, uint64_t budget) {
  if (readsData(formula) || formula->is(TreeKind::Present))
    return std::nullopt;
  Evaluator evaluator(model, extents, budget);
  SmallVector<StringRef> mentioned;
  std::vector<StringRef> free = freeCoordinates(formula);
  int64_t factor = 1;
  for (const std::string &coord : coords)
    if (is_contained(free, coord))
      mentioned.push_back(coord);
    else if (int64_t extent = evaluator.extentOf(coord); MulOverflow(factor, extent, factor))
      return std::nullopt;
  int64_t points = evaluator.count(formula, mentioned), present;
  if (evaluator.failed || MulOverflow(points, factor, present))
    return std::nullopt;
  return present;
}

Domains::Count Domains::count(StringRef name, const StringMap<int64_t> &extents, uint64_t budget) {
  const CascadeModel::Tensor *tensor = model.getTensor(name);
  Count count;
  int64_t total = 1;
  for (const Tree *extent : tensor->extents) {
    auto value = model.evaluate(extent, extents);
    if (!value || MulOverflow(total, std::max<int64_t>(*value, 0), total))
      return count;
  }
  count.total = total;
  if (tensor->equation < 0)
    count.present = total;
  else {
    const std::vector<std::string> &coords = model.equations[tensor->equation].coords;
    count.present = countPoints(domainOf(name), coords, extents, budget);
    bool empty = any_of(inhabitedRanks(name), [&](const std::string &rank) {
      return model.evaluate(model.arena->extent(rank), extents) == 0;
    });
    if (!count.present && !empty) // an open rank that is reduced has a coordinate
      count.present = countPoints(formulas.assumeInhabited(domainOf(name)), coords, extents, budget);
  }
  if (count.present)
    count.density = total ? double(*count.present) / double(total) : 1.0;
  return count;
}
