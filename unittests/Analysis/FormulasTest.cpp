//===- FormulasTest.cpp - simplification keeps what a formula says --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random formulas are built twice, as trees that nobody simplifies and through Formulas, and compared at
// every point of small extents, 0 included.
#include "unittests/Reference/TestCascade.h"
#include "weir/Analysis/Domains.h"
#include "gtest/gtest.h"
#include <random>

using namespace weir;

namespace {

/// A cascade over M, N and G whose only equation mentions a coordinate of each.
constexpr const char *kSource = R"mlir(
func.func @f(%A: tensor<?x?x?xf32> {attn.name = "A", attn.ranks = ["M", "N", "G"]})
    -> (tensor<?x?x?xf32> {attn.name = "B", attn.ranks = ["M", "N", "G"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %M = tensor.dim %A, %c0 : tensor<?x?x?xf32>
  %N = tensor.dim %A, %c1 : tensor<?x?x?xf32>
  %G = tensor.dim %A, %c2 : tensor<?x?x?xf32>
  %B = attn.einsum "B" [m, n, g] in (%M, %N, %G) {
  ^bb0(%m: i64, %n: i64, %g: i64):
    %a = attn.read %A[%m, %n, %g] : tensor<?x?x?xf32> -> f32
    attn.yield %a : f32
  } : tensor<?x?x?xf32>
  %out = attn.materialize %B : tensor<?x?x?xf32> to tensor<?x?x?xf32>
  return %out : tensor<?x?x?xf32>
}
)mlir";

class FormulasTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(cascade.module);
    model = std::make_unique<CascadeModel>(cascade.function);
    domains = std::make_unique<Domains>(*model);
  }
  const Tree *coordinate(const char *name) { return model->arena->coordinate(name); }
  const Tree *number(int64_t value) { return model->arena->number(value); }
  const Tree *extent(const char *rank) { return model->arena->extent(rank); }

  test::TestCascade cascade{kSource};
  std::unique_ptr<CascadeModel> model;
  std::unique_ptr<Domains> domains;
};

using Point = std::map<std::string, int64_t>;

int64_t valueOf(const Tree *t, const Point &at) {
  if (t->is(TreeKind::Number))
    return *t->getInteger();
  if (t->is(TreeKind::Coordinate) || t->is(TreeKind::Extent))
    return at.at(t->text.str());
  int64_t a = valueOf(t->args[0], at), b = valueOf(t->args[1], at);
  if (t->text == "mod")
    return ((a % b) + b) % b;
  return t->text == "add" ? a + b : t->text == "sub" ? a - b : a * b;
}

bool truthOf(const Tree *t, Point at);

bool someTruth(const Tree *t, llvm::ArrayRef<llvm::StringRef> coords, Point at) {
  if (coords.empty())
    return truthOf(t, at);
  int64_t extent = at.at(rankOf(coords[0]));
  for (int64_t i = 0; i < extent; ++i) {
    at[coords[0].str()] = i;
    if (someTruth(t, coords.drop_front(), at))
      return true;
  }
  return false;
}

bool truthOf(const Tree *t, Point at) {
  switch (t->kind) {
  case TreeKind::Bool:
    return t->isTrue();
  case TreeKind::And:
    return llvm::all_of(t->args, [&](const Tree *p) { return truthOf(p, at); });
  case TreeKind::Or:
    return llvm::any_of(t->args, [&](const Tree *p) { return truthOf(p, at); });
  case TreeKind::Not:
    return !truthOf(t->args[0], at);
  case TreeKind::Any:
    return someTruth(t->args[0], t->coords, at);
  default:
    break;
  }
  int64_t a = valueOf(t->args[0], at), b = valueOf(t->args[1], at);
  return t->text == "lt"   ? a < b
         : t->text == "le" ? a <= b
         : t->text == "gt" ? a > b
         : t->text == "ge" ? a >= b
         : t->text == "eq" ? a == b
                           : a != b;
}

/// A formula as it was drawn, and as Formulas builds it.
struct Pair {
  const Tree *plain, *simple;
};

class Drawer {
public:
  Drawer(const CascadeModel &model, Formulas &formulas, unsigned seed)
      : arena(*model.arena), formulas(formulas), random(seed) {}
  Pair formula(unsigned depth) {
    switch (depth ? below(6) : 5) {
    case 0:
    case 1: {
      Pair a = formula(depth - 1), b = formula(depth - 1), c = formula(depth - 1);
      return {node(TreeKind::And, {a.plain, b.plain, c.plain}),
              formulas.conj({a.simple, b.simple, c.simple})};
    }
    case 2:
    case 3: {
      Pair a = formula(depth - 1), b = formula(depth - 1);
      return {node(TreeKind::Or, {a.plain, b.plain}), formulas.disj({a.simple, b.simple})};
    }
    case 4: {
      Pair a = formula(depth - 1);
      if (below(2))
        return {node(TreeKind::Not, {a.plain}), formulas.neg(a.simple)};
      llvm::StringRef coord = below(2) ? "n" : "g";
      return {arena.get(TreeKind::Any, ScalarKind::Bool, "", {a.plain}, {coord}),
              formulas.any({coord}, a.simple)};
    }
    default: {
      static const char *const ops[] = {"lt", "le", "gt", "ge", "eq", "ne"};
      const char *op = ops[below(6)];
      const Tree *a = term(2), *b = term(2);
      return {arena.function(op, {a, b}, ScalarKind::Bool), formulas.compare(op, a, b)};
    }
    }
  }

private:
  unsigned below(unsigned n) { return unsigned(random() % n); }
  const Tree *node(TreeKind kind, llvm::ArrayRef<const Tree *> args) {
    return arena.get(kind, ScalarKind::Bool, "", args);
  }
  const Tree *term(unsigned depth) {
    switch (below(depth ? 8 : 5)) {
    case 0:
      return arena.coordinate("m");
    case 1:
    case 2:
      return arena.coordinate(below(2) ? "n" : "g");
    case 3:
      return arena.number(int64_t(below(4)) - 1);
    case 4:
      return arena.extent(below(2) ? "N" : "M");
    case 5:
      return arena.function("add", {term(depth - 1), term(depth - 1)}, ScalarKind::Integer);
    case 6:
      return arena.function("sub", {term(depth - 1), term(depth - 1)}, ScalarKind::Integer);
    default:
      return arena.function(below(2) ? "mod" : "mul", {term(depth - 1), arena.number(2)},
                            ScalarKind::Integer);
    }
  }
  TreeArena &arena;
  Formulas &formulas;
  std::mt19937 random;
};

