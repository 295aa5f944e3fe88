//===- RecurrenceTest.cpp - recurrences, selection, promises, bounds ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "unittests/Reference/TestCascade.h"
#include "weir/Reference/Compare.h"
#include <cmath>

using namespace weir;
using namespace weir::test;
using Doubles = std::vector<double>;

static Doubles run(llvm::StringRef text, llvm::ArrayRef<HostTensor> inputs,
                   llvm::ArrayRef<long double> params = {}) {
  TestCascade cascade(text);
  EXPECT_TRUE(cascade.function);
  if (!cascade.function)
    return {};
  auto result = interpret(cascade.function, inputs, params);
  EXPECT_TRUE(bool(result)) << (result ? "" : llvm::toString(result.takeError()));
  return result ? values(result->outputs[0]) : Doubles();
}

/// S[t] = (S[t -+ 1] else 0) / 2 + X[t].
static std::string decay(const std::string &direction, const std::string &step,
                         const std::string &type = "f32") {
  return R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["T"]}) -> (tensor<?xf32> {attn.name = "S", attn.ranks = ["T"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %X, %c0 : tensor<?xf32>
  %S = attn.recurrence )mlir" +
         direction + R"mlir( "t" {
    %S1 = attn.einsum "S" [t] in (%T) {
    ^bb0(%t: i64):
      %one = attn.literal "1" : i64
      %zero = attn.literal "0.0" : f32
      %half = attn.literal "0.5" : f32
      %at = attn.map )mlir" +
         step + R"mlir((%t, %one) : (i64, i64) -> i64
      %s = attn.read %S1[%at] : tensor<?x)mlir" +
         type + R"mlir(> -> f32
      %start = attn.else %s, %zero : f32
      %h = attn.map mul(%start, %half) : (f32, f32) -> f32
      %x = attn.read %X[%t] : tensor<?xf32> -> f32
      %y = attn.map add(%h, %x) : (f32, f32) -> f32
      attn.yield %y : f32
    } : tensor<?x)mlir" +
         type + R"mlir(>
    attn.yield %S1 : tensor<?x)mlir" +
         type + R"mlir(>
  } : tensor<?x)mlir" +
         type + R"mlir(>
  %O = attn.materialize %S : tensor<?x)mlir" +
         type + R"mlir(> to tensor<?xf32>
  return %O : tensor<?xf32>
})mlir";
}

TEST(Recurrence, ForwardAndBackward) {
  HostTensor x = tensor(ElementType::F32, {4}, {8, 4, 2, 1});
  EXPECT_EQ(run(decay("forward", "sub"), {x}), (Doubles{8, 8, 6, 4}));
  EXPECT_EQ(run(decay("backward", "add"), {x}), (Doubles{10.625, 5.25, 2.5, 1}));
}

TEST(Recurrence, TypedStatesRoundAtEachStep) {
  HostTensor x = tensor(ElementType::F32, {2}, {1.00390625, 1}); // 1 + 2^-8 is halfway between two bf16
  EXPECT_EQ(run(decay("forward", "sub", "bf16"), {x}), (Doubles{1, 1.5}));
}

TEST(Recurrence, LongOnes) {
  HostTensor x(ElementType::F32, {100000});
  EXPECT_EQ(run(decay("forward", "sub"), {x}).size(), 100000u);
}

