//===- ParserExpressionsTest.cpp ------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ParseHelper.h"
#include <gtest/gtest.h>

using namespace weir::testing;

TEST(ParserExpressions, Precedence) {
  EXPECT_EQ(tree("a + b * c - d / e"), "(- (+ a (* b c)) (/ d e))");
  EXPECT_EQ(tree("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(tree("-x^2"), "(- (^ x 2))");
  EXPECT_EQ(tree("x^-1"), "(^ x (- 1))");
  EXPECT_EQ(tree("x^y^z"), "(^ x (^ y z))");
  EXPECT_EQ(tree("2^-x^2"), "(^ 2 (- (^ x 2)))");
  EXPECT_EQ(tree("-x as bf16"), "(as (- x) bf16)");
  EXPECT_EQ(tree("a * b as bf16 as f32"), "(* a (as (as b bf16) f32))");
  EXPECT_EQ(tree("a * -b"), "(* a (- b))");
  EXPECT_EQ(tree("- - a"), "(- (- a))");
  EXPECT_EQ(tree("a < b + 1 and not c == d or e"), "(or (and (< a (+ b 1)) (not (== c d))) e)");
  EXPECT_EQ(tree("not a and b"), "(and (not a) b)");
  EXPECT_EQ(tree("not not a"), "(not (not a))");
  EXPECT_EQ(tree("a else b else c"), "(else (else a b) c)");
  EXPECT_EQ(tree("a or b else c"), "(else (or a b) c)");
  EXPECT_EQ(tree("c ? a : d ? e : f"), "(? c a (? d e f))");
  EXPECT_EQ(tree("c ? d ? e : f : g"), "(? c (? d e f) g)");
  EXPECT_EQ(tree("c ? a : b else d"), "(? c a (else b d))");
  EXPECT_EQ(tree("(c else d) ? a : b"), "(? (else c d) a b)");
}

TEST(ParserExpressions, Operands) {
  EXPECT_EQ(tree("3 + 0xff + 1e-6 + 2.5E3 + inf"), "(+ (+ (+ (+ 3 0xff) 1e-6) 2.5E3) inf)");
  EXPECT_EQ(tree("true or false"), "(or true false)");
  EXPECT_EQ(tree("Q[m+1, n] * T[] * R[..., m]"), "(* (* Q[(+ m 1) n] T[]) R[... m])");
  EXPECT_EQ(tree("clamp(x, 0, N)"), "(call clamp x 0 N)");
  EXPECT_EQ(tree("Q[...]"), "Q[...]");
}

TEST(ParserExpressions, ReductionsAreProducts) {
  EXPECT_EQ(tree("sum(d) Q[m,d] * K[n,d] / s + B[m,n]"), "(+ (sum d : (/ (* Q[m d] K[n d]) s)) B[m n])");
  EXPECT_EQ(tree("2 / sum(n) x * y"), "(/ 2 (sum n : (* x y)))");
  EXPECT_EQ(tree("-max(n) x * y"), "(- (max n : (* x y)))");
  EXPECT_EQ(tree("sum(n) x^2 as f16"), "(sum n : (as (^ x 2) f16))");
  EXPECT_EQ(tree("sum(i) a * -b * sum(j) c"), "(sum i : (* (* a (- b)) (sum j : c)))");
  EXPECT_EQ(tree("sum(n) x == sum(m) y"), "(== (sum n : x) (sum m : y))");
  EXPECT_EQ(tree("sum(i, j | i < j and p) x"), "(sum i j | (and (< i j) p) : x)");
  EXPECT_EQ(tree("sum(n) x else 0"), "(else (sum n : x) 0)");
  EXPECT_EQ(tree("rmsnorm(d, 1e-6 | d < 3) x"), "(rmsnorm d , 1e-6 | (< d 3) : x)");
  EXPECT_EQ(tree("rmsnorm(d, EPS) x"), "(rmsnorm d , EPS : x)");
  EXPECT_EQ(tree("softmax(u, v) x"), "(softmax u v : x)");
  EXPECT_EQ(tree("count(n) true"), "(count n : true)");
}

TEST(ParserExpressions, ComparableBodies) {
  EXPECT_EQ(tree("any(j) I[m,j] == n"), "(any j : (== I[m j] n))");
  EXPECT_EQ(tree("any(j) I[m,j] == (n + 1) or c"), "(or (any j : (== I[m j] (+ n 1))) c)");
  EXPECT_EQ(tree("all(j) not a[j] < b"), "(all j : (not (< a[j] b)))");
  EXPECT_EQ(tree("count(r) PK[r] > 0"), "(count r : (> PK[r] 0))");
  EXPECT_EQ(tree("count(r) PK[r] + 1"), "(+ (count r : PK[r]) 1)");
  EXPECT_EQ(tree("not any(j) a[j] and b"), "(and (not (any j : a[j])) b)");
}

TEST(ParserExpressions, MaxIsBoth) {
  EXPECT_EQ(tree("max(m, n) x"), "(max m n : x)");
  EXPECT_EQ(tree("max(m, n) - 3"), "(- (call max m n) 3)");
  EXPECT_EQ(tree("max(m, n) * 2"), "(* (call max m n) 2)");
  EXPECT_EQ(tree("max(m, n) (x)"), "(max m n : x)");
  EXPECT_EQ(tree("max(m, n) 2"), "(max m n : 2)");
  EXPECT_EQ(tree("min(n | p) x"), "(min n | p : x)");
  EXPECT_EQ(tree("max(m, n + 1)"), "(call max m (+ n 1))");
  EXPECT_EQ(tree("max(max(n) x, y)"), "(call max (max n : x) y)");
  EXPECT_EQ(tree("max(m, n)\nlet y = 3"), "(call max m n)");
  EXPECT_EQ(tree("(max(m, n)\n x)"), "(max m n : x)");
}

TEST(ParserExpressions, ReusedCoordinates) {
  EXPECT_EQ(tree("(sum(n) A[n]) / (sum(n) B[n])"), "(/ (sum n : A[n]) (sum n : B[n]))");
  EXPECT_EQ(tree("sum(n) A[n] / (sum(n) B[n])"), "(sum n : (/ A[n] (sum n : B[n])))");
  EXPECT_EQ(tree("sum(n) (softmax(n) S[m,n]) * V[n]"), "(sum n : (* (softmax n : S[m n]) V[n]))");
  EXPECT_EQ(tree("sum(n) A[n] + sum(n) B[n]"), "(+ (sum n : A[n]) (sum n : B[n]))");
  EXPECT_EQ(tree("sum(n) A[n] / sum(n) B[n]"),
            "test.attn:1:27: error: `sum` reuses the coordinate `n` of the `sum` around it and needs "
            "parentheses of "
            "its own\n"
            "let x = sum(n) A[n] / sum(n) B[n]\n"
            "                          ^\n"
            "test.attn:1:27: note: write `(sum(n) A[n]) / (sum(n) B[n])`\n");
}

TEST(ParserExpressions, Warning) {
  EXPECT_EQ(tree("S[t-1] else (0 + y)"), "(else S[(- t 1)] (+ 0 y))");
  EXPECT_EQ(tree("S[t-1] else 0 + y"),
            "test.attn:1:16: warning: `else` takes all of `0 + y`\n"
            "let x = S[t-1] else 0 + y\n"
            "               ^\n"
            "test.attn:1:16: note: write `S[t-1] else (0 + y)` if that is meant, or `(S[t-1] else 0) + y`\n"
            "(else S[(- t 1)] (+ 0 y))");
}
