//===- DomainCount.cpp - how many coordinates a domain has ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact counts at given extents, by Points.h.
#include "weir/Analysis/Domains.h"
#include "weir/Analysis/Points.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;

/// The formula with the domains of tensors in the place of what only names them, as far as these are known.
const Tree *Domains::spellOut(const Tree *formula) {
  if (formula->is(TreeKind::Present)) {
    const Tree *read = formula->args[0], *domain = domainOf(read->text);
    if (domain->is(TreeKind::Present) && domain->args[0]->text == read->text)
      return formula;
    StringMap<const Tree *> to;
    for (auto [coord, index] :
         zip_equal(model.equations[model.getTensor(read->text)->equation].coords, read->args))
      to[coord] = index;
    return spellOut(model.arena->substitute(domain, to));
  }
  if (formula->args.empty())
    return formula;
  SmallVector<const Tree *> args =
      to_vector(map_range(formula->args, [&](const Tree *arg) { return spellOut(arg); }));
  return model.arena->get(formula->kind, formula->scalar, formula->text, args, formula->coords);
}

std::optional<int64_t> Domains::countPoints(const Tree *formula, ArrayRef<std::string> coords,
                                            const StringMap<int64_t> &extents, uint64_t budget) {
  SmallVector<Points::Coordinate> coordinates;
  std::string key = std::to_string(budget) + ":";
  for (const std::string &coord : coords) {
    const Tree *extent = model.getExtent(coord);
    auto length = extent ? model.evaluate(extent, extents) : std::nullopt;
    if (!length)
      return std::nullopt;
    coordinates.push_back({coord, *length});
    key += coord + "=" + std::to_string(*length) + ",";
  }
  for (const std::string &rank : model.ranks)
    if (auto extent = extents.find(rank); extent != extents.end())
      key += rank + "=" + std::to_string(extent->second) + ",";
  auto [known, isNew] = counted.try_emplace({formula, key});
  if (!isNew)
    return known->second;
  auto points = Points::of(spellOut(formula), coordinates, model, extents);
  return known->second = points ? points->count(budget) : std::nullopt;
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