TEST_F(FormulasTest, RandomFormulasKeepTheirMeaning) {
  // Free coordinates exist, as those of an equation's left side do; so no free coordinate has an empty rank.
  for (unsigned seed = 0; seed < 10000; ++seed) {
    Pair pair = Drawer(*model, domains->formulas, seed).formula(2);
    std::string plain = toText(pair.plain), simple = toText(pair.simple);
    auto free = freeCoordinates(pair.plain);
    for (int64_t M : {0, 1, 2, 3})
      for (int64_t N : {0, 1, 3})
        for (int64_t G : {0, 2})
          for (int64_t m = 0; m < std::max<int64_t>(M, 1); ++m)
            for (int64_t n = 0; n < std::max<int64_t>(N, 1); ++n)
              for (int64_t g = 0; g < std::max<int64_t>(G, 1); ++g) {
                if ((m == 0 && M == 0 && llvm::is_contained(free, "m")) ||
                    (N == 0 && llvm::is_contained(free, "n")) || (G == 0 && llvm::is_contained(free, "g")))
                  continue;
                Point at = {{"M", M}, {"N", N}, {"G", G}, {"m", m}, {"n", n}, {"g", g}};
                ASSERT_EQ(truthOf(pair.plain, at), truthOf(pair.simple, at))
                    << plain << "\nbecame " << simple << "\nat M=" << M << " N=" << N << " G=" << G
                    << " m=" << m << " n=" << n << " g=" << g << " (seed " << seed << ")";
              }
  }
}

TEST_F(FormulasTest, CountsAgreeWithEnumeration) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    Pair pair = Drawer(*model, domains->formulas, 100000 + seed).formula(2);
    llvm::StringMap<int64_t> extents;
    extents["M"] = 4, extents["N"] = 5, extents["G"] = 3;
    int64_t expected = 0;
    for (int64_t m = 0; m < 4; ++m)
      for (int64_t n = 0; n < 5; ++n)
        for (int64_t g = 0; g < 3; ++g)
          expected += truthOf(pair.plain, {{"M", 4}, {"N", 5}, {"G", 3}, {"m", m}, {"n", n}, {"g", g}});
    auto counted = domains->countPoints(pair.simple, {"m", "n", "g"}, extents);
    ASSERT_TRUE(counted) << toText(pair.simple);
    ASSERT_EQ(*counted, expected) << toText(pair.plain) << "\nbecame " << toText(pair.simple) << " (seed "
                                  << seed << ")";
  }
}

TEST_F(FormulasTest, BudgetEndsACount) {
  const Tree *m = coordinate("m"), *n = coordinate("n");
  const Tree *product = model->arena->function("mul", {m, n}, ScalarKind::Integer);
  const Tree *formula = domains->formulas.compare("le", product, number(5));
  llvm::StringMap<int64_t> extents;
  extents["M"] = extents["N"] = 100;
  EXPECT_FALSE(domains->countPoints(formula, {"m", "n"}, extents, /*budget=*/50));
  EXPECT_TRUE(domains->countPoints(formula, {"m", "n"}, extents, /*budget=*/100000));
}

TEST_F(FormulasTest, PrintsAsTheLanguageWrites) {
  TreeArena &arena = *model->arena;
  const Tree *m = coordinate("m"), *n = coordinate("n");
  const Tree *inner = arena.function("sub", {extent("N"), extent("M")}, ScalarKind::Integer);
  const Tree *at = arena.function("add", {m, inner}, ScalarKind::Integer);
  EXPECT_EQ(toText(arena.function("le", {n, at}, ScalarKind::Bool)), "n <= m + (N - M)");
  const Tree *left = arena.function("sub", {arena.function("sub", {m, n}, ScalarKind::Integer), number(1)},
                                    ScalarKind::Integer);
  EXPECT_EQ(toText(left), "m - n - 1");
  const Tree *quotient = arena.function("floordiv", {m, number(64)}, ScalarKind::Integer);
  EXPECT_EQ(toText(quotient), "floordiv(m, 64)");
  EXPECT_EQ(toText(quotient, /*index=*/true), "m/64");
  const Tree *either =
      arena.get(TreeKind::Or, ScalarKind::Bool, "", {arena.boolean(true), arena.boolean(false)});
  EXPECT_EQ(toText(arena.get(TreeKind::And, ScalarKind::Bool, "", {either, arena.boolean(true)})),
            "(true or false) and true");
}

TEST_F(FormulasTest, SubstitutionDoesNotCapture) {
  TreeArena &arena = *model->arena;
  const Tree *m = coordinate("m"), *n = coordinate("n");
  const Tree *some =
      arena.get(TreeKind::Any, ScalarKind::Bool, "", {arena.function("lt", {n, m}, ScalarKind::Bool)}, {"n"});
  llvm::StringMap<const Tree *> to;
  to["m"] = n;
  EXPECT_EQ(toText(arena.substitute(some, to)), "any(n') (n' < n)");
}

} // namespace
