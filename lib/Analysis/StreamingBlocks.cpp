//===- StreamingBlocks.cpp - tensors that are made of blocks of the rank --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `K[r*BS + c,d]`, summed over c, reads all of the rank too, by other coordinates. What is made of it is complete before a
// traversal by n begins that reads it, as an input is; no rule of the derivation separates it. It takes a traversal of its
// own: levels say what waits for which accumulators, and here traversals are numbered by both.
#include "StreamingDerivation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;

/// Whether an equation without the rank has coordinates for all of its blocks and for all inside of them.
bool Derivation::goesOverBlocks(const Line &line) {
  return !blocks.empty() && !carries(line.name) && all_of(blocks, [&](const std::string &part) {
    auto isPart = [&](Name c) { return rankOf(c) == part; };
    return any_of(line.coords, isPart) || (line.reduces() && any_of(line.expr->coords, isPart));
  });
}

/// After how many traversals a tensor is there; of one that carries the rank, all that its elements wait for.
unsigned Derivation::traversalsFor(Name tensor) {
  auto at = [&](unsigned level) { return level < traversals.size() ? traversals[level] : 0; };
  if (Acc *a = accByName.lookup(tensor))
    return at(a->result.level);
  const Line *line = lineOf(tensor);
  if (!line)
    return 0;
  if (finishes.count(tensor))
    return at(levels.lookup(tensor));
  auto [known, isNew] = complete.try_emplace(tensor, 0); // what an equation reads of itself is there
  if (!isNew)
    return known->second;
  // Elements by a block's coordinates come by as those of the rank do; all else is complete before.
  unsigned streams = 0, before = 0;
  bool over = false, wide = goesOverBlocks(*line);
  for (const Tree *read : alg.reads(arena.get(TreeKind::Where, line->expr->scalar, "", {line->expr, line->where}))) {
    unsigned own = traversalsFor(read->text);
    const Line *source = lineOf(read->text);
    bool isSummary = source && any_of(zip(source->coords, read->args), [&](auto pair) {
      auto [coordinate, index] = pair;
      return !blocks.empty() && rankOf(coordinate) == blocks[0] && index->is(TreeKind::Coordinate) &&
             rankOf(index->text) == blocks[0];
    });
    over |= wide && (carries(read->text) || (isSummary && own));
    (isSummary ? streams : before) = std::max(isSummary ? streams : before, own);
  }
  return complete[tensor] = std::max(streams, before + over);
}

unsigned Derivation::traversalsFor(const Trees &trees) {
  unsigned most = 0;
  for (const Tree *tree : trees)
    for (const Tree *read : alg.reads(tree))
      most = std::max(most, traversalsFor(read->text));
  return most;
}

/// The traversals in which the accumulators of each level run, and why one comes late.
void Derivation::numberTraversals() {
  unsigned last = 1;
  for (auto &output : model.outputs)
    last = std::max(last, levels.lookup(output.tensor));
  for (auto &acc : accs)
    if (live.count(acc->result.name))
      last = std::max(last, acc->result.level);
  traversals = {0};
  for (unsigned l = 1; l <= last; ++l) {
    complete.clear();
    Trees reads;
    for (auto &acc : accs)
      if (live.count(acc->result.name) && acc->result.level == l)
        for (const Tree *tree : {acc->body, acc->dom, acc->exponent})
          if (tree)
            append_range(reads, alg.reads(tree));
    for (auto &output : model.outputs)
      if (const Line *line = lineOf(output.tensor); line && carriedLevels.lookup(line->name) == l)
        append_range(reads, alg.reads(line->expr));
    unsigned before = traversalsFor(reads);
    if (before > traversals.back())
      explainBlocks(reads, before);
    traversals.push_back(std::max(traversals.back(), before) + 1);
  }
  complete.clear();
}

/// Says which tensors it is that accumulators wait for.
void Derivation::explainBlocks(const Trees &reads, unsigned before) {
  std::set<std::string> names;
  for (const Tree *read : reads)
    if (!accByName.count(read->text) && !carries(read->text) && traversalsFor(read->text) == before)
      names.insert(read->text.str());
  std::set<std::string> reached = reachable();
  for (auto &line : lines) {
    auto waits = [&](const Tree *read) { return names.count(read->text.str()) > 0; };
    if (names.empty() || !carries(line->name) || !reached.count(line->name) ||
        none_of(concat<const Tree *const>(alg.reads(line->expr), alg.reads(line->where)), waits))
      continue;
    std::vector<std::string> tensors(names.begin(), names.end());
    why.push_back({"in-parts", line->source, model.lineOf(line->op), tensors, 1,
                   line->source + " reads " + join(tensors, ", ") + ", made of all blocks of " + rank + " (" +
                       join(blocks, ", ") + "), which are traversed before"});
    return;
  }
}
