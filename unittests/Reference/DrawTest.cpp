//===- DrawTest.cpp - drawn inputs keep the promises ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Reference/Draw.h"
#include "unittests/Reference/TestCascade.h"
#include <cmath>
#include <set>

using namespace weir;
using namespace weir::test;

/// Packed sequences: offsets that begin at 0, rise and end at the length; heads in groups; normed keys; gates
/// that are not positive; a page table; a table whose extent is an expression; a declared rank.
static const char *kPacked = R"mlir(
func.func @f(%cu: tensor<?xi32> {attn.name = "cu", attn.ranks = ["U"]},
             %K: tensor<?x?x?xbf16> {attn.name = "K", attn.ranks = ["G", "T", "D"]},
             %Q: tensor<?x?xf32> {attn.name = "Q", attn.ranks = ["H", "T"]},
             %P: tensor<?x?xi32> {attn.name = "P", attn.ranks = ["H", "J"]},
             %E: tensor<?xf32> {attn.name = "E", attn.ranks = ["2*D+1"]},
             %w: i64 {attn.name = "w", attn.type = i64, attn.default = "3"})
    -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["C"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %U = tensor.dim %cu, %c0 : tensor<?xi32>
  %G = tensor.dim %K, %c0 : tensor<?x?x?xbf16>
  %T = tensor.dim %K, %c1 : tensor<?x?x?xbf16>
  %D = tensor.dim %K, %c2 : tensor<?x?x?xbf16>
  %H = tensor.dim %Q, %c0 : tensor<?x?xf32>
  %J = tensor.dim %P, %c1 : tensor<?x?xi32>
  %Ed = tensor.dim %E, %c0 : tensor<?xf32>
  %u1 = arith.index_cast %U : index to i64
  %g1 = arith.index_cast %G : index to i64
  %t1 = arith.index_cast %T : index to i64
  %d1 = arith.index_cast %D : index to i64
  %h1 = arith.index_cast %H : index to i64
  %e1 = arith.index_cast %Ed : index to i64
  %one = attn.literal "1" : i64
  %two = attn.literal "2" : i64
  %zero = attn.literal "0" : i64
  %less = attn.map sub(%t1, %w) : (i64, i64) -> i64
  %C = attn.rank "C" %less
  attn.given "cu[u] <= cu[u+1] and cu[0] == 0 and cu[U-1] == T" [u] in (%U) {
  ^bb0(%u: i64):
    %v = attn.map add(%u, %one) : (i64, i64) -> i64
    %a = attn.read %cu[%u] : tensor<?xi32> -> i64
    %b = attn.read %cu[%v] : tensor<?xi32> -> i64
    %p = attn.map le(%a, %b) : (i64, i64) -> i1
    %c = attn.read %cu[%zero] : tensor<?xi32> -> i64
    %q = attn.map eq(%c, %zero) : (i64, i64) -> i1
    %last = attn.map sub(%u1, %one) : (i64, i64) -> i64
    %d = attn.read %cu[%last] : tensor<?xi32> -> i64
    %r = attn.map eq(%d, %t1) : (i64, i64) -> i1
    %s = attn.and %p, %q
    %all = attn.and %s, %r
    attn.yield %all : i1
  }
  attn.given "H % G == 0" [] in () {
    %r = attn.map mod(%h1, %g1) : (i64, i64) -> i64
    %p = attn.map eq(%r, %zero) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  attn.given "U >= 2" [] in () {
    %p = attn.map ge(%u1, %two) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  attn.given "E[2*D+1]" shape [] in () {
    %n = attn.map mul(%d1, %two) : (i64, i64) -> i64
    %m = attn.map add(%n, %one) : (i64, i64) -> i64
    %p = attn.map eq(%e1, %m) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  attn.given "sum(d) K[g,t,d]^2 == 1" [g, t] in (%G, %T) {
  ^bb0(%g: i64, %t: i64):
    %s = attn.reduce sum [d] in (%D) {
    ^bb1(%d: i64):
      %k = attn.read %K[%g, %t, %d] : tensor<?x?x?xbf16> -> f32
      %k2 = attn.map powi(%k, %two) : (f32, i64) -> f32
      attn.yield %k2 : f32
    } : f32
    %l = attn.literal "1" : f32
    %p = attn.map eq(%s, %l) : (f32, f32) -> i1
    attn.yield %p : i1
  }
  attn.given "Q[h,t] < 0" [h, t] in (%H, %T) {
  ^bb0(%h: i64, %t: i64):
    %q = attn.read %Q[%h, %t] : tensor<?x?xf32> -> f32
    %l = attn.literal "0.0" : f32
    %p = attn.map lt(%q, %l) : (f32, f32) -> i1
    attn.yield %p : i1
  }
  %S = attn.einsum "O" [c] in (%C) {
  ^bb0(%c: i64):
    %y = attn.reduce sum [j] in (%J) {
    ^bb1(%j: i64):
      %i = attn.read %P[%c, %j] : tensor<?x?xi32> -> i64
      %z = attn.read %Q[%c, %i] : tensor<?x?xf32> -> f32
      attn.yield %z : f32
    } : f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %O = attn.materialize %S : tensor<?xf32> to tensor<?xf32>
  return %O : tensor<?xf32>
})mlir";

TEST(Draw, KeepsEveryPromise) {
  TestCascade cascade(kPacked);
  ASSERT_TRUE(cascade.function);
  std::set<int64_t> lengths;
  bool outside = false, inside = false;
  for (unsigned trial = 0; trial < 40; ++trial) {
    DrawOptions options;
    options.trial = trial;
    auto drawn = draw(cascade.function, options);
    ASSERT_TRUE(bool(drawn));
    EXPECT_TRUE(drawn->unmet.empty()) << "trial " << trial << ": " << drawn->unmet[0];
    EXPECT_EQ(messageOf(interpret(cascade.function, drawn->inputs, drawn->params)), "") << "trial " << trial;
    EXPECT_EQ(drawn->params[0], 3);
    EXPECT_EQ(drawn->inputs[4].shape[0], 2 * drawn->extents["D"] + 1);
    EXPECT_EQ(drawn->extents["C"], drawn->extents["T"] - 3);
    lengths.insert(drawn->extents["T"]);
    const HostTensor &pages = drawn->inputs[3];
    for (int64_t i = 0; i < pages.size(); ++i) {
      bool in = pages.get(i) >= 0 && pages.get(i) < drawn->extents["T"];
      inside |= in;
      outside |= !in;
    }
  }
  EXPECT_GT(lengths.size(), 10u);
  EXPECT_TRUE(inside);
  EXPECT_TRUE(outside);
}

TEST(Draw, OrdinaryIdsAreInTheirRank) {
  TestCascade cascade(kPacked);
  for (unsigned seed = 0; seed < 10; ++seed) {
    DrawOptions options;
    options.seed = seed;
    auto drawn = draw(cascade.function, options);
    ASSERT_TRUE(bool(drawn));
    for (int64_t i = 0; i < drawn->inputs[3].size(); ++i) {
      EXPECT_GE(drawn->inputs[3].get(i), 0);
      EXPECT_LT(drawn->inputs[3].get(i), std::max<int64_t>(drawn->extents["T"], 1));
    }
  }
}

TEST(Draw, IsReproducibleAndTakesFixedExtents) {
  TestCascade cascade(kPacked);
  DrawOptions options;
  options.seed = 5;
  options.trial = 3;
  options.extents["H"] = 6;
  options.extents["T"] = 11;
  auto a = draw(cascade.function, options), b = draw(cascade.function, options);
  ASSERT_TRUE(bool(a) && bool(b));
  EXPECT_EQ(a->inputs[2].shape[0], 6);
  EXPECT_EQ(a->inputs[2].shape[1], 11);
  EXPECT_EQ(6 % a->extents["G"], 0);
  for (auto [x, y] : llvm::zip(a->inputs, b->inputs))
    EXPECT_EQ(x.data, y.data);
  options.seed = 6;
  auto c = draw(cascade.function, options);
  ASSERT_TRUE(bool(c));
  EXPECT_NE(a->inputs[2].data, c->inputs[2].data);
}

TEST(Draw, ReportsPromisesThatCannotBeKept) {
  TestCascade cascade(kPacked);
  DrawOptions options;
  options.extents["H"] = 5;
  options.extents["G"] = 3;
  auto drawn = draw(cascade.function, options);
  ASSERT_TRUE(bool(drawn));
  ASSERT_FALSE(drawn->unmet.empty());
  EXPECT_EQ(drawn->unmet[0], "H % G == 0");
}
