//===- SemaRanks.cpp - ranks, extents, coordinates ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rank is known if an input carries it or a `rank` statement declares it. What stands at file level is
// resolved in each cascade that uses it, so a declared rank becomes a rank of the program when it is first
// named.
#include "Resolver.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

Rank *Resolver::newRank(StringRef name, SMLoc loc) {
  Rank &rank = program.ranks.emplace_back();
  rank.name = name.str();
  rank.loc = loc;
  return &rank;
}

Coordinate *Resolver::newCoordinate(StringRef name, Rank *rank) {
  program.coords.push_back({name.str(), rank});
  return &program.coords.back();
}

Rank *Resolver::findRank(StringRef name, bool use) {
  auto it = ranks.find(name);
  if (it != ranks.end()) {
    if (it->second)
      it->second->used |= use;
    return it->second;
  }
  if (auto own = ownRanks.find(name); own != ownRanks.end())
    return declareRank(*own->second.first, own->second.second);
  if (auto file = world.ranks.find(name); file != world.ranks.end() && !isPrelude) {
    file->second.used = true;
    return declareRank(*file->second.declaration, file->second.order);
  }
  return nullptr;
}

/// Null with an error for a rank that is defined by itself.
Rank *Resolver::declareRank(const ast::Rank &declaration, unsigned rankOrder) {
  if (!activeRanks.insert(declaration.name).second) {
    world.error(declaration.loc, "the extent of rank `" + declaration.name + "` is defined by itself");
    return nullptr;
  }
  Rank *rank = newRank(declaration.name, declaration.loc);
  rank->declaration = &declaration;
  rank->used = true;
  Scope scope;
  scope.order = rankOrder;
  scope.context = Context::Floor;
  scope.numbersOnly = true;
  std::vector<Binding> outside;
  std::swap(outside, bindings); // no coordinate is known here
  rank->extent = resolve(*declaration.value, scope);
  std::swap(outside, bindings);
  activeRanks.erase(declaration.name);
  if (!rank->extent && world.quiet)
    return nullptr; // only tried
  if (!rank->extent)
    program.failed = true;
  rank->override = rank->fixed = world.define(declaration.name);
  if (!rank->fixed && rank->extent)
    rank->fixed = evaluateConstant(rank->extent);
  if (rank->fixed && *rank->fixed < 0)
    world.error(declaration.value->begin,
                "the extent of rank `" + declaration.name + "` is negative: it is " + Twine(*rank->fixed));
  if (!rank->override && rank->extent && rank->extent->op == Op::Extent)
    rank->sameAs = rank->extent->rank;
  ranks[declaration.name] = rank;
  return rank;
}

Rank *Resolver::rankOfCoordinate(StringRef coordinate, bool use) {
  std::string name = coordinate.upper();
  return names::coordinateOf(name) == coordinate ? findRank(name, use) : nullptr;
}

/// A rank whose extent a new coordinate may be meant to share, for a proposal.
std::string Resolver::closestExtent(StringRef coordinate) {
  std::string candidate;
  for (const Tensor *input : program.inputs)
    for (const Dim &dim : input->dims)
      if (dim.rank && (dim.rank->name == "N" || candidate.empty()))
        candidate = dim.rank->name;
  return candidate.empty() ? "8" : candidate;
}

void Resolver::unknownCoordinate(StringRef name, SMLoc loc) {
  std::string upper = name.upper();
  if (world.consts.count(upper))
    return world.error(loc,
                       "`" + name + "` is the coordinate of no rank: `" + upper + "` is a const and has none",
                       "declare a rank of that extent: `rank I = " + upper + "`");
  world.error(loc, "`" + name + "` is the coordinate of no known rank",
              "declare its rank: `rank " + upper + " = " + closestExtent(name) + "`");
}

/// What `...` stands for. The names of its ranks are DOTS0, DOTS1 ...; such a name in the file gets out of
/// their way.
bool Resolver::ellipsisRanks(SmallVectorImpl<Rank *> &result, SMLoc loc) {
  if (!haveDots) {
    haveDots = true;
    unsigned count = ellipsisCount ? *ellipsisCount : unsigned(world.define("...").value_or(0));
    for (unsigned i = 0; i < count; ++i) {
      std::string name = "DOTS" + std::to_string(i);
      while (ranks.count(name) || ownRanks.count(name) || world.ranks.count(name) || world.consts.count(name))
        name += "_";
      Rank *rank = newRank(name, loc);
      if (!isCall)
        rank->fixed = world.define(name);
      ranks[name] = rank;
      dots.push_back(rank);
    }
  }
  result.append(dots.begin(), dots.end());
  return true;
}

/// An error names both places where the hiding is not the user's to see at one glance.
void Resolver::checkHiding() {
  std::vector<StringRef> inUse;
  for (auto &entry : ranks)
    if (entry.second)
      inUse.push_back(entry.getKey());
  llvm::sort(inUse);
  for (StringRef name : inUse) {
    std::string coordinate = names::coordinateOf(name);
    auto report = [&](SMLoc loc, StringRef what) {
      world.error(loc,
                  "the " + what + " `" + coordinate + "` hides the coordinate of rank `" + name +
                      "`, which the cascade `" + cascade.name + "` uses",
                  "choose another name for the " + what);
      program.failed = true;
    };
    if (auto it = lets.find(coordinate); it != lets.end())
      report(it->second.first->loc, "let");
    if (auto it = world.lets.find(coordinate); it != world.lets.end())
      report(it->second.declaration->loc, "let");
    if (auto it = world.params.find(coordinate); it != world.params.end())
      report(it->second.param.declaration->loc, "param");
  }
}
