//===- StreamTest.cpp - streams, in every order of their tiles ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "unittests/Reference/TestCascade.h"
#include <cmath>

using namespace weir;
using namespace weir::test;

/// Softmax of S over n <= m + SHIFT, applied to V, with the entropy's sum, extrema and a plain sum beside it.
static constexpr llvm::StringLiteral kSoftmax = R"mlir(
func.func @f(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}, %V: tensor<?xf32> {attn.name = "V", attn.ranks = ["N"]},
             %shift: i64 {attn.name = "shift", attn.type = i64})
    -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["M"]}, tensor<?xf32> {attn.name = "P", attn.ranks = ["M"]},
        tensor<?xi64> {attn.name = "I", attn.ranks = ["M"]}, tensor<?xi1> {attn.name = "A", attn.ranks = ["M"]},
        tensor<?xf32> {attn.name = "T", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %r:5 = attn.stream "N" [n] in (%N) {
    %E = attn.einsum "E" [m, n] in (%M, %N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %e = attn.map add(%m, %shift) : (i64, i64) -> i64
      %p = attn.map le(%n, %e) : (i64, i64) -> i1
      %w = attn.where %s, %p : f32
      attn.yield %w : f32
    } : tensor<?x?xf32>
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xf32>
    %Z = attn.accumulate sum "Z" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] {
    ^bb0(%m: i64, %n: i64):
      %one = attn.literal "1" : f32
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %one, %e : f32, f32
    } : tensor<?xf32>
    %B = attn.accumulate sum "B" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "1/2" {
    ^bb0(%m: i64, %n: i64):
      %v = attn.read %V[%n] : tensor<?xf32> -> f32
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %v, %e : f32, f32
    } : tensor<?xf32>
    %D = attn.accumulate prod "D" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xf32>
    %I = attn.accumulate argmax "I" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xi64>
    %A = attn.accumulate all "A" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      %zero = attn.literal "0" : f32
      %g = attn.map gt(%e, %zero) : (f32, f32) -> i1
      attn.yield %g : i1
    } : tensor<?xi1>
    %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) exact {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xf32>
    %O = attn.einsum "O" [m] in (%M) {
    ^bb0(%m: i64):
      %b = attn.read %B[%m] : tensor<?xf32> -> f32
      %z = attn.read %Z[%m] : tensor<?xf32> -> f32
      %bb = attn.map mul(%b, %b) : (f32, f32) -> f32
      %o = attn.map div(%bb, %z) : (f32, f32) -> f32
      attn.yield %o : f32
    } : tensor<?xf32>
    attn.yield %O, %D, %I, %A, %X : tensor<?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xi1>, tensor<?xf32>
  } : tensor<?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xi1>, tensor<?xf32>
  %O0 = attn.materialize %r#0 : tensor<?xf32> to tensor<?xf32>
  %O1 = attn.materialize %r#1 : tensor<?xf32> to tensor<?xf32>
  %O2 = attn.materialize %r#2 : tensor<?xi64> to tensor<?xi64>
  %O3 = attn.materialize %r#3 : tensor<?xi1> to tensor<?xi1>
  %O4 = attn.materialize %r#4 : tensor<?xf32> to tensor<?xf32>
  return %O0, %O1, %O2, %O3, %O4 : tensor<?xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xi1>, tensor<?xf32>
})mlir";

/// What kSoftmax says of one row, written down independently: the last key that is visible is m + shift. B counts half the
/// exponent, so that B*B/Z is the same whatever the reference is.
static std::vector<double> expectedRow(const std::vector<double> &s, const std::vector<double> &v, int64_t last) {
  double top = -INFINITY, product = 1, z = 0, b = 0, all = 1, at = 0;
  int64_t count = std::min<int64_t>(last + 1, s.size());
  for (int64_t n = 0; n < count; ++n) {
    if (s[n] > top)
      top = s[n], at = n;
    product *= s[n];
    all = all && s[n] > 0;
  }
  if (count <= 0)
    return {0, 0, 0, 1, 0}; // absent is stored as 0, all of nothing is true
  for (int64_t n = 0; n < count; ++n) {
    z += std::exp(s[n] - top);
    b += v[n] * std::exp((s[n] - top) / 2);
  }
  return {b * b / z, product, at, all, top};
}

/// Outputs are stored as f32; what comes before is far more exact.
constexpr double kStored = 0x1p-24;

