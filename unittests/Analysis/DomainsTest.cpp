//===- DomainsTest.cpp - domains against the interpreter ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs are run by the interpreter, and every tensor's domain is evaluated at every coordinate: it
// must say "present" exactly where the interpreter has a value. Formulas with functions of reals in them are
// left out, since rounding could decide those.
#include "unittests/Frontend/Compiled.h"
#include "weir/Analysis/Explain.h"
#include "weir/Analysis/Traversals.h"
#include "weir/Reference/Draw.h"
#include "weir/Reference/Interpreter.h"
#include "weir/Reference/RandomCascade.h"
#include "gtest/gtest.h"

using namespace weir;
using test::Compiled;

namespace {

/// Evaluates formulas with the values that the interpreter found.
class Evaluator {
public:
  Evaluator(const CascadeModel &model, const DrawnInputs &drawn, const InterpreterResult &run)
      : model(model), drawn(drawn), run(run) {}

  std::map<std::string, long double> point;
  bool unknown = false; ///< the formula holds something that is not evaluated here

  bool holds(const Tree *t);
  long double value(const Tree *t);
  int64_t extentOf(llvm::StringRef coordinate) { return int64_t(value(model.getExtent(coordinate))); }

private:
  long double read(const Tree *t);
  bool any(const Tree *t, llvm::ArrayRef<llvm::StringRef> coords, int64_t *count);
  const CascadeModel &model;
  const DrawnInputs &drawn;
  const InterpreterResult &run;
};

long double Evaluator::read(const Tree *t) {
  int64_t offset = 0;
  llvm::ArrayRef<int64_t> shape;
  auto input = llvm::find(model.inputs, t->text);
  auto intermediate = run.intermediates.find(t->text.str());
  if (input != model.inputs.end())
    shape = drawn.inputs[input - model.inputs.begin()].shape;
  else if (intermediate != run.intermediates.end())
    shape = intermediate->second.shape;
  else
    unknown = true;
  for (auto [index, size] : llvm::zip(t->args, shape)) {
    long double at = value(index);
    if (!(at >= 0 && at < size))
      return 0; // absent, and the formula says so elsewhere
    offset = offset * size + int64_t(at);
  }
  if (unknown)
    return 0;
  return input != model.inputs.end() ? drawn.inputs[input - model.inputs.begin()].get(offset)
                                     : intermediate->second.value[offset];
}

bool Evaluator::any(const Tree *t, llvm::ArrayRef<llvm::StringRef> coords, int64_t *count) {
  if (coords.empty()) {
    bool found = holds(t);
    if (count)
      *count += found;
    return found;
  }
  auto outer = point;
  bool found = false;
  int64_t extent = extentOf(coords[0]);
  for (int64_t i = 0; i < extent && (count || !found); ++i) {
    point[coords[0].str()] = i;
    found |= any(t, coords.drop_front(), count);
  }
  point = outer;
  return found;
}

long double Evaluator::value(const Tree *t) {
  switch (t->kind) {
  case TreeKind::Number:
    if (auto integer = t->getInteger())
      return *integer;
    return t->text == "inf" ? std::numeric_limits<long double>::infinity()
                            : std::strtold(t->text.str().c_str(), nullptr);
  case TreeKind::Coordinate:
    return point.at(t->text.str());
  case TreeKind::Extent:
    if (auto found = drawn.extents.find(t->text); found != drawn.extents.end())
      return found->second;
    if (const Tree *definition = model.definitions.lookup(t->text))
      return value(definition);
    unknown = true;
    return 0;
  case TreeKind::Read:
    return read(t);
  case TreeKind::Reduce: {
    int64_t count = 0;
    if (t->text != "count" || t->args[0]->scalar != ScalarKind::Bool)
      return unknown = true, 0;
    any(t->args[0], t->coords, &count);
    return count;
  }
  case TreeKind::Function:
    break;
  default:
    if (t->scalar == ScalarKind::Bool)
      return holds(t);
    unknown = true;
    return 0;
  }
  if (t->isComparison())
    return holds(t);
  long double a = value(t->args[0]), b = t->args.size() > 1 ? value(t->args[1]) : 0;
  if (t->text == "real" || t->text == "integer")
    return a;
  if (t->scalar != ScalarKind::Integer)
    return unknown = true, 0;
  auto floordiv = [&] { return b == 0 ? 0 : std::floor(a / b); };
  if (t->text == "add" || t->text == "sub" || t->text == "mul")
    return t->text == "add" ? a + b : t->text == "sub" ? a - b : a * b;
  if (t->text == "min" || t->text == "max")
    return t->text == "min" ? std::min(a, b) : std::max(a, b);
  if (t->text == "neg" || t->text == "abs")
    return t->text == "neg" ? -a : std::fabs(a);
  if (t->text == "floordiv")
    return floordiv();
  if (t->text == "mod") // 0 <= r < |b|
    return b == 0 ? 0 : a - std::fabs(b) * std::floor(a / std::fabs(b));
  if (t->text == "sign")
    return (a > 0) - (a < 0);
  return unknown = true, 0;
}

bool Evaluator::holds(const Tree *t) {
  switch (t->kind) {
  case TreeKind::Bool:
    return t->isTrue();
  case TreeKind::And:
    return llvm::all_of(t->args, [&](const Tree *p) { return holds(p); });
  case TreeKind::Or:
    return llvm::any_of(t->args, [&](const Tree *p) { return holds(p); });
  case TreeKind::Not:
    return !holds(t->args[0]);
  case TreeKind::Any:
    return any(t->args[0], t->coords, nullptr);
  case TreeKind::Read:
    return read(t) != 0;
  default:
    break;
  }
  if (!t->isComparison())
    return unknown = true, false;
  long double a = value(t->args[0]), b = value(t->args[1]);
  return t->text == "eq"   ? a == b
         : t->text == "ne" ? a != b
         : t->text == "lt" ? a < b
         : t->text == "le" ? a <= b
         : t->text == "gt" ? a > b
                           : a >= b;
}

/// Compares every domain with a run; returns how many that say anything (beyond that a rank has a coordinate)
/// could be compared.
unsigned compare(Compiled &program, unsigned seed, unsigned trial, const std::string &text) {
  CascadeModel model(program.function);
  Domains domains(model);
  DrawOptions options;
  options.seed = seed;
  options.trial = trial;
  options.defaultExtent = trial == 1 ? 3 : 4; // small, so that every coordinate is visited
  auto drawn = draw(program.function, options);
  if (!drawn)
    return llvm::consumeError(drawn.takeError()), 0;
  auto run = interpret(program.function, drawn->inputs, drawn->params);
  if (!run)
    return llvm::consumeError(run.takeError()), 0;
  unsigned compared = 0;
  for (const CascadeModel::Equation &equation : model.equations) {
    auto found = run->intermediates.find(equation.name);
    if (found == run->intermediates.end())
      continue;
    const PartialTensor &tensor = found->second;
    const Tree *formula = domains.domainOf(equation.name);
    Evaluator evaluator(model, *drawn, *run);
    for (size_t i = 0; i < tensor.present.size() && !evaluator.unknown; ++i) {
      size_t rest = i;
      for (size_t k = equation.coords.size(); k-- > 0; rest /= tensor.shape[k])
        evaluator.point[equation.coords[k]] = rest % tensor.shape[k];
      bool present = evaluator.holds(formula);
      if (evaluator.unknown)
        break;
      EXPECT_EQ(present, bool(tensor.present[i]))
          << equation.name << " at entry " << i << ", domain " << toText(formula) << "\nseed " << seed << "\n"
          << text;
      if (present != bool(tensor.present[i]))
        return compared;
    }
    compared += !evaluator.unknown && !domains.formulas.assumeInhabited(formula)->isTrue();
  }
  return compared;
}

TEST(DomainsTest, RandomProgramsArePresentWhereTheirDomainsSay) {
  unsigned compared = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::string text = RandomCascade(seed).text("c");
    Compiled program(text);
    if (!program.module)
      continue;
    for (unsigned trial = 0; trial < 2; ++trial)
      compared += compare(program, seed, trial, text);
  }
  EXPECT_GT(compared, 200u) << "too few domains were compared for this test to mean anything";
}

TEST(DomainsTest, RandomProgramsAreExplained) {
  for (unsigned seed = 1000; seed < 1100; ++seed) {
    Compiled program(RandomCascade(seed).text("c"));
    if (!program.module)
      continue;
    ExplainOptions options;
    Explanation explanation = explain(program.function, options);
    for (const Explanation::Count &count : explanation.traversals)
      EXPECT_GE(count.asWritten, 1u) << count.rank << ", seed " << seed;
    EXPECT_FALSE(explanation.domains.empty());
    EXPECT_TRUE(toJson(explanation).getAsObject()->getObject("traversals"));
  }
}

} // namespace
