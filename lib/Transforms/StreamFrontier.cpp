//===- StreamFrontier.cpp - what a stream gives to the rest of a cascade --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An output that a second traversal or another reduction computes from statistics cannot be the finish of a stream,
// but the statistics can. So the walk from the outputs goes back to the last tensors that can, and a later stream, or
// loops, read them.
#include "lib/Transforms/StreamFrontier.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace weir;

namespace {
class Frontier {
public:
  Frontier(const CascadeModel &model, const Streaming &streaming, bool later, bool plain)
      : model(model), rank(streaming.rank), first(streaming.first), later(later), plain(plain) {
    for (const auto &[tensor, level] : streaming.levels)
      levels[tensor] = level;
  }

  std::vector<CascadeModel::Output> run() {
    for (const CascadeModel::Output &output : model.outputs)
      visit(output.tensor);
    return std::move(found);
  }

private:
  const CascadeModel::Equation *equationOf(StringRef tensor) const {
    const CascadeModel::Tensor *t = model.getTensor(tensor);
    return t && t->equation >= 0 ? &model.equations[t->equation] : nullptr;
  }

  bool carriesRank(const CascadeModel::Equation &equation) const {
    return any_of(equation.coords, [&](const std::string &c) { return rankOf(c) == rank; });
  }

  bool isStatistic(StringRef tensor) const {
    const CascadeModel::Equation *equation = equationOf(tensor);
    return equation && levels.lookup(tensor) > 0 && !carriesRank(*equation);
  }

  static bool anyRead(const Tree *tree, function_ref<bool(StringRef)> test) {
    return (tree->is(TreeKind::Read) && test(tree->text)) ||
           any_of(tree->args, [&](const Tree *arg) { return anyRead(arg, test); });
  }

  /// Whether a reduction over other ranks than the streamed one takes in a statistic.
  bool reducesStatistics(const Tree *tree) const {
    bool other = (tree->is(TreeKind::Reduce) || tree->is(TreeKind::Selection)) &&
                 none_of(tree->coords, [&](StringRef c) { return rankOf(c) == rank; });
    if (other && anyRead(tree, [&](StringRef tensor) { return isStatistic(tensor); }))
      return true;
    return any_of(tree->args, [&](const Tree *arg) { return reducesStatistics(arg); });
  }

  /// Whether it reduces over another rank than the streamed one and not over that.
  bool reducesOthers(const Tree *tree) const {
    if (tree->is(TreeKind::Reduce) && none_of(tree->coords, [&](StringRef c) { return rankOf(c) == rank; }))
      return true;
    return any_of(tree->args, [&](const Tree *arg) { return !tree->is(TreeKind::Reduce) && reducesOthers(arg); });
  }

  /// Whether all that the tensor needs of the rank's statistics is known after one traversal, row by row.
  bool mayFinish(StringRef tensor) {
    unsigned level = levels.lookup(tensor);
    const CascadeModel::Equation *equation = equationOf(tensor);
    if (!level || !equation)
      return true;
    auto [known, isNew] = finishable.try_emplace(tensor, false);
    if (!isNew)
      return known->second;
    bool carries = carriesRank(*equation);
    bool ok = equation->loops.empty() && !equation->body->is(TreeKind::Selection) && (carries || level == first) &&
              !(plain && !carries && reducesOthers(equation->body)) && !reducesStatistics(equation->body) &&
              !anyRead(equation->body, [&](StringRef read) { return !mayFinish(read); });
    return finishable[tensor] = ok;
  }

  void visit(StringRef tensor) {
    const CascadeModel::Equation *equation = equationOf(tensor);
    if (!equation || !seen.insert(tensor).second)
      return;
    if (isStatistic(tensor) && mayFinish(tensor)) {
      found.push_back({tensor.str(), tensor.str(), model.getTensor(tensor)->elementType});
      return;
    }
    if (later || !carriesRank(*equation))
      visitReads(equation->body);
  }

  /// What a tree reads, but for what it reduces over the rank where no later traversal is to be left.
  void visitReads(const Tree *tree) {
    if (tree->is(TreeKind::Read))
      visit(tree->text);
    if (!later && tree->is(TreeKind::Reduce) &&
        any_of(tree->coords, [&](StringRef c) { return rankOf(c) == rank; }))
      return;
    for (const Tree *arg : tree->args)
      visitReads(arg);
  }

  const CascadeModel &model;
  StringRef rank;
  unsigned first;
  bool later, plain;
  StringMap<unsigned> levels;
  StringMap<bool> finishable;
  StringSet<> seen;
  std::vector<CascadeModel::Output> found;
};
} // namespace

std::vector<CascadeModel::Output> weir::findFrontier(const CascadeModel &model, const Streaming &streaming,
                                                     bool later, bool plain) {
  return Frontier(model, streaming, later, plain).run();
}

static void addUpstream(const CascadeModel &model, StringRef tensor, StringSet<> &seen);

static void addReads(const CascadeModel &model, const Tree *tree, StringSet<> &seen) {
  if (tree->is(TreeKind::Read))
    addUpstream(model, tree->text, seen);
  for (const Tree *arg : tree->args)
    addReads(model, arg, seen);
}

static void addUpstream(const CascadeModel &model, StringRef tensor, StringSet<> &seen) {
  const CascadeModel::Tensor *found = model.getTensor(tensor);
  if (found && seen.insert(tensor).second && found->equation >= 0)
    addReads(model, model.equations[found->equation].body, seen);
}

StringSet<> weir::getUpstream(const CascadeModel &model, ArrayRef<std::string> tensors) {
  StringSet<> seen;
  for (const std::string &tensor : tensors)
    addUpstream(model, tensor, seen);
  return seen;
}

/// The tensors that indices of a tensor with the rank read.
static void addIndexed(const CascadeModel &model, StringRef rank, const Tree *tree, std::vector<std::string> &out) {
  const CascadeModel::Tensor *read = tree->is(TreeKind::Read) ? model.getTensor(tree->text) : nullptr;
  bool isOwn = read && read->equation >= 0 && is_contained(read->ranks, rank);
  StringSet<> names;
  for (const Tree *arg : tree->args) {
    addIndexed(model, rank, arg, out);
    if (isOwn)
      addReads(model, arg, names);
  }
  for (StringRef name : names.keys())
    out.push_back(name.str());
}

StringSet<> weir::findKept(const CascadeModel &model, const Streaming &streaming) {
  std::vector<std::string> places;
  for (const CascadeModel::Equation &equation : model.equations)
    addIndexed(model, streaming.rank, equation.body, places);
  StringSet<> kept, indices = getUpstream(model, places);
  for (const auto &[name, level] : streaming.levels) {
    const CascadeModel::Tensor *tensor = model.getTensor(name);
    if (level > 0 && tensor && tensor->equation >= 0 && tensor->elementType && tensor->elementType.isInteger() &&
        !is_contained(tensor->ranks, streaming.rank) && !indices.contains(name))
      kept.insert(name);
  }
  return kept;
}
