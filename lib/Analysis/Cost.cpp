//===- Cost.cpp - the work that a cascade asks for ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Cost.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;
using Equation = CascadeModel::Equation;

namespace {
class FlopCounter {
public:
  FlopCounter(const CascadeModel &model, Domains &domains, const StringMap<int64_t> &extents, uint64_t budget)
      : model(model), domains(domains), extents(extents), budget(budget) {}

  Costs::EquationCost count(const Equation &equation, Polynomial &all);

private:
  void visit(const Tree *tree, const Tree *context, ArrayRef<StringRef> scope);
  void visitProduct(const Tree *reduction, const Tree *context, ArrayRef<StringRef> scope,
                    const Tree *innerContext, ArrayRef<StringRef> inner);
  /// `weight`: vector operations for each; 0 for a multiply-add's half.
  void charge(int64_t operations, double weight, ArrayRef<StringRef> coords, const Tree *context,
              ArrayRef<StringRef> scope);

  const CascadeModel &model;
  Domains &domains;
  const StringMap<int64_t> &extents;
  uint64_t budget;
  DenseSet<const Tree *> visited;
  Polynomial formula;
  std::optional<int64_t> value;
  double multiplyAdds = 0, weighted = 0, exponentials = 0;
  bool inside = true;
  std::map<std::pair<const Tree *, std::vector<std::string>>, std::optional<int64_t>> counted;
};
} // namespace

/// Real operations that the node itself performs at one setting.
static int64_t operationsOf(const Tree *tree) {
  if (!tree->is(TreeKind::Function) || tree->text == "real" || tree->text == "integer")
    return 0;
  bool reals = any_of(tree->args, [](const Tree *arg) { return arg->scalar == ScalarKind::Real; });
  if (!reals)
    return 0;
  if (tree->text == "powi")
    if (auto k = tree->args[1]->getInteger(); k && *k > 1 && *k < 64)
      return Log2_64(*k) + popcount(uint64_t(*k)) - 1;
  return 1;
}

constexpr double kOfExponential = Costs::kOperationsOfExponential; ///< and of nothing else

/// What such an operation costs a vector: the length of its expansion where the processor has no instruction
/// for it.
static double weightOf(StringRef function) {
  return StringSwitch<double>(function)
      .Cases({"exp", "exp2"}, kOfExponential)
      .Cases({"max", "min"}, 3) // a NaN is kept
      .Case("sqrt", 6)
      .Cases({"log", "log2", "log1p", "expm1"}, 14)
      .Cases({"sigmoid", "silu"}, 12)
      .Cases({"tanh", "erf", "gelu", "sin", "cos", "pow", "atan2"}, 22)
      .Default(1);
}

/// Adds `operations` for every setting of `coords` at which the context holds for some setting of the rest of
/// the scope.
void FlopCounter::charge(int64_t operations, double weight, ArrayRef<StringRef> coords, const Tree *context,
                         ArrayRef<StringRef> scope) {
  if (!operations)
    return;
  Polynomial points = Polynomial::constant(1);
  StringMap<int64_t> none;
  std::optional<int64_t> total = 1;
  std::vector<std::string> names;
  for (StringRef coord : coords) {
    const Tree *extent = model.getExtent(coord);
    points = points * toPolynomial(extent, {});
    auto size = model.evaluate(extent, extents);
    int64_t product;
    if (!size || !total || MulOverflow(*total, std::max<int64_t>(*size, 0), product))
      total = std::nullopt;
    else
      total = product;
    names.push_back(coord.str());
  }
  formula = formula + points * Polynomial::constant(operations);
  if (!total || !value) {
    value = std::nullopt;
    return;
  }
  SmallVector<StringRef> others;
  for (StringRef coord : scope)
    if (!is_contained(coords, coord) && dependsOn(context, coord))
      others.push_back(coord);
  std::sort(names.begin(), names.end());
  auto [known, isNew] = counted.try_emplace({context, names});
  if (isNew)
    known->second = domains.countPoints(domains.formulas.any(others, context), names, extents, budget);
  inside &= known->second.has_value();
  int64_t work, settings = known->second.value_or(*total);
  if (MulOverflow(operations, settings, work) || AddOverflow(*value, work, work))
    value = std::nullopt;
  else
    value = work;
  double times = double(operations) * double(settings);
  (weight == 0 ? multiplyAdds : weighted) += (weight == 0 ? 1 : weight) * times;
  if (weight == kOfExponential)
    exponentials += times;
}