static void checkRows(int64_t shift, const StreamOrder &order) {
  const int64_t rows = 3, keys = 11;
  std::vector<double> scores, v;
  for (int64_t n = 0; n < keys; ++n)
    v.push_back((n * 7) % 5 - 1.5);
  for (int64_t i = 0; i < rows * keys; ++i)
    scores.push_back(i < keys ? ((i * 37) % 23) * 1.75 - 12 : ((i * 5) % 7) + 0.25); // row 1 has equal maxima
  TestCascade cascade(kSoftmax);
  ASSERT_TRUE(cascade.function);
  InterpreterOptions options;
  options.streams = order;
  auto result = interpret(cascade.function,
                          {tensor(ElementType::F32, {rows, keys}, scores), tensor(ElementType::F32, {keys}, v)},
                          {static_cast<long double>(shift)}, options);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  for (int64_t m = 0; m < rows; ++m) {
    std::vector<double> row(scores.begin() + m * keys, scores.begin() + (m + 1) * keys);
    std::vector<double> expected = expectedRow(row, v, m + shift);
    for (size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(double(result->outputs[k].value[m]), expected[k], kStored * (1 + std::fabs(expected[k])))
          << "output " << k << " row " << m << " shift " << shift << " tile " << order.tile << " fold " << order.fold;
  }
}

TEST(Stream, EveryOrderGivesTheSame) {
  for (int64_t shift : {-2, 0, 3, 20}) // rows that see nothing, and rows that see all
    for (int64_t tile : {0, 1, 3, 7})
      for (auto fold : {StreamOrder::Forward, StreamOrder::Backward, StreamOrder::Tree})
        for (bool lazy : {false, true}) {
          StreamOrder order;
          order.tile = tile;
          order.fold = fold;
          order.lazyReferences = lazy;
          checkRows(shift, order);
        }
}

TEST(Stream, NoKeyAtAll) {
  TestCascade cascade(kSoftmax);
  ASSERT_TRUE(cascade.function);
  auto result = interpret(cascade.function, {tensor(ElementType::F32, {2, 0}, {}), tensor(ElementType::F32, {0}, {})}, {0});
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_EQ(values(result->outputs[0]), (std::vector<double>{0, 0}));
  EXPECT_EQ(values(result->outputs[3]), (std::vector<double>{1, 1}));
}

/// Exponents that are all minus infinity weigh nothing, in any tile, and make no NaN.
TEST(Stream, MinusInfinityIsAWeightOfZero) {
  for (int64_t tile : {0, 1}) {
    TestCascade cascade(kSoftmax);
    ASSERT_TRUE(cascade.function);
    InterpreterOptions options;
    options.streams.tile = tile;
    auto result = interpret(cascade.function,
                            {tensor(ElementType::F32, {1, 3}, {-INFINITY, -INFINITY, -INFINITY}),
                             tensor(ElementType::F32, {3}, {1, 2, 3})},
                            {5}, options);
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    EXPECT_EQ(double(result->intermediates.at("Z").value[0]), 0);
    EXPECT_TRUE(result->intermediates.at("Z").present[0]);
  }
}

/// The bounds of a kernel are carried through a stream, and are those of one tile.
TEST(Stream, CarriesErrorBounds) {
  TestCascade cascade(kSoftmax);
  ASSERT_TRUE(cascade.function);
  InterpreterOptions options;
  options.errorBounds = true;
  options.streams.tile = 1;
  auto result = interpret(cascade.function,
                          {tensor(ElementType::F32, {1, 3}, {1, 2, 3}), tensor(ElementType::F32, {3}, {1, 2, 3})}, {5},
                          options);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_GT(result->outputs[0].error[0], 0);
  EXPECT_LT(result->outputs[0].error[0], 1e-4);
}

/// Products of X and Y: a sum of one row of a stream's body, and one over the stream.
static constexpr llvm::StringLiteral kProducts = R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]}, %Y: tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]})
    -> (tensor<f32> {attn.name = "S", attn.ranks = []}, tensor<f32> {attn.name = "O", attn.ranks = []}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %r:2 = attn.stream "N" [n] in (%N) {
    %E = attn.einsum "E" [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.reduce sum [d] in (%c1) {
      ^bb0(%d: i64):
        %x = attn.read %X[%n] : tensor<?xf32> -> f32
        %y = attn.read %Y[%n] : tensor<?xf32> -> f32
        %p = attn.map mul(%x, %y) : (f32, f32) -> f32
        attn.yield %p : f32
      } ATTRIBUTES : f32
      attn.yield %s : f32
    } : tensor<?xf32>
    %S = attn.accumulate sum "S" [] in () over [n] in (%N) {
    ^bb0(%n: i64):
      %e = attn.read %E[%n] : tensor<?xf32> -> f32
      attn.yield %e : f32
    } : tensor<f32>
    %O = attn.accumulate sum "O" [] in () over [n] in (%N) {
    ^bb0(%n: i64):
      %x = attn.read %X[%n] : tensor<?xf32> -> f32
      %y = attn.read %Y[%n] : tensor<?xf32> -> f32
      %p = attn.map mul(%x, %y) : (f32, f32) -> f32
      attn.yield %p : f32
    } ATTRIBUTES : tensor<f32>
    attn.yield %S, %O : tensor<f32>, tensor<f32>
  } : tensor<f32>, tensor<f32>
  %O0 = attn.materialize %r#0 : tensor<f32> to tensor<f32>
  %O1 = attn.materialize %r#1 : tensor<f32> to tensor<f32>
  return %O0, %O1 : tensor<f32>, tensor<f32>
}
)mlir";

/// Factors that are rounded to tf32 are off by 2^-11 of themselves at most: the bound holds for the worst of them, and is little more.
TEST(Stream, CountsFactorsThatAreRounded) {
  constexpr double unit = 0x1p-11, factor = 1 + unit, rounded = 1 + 2 * unit; // to the nearest, of two the larger one
  for (bool isRounded : {false, true}) {
    std::string text = kProducts.str();
    for (size_t at; (at = text.find("ATTRIBUTES")) != std::string::npos;)
      text.replace(at, 10, isRounded ? "{mapping.rounded = tf32}" : "");
    TestCascade cascade(text);
    ASSERT_TRUE(cascade.function);
    InterpreterOptions options;
    options.errorBounds = true;
    auto result = interpret(cascade.function, {tensor(ElementType::F32, {2}, {factor, -factor}), tensor(ElementType::F32, {2}, {factor, factor})},
                            {}, options);
    ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
    double off = 2 * (rounded * rounded - factor * factor); // terms that cancel are counted by themselves
    for (const PartialTensor &output : result->outputs) {
      EXPECT_EQ(double(output.value[0]), 0);
      if (isRounded)
        EXPECT_GE(output.error[0], off);
      EXPECT_LT(output.error[0], isRounded ? 1.01 * off : 1e-5);
    }
  }
}