/// R[t,j] = (R[t,j-1] else (L[t-1] else 0)) + X[t,j]; L[t] = R[t,J-1]: two ranks, one inside the other.
static const char *kNested = R"mlir(
func.func @f(%X: tensor<?x?xf32> {attn.name = "X", attn.ranks = ["T", "J"]}) -> (tensor<?x?xf32> {attn.name = "R", attn.ranks = ["T", "J"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %T = tensor.dim %X, %c0 : tensor<?x?xf32>
  %J = tensor.dim %X, %c1 : tensor<?x?xf32>
  %j1 = arith.index_cast %J : index to i64
  %one = attn.literal "1" : i64
  %last = attn.map sub(%j1, %one) : (i64, i64) -> i64
  %S:2 = attn.recurrence forward "t" {
    %L = attn.einsum "L" [t] in (%T) {
    ^bb0(%t: i64):
      %r = attn.read %R[%t, %last] : tensor<?x?xf32> -> f32
      attn.yield %r : f32
    } : tensor<?xf32>
    %R = attn.recurrence forward "j" {
      %R1 = attn.einsum "R" [t, j] in (%T, %J) {
      ^bb0(%t: i64, %j: i64):
        %zero = attn.literal "0.0" : f32
        %before = attn.map sub(%j, %one) : (i64, i64) -> i64
        %step = attn.map sub(%t, %one) : (i64, i64) -> i64
        %a = attn.read %R1[%t, %before] : tensor<?x?xf32> -> f32
        %b = attn.read %L[%step] : tensor<?xf32> -> f32
        %c = attn.else %b, %zero : f32
        %d = attn.else %a, %c : f32
        %x = attn.read %X[%t, %j] : tensor<?x?xf32> -> f32
        %y = attn.map add(%d, %x) : (f32, f32) -> f32
        attn.yield %y : f32
      } : tensor<?x?xf32>
      attn.yield %R1 : tensor<?x?xf32>
    } : tensor<?x?xf32>
    attn.yield %R, %L : tensor<?x?xf32>, tensor<?xf32>
  } : tensor<?x?xf32>, tensor<?xf32>
  %O = attn.materialize %S#0 : tensor<?x?xf32> to tensor<?x?xf32>
  return %O : tensor<?x?xf32>
})mlir";

TEST(Recurrence, Nested) {
  EXPECT_EQ(run(kNested, {tensor(ElementType::F32, {2, 3}, {1, 2, 3, 4, 5, 6})}),
            (Doubles{1, 3, 6, 10, 15, 21}));
}

TEST(Recurrence, ACircleIsReported) {
  TestCascade cascade(decay("forward", "mul")); // S[t * 1]
  EXPECT_EQ(messageOf(interpret(cascade.function, {tensor(ElementType::F32, {2}, {1, 2})}, {})),
            "S is computed from itself within one step");
}

/// I[j] = argtopk(n) X[n] where X[n] < 10, of four entries.
static const char *kTopk = R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]}) -> (tensor<?xi64> {attn.name = "I", attn.ranks = ["J"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %four = attn.literal "4" : i64
  %J = attn.rank "J" %four
  %I = attn.argtopk "I" [j] in (%J) over [n] in (%N) {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    %l = attn.literal "10.0" : f32
    %p = attn.map ge(%x, %l) : (f32, f32) -> i1
    %q = attn.not %p
    %y = attn.where %x, %q : f32
    attn.yield %y : f32
  } : tensor<?xi64>
  %one = attn.einsum "P" [j] in (%J) {
  ^bb0(%j: i64):
    %i = attn.read %I[%j] : tensor<?xi64> -> i64
    %none = attn.literal "-1" : i64
    %y = attn.else %i, %none : i64
    attn.yield %y : i64
  } : tensor<?xi64>
  %O = attn.materialize %one : tensor<?xi64> to tensor<?xi64>
  return %O : tensor<?xi64>
})mlir";

TEST(Selection, LargestFirstLowerCoordinateFirstNanLast) {
  EXPECT_EQ(run(kTopk, {tensor(ElementType::F32, {6}, {1, 7, 50, 7, std::nan(""), 2})}),
            (Doubles{1, 3, 5, 0}));
  EXPECT_EQ(run(kTopk, {tensor(ElementType::F32, {3}, {std::nan(""), 50, 2})}), (Doubles{2, 0, -1, -1}));
  EXPECT_EQ(run(kTopk, {tensor(ElementType::F32, {0}, {})}), (Doubles{-1, -1, -1, -1}));
}

/// A promise cu[u] <= cu[u+1], a norm, and a check of a shape.
static const char *kPromises = R"mlir(
func.func @f(%cu: tensor<?xi32> {attn.name = "cu", attn.ranks = ["U"]}, %K: tensor<?x?xf32> {attn.name = "K", attn.ranks = ["T", "D"]},
             %E: tensor<?xf32> {attn.name = "E", attn.ranks = ["2*D"]}, %w: i64 {attn.name = "w", attn.type = i64})
    -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["C"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %U = tensor.dim %cu, %c0 : tensor<?xi32>
  %T = tensor.dim %K, %c0 : tensor<?x?xf32>
  %D = tensor.dim %K, %c1 : tensor<?x?xf32>
  %C = attn.rank "C" %w
  attn.given "cu[u] <= cu[u+1]" [u] in (%U) {
  ^bb0(%u: i64):
    %one = attn.literal "1" : i64
    %v = attn.map add(%u, %one) : (i64, i64) -> i64
    %a = attn.read %cu[%u] : tensor<?xi32> -> i64
    %b = attn.read %cu[%v] : tensor<?xi32> -> i64
    %p = attn.map le(%a, %b) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  attn.given "sum(d) K[t,d]^2 == 1" [t] in (%T) {
  ^bb0(%t: i64):
    %s = attn.reduce sum [d] in (%D) {
    ^bb1(%d: i64):
      %k = attn.read %K[%t, %d] : tensor<?x?xf32> -> f32
      %two = attn.literal "2" : i64
      %k2 = attn.map powi(%k, %two) : (f32, i64) -> f32
      attn.yield %k2 : f32
    } : f32
    %l = attn.literal "1" : f32
    %p = attn.map eq(%s, %l) : (f32, f32) -> i1
    attn.yield %p : i1
  }
  %d = arith.index_cast %D : index to i64
  %e0 = tensor.dim %E, %c0 : tensor<?xf32>
  %e = arith.index_cast %e0 : index to i64
  attn.given "E: [2*D]" shape [] in () {
    %two = attn.literal "2" : i64
    %n = attn.map mul(%d, %two) : (i64, i64) -> i64
    %p = attn.map eq(%e, %n) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  %S = attn.einsum "O" [c] in (%C) {
  ^bb0(%c: i64):
    %y = attn.read %E[%c] : tensor<?xf32> -> f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %O = attn.materialize %S : tensor<?xf32> to tensor<?xf32>
  return %O : tensor<?xf32>
})mlir";

TEST(Promises, AreChecked) {
  TestCascade cascade(kPromises);
  ASSERT_TRUE(cascade.function);
  HostTensor cu = tensor(ElementType::I32, {3}, {0, 2, 2}),
             k = tensor(ElementType::F32, {2, 2}, {1, 0, 0.6, 0.8}),
             e = tensor(ElementType::F32, {4}, {1, 2, 3, 4});
  auto message = [&](HostTensor cu, HostTensor k, HostTensor e, int64_t w) {
    return messageOf(interpret(cascade.function, {cu, k, e}, {static_cast<long double>(w)}));
  };
  EXPECT_EQ(message(cu, k, e, 2), "");
  EXPECT_EQ(message(tensor(ElementType::I32, {3}, {0, 2, 1}), k, e, 2),
            "the promise `given cu[u] <= cu[u+1]` is broken at u = 1");
  EXPECT_EQ(message(cu, tensor(ElementType::F32, {1, 2}, {1, 0.5}), e, 2),
            "the promise `given sum(d) K[t,d]^2 == 1` is broken at t = 0");
  EXPECT_EQ(message(cu, k, tensor(ElementType::F32, {3}, {1, 2, 3}), 2),
            "the shapes given do not agree with the signature: E: [2*D] does not hold: 3 is not 4");
  EXPECT_EQ(message(cu, k, e, -3), "the extent of rank C is negative: -3");
  EXPECT_EQ(message(tensor(ElementType::I64, {1}, {0}), k, e, 2),
            "cu is declared i32, the tensor given is i64");
}

/// O[i] = X[i] >= 1 ? exp(X[i] * X[i]) : 0.
static const char *kBounds = R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["I"]}) -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["I"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %I = tensor.dim %X, %c0 : tensor<?xf32>
  %O = attn.einsum "O" [i] in (%I) {
  ^bb0(%i: i64):
    %x = attn.read %X[%i] : tensor<?xf32> -> f32
    %one = attn.literal "1.0" : f32
    %zero = attn.literal "0.0" : f32
    %xx = attn.map mul(%x, %x) : (f32, f32) -> f32
    %p = attn.map ge(%xx, %one) : (f32, f32) -> i1
    %e = attn.map exp(%xx) : (f32) -> f32
    %y = attn.select %p, %e, %zero : f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %R = attn.materialize %O : tensor<?xf32> to tensor<?xf32>
  return %R : tensor<?xf32>
})mlir";

TEST(Bounds, GrowWithTheArgumentAndSayWhereRoundingDecides) {
  TestCascade cascade(kBounds);
  InterpreterOptions options;
  options.errorBounds = true;
  auto result = interpret(cascade.function, {tensor(ElementType::F32, {5}, {0.5, 1, 2, 9, 20})}, {}, options);
  ASSERT_TRUE(bool(result));
  const std::vector<double> &error = result->outputs[0].error;
  EXPECT_EQ(error[0], 0);
  EXPECT_GE(error[1], 2.7);             // 1 * 1 >= 1 could fall either way: 0 or e
  EXPECT_GT(error[2], 54.6 * 4 * 6e-8); // the argument's rounding passes through exp
  EXPECT_LT(error[2], 54.6 * 1e-5);
  EXPECT_GT(error[3] / std::exp(81.0), 81 * 5e-8);
  EXPECT_TRUE(std::isinf(error[4])); // exp(400) leaves the range of f32
}

/// R[i] = count(k) E[k] >= E[i], with E[i] = exp(X[i]): every entry is compared with itself too.
static const char *kRanking = R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["I"]}) -> (tensor<?xi64> {attn.name = "R", attn.ranks = ["I"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %I = tensor.dim %X, %c0 : tensor<?xf32>
  %E = attn.einsum "E" [i] in (%I) {
  ^bb0(%i: i64):
    %x = attn.read %X[%i] : tensor<?xf32> -> f32
    %e = attn.map exp(%x) : (f32) -> f32
    attn.yield %e : f32
  } : tensor<?xf32>
  %R = attn.einsum "R" [i] in (%I) {
  ^bb0(%i: i64):
    %r = attn.reduce count [k] in (%I) {
    ^bb1(%k: i64):
      %a = attn.read %E[%k] : tensor<?xf32> -> f32
      %b = attn.read %E[%i] : tensor<?xf32> -> f32
      %p = attn.map ge(%a, %b) : (f32, f32) -> i1
      attn.yield %p : i1
    } : i64
    attn.yield %r : i64
  } : tensor<?xi64>
  %O = attn.materialize %R : tensor<?xi64> to tensor<?xi64>
  return %O : tensor<?xi64>
})mlir";

TEST(Bounds, AnEntryIsOneValueWhereverItIsRead) {
  TestCascade cascade(kRanking);
  InterpreterOptions options;
  options.errorBounds = true;
  auto result = interpret(cascade.function, {tensor(ElementType::F32, {4}, {3, 1, 2, 2})}, {}, options);
  ASSERT_TRUE(bool(result));
  EXPECT_EQ(values(result->outputs[0]), (Doubles{1, 4, 3, 3}));
  double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(result->outputs[0].error, (Doubles{0, 0, inf, inf})); // the two equal ones are two values
}

TEST(Compare, FindsTheWorstEntry) {
  TestCascade cascade(kBounds);
  InterpreterOptions options;
  options.errorBounds = true;
  auto reference = interpret(cascade.function, {tensor(ElementType::F32, {3}, {0.5, 2, 20})}, {}, options);
  ASSERT_TRUE(bool(reference));
  attn::Signature signature = attn::getSignature(cascade.function);
  double e4 = std::exp(4.0), inf = std::numeric_limits<double>::infinity();
  Comparison good =
      compare(signature, *reference, {tensor(ElementType::F32, {3}, {0, e4 * (1 + 1e-7), inf})});
  EXPECT_TRUE(good.agrees());
  EXPECT_EQ(good.undecided, 1);
  Comparison bad = compare(signature, *reference, {tensor(ElementType::F32, {3}, {0, e4 * 1.001, 1})});
  EXPECT_EQ(bad.differences, 1);
  EXPECT_EQ(bad.describe().substr(0, 8), "O[i=1] i");
  EXPECT_FALSE(
      compare(signature, *reference, {tensor(ElementType::F32, {3}, {std::nan(""), e4, 1})}).agrees());
}

TEST(Compare, RewrittenEquationsDecideWhereTheReferenceIsNoNumber) {
  TestCascade cascade(kBounds);
  InterpreterOptions options;
  options.errorBounds = true;
  auto reference = interpret(cascade.function, {tensor(ElementType::F32, {3}, {0.5, 2, 2})}, {}, options);
  ASSERT_TRUE(bool(reference));
  InterpreterResult rewritten = *reference;
  reference->outputs[0].value[1] = std::nan("");
  attn::Signature signature = attn::getSignature(cascade.function);
  CompareOptions compared;
  auto agree = [&](double first, double second) {
    double e4 = std::exp(4.0);
    return compare(signature, *reference, {tensor(ElementType::F32, {3}, {first, second, e4})}, compared).agrees();
  };
  double e4 = std::exp(4.0);
  EXPECT_TRUE(agree(0, std::nan("")));
  EXPECT_FALSE(agree(0, e4));
  compared.rewritten = &rewritten;
  EXPECT_TRUE(agree(0, std::nan("")));
  EXPECT_TRUE(agree(0, e4));
  EXPECT_FALSE(agree(0, 1.01 * e4));
  EXPECT_FALSE(agree(std::nan(""), e4)); // a number stays what it is
  double inf = std::numeric_limits<double>::infinity();
  reference->outputs[0].value[1] = inf;
  EXPECT_TRUE(agree(0, inf));
  EXPECT_TRUE(agree(0, e4));
  EXPECT_FALSE(agree(0, std::nan("")));
  rewritten.outputs[0].value[1] = std::nan("");
  EXPECT_TRUE(agree(0, std::nan("")));
  EXPECT_FALSE(agree(0, -inf));
}