static void collectFactors(const Tree *tree, SmallVectorImpl<const Tree *> &factors) {
  bool product = tree->scalar == ScalarKind::Real && (tree->isFunction("mul") || tree->isFunction("div"));
  if (!product)
    return factors.push_back(tree);
  for (const Tree *arg : tree->args)
    collectFactors(arg, factors);
}

/// Whether a sum is one of products of summed factors, whose products and steps are multiply-adds.
static bool hasSummedProduct(const Tree *reduction) {
  SmallVector<const Tree *> factors;
  collectFactors(reduction->args[0], factors);
  return count_if(factors, [&](const Tree *factor) {
           return any_of(reduction->coords, [&](StringRef c) { return dependsOn(factor, c); });
         }) > 1;
}

/// The body of a sum is a product: factors without a summed coordinate are applied to the sum, once.
void FlopCounter::visitProduct(const Tree *reduction, const Tree *context, ArrayRef<StringRef> scope,
                               const Tree *innerContext, ArrayRef<StringRef> inner) {
  SmallVector<const Tree *> factors;
  collectFactors(reduction->args[0], factors);
  std::vector<StringRef> free = freeCoordinates(reduction), product;
  for (const Tree *factor : factors) {
    std::vector<StringRef> coords = freeCoordinates(factor);
    bool summed = any_of(reduction->coords, [&](StringRef c) { return is_contained(coords, c); });
    visit(factor, summed ? innerContext : context, summed ? inner : scope);
    if (!summed) {
      charge(factors.size() > 1, 1, free, context, scope);
      continue;
    }
    bool first = product.empty();
    for (StringRef coord : coords)
      if (!is_contained(product, coord))
        product.push_back(coord);
    charge(!first, 0, product, innerContext, inner);
  }
}

void FlopCounter::visit(const Tree *tree, const Tree *context, ArrayRef<StringRef> scope) {
  if (tree->args.empty() || !visited.insert(tree).second)
    return;
  std::vector<StringRef> free = freeCoordinates(tree);
  charge(operationsOf(tree), weightOf(tree->text), free, context, scope);
  if (!tree->is(TreeKind::Reduce) && !tree->is(TreeKind::Selection)) {
    for (const Tree *arg : tree->args)
      visit(arg, context, scope);
    return;
  }
  SmallVector<StringRef> inner(scope);
  inner.append(tree->coords.begin(), tree->coords.end());
  const Tree *body = tree->args[0];
  const Tree *innerContext = domains.formulas.conj({context, domains.present(body)});
  bool real = body->scalar == ScalarKind::Real || tree->scalar == ScalarKind::Real;
  bool ofProducts = tree->text == "sum" && hasSummedProduct(tree);
  charge(real && tree->text != "count", ofProducts ? 0 : weightOf(tree->text), freeCoordinates(body),
         innerContext, inner);
  if (tree->text == "mean")
    charge(1, 1, free, context, scope);
  if (tree->text == "mean" || tree->text == "sum")
    return visitProduct(tree, context, scope, innerContext, inner);
  visit(body, innerContext, inner);
}

Costs::EquationCost FlopCounter::count(const Equation &equation, Polynomial &all) {
  visited.clear();
  counted.clear();
  formula = Polynomial();
  value = 0;
  multiplyAdds = weighted = exponentials = 0;
  inside = true;
  SmallVector<StringRef> scope(equation.coords.begin(), equation.coords.end());
  visit(equation.body, domains.domainOf(equation.name), scope);
  all = all + formula;
  Costs::EquationCost cost;
  cost.equation = equation.name;
  cost.flops = {value, toText(toTree(formula, *model.arena))};
  cost.multiplyAdds = multiplyAdds;
  cost.operations = weighted;
  cost.exponentials = exponentials;
  cost.insideDomains = value && inside;
  return cost;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// Tensors that an output depends on.
static SetVector<StringRef> liveTensors(const CascadeModel &model) {
  SetVector<StringRef> live;
  for (const CascadeModel::Output &output : model.outputs)
    live.insert(output.tensor);
  for (size_t i = 0; i < live.size(); ++i)
    if (const CascadeModel::Tensor *tensor = model.getTensor(live[i]); tensor && tensor->equation >= 0)
      for (StringRef name : tensorsReadBy(model.equations[tensor->equation].body))
        live.insert(name);
  return live;
}

namespace {
/// A sum of tensor sizes in bits, at the known extents and as a polynomial in their names.
struct Size {
  const CascadeModel &model;
  const StringMap<int64_t> &extents;
  Polynomial bits;
  std::optional<int64_t> bytes = 0;

  void add(ArrayRef<const Tree *> dims, unsigned width) {
    Polynomial points = Polynomial::constant(1);
    std::optional<int64_t> total = width;
    for (const Tree *dim : dims) {
      points = points * toPolynomial(dim, {});
      auto size = model.evaluate(dim, extents);
      int64_t product;
      total = size && total && !MulOverflow(*total, *size, product) ? std::optional(product) : std::nullopt;
    }
    bits = bits + points * Polynomial::constant(width);
    int64_t sum;
    bytes = total && bytes && !AddOverflow(*bytes, (*total + 7) / 8, sum) ? std::optional(sum) : std::nullopt;
  }
  Costs::Amount amount() const {
    bool whole = all_of(bits.terms, [](auto &term) { return term.second % 8 == 0; });
    Polynomial scaled;
    for (auto &[monomial, coefficient] : bits.terms)
      scaled.terms[monomial] = whole ? coefficient / 8 : coefficient;
    std::string text = toText(toTree(scaled, *model.arena));
    return {bytes, whole ? text : "(" + text + ")/8"};
  }
};
} // namespace

/// As stored: bool and narrow types take a byte at least, i4 half of one.
static unsigned storedBits(mlir::Type type) {
  return type && type.isIntOrFloat() ? std::max(type.getIntOrFloatBitWidth(), type.isInteger(4) ? 4u : 8u)
                                     : 32;
}

/// The rank whose traversals decide about a dimension: the one that it is a part of, or itself.
static const Traversals::Rank *traversed(const Traversals &traversals, StringRef rank) {
  auto whole =
      find_if(traversals.ranks, [&](const Traversals::Rank &r) { return is_contained(r.parts, rank); });
  return whole != traversals.ranks.end() ? &*whole : traversals.find(rank);
}

Costs weir::computeCosts(const CascadeModel &model, Domains &domains, const Traversals &traversals,
                         const StringMap<int64_t> &extents, uint64_t budget) {
  Costs costs;
  SetVector<StringRef> live = liveTensors(model);
  FlopCounter counter(model, domains, extents, budget);
  Polynomial all;
  std::optional<int64_t> flops = 0;
  for (const Equation &equation : model.equations) {
    if (!live.contains(equation.name))
      continue;
    Costs::EquationCost cost = counter.count(equation, all);
    int64_t sum;
    flops = flops && cost.flops.value && !AddOverflow(*flops, *cost.flops.value, sum) ? std::optional(sum)
                                                                                      : std::nullopt;
    costs.equations.push_back(std::move(cost));
  }
  costs.flops = {flops, toText(toTree(all, *model.arena))};

  Size compulsory{model, extents, {}}, footprint{model, extents, {}};
  for (const std::string &input : model.inputs)
    if (live.contains(input))
      compulsory.add(model.getTensor(input)->extents, storedBits(model.getTensor(input)->elementType));
  for (const CascadeModel::Output &output : model.outputs)
    if (const CascadeModel::Tensor *tensor = model.getTensor(output.tensor))
      compulsory.add(tensor->extents, storedBits(output.elementType));
  for (const Equation &equation : model.equations) {
    if (!live.contains(equation.name) ||
        is_contained(map_range(model.outputs, [](auto &o) { return o.tensor; }), equation.name))
      continue;
    const CascadeModel::Tensor *tensor = model.getTensor(equation.name);
    SmallVector<const Tree *> whole;
    for (auto [rank, extent] : zip(tensor->ranks, tensor->extents))
      if (const Traversals::Rank *r = traversed(traversals, rank); r && is_contained(r->kept, equation.name))
        whole.push_back(extent);
    if (!whole.empty())
      footprint.add(whole, storedBits(tensor->elementType));
  }
  costs.compulsoryBytes = compulsory.amount();
  costs.footprintBytes = footprint.amount();
  return costs;
}
